"""The agents that are measured: ours, net-snmp's snmpd and snmpsim, each in a process on a core of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from benchmarks.load import V3Login, discover, walk
from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.snmp import Tag, VarBind
from ridethrough.wire.snmp.usm import Auth, Priv

CORE = 1  # of the measured process; the load comes from another
USER, AUTH_KEY, PRIV_KEY = "bench", "auth passphrase 1", "priv passphrase 2"
SNMPSIM = Path(__file__).parent.parent / ".venv" / "peers" / "snmpsim"
# The environment in which Python takes the wheel of `make compiled`.
COMPILED = {"PYTHONPATH": str(Path(__file__).parent.parent / ".venv" / "compiled"), "PYTHONSAFEPATH": "1"}
TYPES = {
    Tag.INTEGER: "integer",
    Tag.OCTET_STRING: "octet_str",
    Tag.OBJECT_IDENTIFIER: "object_id",
    Tag.IP_ADDRESS: "ipaddress",
    Tag.COUNTER32: "counter",
    Tag.GAUGE32: "uinteger",
    Tag.TIME_TICKS: "timeticks",
}


class Agent(NamedTuple):
    """A running agent: where it is, who may ask it by version 3, and its process."""

    name: str
    address: tuple[str, int]
    login: V3Login
    pid: int


def _pin() -> None:
    os.sched_setaffinity(0, {CORE})


@contextmanager
def _process(
    name: str,
    command: list[str],
    address: tuple[str, int],
    context: bytes = b"",
    more: dict[str, str] | None = None,
) -> Iterator[Agent]:
    login = V3Login(USER.encode(), Auth.SHA, AUTH_KEY.encode(), Priv.AES128, PRIV_KEY.encode(), context)
    with tempfile.TemporaryFile() as output:
        environment = {**os.environ, **(more or {})}
        process = subprocess.Popen(command, stdout=output, stderr=output, preexec_fn=_pin, env=environment)  # noqa: PLW1509
        try:
            deadline = time.monotonic() + 120
            while not discover(address):
                output.seek(0)
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"{name} does not answer:\n{output.read().decode(errors='replace')}")
            yield Agent(name, address, login, process.pid)
        finally:
            process.terminate()
            process.wait(timeout=30)


def rig_of(cards: int, *, faces: bool = False) -> dict[str, object]:
    """A rig of cards and nothing else."""
    user = {"type": "write", "auth": "sha", "auth_key": AUTH_KEY, "priv": "aes128", "priv_key": PRIV_KEY}
    return {
        "rig": "bench",
        "mains": {"city": {"volts": 120}},
        "ups": {
            f"UPS{index}": {
                "profile": "smart-ups-1500-xlm",
                "mains": "city",
                "address": f"127.2.{index // 250}.{index % 250 + 1}",
                "users": {USER: user},
                "traps": [],
            }
            for index in range(cards)
        },
        "ports": {"snmp": free_port(), "trap": free_port(), "ipmi": free_port()}
        | ({} if faces else {"http": "off", "console": "off"}),
    }


@contextmanager
def ridethrough(folder: Path, cards: int = 1, *, faces: bool = False, compiled: bool = False) -> Iterator[Agent]:
    """Our emulators, those of the checkout or those of the compiled wheel."""
    document = rig_of(cards, faces=faces)
    path = folder / f"rig-{cards}.yaml"
    with path.open("w") as stream:
        YAML().dump(document, stream)
    http = f"127.0.0.1:{free_port()}"
    command = [sys.executable, "-m", "ridethrough", "emulators", str(path), "--http", http]
    ports = document["ports"]
    assert isinstance(ports, dict)
    name, more = ("compiled", COMPILED) if compiled else ("ridethrough", {})
    with _process(name, command, ("127.2.0.1", ports["snmp"]), more=more) as agent:
        yield agent


@contextmanager
def snmpd(folder: Path, rows: list[VarBind]) -> Iterator[Agent]:
    """net-snmp's agent with the walk as constants of its own, which it serves without asking anybody."""
    port = free_port()
    config = folder / "snmpd.conf"
    lines = [
        "rocommunity public",
        f'createUser {USER} SHA "{AUTH_KEY}" AES "{PRIV_KEY}"',
        f"rouser {USER} priv",
        *(f"override .{row.oid} {TYPES[Tag(row.tag)]} {_override(row)}" for row in rows),
    ]
    config.write_text("\n".join(lines) + "\n")
    command = ["env", f"SNMP_PERSISTENT_DIR={folder}/persistent", "snmpd", "-f", "-r", "-C", "-c", str(config)]
    # Without its own modules, so that it serves the walk and nothing else.
    modules = ["-I", "-system_mib,ifTable,hrh_storage,hw_fsys,disk_hw,diskio"]
    with _process("snmpd", [*command, *modules, "-Lo", f"udp:127.0.0.1:{port}"], ("127.0.0.1", port)) as agent:
        yield agent


def _override(row: VarBind) -> str:
    if isinstance(row.value, bytes):
        if row.tag == Tag.IP_ADDRESS:
            return ".".join(map(str, row.value))
        return f"0x{row.value.hex()}" if row.value else '""'
    return f".{row.value}" if isinstance(row.value, Oid) else str(row.value)


@contextmanager
def snmpsim(folder: Path, rows: list[VarBind], endpoints: int = 1) -> Iterator[Agent]:
    """snmpsim replaying the walk."""
    port = free_port()
    data = folder / "data"
    data.mkdir(exist_ok=True)
    (data / "public.snmprec").write_text("".join(f"{row.oid}|{_record(row)}\n" for row in rows))
    addresses = [f"127.2.{index // 250}.{index % 250 + 1}" for index in range(endpoints)]
    command = [
        str(SNMPSIM / "bin" / "snmpsim-command-responder"),
        f"--data-dir={data}",
        f"--cache-dir={folder}/cache-{endpoints}",
        "--logging-method=null",
        f"--v3-user={USER}",
        "--v3-auth-proto=SHA",
        f"--v3-auth-key={AUTH_KEY}",
        "--v3-priv-proto=AES",
        f"--v3-priv-key={PRIV_KEY}",
        *(f"--agent-udpv4-endpoint={address}:{port}" for address in addresses),
    ]
    if os.geteuid() == 0:
        command += ["--process-user=root", "--process-group=root"]  # it wants to be told
    with _process("snmpsim", command, (addresses[0], port), context=b"public") as agent:
        yield agent


def _record(row: VarBind) -> str:
    if isinstance(row.value, bytes):
        return f"{row.tag}x|{row.value.hex()}"
    return f"{row.tag}|{row.value}"


def memory_kib(pid: int) -> int:
    """Resident memory of a process and its children."""
    pids = [pid, *(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    status = [Path(f"/proc/{one}/status").read_text() for one in pids]
    return sum(int(found[1]) for text in status if (found := re.search(r"VmRSS:\s+(\d+)", text)))


def recorded_walk(agent: Agent) -> list[VarBind]:
    """The maker's subtree of a card, as version 2c shows it."""
    return walk(agent.address, Oid.parse("1.3.6.1.4.1.318"))


def compare_medians(medians: dict[str, float], others: tuple[str, ...], targets: tuple[float | None, ...]) -> None:
    """Say how many times the peers ours do, the checkout and the compiled wheel."""
    for name in ("ridethrough", "compiled"):
        for peer, target in zip(others, targets, strict=True):
            ratio = medians[name] / medians[peer]
            wanted = f", target {target:g}: {'met' if ratio >= target else 'NOT met'}" if target else ""
            print(f"  {name} {ratio:.2f} times {peer}{wanted}")
