"""Outputs of UPSs as a stand-in sees them: on, off for now, or off until somebody switches them on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from ridethrough.gateway.vocabulary import Condition
from ridethrough.mibs.powernet import OFF, OUTPUT_STATUS, STAYS_OFF
from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.actions import NoteWriter
from ridethrough.rigs.controllers.client import ControllerClient

LOOK_S = 2.0
AGAIN_S = 10.0  # before an order is repeated: longer than a poll, so that its effect has been seen


class OutputState(NamedTuple):
    """A UPS as it last answered."""

    on: bool
    stays_off: bool
    """It comes back by a command only; in any other way of being off it comes back with the input."""
    input_good: bool
    battery_low: bool


async def look(client: ControllerClient, ups: str) -> OutputState | None:
    """Return the state of a UPS; None while nobody knows it, because the card or the gateway is silent."""
    try:
        document = await client.device(ups)
    except ApiError:
        return None
    conditions, status = set(document["conditions"]), document["readings"].get(OUTPUT_STATUS)
    if status is None or conditions & {Condition.SILENCE, Condition.LINK}:
        return None
    # A trap tells that it went off before a poll has read so.
    on = status not in OFF and Condition.OUTPUT not in conditions
    return OutputState(on, status == STAYS_OFF, Condition.INPUT not in conditions, Condition.BATTERY in conditions)


async def bring_back(notes: NoteWriter, ups: str, wanted: Callable[[], bool] = lambda: True) -> None:
    """Wait until an output is on; one that stays off is switched on once its input is good.

    One that comes back by itself is left to do so, as minimum charge and return delay are to be kept. Ends early when
    it is not `wanted` any more.
    """
    while wanted():
        state = await look(notes.client, ups)
        if state is not None and state.on:
            return
        ordered = state is not None and state.stays_off and state.input_good
        if ordered:
            await notes.attempt(notes.client.command(ups, "output.on"))
        await asyncio.sleep(AGAIN_S if ordered else LOOK_S)
