"""Look a machine over before a rig or a gateway runs on it: rights, ports, buffers, clock, disk, and the devices."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, NamedTuple

from ridethrough.gateway.config.site import BmcDeviceConfig, Site, UpsDeviceConfig
from ridethrough.gateway.devices.probes import PresencePing
from ridethrough.gateway.net.addresses import ABSENT, Address, resolve_now
from ridethrough.gateway.receive.listener import BUFFER_OCTETS
from ridethrough.rigs.former_name import left
from ridethrough.rigs.recording.udp_client import exchange
from ridethrough.rigs.resources import COMPILE, is_compiled
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, decode, encode
from ridethrough.wire.snmp.convert import SYS_UP_TIME

Verdict = Literal["ok", "warning", "failed"]
CAPABILITIES = {"CAP_NET_BIND_SERVICE": 10, "CAP_NET_RAW": 13}  # linux/capability.h
FIRST_FREE = 1024  # the kernel's first unprivileged port, by default
LOWEST_WANTED = 23  # a card's console
ANSWER_TIMEOUT_S = 2.0
TRIES = 2
SLOW_SYNC_S = 0.05
COMMITS = 20
TOO_OLD_S = 1_767_225_600  # 2026-01-01: a clock before that has not been set


class Diagnosis(NamedTuple):
    """Result of one check: its subject, verdict and details, and advice where something is to be done."""

    what: str
    verdict: Verdict
    detail: str
    advice: str = ""


def capability(name: str) -> bool:
    """Return True when this process has a capability. False where the kernel has no information."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return False
    bits = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    return bool(bits >> CAPABILITIES[name] & 1)


def machine(data: Path | None) -> Iterator[Diagnosis]:
    """Check the machine, without a file. `data` is the folder in which a journal would live."""
    yield _low_ports()
    yield _spoofing()
    yield _buffer()
    yield _clock()
    yield _compiled()
    yield _disk(data or Path(tempfile.gettempdir()), named=data is not None)
    for item in left(Path("/"), os.environ):
        yield Diagnosis(item.what, "warning", f"{item.detail} (of the product's former name)", item.advice)


def _number(file: str) -> int | None:
    """Return a value of the kernel; None where it has none."""
    try:
        return int(Path(file).read_text())
    except (OSError, ValueError):
        return None


def _low_ports() -> Diagnosis:
    first = _number("/proc/sys/net/ipv4/ip_unprivileged_port_start") or FIRST_FREE
    if capability("CAP_NET_BIND_SERVICE") or first <= LOWEST_WANTED:
        return Diagnosis("low ports", "ok", "161, 162 and 623 may be bound")
    advice = "run as root, give CAP_NET_BIND_SERVICE, or use --ports high"
    return Diagnosis("low ports", "warning", f"ports below {first} may not be bound", advice)


def _spoofing() -> Diagnosis:
    if capability("CAP_NET_RAW"):
        return Diagnosis("spoofed sources", "ok", "forwards may keep the devices' addresses (source: spoof)")
    advice = "give CAP_NET_RAW if a forward has source: spoof"
    return Diagnosis("spoofed sources", "warning", "forwards cannot keep the devices' addresses", advice)


def _buffer() -> Diagnosis:
    limit = _number("/proc/sys/net/core/rmem_max")
    if limit is None or limit >= BUFFER_OCTETS or os.geteuid() == 0:
        return Diagnosis("receive buffer", "ok", f"{BUFFER_OCTETS >> 20} MiB for each listener")
    advice = f"sysctl -w net.core.rmem_max={BUFFER_OCTETS}"
    detail = f"the kernel gives {limit >> 10} KiB, and drops what a storm sends beyond"
    return Diagnosis("receive buffer", "warning", detail, advice)


def _clock() -> Diagnosis:
    if time.time() < TOO_OLD_S:
        return Diagnosis("clock", "failed", f"it shows {time.ctime()}", "set the clock, and keep it by NTP")
    return Diagnosis("clock", "ok", f"{time.strftime('%Y-%m-%d %H:%M:%S %Z')}")


def _compiled() -> Diagnosis:
    if is_compiled():
        return Diagnosis("codec", "ok", "compiled")
    return Diagnosis("codec", "ok", "interpreted; compiled it is faster", COMPILE)


