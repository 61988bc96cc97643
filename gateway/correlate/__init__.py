"""From statements to events: conditions, confirmation times, duplicates."""

from gateway.correlate.correlator import Correlator, State, UpsPolicy

__all__ = ["Correlator", "State", "UpsPolicy"]
