"""Read YAML files into models, with messages that name file, line, key and what is accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

M = TypeVar("M", bound=BaseModel)


def merged(base: Any, over: Any) -> Any:
    """`over` on top of `base`: mappings are joined key by key, null takes a key away, all else replaces."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    result: Any = base.copy() if isinstance(base, dict) else dict(base)  # a document keeps its lines
    for key, value in over.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key, {}), value) if isinstance(value, Mapping) else value
    return result


class FileError(ValueError):
    """A file that cannot be used. `problems` are lines of the form `file:line: key: message`."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)

    def __reduce__(self) -> tuple[type[FileError], tuple[list[str]]]:
        """Return how to make it anew, in a process that hears of it."""
        return type(self), (self.problems,)


def load(
    path: Path,
    model: type[M],
    prepare: Callable[[Path, Any], None] | None = None,
    patch: Mapping[str, Any] | None = None,
) -> M:
    """Read `path` as a `model`; `patch` is laid over the document, `prepare` may complete it. Raises FileError.

    What remembers lines reads a tenth as fast, so it is asked only when there is something to say about one.
    """
    with suppress(FileError, ValidationError):
        quick = _plain(path)
        if quick is not None:
            return model.model_validate(_completed(quick, path, prepare, patch))
    document = _completed(read_yaml(path), path, prepare, patch)
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise FileError([_explain(path, document, item) for item in _first_causes(error.errors())]) from error


def _first_causes(errors: Sequence[Any]) -> list[Any]:
    """Leave out that a list is too short where that is only because an item of it is wrong."""
    wrong = [error["loc"] for error in errors]
    return [
        error
        for error in errors
        if error["type"] != "too_short"
        or not any(loc != error["loc"] and loc[: len(error["loc"])] == error["loc"] for loc in wrong)
    ]


def _completed(
    document: Any, path: Path, prepare: Callable[[Path, Any], None] | None, patch: Mapping[str, Any] | None
) -> Any:
    if patch:
        document = merged(document, patch)
    if prepare is not None:
        prepare(path, document)
    return document


def _plain(path: Path) -> dict[str, Any] | None:
    """The document without its lines, by libyaml; None where the readers may not agree, and at a mistake."""
    try:
        text = path.read_text(encoding="utf-8")
        document = None if "\t" in text or "\n%" in f"\n{text}" else YAML(typ="safe").load(text)
    except (OSError, UnicodeDecodeError, YAMLError):
        return None  # reported by the reader that knows lines
    return document if isinstance(document, dict) else None


def read_yaml(path: Path) -> CommentedMap:
    """The document as a mapping that remembers its lines. Raises FileError."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise FileError([f"{path}: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise FileError([f"{path}: not UTF-8 text (octet {error.start})"]) from error
    try:
        document = YAML(typ="rt").load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise FileError([f"{path}:{line}: {error.problem or 'not YAML'}"]) from error
    except YAMLError as error:
        raise FileError([f"{path}: {error}"]) from error
    if not isinstance(document, CommentedMap):
        raise FileError([f"{path}:1: expected a mapping of keys to values"])
    return document


def in_short(error: ValidationError) -> str:
    """The problems of a validation without a file, in one line."""
    parts = []
    for item in error.errors():
        where = ".".join(str(step) for step in item["loc"])
        message = item["msg"].removeprefix("Value error, ")
        parts.append(f"{where}: {message}" if where else message)
    return "; ".join(parts)


def line_of(document: CommentedMap, keys: Sequence[str]) -> int:
    """Line of the deepest key that the document has; items of a list are counted from 0."""
    return _place(document, [int(key) if key.isdigit() else key for key in keys])[0]


def _explain(path: Path, document: CommentedMap, error: Any) -> str:
    line, keys = _place(document, error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        message = "this key is unknown here"
    elif error["type"] == "missing":
        message = "this key is missing"
    else:
        given = error.get("input")
        if isinstance(given, str | int | float) and not isinstance(given, bool):
            message += f" (found {given!r})"
    where = ".".join(keys)
    return f"{path}:{line}: {where}: {message}" if where else f"{path}:{line}: {message}"


def _place(document: CommentedMap, location: Sequence[int | str]) -> tuple[int, list[str]]:
    """Line of the deepest part of `location` that the file has, and the keys to it as a person reads them."""
    node: Any = document
    line = 1
    keys: list[str] = []
    for step in location:
        if isinstance(node, Mapping) and step in node:
            # A key that was laid over the file has no line in it.
            if isinstance(node, CommentedMap) and step in (node.lc.data or {}):
                line = node.lc.key(step)[0] + 1
            node = node[step]
        elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
            if step in (node.lc.data or {}):
                line = node.lc.item(step)[0] + 1
            node = node[step]
        elif step != location[-1] or not isinstance(node, Mapping):
            continue  # a name that the model, not the file, put there
        keys.append(str(step))
    return line, keys
