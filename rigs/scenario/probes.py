"""Probes: questions of a scenario over SNMP, the cards' console and pages, HTTP, or about files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ridethrough.gateway.config.http import ServerTls
from ridethrough.mibs import MibTree, Oid
from ridethrough.rigs.api_client import ApiClient, ApiError
from ridethrough.rigs.checks import check_rig
from ridethrough.rigs.controller_runner import ControllerRunner, client_tls
from ridethrough.rigs.lab.group_status import lines
from ridethrough.rigs.recording.udp_client import exchange
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.rigfile.yaml import FileError, in_short
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

ANSWER_TIMEOUT_S = 3.0
QUIET_S = 0.5  # without output, after which a console's answer is complete
VERSIONS = {1: Version.V1, "2c": Version.V2C}
INTEGERS = {"TimeTicks": Tag.TIME_TICKS, "Gauge32": Tag.GAUGE32}


class ProbeError(ValueError):
    """A probe that cannot be asked as it is written. One line."""


class ProbeTarget(NamedTuple):
    """The running rig that probes ask."""

    rig: RigFile
    tree: MibTree
    folder: Path
    url: str
    controllers: ControllerRunner | None
    headers: Mapping[str, str] = {}
    """A token, where the rig wants one."""
    tls: ServerTls | None = None


class Arguments(BaseModel):
    """Base class of the arguments of a probe; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SnmpArguments(Arguments):
    """One object of one card. The answer is null when there is none, and the name of an error."""

    device: str
    address: str | None = None
    """Present address of the card, when it is not the rig file's."""
    object: str
    source: str = Field(default="127.0.0.1", alias="from")
    community: str = "public"
    version: int | str = 1
    value: int | str | None = None


class ConsoleArguments(Arguments):
    """Lines typed into a card's console, `^[` for Escape; the answer is everything that it showed."""

    device: str
    lines: list[str]


class WebArguments(Arguments):
    """A page of a card, for a user of it; with `form`, the page that answers the form."""

    device: str
    path: str = "/"
    user: str = "apc"
    password: str = "apc"  # noqa: S105  # the cards' own factory account
    form: dict[str, str] | None = None


class CheckArguments(Arguments):
    """A check of a rig file; the answer has the names of the rules that it breaks, warnings with a question mark."""

    file: str | None = None
    patch: dict[str, Any] = {}


class ControllerArguments(Arguments):
    """A controller, whose snapshot is the answer."""

    controller: str


class ConditionsArguments(Arguments):
    """A device of the gateway, whose open conditions are the answer, by name."""

    device: str


class NoArguments(Arguments):
    """No arguments."""


async def _snmp(target: ProbeTarget, wanted: SnmpArguments) -> Any:
    address = wanted.address or target.rig.ups[wanted.device].address
    name, _, index = wanted.object.partition(".")
    node = target.tree.named(name)
    suffix = Oid.parse(index) if index else Oid((0,))
    oid = Oid((*node.oid, *suffix))
    bind = VarBind(oid, Tag.NULL, None)
    if isinstance(wanted.value, int):
        bind = VarBind(oid, INTEGERS.get(node.syntax, Tag.INTEGER), wanted.value)
    elif isinstance(wanted.value, str):
        bind = VarBind(oid, Tag.OCTET_STRING, wanted.value.encode())
    kind = Kind.GET if wanted.value is None else Kind.SET
    message = Message(VERSIONS[wanted.version], wanted.community.encode(), Pdu(kind, 1, 0, 0, (bind,)))
    try:
        data = await exchange(encode(message), (address, target.rig.ports.snmp), ANSWER_TIMEOUT_S, wanted.source)
    except ConnectionRefusedError:
        data = None  # nothing listens there: for a manager no answer
    if data is None:
        return None
    pdu = decode(data).pdu
    if not isinstance(pdu, Pdu):
        raise ProbeError(f"{wanted.device} answered with something else than a response")
    if pdu.error_status:
        return ErrorStatus(pdu.error_status).name.lower()
    value = pdu.varbinds[0].value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


