"""Exit statuses, error lines and options of all verbs. Imports that take time are made where they are needed."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Never, get_args

import typer

from ridethrough.rigs.former_name import FormerError, variable
from ridethrough.rigs.rigfile.ports import PortChoice

if TYPE_CHECKING:
    from ridethrough.mibs import MibTree
    from ridethrough.rigs.clock import Speed
    from ridethrough.rigs.rigfile.bundled import Kind

FAILED = 1  # what was asked for did not hold
USAGE = 2  # bad usage or configuration
UNREACHABLE = 3
INTERRUPTED = 130
DEFAULT_URL = "http://127.0.0.1:8080"


def refusals() -> tuple[type[Exception], ...]:
    """Return the errors that people cause: one clear line each, and exit status 2."""
    from ridethrough.emulators.bindings.inputs import InputError
    from ridethrough.emulators.devices.ups import ProfileError
    from ridethrough.emulators.faces.bind_error import BindError
    from ridethrough.emulators.kernel.world import LoopError
    from ridethrough.emulators.state_files import StateFileError
    from ridethrough.gateway.api import Refusal
    from ridethrough.gateway.config.secrets import SecretError
    from ridethrough.gateway.receive import ListenError
    from ridethrough.gateway.storage.errors import StoreError
    from ridethrough.mibs.compiler import MibError
    from ridethrough.rigs.api_client import ApiError
    from ridethrough.rigs.rigfile.yaml import FileError

    of_devices = (BindError, InputError, LoopError, StateFileError, MibError, ProfileError)
    return (*of_devices, ApiError, FileError, FormerError, ListenError, Refusal, SecretError, StoreError)


def url() -> str:
    """Return the URL of the gateway or lab that client verbs ask."""
    return (_variable("URL") or DEFAULT_URL).rstrip("/")


def _variable(name: str) -> str | None:
    try:
        return variable(name)
    except FormerError as error:
        fail(str(error), USAGE)


def headers() -> dict[str, str]:
    """Return the headers with the credentials of client verbs."""
    token = _variable("TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}


def fail(message: str, status: int) -> Never:
    """Print an error, and exit with `status`."""
    for line in message.splitlines():
        typer.echo(f"ridethrough: {line}", err=True)
    raise typer.Exit(status)


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn the errors that people cause into one clear line and exit status 2."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (typer.Exit, typer.BadParameter):
        raise
    except Exception as error:
        if not isinstance(error, refusals()):
            raise
        from ridethrough.emulators.faces.bind_error import BindError
        from ridethrough.gateway.receive import ListenError

        fail(str(error.strerror or error) if isinstance(error, BindError | ListenError) else str(error), USAGE)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn an error of the file that is written inside into one line and exit status 2."""
    try:
        yield
    except OSError as error:
        fail(f"{error.filename or path}: {error.strerror}", USAGE)


def require_writable(path: Path) -> None:
    """End with status 2 where `path` can be no file of this user's, before the work whose result it is to have."""
    folder = path.absolute().parent
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not folder.is_dir():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(folder))


def configure_logging(level: int, form: str = "console") -> None:
    """Log lines on standard error: for people, coloured only on a terminal, or `json` with one document a line."""
    import structlog

    _variable("LOG")
    structured = form == "json"
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True)
            if structured
            else structlog.processors.TimeStamper(fmt="%H:%M:%S"),
            *([structlog.processors.dict_tracebacks] if structured else []),
            structlog.processors.JSONRenderer()
            if structured
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def print_json(value: Any) -> None:
    """Print one JSON document on standard output; indented on a terminal."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def print_result(text: str, document: Any, *, json: bool) -> None:
    """Print a result: `text` for people, or `document` as JSON."""
    if json:
        print_json(document)
    else:
        typer.echo(text)


def tree_of(folder: Path | None) -> MibTree:
    """Return the MIB tree with our names, and those of a folder of vendor texts. Raises MibError."""
    from ridethrough.mibs import standard_tree
    from ridethrough.mibs.compiler import with_folder

    return with_folder(folder) if folder else standard_tree()


def _speed(text: str) -> Speed:
    from ridethrough.rigs.clock import parse_speed

    try:
        return parse_speed(text)
    except ValueError:
        raise typer.BadParameter("expected max or a number above 0") from None


SpeedOption = Annotated[
    Any,
    typer.Option("--speed", parser=_speed, metavar="N|max", help="1 is the wall clock, N is N times as fast."),
]
MibOption = Annotated[
    Path | None, typer.Option("--mib-dir", metavar="DIR", help="Folder of vendor MIB texts, for names and units.")
]


PORTS = "`file`: those of the rig file; `high`: 1161, 1162, 1623 and so on; `free`: some that nobody uses."


def ports_choice(text: str) -> str:
    """Parse `--ports`. Raises BadParameter."""
    if text not in get_args(PortChoice):
        raise typer.BadParameter(f"expected {', '.join(get_args(PortChoice))}")
    return text


class FileArgument:
    """Finds the files of an argument, by their paths or by the names of those that come along."""

    def __init__(self, *kinds: Kind, folders: bool = False, later: bool = False) -> None:
        """With `later` the argument stays a text, for a verb that reports problems in a form of its own."""
        self.kinds = kinds
        self._folders, self._later = folders, later
        self.__name__ = " or ".join(kinds)

    def __call__(self, text: str) -> Path | str:
        """Return the path, or the text with `later`; a text that names no file ends the program with status 2."""
        from ridethrough.rigs.rigfile.yaml import FileError

        try:
            return text if self._later else self.find(text)
        except FileError as error:
            fail(str(error), USAGE)

    def find(self, text: str) -> Path:
        """Return the path that is meant by `text`. Raises FileError."""
        from ridethrough.rigs.rigfile.bundled import resolve

        return resolve(text, *self.kinds, folders=self._folders)

    def complete(self, incomplete: str) -> list[str]:
        """Return completions for shells: names, and files of the folder."""
        from ridethrough.rigs.rigfile.bundled import names

        known = [name for kind in self.kinds for name in names(kind) if name.startswith(incomplete)]
        before = Path(incomplete)
        folder, start = (before, "") if incomplete.endswith("/") else (before.parent, before.name)
        there = sorted(folder.glob(f"{start}*"))
        files = [str(path) for path in there if path.suffix == ".yaml"]
        return [*known, *files, *(f"{path}/" for path in there if path.is_dir() and not path.name.startswith("."))]


RIG = FileArgument("rig")
RigArgument = Annotated[
    Any,
    typer.Argument(
        parser=RIG,
        autocompletion=RIG.complete,
        metavar="RIG",
        help="Rig file (YAML), or the name of one of `ridethrough rig list`.",
    ),
]
PortsOption = Annotated[
    Any,
    typer.Option(
        "--ports",
        parser=ports_choice,
        metavar="|".join(get_args(PortChoice)),
        help=PORTS,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _log_form(text: str) -> str:
    if text not in ("console", "json"):
        raise typer.BadParameter("expected console or json")
    return text


LogOption = Annotated[
    Any,
    typer.Option(
        "--log",
        parser=_log_form,
        metavar="console|json",
        envvar="RIDETHROUGH_LOG",
        help="Log lines for people, or JSON.",
    ),
]


def level_of(*, verbose: bool) -> int:
    """Return the level from which on log lines are shown."""
    return logging.DEBUG if verbose else logging.INFO


VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")]
