"""From notifications and readings to statements about devices."""

from gateway.translate.inventory import Inventory, Known
from gateway.translate.translator import Translator, at_time
from gateway.translate.user_rules import Match, UserRule
from gateway.translate.vocabulary import EventType

__all__ = ["EventType", "Inventory", "Known", "Match", "Translator", "UserRule", "at_time"]
