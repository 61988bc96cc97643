"""Scenarios run beside a rig, as the console does it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from ridethrough.gateway.api import Gate, Refusal
from ridethrough.gateway.config.http import RateLimits
from ridethrough.rigs.lab.scenario_runs import ScenarioRun, ScenarioRuns
from ridethrough.rigs.lab.scenario_runs_api import add_runs
from ridethrough.rigs.rigfile.bundled import names, resolve
from ridethrough.rigs.scenario.language import load_scenario

GOOD = """\
scenario: good
title: "The mains fail"
rig: {rig}
timeline:
  - {{at: 1, do: city off}}
  - {{between: [1, 3], expect: state, device: UPS1, state: on-battery}}
"""
LONG = GOOD.replace("scenario: good", "scenario: long") + "until: 600\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rig = resolve("a1080a-pair", "rig")
    (tmp_path / "good.yaml").write_text(GOOD.format(rig=rig))
    (tmp_path / "long.yaml").write_text(LONG.format(rig=rig))
    (tmp_path / "wrong.yaml").write_text(GOOD.format(rig=rig).replace("state: on-battery", "state: on-line"))
    (tmp_path / "broken.yaml").write_text("scenario: broken\nrig: nowhere.yaml\ntimeline: [{at: 0, do: city off}]\n")
    return tmp_path


@pytest.fixture
async def runs(folder: Path) -> AsyncIterator[ScenarioRuns]:
    made = ScenarioRuns(folder)
    yield made
    await made.close()


async def ended(run: ScenarioRun) -> ScenarioRun:
    while run.state == "running":
        await run.changed.wait()
    return run


def test_every_scenario_is_listed_with_its_title() -> None:
    listed = {row["name"]: row["title"] for row in ScenarioRuns().listed()}
    assert set(listed) == set(names("scenario"))
    for name in ("C1", "A1", "U12"):
        assert listed[name] == load_scenario(resolve(name, "scenario")).title


async def test_a_run_tells_what_happens_as_it_does(runs: ScenarioRuns) -> None:
    run = await ended(runs.start("good", "max"))
    assert run.state == "held"
    kinds = [line["kind"] for line in run.lines]
    assert (kinds[0], kinds[-1]) == ("scenario", "end")
    assert run.lines[0]["title"] == "The mains fail"
    assert {"kind": "done", "at_s": 1.0, "text": "city off"} in run.lines
    assert [line["what"] for line in run.lines if line["kind"] == "order"] == ["city off"]
    assert [line["held"] for line in run.lines if line["kind"] == "verdict"] == [True]
    assert all(report.read_text() for report in run.reports.values())
    await runs.stop(run)
    assert run.state == "held"


async def test_a_run_fails_or_breaks_and_says_why(runs: ScenarioRuns) -> None:
    failed = await ended(runs.start("wrong", "max"))
    assert failed.state == "failed"
    broken = await ended(runs.start("broken", "max"))
    assert broken.state == "broken"
    assert "nowhere.yaml" in broken.lines[-1]["text"]


async def test_one_run_at_a_time_which_can_be_stopped(runs: ScenarioRuns) -> None:
    run = runs.start("long", 1.0)
    with pytest.raises(Refusal, match="long is still running, as run 1"):
        runs.start("good", "max")
    await run.changed.wait()
    await runs.stop(run)
    assert run.state == "stopped"
    assert runs.running is None
    with pytest.raises(Refusal, match="there is no scenario 'nosuch'"):
        runs.start("nosuch", "max")


async def test_only_the_latest_runs_are_kept(runs: ScenarioRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ridethrough.rigs.lab.scenario_runs.KEPT", 2)
    first = await ended(runs.start("broken", "max"))
    first.reports["html"].write_text("a report")
    for _ in range(2):
        await ended(runs.start("broken", "max"))
    with pytest.raises(Refusal, match="there is no run 1; kept: 2, 3"):
        runs.get(1)
    assert not first.reports["html"].exists()


async def test_over_http(runs: ScenarioRuns) -> None:
    application = web.Application()
    loop = asyncio.get_running_loop()
    add_runs(application, runs, Gate({}, RateLimits(), None, lambda: 0, loop.time))
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}/lab/v1"
    try:
        async with aiohttp.ClientSession() as session:
            async with session.post(f"{base}/scenarios/good/runs", json={"speed": "fast"}) as answer:
                assert answer.status == 422
                assert "expected max or a number above 0" in (await answer.json())["detail"]
            async with session.post(f"{base}/scenarios/good/runs", data=b"{") as answer:
                assert answer.status == 400
            async with session.post(f"{base}/scenarios/good/runs", json={"speed": "max"}) as answer:
                assert answer.status == 201
                where = answer.headers["Location"]
                made = await answer.json()
            assert where == f"/lab/v1/runs/{made['id']}"
            lines = []
            while made["state"] == "running" or made["lines"]:
                async with session.get(f"{base}/runs/{made['id']}", params={"after": made["next"]}) as answer:
                    made = await answer.json()
                lines += made["lines"]
            assert lines == runs.get(1).lines
            for form, kind in (("html", "text/html"), ("xml", "application/xml")):
                async with session.get(f"{base}/runs/1/report.{form}") as answer:
                    assert (answer.status, answer.content_type) == (200, kind)
                    assert f'filename="good.{form}"' in answer.headers["Content-Disposition"]
            for path in ("runs/1/report.pdf", "runs/7", "runs/x"):
                async with session.get(f"{base}/{path}") as answer:
                    assert answer.status == 404
            async with session.get(f"{base}/runs/1", params={"after": "-1"}) as answer:
                assert answer.status == 422
            async with session.post(f"{base}/scenarios/long/runs", json={"speed": 1}) as answer:
                assert answer.status == 201
            async with session.get(f"{base}/scenarios") as answer:
                assert (await answer.json())["running"] == 2
            async with session.delete(f"{base}/runs/2") as answer:
                assert (await answer.json())["state"] == "stopped"
    finally:
        await runner.cleanup()
