"""The exec sink against a stand-in for clprexec that writes down how it was called."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from ridethrough.gateway.deliver.filters import Filter
from ridethrough.gateway.deliver.sinks.base import Delivered, Outcome, Reject, Retry
from ridethrough.gateway.deliver.sinks.exec import ExecConfig as Config
from ridethrough.gateway.deliver.sinks.exec import ExecSink
from ridethrough.gateway.records import Event
from ridethrough.rigs.clock import run

NOTICE = Event(
    "5-0",
    "bmc.notice",
    "/ridethrough/site",
    "server1.bmc",
    "2026-01-01T00:00:00.000Z",
    {"server": "server1", "category": "BMCNOTICE", "keyword": "192.168.0.1:162", "monitors": ["mrw1", "mrw2"]},
)
TEMPLATE = ["--notice", "-h", "{data.server}", "-k", "{data.category}.{data.keyword}", "-w", "180"]


@pytest.fixture
def clprexec(tmp_path: Path) -> Path:
    program = tmp_path / "clprexec"
    program.write_text(
        f"#!{sys.executable}\n"
        "import json, pathlib, sys\n"
        f"with pathlib.Path({str(tmp_path / 'calls')!r}).open('a') as stream:\n"
        "    print(json.dumps(sys.argv[1:]), file=stream)\n"
        "if '--fail' in sys.argv:\n"
        "    sys.exit('the caller is not allowed')\n"
        "if '--hang' in sys.argv:\n"
        "    sys.stdin.read(); import signal; signal.pause()\n"
    )
    program.chmod(0o755)
    return program


def deliver(argv: list[str], event: Event = NOTICE, timeout_s: float = 30) -> Outcome:
    async def body() -> Outcome:
        return await ExecSink(argv, timeout_s).deliver(event)

    return run(body(), 1)


def calls(folder: Path) -> list[list[str]]:
    path = folder / "calls"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_the_program_gets_the_event_as_its_arguments(clprexec: Path, tmp_path: Path) -> None:
    assert deliver([str(clprexec), *TEMPLATE]) == Delivered()
    assert calls(tmp_path) == [["--notice", "-h", "server1", "-k", "BMCNOTICE.192.168.0.1:162", "-w", "180"]]


def test_no_shell_reads_the_arguments(clprexec: Path, tmp_path: Path) -> None:
    event = Event("1-0", "bmc.notice", "/s", "x", "t", {"server": "$(touch gone); `id` 'a b'"})
    assert deliver([str(clprexec), "{data.server}"], event) == Delivered()
    assert calls(tmp_path) == [["$(touch gone); `id` 'a b'"]]


def test_other_events_do_not_run_it(clprexec: Path, tmp_path: Path) -> None:
    other = Event("1-0", "ups.input.lost", "/s", "UPS1", "t", {})
    config = Config(type="exec", argv=(str(clprexec), "{data.server}"))
    wanted = Filter(config.types, config.devices, config.severity)
    assert (wanted.passes(NOTICE), wanted.passes(other)) == (True, False)
    assert isinstance(deliver([*config.argv], other), Reject)  # and if it did, what it lacks is said
    assert calls(tmp_path) == []


def test_lists_are_joined(clprexec: Path, tmp_path: Path) -> None:
    deliver([str(clprexec), "{data.monitors}", "{subject}/{type}"])
    assert calls(tmp_path) == [["mrw1,mrw2", "server1.bmc/bmc.notice"]]


def test_a_failure_is_tried_again_with_its_words(clprexec: Path) -> None:
    outcome = deliver([str(clprexec), "--fail"])
    assert isinstance(outcome, Retry)
    assert outcome.reason.endswith("exit status 1: the caller is not allowed")


def test_a_program_that_is_not_there_is_tried_again() -> None:
    outcome = deliver(["/nowhere/clprexec"])
    assert isinstance(outcome, Retry)
    assert "No such file" in outcome.reason


def test_a_program_that_hangs_is_ended(clprexec: Path) -> None:
    outcome = deliver([str(clprexec), "--hang"], timeout_s=1)
    assert isinstance(outcome, Retry)
    assert "still running after 1 s" in outcome.reason


def test_an_event_without_the_field_is_set_aside(clprexec: Path, tmp_path: Path) -> None:
    outcome = deliver([str(clprexec), "{data.nothing}"])
    assert isinstance(outcome, Reject)
    assert outcome.reason == "the event has no data.nothing"
    assert calls(tmp_path) == []


def test_a_field_that_no_event_has_is_refused_in_the_file() -> None:
    with pytest.raises(ValidationError, match=r"\{server\} is no field of an event; accepted: id, type"):
        Config(type="exec", argv=("/bin/true", "{server}"))
