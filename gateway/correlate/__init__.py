"""From statements to events: conditions, confirmation times, recoveries, duplicates."""

from gateway.correlate.correlator import Correlator, State, UpsPolicy
from gateway.correlate.recoveries import BmcPolicy

__all__ = ["BmcPolicy", "Correlator", "State", "UpsPolicy"]
