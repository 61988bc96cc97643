"""Questions that a scenario asks as a client would: over SNMP, the console, the pages, or of the files themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ridethrough.gateway.config.http import ServerTls
from ridethrough.mibs import MibTree, Oid
from ridethrough.rigs.checks import check_rig
from ridethrough.rigs.controller_runner import ControllerRunner, trusting
from ridethrough.rigs.lab.group_status import lines
from ridethrough.rigs.recording.udp_client import exchange
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.rigfile.yaml import FileError, in_short
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

PATIENCE_S = 3.0
QUIET_S = 0.5  # without output, a console has said what it has to say
VERSIONS = {1: Version.V1, "2c": Version.V2C}
INTEGERS = {"TimeTicks": Tag.TIME_TICKS, "Gauge32": Tag.GAUGE32}


class ProbeError(ValueError):
    """A probe that cannot be asked as it is written. One line."""


class Place(NamedTuple):
    """Where probes ask."""

    rig: RigFile
    tree: MibTree
    folder: Path
    url: str
    cast: ControllerRunner | None
    headers: Mapping[str, str] = {}
    """A token, where the rig wants one."""
    tls: ServerTls | None = None


class Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Snmp(Shape):
    """One object of one card. No answer is heard as null, an error by its name."""

    device: str
    address: str | None = None
    """Where the card is by now, when that is not the rig file's."""
    object: str
    source: str = Field(default="127.0.0.1", alias="from")
    community: str = "public"
    version: int | str = 1
    value: int | str | None = None


class Console(Shape):
    """Lines typed into a card's console, `^[` for Escape; heard is everything that it showed."""

    device: str
    lines: list[str]


class Web(Shape):
    """A page of a card, for a user of it; with `form`, what the page says to it."""

    device: str
    path: str = "/"
    user: str = "apc"
    password: str = "apc"  # noqa: S105  # the cards' own factory account
    form: dict[str, str] | None = None


class Check(Shape):
    """The rules that a rig file breaks: their names, warnings with a question mark; empty when it is in order."""

    file: str | None = None
    patch: dict[str, Any] = {}


class Named(Shape):
    """A controller."""

    controller: str


class Nothing(Shape):
    """No arguments."""


async def _snmp(place: Place, wanted: Snmp) -> Any:
    address = wanted.address or place.rig.ups[wanted.device].address
    name, _, index = wanted.object.partition(".")
    node = place.tree.named(name)
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
        data = await exchange(encode(message), (address, place.rig.ports.snmp), PATIENCE_S, wanted.source)
    except ConnectionRefusedError:
        data = None  # nothing listens there, which a manager hears as silence
    if data is None:
        return None
    pdu = decode(data).pdu
    if not isinstance(pdu, Pdu):
        raise ProbeError(f"{wanted.device} answered with something else than a response")
    if pdu.error_status:
        return ErrorStatus(pdu.error_status).name.lower()
    value = pdu.varbinds[0].value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


async def _console(place: Place, wanted: Console) -> str:
    port = place.rig.ports.console
    if port is None:
        raise ProbeError("the cards' consoles are off: give the scenario faces: true")
    reader, writer = await asyncio.open_connection(place.rig.ups[wanted.device].address, port)
    shown = await _listen(reader)
    try:
        for line in wanted.lines:
            keys = line.replace("^[", "\x1b").encode()
            writer.write(keys if line.endswith("^[") else keys + b"\r\n")
            shown += await _listen(reader)
    except ConnectionError:
        shown += "[closed]"
    finally:
        writer.close()
    return shown


async def _listen(reader: asyncio.StreamReader) -> str:
    shown = b""
    while True:
        try:
            part = await asyncio.wait_for(reader.read(65536), QUIET_S)
        except TimeoutError:
            return shown.decode("utf-8", "replace")
        if not part:
            return (shown + b"[closed]").decode("utf-8", "replace")
        shown += part


async def _web(place: Place, wanted: Web) -> str:
    port = place.rig.ports.http
    if port is None:
        raise ProbeError("the cards' pages are off: give the scenario faces: true")
    base = f"http://{place.rig.ups[wanted.device].address}:{port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        account = {"name": wanted.user, "password": wanted.password}
        async with session.post(f"{base}/login", data=account) as answer:
            await answer.read()
        method = "GET" if wanted.form is None else "POST"
        async with session.request(method, f"{base}{wanted.path}", data=wanted.form) as answer:
            return await answer.text()


async def _check(place: Place, wanted: Check) -> list[str] | str:
    file = place.folder / wanted.file if wanted.file is not None else None
    try:
        findings = check_rig(file, wanted.patch) if file is not None else []
    except FileError as error:
        return f"refused: {error}"
    return [finding.rule + ("?" if finding.warning else "") for finding in findings]


async def _controller(place: Place, wanted: Named) -> dict[str, Any]:
    if place.cast is None:
        raise ProbeError("no controllers run here")
    return place.cast.member(wanted.controller).snapshot()


async def _status(place: Place, _wanted: Nothing) -> list[list[str]]:
    connector = aiohttp.TCPConnector(ssl=trusting(place.tls) or True)
    async with aiohttp.ClientSession(place.url, headers=place.headers, connector=connector) as session:
        return await lines(place.rig, session)


# Name to the shape of its arguments and what asks.
PROBES: Mapping[str, tuple[type[Shape], Callable[[Place, Any], Awaitable[Any]]]] = {
    "snmp": (Snmp, _snmp),
    "console": (Console, _console),
    "web": (Web, _web),
    "check": (Check, _check),
    "controller": (Named, _controller),
    "status": (Nothing, _status),
}


async def ask(place: Place, probe: str, arguments: Mapping[str, Any]) -> Any:
    """What a probe hears. Raises ProbeError."""
    if probe not in PROBES:
        raise ProbeError(f"there is no probe {probe!r}; accepted: {', '.join(PROBES)}")
    shape, asks = PROBES[probe]
    try:
        return await asks(place, shape.model_validate(dict(arguments)))
    except ValidationError as error:
        raise ProbeError(f"{probe}: {in_short(error)}") from error
    except KeyError as error:
        raise ProbeError(f"{probe}: there is no {error}") from error
    except (OSError, WireError, aiohttp.ClientError) as error:
        raise ProbeError(f"{probe}: {error}") from error
