"""Every planted mistake is found by the invariant that it breaks, in the outage that shows it."""

from __future__ import annotations

import pytest

from ridethrough.mibs import standard_tree
from ridethrough.rigs.explore.invariants import INVARIANTS
from ridethrough.rigs.explore.runner import RunMaker, Setting
from ridethrough.rigs.explore.timeline import Plan
from tests.support.planted import PLANTED, Planted
from tests.support.story import SAMPLES


def _found(planted: Planted) -> set[str]:
    setting = Setting(SAMPLES / f"{planted.rig}.yaml", expected=planted.expected)
    outcome = RunMaker(setting, standard_tree()).outcome(Plan(planted.spells))
    return {violation.invariant for violation in outcome.violations}


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.mistake)
def test_a_mistake_is_found(planted: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    planted.plant(monkeypatch)
    assert planted.invariant in _found(planted)


def test_every_invariant_has_a_mistake() -> None:
    assert {planted.invariant for planted in PLANTED} == {row.name for row in INVARIANTS}


@pytest.mark.parametrize("rig", ["nodes-2"])
def test_without_a_mistake_nothing_is_found(rig: str) -> None:
    outages = {planted.spells: planted for planted in PLANTED if planted.rig == rig and not planted.expected}
    for planted in outages.values():
        assert _found(planted) == set()
