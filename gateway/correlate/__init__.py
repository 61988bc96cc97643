"""From statements to events: conditions, confirmation times, recoveries, duplicates, storms."""

from gateway.correlate.correlator import Correlator, SitePolicy, UpsPolicy
from gateway.correlate.flaps import FlapPolicy
from gateway.correlate.memory import Open, State
from gateway.correlate.recoveries import BmcPolicy
from gateway.correlate.storms import StormPolicy

__all__ = ["BmcPolicy", "Correlator", "FlapPolicy", "Open", "SitePolicy", "State", "StormPolicy", "UpsPolicy"]
