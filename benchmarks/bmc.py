"""The BMC against OpenIPMI's ipmi_sim and pyghmi's server class, in one run: `make bench-bmc`."""

from __future__ import annotations

import os
import platform
import random
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
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from benchmarks.peers import COMPILED, CORE, compare_medians, memory_kib
from benchmarks.results import ResultRow, keep
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire import rmcp
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi.client import ClientState, LanPlusClient
from ridethrough.wire.ipmi.message import IpmiResponse

REPEATS = 5
SECONDS = 2.0
SESSIONS = 30
CONSOLES = 16
PATIENCE_S = 0.2
REQUESTS = 6_000  # sealed for each session beforehand
SUITE = 3
BMCS = 1_000
GENERATOR_CORE = 0
LARGEST = 2048
BY_PROCESSOR = "set-up and close, by processor time"
TARGETS = {"chassis status": (1.0, 3.5), "set-up and close": (1.0, None), BY_PROCESSOR: (1.0, None)}

Address = tuple[str, int]


class Peer(NamedTuple):
    """A running BMC."""

    name: str
    address: Address
    user: bytes
    password: bytes
    pid: int


class BmcFigure(NamedTuple):
    """Answers a second, the share of looks at which the generator found nothing, and logins that failed."""

    per_s: float
    idle: float
    lost: int = 0


def _pin() -> None:
    os.sched_setaffinity(0, {CORE})


@contextmanager
def _process(
    name: str, command: list[str], address: Address, user: bytes, password: bytes, more: dict[str, str] | None = None
) -> Iterator[Peer]:
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            preexec_fn=_pin,  # noqa: PLW1509  # no thread runs here
            env={**os.environ, **(more or {})},
        )
        try:
            deadline = time.monotonic() + 120
            while not _answers(address, user, password):
                output.seek(0)
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not answer:\n{output.read().decode(errors='replace')}")
            yield Peer(name, address, user, password, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)
            if process.stdin is not None:
                process.stdin.close()


@contextmanager
def ridethrough(folder: Path, bmcs: int = 1, *, compiled: bool = False) -> Iterator[Peer]:
    """Our emulators, those of the checkout or those of the compiled wheel."""
    port = free_port()
    servers = {
        f"server{index}": {
            "power": ["city"],
            "address": f"127.5.{index // 250}.{index % 250 + 1}",
            "bmc": {
                "address": f"127.4.{index // 250}.{index % 250 + 1}",
                "users": {"admin": {"password": "admin"}},
                "alerts": [],
            },
        }
        for index in range(bmcs)
    }
    ports = {"snmp": free_port(), "trap": free_port(), "ipmi": port, "http": "off", "console": "off", "echo": "off"}
    path = folder / f"bmcs-{bmcs}.yaml"
    with path.open("w") as stream:
        YAML().dump({"rig": "bench", "mains": {"city": {}}, "servers": servers, "ports": ports}, stream)
    command = [sys.executable, "-m", "ridethrough", "emulators", str(path), "--http", f"127.0.0.1:{free_port()}"]
    name, more = ("compiled", COMPILED) if compiled else ("ridethrough", {"PYTHONPATH": ""})
    with _process(name, command, ("127.4.0.1", port), b"admin", b"admin", more) as peer:
        yield peer


def ridethrough_compiled(folder: Path) -> AbstractContextManager[Peer]:
    """The same with a compiled codec."""
    return ridethrough(folder, compiled=True)


@contextmanager
def ipmi_sim(folder: Path) -> Iterator[Peer]:
    """OpenIPMI's simulator, in C."""
    port = free_port()
    (folder / "lan.conf").write_text(
        'name "sim"\nset_working_mc 0x20\nstartlan 1\n'
        f"addr 127.0.0.1 {port}\n"
        "priv_limit admin\nallowed_auths_admin none md5 straight\nguid a123456789abcdefa123456789abcdef\nendlan\n"
        'user 2 true "admin" "admin" admin 60 none md5 straight\n'
    )
    (folder / "sim.emu").write_text(
        "mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nmc_enable 0x20\n"
    )
    command = ["ipmi_sim", "-n", "-c", str(folder / "lan.conf"), "-f", str(folder / "sim.emu"), "-s", str(folder)]
    with _process("ipmi_sim", command, ("127.0.0.1", port), b"admin", b"admin") as peer:
        yield peer