async def _console(target: ProbeTarget, wanted: ConsoleArguments) -> str:
    port = target.rig.ports.console
    if port is None:
        raise ProbeError("the cards' consoles are off: give the scenario faces: true")
    reader, writer = await asyncio.open_connection(target.rig.ups[wanted.device].address, port)
    shown = await _read_until_quiet(reader)
    try:
        for line in wanted.lines:
            keys = line.replace("^[", "\x1b").encode()
            writer.write(keys if line.endswith("^[") else keys + b"\r\n")
            shown += await _read_until_quiet(reader)
    except ConnectionError:
        shown += "[closed]"
    finally:
        writer.close()
    return shown


async def _read_until_quiet(reader: asyncio.StreamReader) -> str:
    shown = b""
    while True:
        try:
            part = await asyncio.wait_for(reader.read(65536), QUIET_S)
        except TimeoutError:
            return shown.decode("utf-8", "replace")
        if not part:
            return (shown + b"[closed]").decode("utf-8", "replace")
        shown += part


async def _web(target: ProbeTarget, wanted: WebArguments) -> str:
    port = target.rig.ports.http
    if port is None:
        raise ProbeError("the cards' pages are off: give the scenario faces: true")
    base = f"http://{target.rig.ups[wanted.device].address}:{port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        account = {"name": wanted.user, "password": wanted.password}
        async with session.post(f"{base}/login", data=account) as answer:
            await answer.read()
        method = "GET" if wanted.form is None else "POST"
        async with session.request(method, f"{base}{wanted.path}", data=wanted.form) as answer:
            return await answer.text()


async def _check(target: ProbeTarget, wanted: CheckArguments) -> list[str] | str:
    file = target.folder / wanted.file if wanted.file is not None else None
    try:
        findings = check_rig(file, wanted.patch) if file is not None else []
    except FileError as error:
        return f"refused: {error}"
    return [finding.rule + ("?" if finding.warning else "") for finding in findings]


async def _controller(target: ProbeTarget, wanted: ControllerArguments) -> dict[str, Any]:
    if target.controllers is None:
        raise ProbeError("no controllers run here")
    return target.controllers.controller(wanted.controller).snapshot()


async def _status(target: ProbeTarget, _wanted: NoArguments) -> list[list[str]]:
    async with ApiClient(target.url, target.headers, client_tls(target.tls)) as api:
        return await lines(target.rig, api)


async def _conditions(target: ProbeTarget, wanted: ConditionsArguments) -> list[str]:
    async with ApiClient(target.url, target.headers, client_tls(target.tls)) as api:
        device: dict[str, list[str]] = await api.get(f"/v1/devices/{wanted.device}")
    return device["conditions"]


# Name to the shape of its arguments and what asks.
PROBES: Mapping[str, tuple[type[Arguments], Callable[[ProbeTarget, Any], Awaitable[Any]]]] = {
    "snmp": (SnmpArguments, _snmp),
    "console": (ConsoleArguments, _console),
    "web": (WebArguments, _web),
    "check": (CheckArguments, _check),
    "controller": (ControllerArguments, _controller),
    "conditions": (ConditionsArguments, _conditions),
    "status": (NoArguments, _status),
}


async def ask(target: ProbeTarget, probe: str, arguments: Mapping[str, Any]) -> Any:
    """Return the answer of a probe. Raises ProbeError."""
    if probe not in PROBES:
        raise ProbeError(f"there is no probe {probe!r}; accepted: {', '.join(PROBES)}")
    shape, asks = PROBES[probe]
    try:
        return await asks(target, shape.model_validate(dict(arguments)))
    except ValidationError as error:
        raise ProbeError(f"{probe}: {in_short(error)}") from error
    except KeyError as error:
        raise ProbeError(f"{probe}: there is no {error}") from error
    except (OSError, WireError, aiohttp.ClientError, ApiError) as error:
        raise ProbeError(f"{probe}: {error}") from error
