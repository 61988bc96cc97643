"""The state of the correlator. A module of its own, because the correlator is compiled and these values are not.

`COMPILED` in `hatch_build.py` lists the modules that mypyc compiles, `correlator.py` among them; this one is not.
"""

from __future__ import annotations

import msgspec

from ridethrough.gateway.correlate.flaps import Flap
from ridethrough.gateway.correlate.recoveries import HeldAction
from ridethrough.gateway.correlate.repeats import Repeat
from ridethrough.gateway.correlate.segments import SegmentState
from ridethrough.gateway.correlate.storms import StormState


class Open(msgspec.Struct):
    """An open condition. `event_id` is empty while no event has announced it; `said` counts the statements of it."""

    since_ms: int
    event_id: str
    type: str
    text: str
    severity: str
    said: int = 1


class CorrelatorState(msgspec.Struct):
    """All that the correlator remembers; stored with the events, so that a restart forgets nothing."""

    open: dict[str, dict[str, Open]] = {}  # device -> condition
    clear: dict[str, list[str]] = {}  # device -> conditions known to be clear
    confirm_at_ms: dict[str, int] = {}  # UPS -> when its outage will be confirmed
    unheard_at_ms: dict[str, int] = {}  # UPS -> when the loss of its link to the card counts as silence
    held: dict[str, HeldAction] = {}  # BMC -> what it waits for
    flaps: dict[str, dict[str, Flap]] = {}  # device -> condition
    segments: SegmentState = msgspec.field(default_factory=SegmentState)
    storm: StormState = msgspec.field(default_factory=StormState)
    repeats: dict[str, Repeat] = {}
