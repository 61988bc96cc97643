"""Events as rsyslog receives and parses them."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ridethrough.gateway.deliver.sinks.base import Delivered, Retry
from ridethrough.gateway.deliver.sinks.syslog import SyslogSink, message
from ridethrough.gateway.records import Event
from ridethrough.rigs.clock import run
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find

FIELDS = ["syslogfacility-text", "syslogseverity-text", "hostname", "app-name", "msgid", "timereported:::date-rfc3339"]
FIELDS += ["structured-data", "msg"]


def event(number: int, subject: str = "UPS1", severity: str = "warning", text: str = "on battery") -> Event:
    data = {"severity": severity, "text": text, "condition": "input", "group": None}
    return Event(f"{number}-0", "ups.input.lost", "/ridethrough/t", subject, "2026-03-10T12:00:00.250Z", data)


@contextmanager
def rsyslogd(folder: Path, port: int) -> Iterator[Path]:
    """The daemon on both transports; it writes a line a message, the fields it found divided by bars."""
    log, modules = folder / "messages", find("imudp.so").parent
    libraries = {find(name).parent for name in ("libestr.so.0", "libfastjson.so.4", "liblognorm.so.5")}
    template = "|".join(f"%{field}%" for field in FIELDS)
    (folder / "rsyslog.conf").write_text(
        'module(load="imudp") module(load="imtcp")\n'
        f'input(type="imudp" address="127.0.0.1" port="{port}")\ninput(type="imtcp" address="127.0.0.1" port="{port}")\n'
        f'template(name="all" type="string" string="{template}\\n")\n'
        f'*.* action(type="omfile" file="{log}" template="all")\n'
    )
    program = str(find("rsyslogd"))
    files = ["-f", str(folder / "rsyslog.conf"), "-i", str(folder / "pid")]
    command = [program, "-n", *files, "-M", str(modules)]
    environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, libraries))}
    process = subprocess.Popen(command, env=environment)
    try:
        while True:  # the test's own timeout bounds this
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None, "rsyslogd ended"
        yield log
    finally:
        process.terminate()
        process.wait(timeout=30)


def lines(log: Path, count: int) -> list[list[str]]:
    found: list[str] = []
    while len(found) < count:  # the test's own timeout bounds this
        found = [line for line in log.read_text().splitlines() if "ridethrough" in line] if log.exists() else []
    return [line.split("|") for line in found]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_what_rsyslog_reads(tmp_path: Path, transport: str) -> None:
    port = free_port()

    async def deliver(*events: Event) -> None:
        sink = SyslogSink(("127.0.0.1", port), transport, "local3")
        for each in events:
            assert await sink.deliver(each) == Delivered()
        await sink.close()

    with rsyslogd(tmp_path, port) as log:
        odd = event(2, "rack 1\u30e9\u30c3\u30af", "critical", 'a "quoted" \u505c\u96fb')
        run(deliver(event(1), odd), 1)
        first, second = sorted(lines(log, 2), key=lambda row: row[2])
        assert first[:6] == ["local3", "warning", "UPS1", "ridethrough", "ups.input.lost", "2026-03-10T12:00:00.250Z"]
        for part in ('id="1-0"', 'type="ups.input.lost"', 'device="UPS1"', 'condition="input"'):
            assert part in first[6]
        assert "group" not in first[6]
        assert first[7].strip() == "on battery"
        assert second[:3] == ["local3", "crit", "rack_1___"]
        assert second[7].lstrip(" \ufeff") == 'a "quoted" \u505c\u96fb'


def test_values_cannot_break_out_of_the_structured_data() -> None:
    octets = message(event(1, 'a"] b\\'), "daemon")
    assert rb'device="a\"\] b\\"' in octets
    assert octets.startswith(
        b'<28>1 2026-03-10T12:00:00.250Z a"]_b\\ ridethrough - ups.input.lost [ridethrough@32473 id="1-0"'
    )


def test_a_receiver_that_is_away_is_tried_again(tmp_path: Path) -> None:
    port = free_port()

    async def body() -> None:
        sink = SyslogSink(("127.0.0.1", port), "tcp", "daemon")
        outcome = await sink.deliver(event(1))
        assert isinstance(outcome, Retry)
        assert outcome.reason.startswith(f"127.0.0.1:{port}: ")
        with rsyslogd(tmp_path, port) as log:
            assert await sink.deliver(event(2)) == Delivered()
            assert 'id="2-0"' in lines(log, 1)[0][6]
        await sink.close()

    run(body(), 1)
