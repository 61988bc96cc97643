"""Notifications against net-snmp's snmptrapd, in one run: `make bench-traps`.

Traps go out in groups, each with an inform behind it. Both receivers work in the order of arrival, so that the
acknowledgement says that the traps before it were worked off: here that their events are on disk, there that their
lines are written. Some 6,000 are under way, for which both have a buffer of 16 MiB; the counts at the end show that
none was lost. The traps of a card differ in their time only, as those of real cards do; in a row of their own, each
has a text of its own.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import URLError
from urllib.request import urlopen

from ruamel.yaml import YAML

from benchmarks.peers import COMPILED, CORE, compare_medians
from benchmarks.results import ResultRow, keep
from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import GenericTrap, Kind, Message, Pdu, Tag, TrapV1, VarBind, Version, encode
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SYS_UP_TIME

REPEATS = int(os.environ.get("REPEATS", "5"))
SECONDS = 3.0
GENERATOR_CORE = 0
GROUP, GROUPS = 512, 12
OUTSTANDING = 200
PATIENCE_S = 5.0
FIRST_ID = 0x01000001
PREPARED = 150_000  # informs
LARGEST = 65535
KEPT = "trap in the journal"
TOLD, TOLD_APART = "trap in the outbox", "trap in the outbox, texts differ"
TARGETS: dict[str, float | None] = {KEPT: 8.0, TOLD: 2.5, TOLD_APART: None, "inform acknowledged": 1.0}
ENTERPRISE = Oid.parse("1.3.6.1.4.1.318")
TEXT = VarBind(Oid.parse("1.3.6.1.4.1.318.2.3.3.0"), Tag.OCTET_STRING, b"UPS: On battery power in response to an input")
DISTINCT = 8_192  # texts, more than any receiver remembers


class TrapReceiver(NamedTuple):
    """A running receiver, and a way to count what it has taken."""

    name: str
    port: int
    taken: Callable[[], int]
    kept: Callable[[], int]  # in the journal, be it told or not


class TrapFigure(NamedTuple):
    """Notifications a second, and how many the receiver did not take."""

    per_s: float
    lost: int


def _pin() -> None:
    os.sched_setaffinity(0, {CORE})


@contextmanager
def gateway(folder: Path, path: str, *, compiled: bool = False) -> Iterator[TrapReceiver]:
    """Ours, with its journal on disk and no sink: that of the checkout, or that of the compiled wheel."""
    port, api = free_port(), f"127.0.0.1:{free_port()}"
    data = Path(tempfile.mkdtemp(dir=folder))
    site: dict[str, Any] = {"name": "bench", "listen": [{"port": port}], "api": {"bind": api}}
    if path != KEPT:
        # One sender with everything the receiver can take is a storm; here its every trap is to be told.
        site["correlate"] = {"storms": None}
    with (data / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    command = [sys.executable, "-m", "ridethrough", "gateway", str(data / "site.yaml"), "--data", str(data / "db")]
    name, more = ("compiled", COMPILED) if compiled else ("ridethrough", {})
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_pin,  # noqa: PLW1509
        env={**os.environ, **more},
    )

    def said(key: str) -> int:
        with urlopen(f"http://{api}/v1/journal", timeout=20) as answer:
            return int(json.load(answer)[key])

    def events() -> int:
        return said("events")

    try:
        _until(events, process)
        yield TrapReceiver(name, port, events, lambda: said("last_position"))
    finally:
        process.terminate()
        process.wait(timeout=60)


def gateway_compiled(folder: Path, path: str) -> AbstractContextManager[TrapReceiver]:
    """The same with a compiled codec."""
    return gateway(folder, path, compiled=True)


@contextmanager
def snmptrapd(folder: Path, _path: str) -> Iterator[TrapReceiver]:
    """net-snmp's, which appends a line to a file and syncs nothing."""
    port, log = free_port(), Path(tempfile.mkdtemp(dir=folder)) / "log"
    config = log.with_suffix(".conf")
    config.write_text("[snmp] serverRecvBuf 16777216\ndisableAuthorization yes\nformat1 %w.%q %v\\n\nformat2 %v\\n\n")
    command = ["snmptrapd", "-f", "-n", "-On", "-C", "-c", str(config), "-Lf", str(log), f"127.0.0.1:{port}"]
    environment = {**os.environ, "SNMP_PERSISTENT_DIR": str(log.parent)}
    process = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_pin,  # noqa: PLW1509
        env=environment,
    )

    def lines() -> int:
        said = log.read_bytes()
        if b"NET-SNMP version" not in said:
            raise FileNotFoundError(log)  # it has not bound its socket yet
        return said.count(b"On battery")

    try:
        _until(lines, process)
        yield TrapReceiver("snmptrapd", port, lines, lines)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _until(taken: Callable[[], int], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            taken()
        except (URLError, FileNotFoundError) as error:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"{process.args!r}: does not start") from error
            continue
        return


