"""Profiles as files: those that come with Ridethrough, by name, and anybody's own, by path."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

Model = TypeVar("Model", bound=BaseModel)


class ProfileError(ValueError):
    """A profile that does not exist or is not valid. One line."""


def names_in(folder: Traversable) -> list[str]:
    """The profiles of a folder."""
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def read_profile(name: str, folder: Traversable, kind: str, model: type[Model]) -> Model:
    """A profile of `folder` by its name, or a file by its path. `kind` is the word of messages. Raises ProfileError."""
    if name.endswith(".yaml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise ProfileError(f"profile {name}: {error.strerror}") from error
    elif name in names_in(folder):
        text = folder.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    else:
        raise ProfileError(
            f"there is no {kind} profile {name!r}; accepted: {', '.join(names_in(folder))}, or the path of a .yaml file"
        )
    try:
        return model.model_validate(YAML(typ="safe", pure=True).load(text))
    except YAMLError as error:
        raise ProfileError(f"profile {name}: not YAML: {error}") from error
    except ValidationError as error:
        raise ProfileError(f"profile {name}: {error}") from error
