"""Tests of the controller in outages. The rig's time jumps, so an hour takes a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest_asyncio
from controller import control

from ridethrough import Rig, RigClock


@pytest_asyncio.fixture
async def controller(rig: Rig) -> AsyncIterator[None]:
    task = asyncio.create_task(control(rig.url))
    yield
    task.cancel()


async def test_a_short_outage_is_no_reason_to_stop(rig: Rig, controller: None) -> None:
    await rig.do("city off")
    await rig.expect("event ups.input.lost UPS1")
    await rig.do("city on")
    await rig.expect("no command UPS1", within=300)
    await rig.expect("steady server1 state=running", within=300)


async def test_an_outage_ends_the_server_and_then_its_ups(rig: Rig, controller: None) -> None:
    await rig.do("city off")
    await rig.expect("event power.outage.confirmed UPS1", at=60, within=1)
    await rig.expect("command server1.bmc power.soft", by=65)
    await rig.expect("state server1 state=off", by=120)
    await rig.expect("state UPS1 output=off", at=240, within=2)


async def test_everything_comes_back_with_the_mains(rig: Rig, clock: RigClock, controller: None) -> None:
    await rig.do("city off")
    await clock.advance(600)
    await rig.do("city on")
    await rig.expect("event ups.output.on UPS1", within=90)
    await rig.expect("state server1 state=running", within=240)


async def test_nothing_is_left_off_or_cut_whatever_fails_and_returns(rig: Rig) -> None:
    await rig.explore(control, runs=4)
