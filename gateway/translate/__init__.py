"""Translates notifications and observations to signals: statements about devices."""

from ridethrough.gateway.translate.inventory import Inventory, KnownDevice
from ridethrough.gateway.translate.translator import Translator, at_time
from ridethrough.gateway.translate.user_rules import Match, UserRule
from ridethrough.gateway.vocabulary import EventType

__all__ = ["EventType", "Inventory", "KnownDevice", "Match", "Translator", "UserRule", "at_time"]