def trap(number: int, *, apart: bool = False) -> bytes:
    """A card's trap at a time of its own; `apart`, with a text of its own, too."""
    text = TEXT._replace(value=b"UPS: On battery power, %08d" % number) if apart else TEXT
    pdu = TrapV1(ENTERPRISE, bytes((192, 0, 2, 7)), GenericTrap.ENTERPRISE_SPECIFIC, 5, number, (text,))
    return encode(Message(Version.V1, b"public", pdu))


def inform(number: int) -> tuple[bytes, bytes]:
    """Its identifier, and the inform; the answer has that at the same place."""
    identifier = FIRST_ID + number
    names = (
        VarBind(SYS_UP_TIME, Tag.TIME_TICKS, number),
        VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, ENTERPRISE.child(0, 5)),
        TEXT,
    )
    data = encode(Message(Version.V2C, b"public", Pdu(Kind.INFORM, identifier, 0, 0, names)))
    return identifier.to_bytes(4, "big"), data


def measure(receiver: TrapReceiver, path: str) -> TrapFigure:
    """Groups of traps with an inform behind each, so many of them under way, for some seconds."""
    group, groups = PATHS[path]
    count = receiver.kept if path == KEPT else receiver.taken
    os.sched_setaffinity(0, {GENERATOR_CORE})
    before = count()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sender.connect(("127.0.0.1", receiver.port))
        sender.settimeout(PATIENCE_S)
        waiting: set[bytes] = set()
        sent = answered = 0
        name, data = inform(0)
        place = data.index(name)
        informs = deque(inform(number) for number in range(PREPARED))
        numbers = range(0, DISTINCT, group) if group else range(1)
        prepared = cycle([[trap(at + each, apart=path == TOLD_APART) for each in range(group)] for at in numbers])
        begun = time.perf_counter()
        end = begun + SECONDS
        while (informs and time.perf_counter() < end) or waiting:
            while len(waiting) < groups and informs and time.perf_counter() < end:
                for data in next(prepared):
                    sender.send(data)
                name, data = informs.popleft()
                sender.send(data)
                waiting.add(name)
                sent += 1
            try:
                answer = sender.recv(LARGEST)
            except TimeoutError:
                break  # lost, as the counts will show
            name = answer[place : place + 4]
            if name in waiting:
                waiting.discard(name)
                answered += 1
        elapsed = time.perf_counter() - begun
    total = sent * (group + 1)
    deadline = time.monotonic() + PATIENCE_S
    while (taken := count() - before) < total and time.monotonic() < deadline:
        pass
    return TrapFigure(answered * (group + 1) / elapsed, total - taken)


PATHS = {
    KEPT: (GROUP, GROUPS),
    TOLD: (GROUP, GROUPS),
    TOLD_APART: (GROUP, GROUPS),
    "inform acknowledged": (0, OUTSTANDING),
}


def main() -> None:
    if shutil.which("snmptrapd") is None:
        raise SystemExit("snmptrapd is missing: install Debian's package snmptrapd")
    figures: dict[str, dict[str, list[TrapFigure]]] = {}
    makers: list[Callable[[Path, str], AbstractContextManager[TrapReceiver]]] = [gateway, gateway_compiled, snmptrapd]
    with tempfile.TemporaryDirectory() as name:
        for _ in range(REPEATS):
            for path in PATHS:
                for make in makers:
                    with make(Path(name), path) as receiver:
                        figures.setdefault(path, {}).setdefault(receiver.name, []).append(measure(receiver, path))
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {REPEATS}")
    for path, receivers in figures.items():
        medians = {each: statistics.median(figure.per_s for figure in rounds) for each, rounds in receivers.items()}
        print(f"\n{path}")
        for each, rounds in receivers.items():
            spread = f"{min(figure.per_s for figure in rounds):,.0f} to {max(figure.per_s for figure in rounds):,.0f}"
            print(f"  {each:<10}{medians[each]:>10,.0f}/s  ({spread}), lost {sum(figure.lost for figure in rounds)}")
        compare_medians(medians, ("snmptrapd",), (TARGETS[path],))
    keep(
        "traps",
        [
            ResultRow(
                path,
                {each: [one.per_s for one in rounds] for each, rounds in found.items()},
                {"snmptrapd": TARGETS[path]},
            )
            for path, found in figures.items()
        ],
    )


if __name__ == "__main__":
    main()