@contextmanager
def pyghmi(_folder: Path) -> Iterator[Peer]:
    """A BMC of pyghmi's server class."""
    port = free_port()
    code = f"from pyghmi.cmd.fakebmc import FakeBmc; FakeBmc({{'admin': 'admin'}}, port={port}).listen()"
    with _process("pyghmi", [sys.executable, "-c", code], ("127.0.0.1", port), b"admin", b"admin") as peer:
        yield peer


def _login(sender: socket.socket, user: bytes, password: bytes, seed: int) -> LanPlusClient | None:
    """An open session; None when an answer does not come."""
    client = LanPlusClient(user, password, random.Random(seed).randbytes, SUITE)
    step: bytes | IpmiResponse | None = client.start()
    try:
        while isinstance(step, bytes):
            sender.send(step)
            step = client.receive(sender.recv(LARGEST))
    except (OSError, WireError):
        return None
    return client if client.state is ClientState.OPEN else None


def _answers(address: Address, user: bytes, password: bytes) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.3)
        sender.connect(address)
        client = _login(sender, user, password, 1)
        if client is not None:
            sender.send(client.close())
        return client is not None


def chassis_status(peer: Peer) -> BmcFigure:
    """One request under way in each of 30 sessions. The requests are sealed before the clock starts."""
    os.sched_setaffinity(0, {GENERATOR_CORE})
    pairs: list[tuple[socket.socket, deque[bytes]]] = []
    for index in range(SESSIONS):
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.settimeout(5)
        sender.connect(peer.address)
        client = _login(sender, peer.user, peer.password, 100 + index)
        if client is None:
            raise SystemExit(f"{peer.name} refuses session {index + 1} of {SESSIONS}")
        queue = deque(client.request(0x00, 0x01) for _ in range(REQUESTS))
        sender.setblocking(False)
        pairs.append((sender, queue))
    for sender, queue in pairs:
        sender.send(queue.popleft())
    count = looks = idle = 0
    begun = now = time.perf_counter()
    while now < begun + SECONDS and all(queue for _, queue in pairs):
        for sender, queue in pairs:
            looks += 1
            try:
                sender.recv(LARGEST)
            except BlockingIOError:
                idle += 1
                continue
            count += 1
            if queue:
                sender.send(queue.popleft())
        now = time.perf_counter()
    elapsed = time.perf_counter() - begun
    for sender, _ in pairs:
        sender.close()
    return BmcFigure(count / elapsed, idle / max(1, looks))


def set_up_and_close(peer: Peer) -> BmcFigure:
    """Sixteen consoles at once, from Open Session to Close Session, by the wall clock."""
    _, figure = _set_up(peer)
    return figure


def set_up_by_processor_time(peer: Peer) -> BmcFigure:
    """Likewise, by the processor time that the BMC takes: a console works about as hard as a BMC does."""
    spent_s, figure = _set_up(peer)
    return figure._replace(per_s=figure.per_s * SECONDS / spent_s)


def _set_up(peer: Peer) -> tuple[float, BmcFigure]:
    """Processor time spent, and sessions. What the consoles have to say goes out together, as a busy BMC is met."""
    os.sched_setaffinity(0, {GENERATOR_CORE})
    lines = [_Line(peer, seed) for seed in range(CONSOLES)]
    looks = idle = 0
    spent_s, end = -processor_s(peer.pid), time.perf_counter() + SECONDS
    while time.perf_counter() < end:
        for line in lines:
            looks += 1
            idle += not line.look()
        for line in lines:
            line.speak()
    spent_s += processor_s(peer.pid)
    for line in lines:
        line.socket.close()
    count, lost = sum(line.count for line in lines), sum(line.lost for line in lines)
    return spent_s, BmcFigure(count / SECONDS, idle / max(1, looks), lost)


