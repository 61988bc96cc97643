"""The SNMP agent of a card against snmpd and snmpsim on the same walk, in one run: `make bench-agent`."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks import load, peers
from benchmarks.load import Rate
from benchmarks.peers import Agent, compare_medians
from benchmarks.results import ResultRow, keep
from ridethrough.mibs import Oid
from ridethrough.wire.snmp import Kind, Tag, VarBind

REPEATS = 5
SECONDS = 2.0
WINDOW = 32
REPETITIONS = 25
CARDS = 1000
SEALED = 256  # requests of version 3, sealed beforehand
# Paths, and the least that design.md section 11 asks for: times snmpd, times snmpsim.
TARGETS = {"GET v2c": (2.0, 50.0), "GETBULK(25) v2c": (4.0, None), "GET v3 authPriv": (1.0, None)}
Figures = dict[str, dict[str, list[Rate]]]


def install_snmpsim() -> None:
    """snmpsim in an environment of its own, where it is missing."""
    if not (peers.SNMPSIM / "bin" / "snmpsim-command-responder").exists():
        subprocess.run([sys.executable, "-m", "venv", str(peers.SNMPSIM)], check=True)
        subprocess.run([str(peers.SNMPSIM / "bin" / "pip"), "install", "-q", "snmpsim==1.2.2", "pysmi"], check=True)


def measured(agent: Agent, oids: list[Oid]) -> dict[str, Rate]:
    """One round over every path."""
    starts = oids[:: len(oids) // 20][:20]
    sealed = load.user_requests(agent.address, agent.login, (oids * SEALED)[:SEALED])
    gets = load.community_requests(Kind.GET, oids)
    bulks = load.community_requests(Kind.GET_BULK, starts, REPETITIONS)
    return {
        "GET v2c": load.measure(agent.address, gets, SECONDS, WINDOW),
        "GETBULK(25) v2c": load.measure(agent.address, bulks, SECONDS, WINDOW),
        "GET v3 authPriv": load.measure(agent.address, sealed, SECONDS, WINDOW, patch=False),
    }


def compare(folder: Path, rows: list[VarBind]) -> Figures:
    """Every agent in turn, `REPEATS` times over."""
    figures: Figures = {}
    oids = [row.oid for row in rows]
    makers: list[Callable[[], AbstractContextManager[Agent]]] = [
        lambda: peers.ridethrough(folder),
        lambda: peers.ridethrough(folder, compiled=True),
        lambda: peers.snmpd(folder, rows),
        lambda: peers.snmpsim(folder, rows),
    ]
    for _ in range(REPEATS):
        for make in makers:
            with make() as agent:
                check_same(agent, rows)
                for path, rate in measured(agent, oids).items():
                    figures.setdefault(path, {}).setdefault(agent.name, []).append(rate)
    return figures


def check_same(agent: Agent, rows: list[VarBind]) -> None:
    """A peer that does not serve the walk is not compared with one that does."""
    served = {row.oid for row in peers.recorded_walk(agent)}
    if not {row.oid for row in rows} <= served:
        raise SystemExit(f"{agent.name} serves {len(served)} of {len(rows)} instances; nothing to compare")


def memory(folder: Path, rows: list[VarBind]) -> dict[str, float]:
    """KiB for each card at 1,000 cards, above the process with one."""
    result: dict[str, float] = {}
    makers: dict[str, Callable[[int], AbstractContextManager[Agent]]] = {
        "ridethrough": lambda cards: peers.ridethrough(folder, cards),
        "ridethrough with pages and telnet": lambda cards: peers.ridethrough(folder, cards, faces=True),
        "snmpsim": lambda cards: peers.snmpsim(folder, rows, cards),
    }
    for name, make in makers.items():
        with make(1) as one:
            alone = peers.memory_kib(one.pid)
        with make(CARDS) as many:
            result[name] = (peers.memory_kib(many.pid) - alone) / (CARDS - 1)
    return result


def report(figures: Figures, kib: dict[str, float]) -> None:
    """The table that docs/benchmarks.md shows."""
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {REPEATS}, {WINDOW} under way")
    for path, agents in figures.items():
        medians = {name: statistics.median(rate.per_s for rate in rates) for name, rates in agents.items()}
        print(f"\n{path}")
        for name, rates in agents.items():
            spread = f"{min(rate.per_s for rate in rates):,.0f} to {max(rate.per_s for rate in rates):,.0f}"
            p99 = statistics.median(rate.p99_ms for rate in rates)
            idle = statistics.median(rate.idle for rate in rates)
            lost = sum(rate.lost for rate in rates)
            print(
                f"  {name:<10}{medians[name]:>10,.0f}/s  ({spread}), p99 {p99:.2f} ms, lost {lost}, "
                f"generator waiting at {idle:.0%} of its looks"
            )
        compare_medians(medians, ("snmpd", "snmpsim"), TARGETS[path])
    print(f"\nmemory for each of {CARDS:,} cards in one process")
    for name, value in kib.items():
        print(f"  {name:<32}{value:>8.0f} KiB")


def main() -> None:
    install_snmpsim()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with peers.ridethrough(folder) as agent:
            # snmpd's constants can be of any type but IpAddress; those few are left out for all.
            rows = [row for row in peers.recorded_walk(agent) if row.tag != Tag.IP_ADDRESS]
        figures = compare(folder, rows)
        kib = memory(folder, rows)
    report(figures, kib)
    rows_kept = [
        ResultRow(path, {name: [rate.per_s for rate in rates] for name, rates in agents.items()}, _wanted(path))
        for path, agents in figures.items()
    ]
    keep("agent", rows_kept)


def _wanted(path: str) -> dict[str, float | None]:
    return dict(zip(("snmpd", "snmpsim"), TARGETS[path], strict=True))


if __name__ == "__main__":
    main()
