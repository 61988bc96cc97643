"""Turns signals into events: conditions, outages, recoveries, repetitions, storms."""

from ridethrough.gateway.correlate.correlator import Admission, Correlator, SitePolicy
from ridethrough.gateway.correlate.flaps import FlapPolicy
from ridethrough.gateway.correlate.outages import UpsPolicy
from ridethrough.gateway.correlate.recoveries import BmcPolicy
from ridethrough.gateway.correlate.state import CorrelatorState, Open
from ridethrough.gateway.correlate.storms import StormPolicy

__all__ = [
    "Admission",
    "BmcPolicy",
    "Correlator",
    "CorrelatorState",
    "FlapPolicy",
    "Open",
    "SitePolicy",
    "StormPolicy",
    "UpsPolicy",
]
