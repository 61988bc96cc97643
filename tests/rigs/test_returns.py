"""After an outage everything runs again, whatever second it ends in (001 section 9.1, 003 section 1.7.5.1)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ridethrough.mibs import standard_tree
from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.runner import Report, replay
from ridethrough.rigs.scenario.seen import SeenState

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"
REST_S = 1800  # longest delay to go off, return, recharge and two boots
JOB = [{"type": "esmpro_ac", "name": "ac", "jobs": {"manager": {"stop": {"backup": 30}}}}]

# Rig, mains that fail, what is laid over the rig, and seconds at which the mains return: just before and behind the
# confirmations, inside the cluster's stop, between the orders, and when outputs are off.
WALKS: tuple[tuple[str, tuple[str, ...], dict[str, Any], tuple[float, ...]], ...] = (
    ("003-a", ("machine-room",), {}, (59, 60, 61, 71, 76, 103, 370)),
    ("003-a", ("machine-room", "storage", "office"), {}, (31, 62, 77, 271, 700)),
    ("003-b", ("room", "storage"), {}, (31, 74, 79, 400)),
    ("001-ssc", ("room", "storage", "managed", "managed-storage"), {}, (31, 91, 132, 1500)),
    ("hyper-v-ssc", ("city",), {}, (61, 141)),
    ("hyper-v-ac", ("city",), {"controllers": JOB}, (61, 92, 171, 173)),
    ("mirror", ("city1", "city2"), {}, (61, 101)),
    ("mirror", ("city1",), {}, (61,)),
    ("hyper-v-um", ("city",), {}, (61, 86)),
)

SLOW = {("hyper-v-ssc", 141)}  # three quarters of a minute, where others take half a second


def outage(rig: str, mains: tuple[str, ...], patch: dict[str, Any], lasts_s: float) -> Report:
    acts = [{"at": at, "do": f"{line} {word}"} for at, word in ((0, "off"), (lasts_s, "on")) for line in mains]
    end = {"at": lasts_s + REST_S, "expect": "state", "device": mains[0], "state": "on"}
    document = {"scenario": "outage", "rig": str(SAMPLES / f"{rig}.yaml"), "patch": patch, "timeline": [*acts, end]}
    return replay(Scenario.model_validate(document), standard_tree(), "max", "free")


def restarts(states: list[SeenState]) -> int:
    """How often an operating system ended after it had come up again."""
    shown = [item.state["state"] for item in states]
    up = [at for at, state in enumerate(shown) if state == "running" and (at == 0 or shown[at - 1] != "running")]
    return len(up) - 1


@pytest.mark.parametrize(
    ("rig", "mains", "patch", "lasts_s"),
    [
        pytest.param(rig, mains, patch, lasts_s, marks=[pytest.mark.campaign] if (rig, lasts_s) in SLOW else [])
        for rig, mains, patch, instants in WALKS
        for lasts_s in instants
    ],
    ids=[f"{rig} {'+'.join(mains)} {lasts_s:g}" for rig, mains, _, instants in WALKS for lasts_s in instants],
)
def test_everything_runs_again(rig: str, mains: tuple[str, ...], patch: dict[str, Any], lasts_s: float) -> None:
    report = outage(rig, mains, patch, lasts_s)
    states: dict[str, list[SeenState]] = {}
    for item in report.seen.states:
        states.setdefault(item.device, []).append(item)
    servers = {name: items for name, items in states.items() if "ac_link" in items[0].state}
    assert {name: items[-1].state["state"] for name, items in servers.items()} == dict.fromkeys(servers, "running")
    assert {name: items[-1].state["cuts"] for name, items in servers.items()} == dict.fromkeys(servers, 0)
    clusters = {name: items for name, items in states.items() if "groups" in items[0].state}
    assert {name: items[-1].state["state"] for name, items in clusters.items()} == dict.fromkeys(clusters, "running")
    # Mains that return together find disks ready before servers: nobody restarts twice.
    assert max(map(restarts, servers.values())) <= 1
    assert [note for note in report.seen.notes if note.mark in ("failed", "not_started")] == []
    orders = [item for item in report.seen.orders if item.input in ("stop", "shutdown")]
    assert len(orders) == len({(item.device, item.input) for item in orders})  # each is given once
