"""From statements to events: conditions, confirmation times, recoveries, duplicates, storms."""

from ridethrough.gateway.correlate.correlator import Admission, Correlator, SitePolicy, UpsPolicy
from ridethrough.gateway.correlate.flaps import FlapPolicy
from ridethrough.gateway.correlate.memory import Open, State
from ridethrough.gateway.correlate.recoveries import BmcPolicy
from ridethrough.gateway.correlate.storms import StormPolicy

__all__ = ["Admission", "BmcPolicy", "Correlator", "FlapPolicy", "Open", "SitePolicy", "State", "StormPolicy", "UpsPolicy"]