def _disk(folder: Path, *, named: bool) -> Diagnosis:
    """Return the time of a durable commit, as the journal makes it."""
    where = f"{folder}" + ("" if named else " (no --data given)")
    try:
        with (
            tempfile.TemporaryDirectory(dir=folder) as place,
            closing(sqlite3.connect(Path(place) / "probe.db", isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute("CREATE TABLE probe (octets BLOB)")
            begun = time.perf_counter()
            for _ in range(COMMITS):
                connection.execute("INSERT INTO probe VALUES (zeroblob(1000))")
            each_s = (time.perf_counter() - begun) / COMMITS
    except (OSError, sqlite3.Error) as error:
        return Diagnosis(
            "journal", "failed", f"{where}: {error}", "name a folder that this user may write to: --data DIR"
        )
    if each_s > SLOW_SYNC_S:
        advice = "use a disk that is quicker to sync, or expect informs to be answered as late"
        return Diagnosis("journal", "warning", f"{where}: a commit takes {each_s * 1000:.0f} ms", advice)
    return Diagnosis("journal", "ok", f"{where}: a commit takes {each_s * 1000:.1f} ms")


# --- files --------------------------------------------------------------------------------------------------------


def bindings(site: Site, rig: RigFile | None) -> Iterator[Diagnosis]:
    """Check that everything that the file wants to bind is free."""
    places = [(listen.address, listen.port, socket.SOCK_DGRAM, "traps") for listen in site.listen]
    if site.api.port:
        places.append((site.api.host, site.api.port, socket.SOCK_STREAM, "HTTP"))
    for address, port, kind, what in (*places, *_of_plant(rig)):
        yield _bindable(address, port, kind, what)


def _of_plant(rig: RigFile | None) -> Iterator[tuple[str, int, socket.SocketKind, str]]:
    if rig is None:
        return
    for interface in rig.interfaces():
        for service in interface.services:
            kind = socket.SOCK_STREAM if service.stream else socket.SOCK_DGRAM
            yield service.address, service.port, kind, interface.name


def _bindable(address: str, port: int, kind: socket.SocketKind, what: str) -> Diagnosis:
    name = f"{address}:{port}/{'udp' if kind == socket.SOCK_DGRAM else 'tcp'}"
    absent, bound = "", False
    try:
        for place in resolve_now(address, port, kind):
            try:
                _bind(place, kind)
            except OSError as error:
                if error.errno not in ABSENT:
                    raise
                absent = absent or str(error.strerror)  # enough if the name has another address here
            else:
                bound = True
    except PermissionError:
        advice = "run as root, give CAP_NET_BIND_SERVICE, or use --ports high"
        return Diagnosis(name, "failed", f"{what}: not allowed", advice)
    except OSError as error:
        absent, bound = str(error.strerror), False
    if not bound:
        advice = "stop what runs there (ss -lnptu shows it), or change the file"
        return Diagnosis(name, "failed", f"{what}: {absent}", advice)
    return Diagnosis(name, "ok", f"{what}: free")


def _bind(place: Address, kind: socket.SocketKind) -> None:
    """Bind an address and free it again. Raises OSError where that is not possible."""
    with socket.socket(place.family, kind) as probe:
        if place.family == socket.AF_INET6:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(place.sockaddr)


async def reach(site: Site) -> list[Diagnosis]:
    """Ask every device of a site one question, all at once."""
    asked = []
    for name, device in site.devices.items():
        if isinstance(device, UpsDeviceConfig):
            asked.append(_ask(name, "SNMP", (device.address, device.snmp.port), _snmp(device)))
        elif isinstance(device, BmcDeviceConfig):
            ping = PresencePing()
            asked.append(
                _ask(name, "IPMI", (device.address, device.port), (ping.ask(), lambda data, p=ping: _pong(p, data)))  # type: ignore[misc]
            )
    return list(await asyncio.gather(*asked))


Question = tuple[bytes, Callable[[bytes], str]]


def _snmp(device: UpsDeviceConfig) -> Question:
    version = Version.V1 if device.snmp.version == 1 else Version.V2C
    pdu = Pdu(Kind.GET, 1, 0, 0, (VarBind(SYS_UP_TIME, Tag.NULL, None),))
    return encode(Message(version, device.snmp.community.encode(), pdu)), _uptime


def _uptime(data: bytes) -> str:
    try:
        pdu = decode(data).pdu
    except WireError as error:
        return f"answers, but not with SNMP: {error}"
    if not isinstance(pdu, Pdu) or pdu.error_status:
        return "answers with an error"
    value = pdu.varbinds[0].value
    return f"up for {value / 100:.0f} s" if isinstance(value, int) else "answers"


def _pong(ping: PresencePing, data: bytes) -> str:
    heard, _ = ping.receive(data)
    return "answers a presence ping" if heard is not None else "answers, but not a presence ping"


async def _ask(name: str, protocol: str, to: tuple[str, int], question: Question) -> Diagnosis:
    data, read = question
    where = f"{protocol} at {to[0]}:{to[1]}"
    advice = "is it on, is this its address, does its access list name this machine, is UDP let through?"
    try:
        answer = await exchange(data, to, ANSWER_TIMEOUT_S, tries=TRIES)
    except OSError as error:
        return Diagnosis(name, "failed", f"{where}: {error.strerror or error}", advice)
    if answer is None:
        return Diagnosis(name, "failed", f"{where}: no answer within {TRIES * ANSWER_TIMEOUT_S:g} s", advice)
    return Diagnosis(name, "ok", f"{where}: {read(answer)}")
