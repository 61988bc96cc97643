"""The base of all parts of rig files and profiles, and the types of their values."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


class RigModel(BaseModel):
    """A part of a rig file or of a profile: it takes no keys but its own, and does not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _address(value: object) -> object:
    return str(IPv4Address(value)) if isinstance(value, str) else value


Address = Annotated[str, BeforeValidator(_address)]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(ge=0)]
Feed = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}(/[1-9]\d?)?$")]
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,31}$")]