class _Line:
    """One console after the other, from one port; from a port each at pyghmi, which tells its sessions by them."""

    def __init__(self, peer: Peer, seed: int) -> None:
        self.count = self.lost = 0
        self._peer = peer
        self._chance = random.Random(seed)
        self._open()
        self._begin()

    def _open(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(self._peer.address)
        self.socket.setblocking(False)

    def _begin(self, *, lost: bool = False) -> None:
        # A late answer to a console that gave up must not reach the next one.
        if lost or self._peer.name == "pyghmi":
            self.socket.close()
            self._open()
        self._client = LanPlusClient(self._peer.user, self._peer.password, self._chance.randbytes, SUITE)
        self._closing = False
        self._send(self._client.start())

    def _send(self, data: bytes) -> None:
        self._sent_at = time.perf_counter()
        self._next: bytes | None = data

    def speak(self) -> None:
        """Send what is to be sent."""
        if self._next is not None:
            self.socket.send(self._next)
            self._next = None

    def look(self) -> bool:
        """Take a step, if there is an answer; whether there was one."""
        try:
            step = self._client.receive(self.socket.recv(LARGEST))
        except BlockingIOError:
            if time.perf_counter() > self._sent_at + PATIENCE_S:
                self.lost += 1  # pyghmi leaves one in some hundred without an answer
                self._begin(lost=True)
            return False
        except (OSError, WireError):
            self.lost += 1
            self._begin(lost=True)
            return True
        if isinstance(step, bytes):
            self._send(step)
        elif self._closing:
            self.count += 1
            self._begin()
        elif self._client.state is ClientState.OPEN:
            self._closing = True
            self._send(self._client.close())
        return True


def processor_s(pid: int) -> float:
    """Processor time of a process, in the kernel and outside."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ping(peer: Peer) -> BmcFigure:
    """Presence pings, 32 under way."""
    os.sched_setaffinity(0, {GENERATOR_CORE})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.connect(peer.address)
        sender.setblocking(False)
        data = rmcp.encode_ping(7)
        for _ in range(32):
            sender.send(data)
        count = looks = idle = 0
        begun = time.perf_counter()
        while time.perf_counter() < begun + SECONDS:
            looks += 1
            try:
                sender.recv(LARGEST)
            except BlockingIOError:
                idle += 1
                continue
            count += 1
            sender.send(data)
    return BmcFigure(count / SECONDS, idle / max(1, looks))


PATHS: dict[str, Callable[[Peer], BmcFigure]] = {
    "chassis status": chassis_status,
    "set-up and close": set_up_and_close,
    BY_PROCESSOR: set_up_by_processor_time,
}


def compare(folder: Path) -> dict[str, dict[str, list[BmcFigure]]]:
    """Every BMC in turn, `REPEATS` times over, each time a fresh one."""
    figures: dict[str, dict[str, list[BmcFigure]]] = {}
    makers: list[Callable[[Path], AbstractContextManager[Peer]]] = [ridethrough, ridethrough_compiled, ipmi_sim, pyghmi]
    for _ in range(REPEATS):
        for path, measure in PATHS.items():
            for make in makers:
                with make(folder) as peer:
                    figures.setdefault(path, {}).setdefault(peer.name, []).append(measure(peer))
    return figures


def memory(folder: Path) -> float:
    """KiB for each BMC with its server and power supply at 1,000, above the process with one."""
    with ridethrough(folder, 1) as one:
        alone = memory_kib(one.pid)
    with ridethrough(folder, BMCS) as many:
        return (memory_kib(many.pid) - alone) / (BMCS - 1)


def report(figures: dict[str, dict[str, list[BmcFigure]]], kib: float, pings: BmcFigure) -> None:
    """The table that docs/benchmarks.md shows."""
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {REPEATS}, suite {SUITE}")
    for path, peers in figures.items():
        medians = {name: statistics.median(rate.per_s for rate in rates) for name, rates in peers.items()}
        print(f"\n{path}")
        for name, rates in peers.items():
            spread = f"{min(rate.per_s for rate in rates):,.0f} to {max(rate.per_s for rate in rates):,.0f}"
            idle = statistics.median(rate.idle for rate in rates)
            lost = sum(rate.lost for rate in rates)
            print(
                f"  {name:<10}{medians[name]:>10,.0f}/s  ({spread}), lost {lost}, "
                f"generator waiting at {idle:.0%} of its looks"
            )
        compare_medians(medians, ("ipmi_sim", "pyghmi"), TARGETS[path])
    print(f"\npresence ping: {pings.per_s:,.0f}/s, generator waiting at {pings.idle:.0%} of its looks")
    print(f"memory for each of {BMCS:,} BMCs with server and supply in one process: {kib:.0f} KiB")


def main() -> None:
    if shutil.which("ipmi_sim") is None:
        raise SystemExit("ipmi_sim is missing: install Debian's package openipmi")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = compare(folder)
        kib = memory(folder)
        with ridethrough(folder) as peer:
            pings = ping(peer)
    report(figures, kib, pings)
    keep(
        "bmc",
        [
            ResultRow(
                path,
                {name: [figure.per_s for figure in rounds] for name, rounds in found.items()},
                dict(zip(("ipmi_sim", "pyghmi"), TARGETS[path], strict=True)),
            )
            for path, found in figures.items()
        ],
    )


if __name__ == "__main__":
    main()
