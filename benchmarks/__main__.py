"""`make bench`: run every benchmark and print one table."""

from __future__ import annotations

import json
import logging
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import structlog
from pyasn1.codec.ber import decoder
from pysnmp.proto import api

from ridethrough.mibs import Oid, standard_tree
from ridethrough.rigs.scenario.language import load_scenario
from ridethrough.rigs.scenario.runner import replay
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, decode, encode

REPEATS = 5
SCENARIOS = Path(__file__).parent.parent / "rigs" / "scenarios"


def six_varbind_trap() -> bytes:
    """A version 2c trap as a card's forwarder sends it: six variables, 171 octets."""
    oid = Oid.parse
    varbinds = (
        VarBind(oid("1.3.6.1.2.1.1.3.0"), Tag.TIME_TICKS, 12345),
        VarBind(oid("1.3.6.1.6.3.1.1.4.1.0"), Tag.OBJECT_IDENTIFIER, oid("1.3.6.1.4.1.318.0.5")),
        VarBind(oid("1.3.6.1.4.1.318.2.3.3.0"), Tag.OCTET_STRING, b"UPS: On battery power"),
        VarBind(oid("1.3.6.1.6.3.18.1.3.0"), Tag.IP_ADDRESS, bytes((127, 0, 1, 1))),
        VarBind(oid("1.3.6.1.6.3.18.1.4.0"), Tag.OCTET_STRING, b"public"),
        VarBind(oid("1.3.6.1.6.3.1.1.4.3.0"), Tag.OBJECT_IDENTIFIER, oid("1.3.6.1.4.1.318")),
    )
    return encode(Message(Version.V2C, b"public", Pdu(Kind.TRAP_V2, 1, 0, 0, varbinds)))


def cpu_us(work: Callable[[], object], count: int) -> list[float]:
    """CPU microseconds of one call, `REPEATS` times."""
    results = []
    for _ in range(REPEATS):
        begun = time.process_time()
        for _ in range(count):
            work()
        results.append((time.process_time() - begun) / count * 1e6)
    return results


def bench_decode() -> dict[str, object]:
    """Decode the trap; the peer is pyasn1 with pysnmp's specification, which pysnmp's receiver uses."""
    data = six_varbind_trap()
    specification = api.PROTOCOL_MODULES[api.SNMP_VERSION_2C].Message()
    ours = cpu_us(lambda: decode(data), 20_000)
    peer = cpu_us(lambda: decoder.decode(data, asn1Spec=specification), 200)
    return {
        "what": "decode a 6-varbind v2c trap, CPU us",
        "ours": ours,
        "peer": peer,
        "ratio": statistics.median(peer) / statistics.median(ours),
        "target": "at most 15 us",
        "met": statistics.median(ours) <= 15,
    }


def bench_replay(what: str, files: Sequence[Path], repeats: int, limit_s: float) -> dict[str, object]:
    """Replay scenarios at full speed; the peer is the wall clock that they stand for."""
    results = []
    scenarios = [load_scenario(file) for file in files]
    clock_s = sum(scenario.lead_s + scenario.end_s for scenario in scenarios)
    for _ in range(repeats):
        begun = time.monotonic()
        for scenario in scenarios:
            if not replay(scenario, standard_tree(), "max", "free").held:
                raise SystemExit(f"{scenario.scenario} does not hold; nothing to measure")
        results.append((time.monotonic() - begun) * 1e6)
    return {
        "what": f"replay {what} at --speed max, wall us",
        "ours": results,
        "peer": [clock_s * 1e6],
        "ratio": clock_s * 1e6 / statistics.median(results),
        "target": f"at most {limit_s:g} s",
        "met": statistics.median(results) <= limit_s * 1e6,
    }


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    files = sorted(SCENARIOS.glob("*.yaml"))
    rows = [
        bench_decode(),
        bench_replay("C1", [SCENARIOS / "C1.yaml"], REPEATS, 2),
        bench_replay(f"all {len(files)} scenarios", files, 1, 120),
    ]
    print(f"{platform.machine()}, Python {platform.python_version()}, medians of {REPEATS}")
    print(f"{'':<42}{'min':>12}{'median':>12}{'max':>12}{'ratio':>9}  target")
    for row in rows:
        ours = row["ours"]
        assert isinstance(ours, list)
        figures = "".join(f"{value:>12.1f}" for value in (min(ours), statistics.median(ours), max(ours)))
        print(f"{row['what']:<42}{figures}{row['ratio']:>9.1f}  {row['target']}: {'met' if row['met'] else 'NOT met'}")
    if "--json" in sys.argv:
        print(json.dumps(rows))


if __name__ == "__main__":
    main()
