"""ESMPRO/AutomaticRunningController: power management and automatic running of servers and clusters."""

from ridethrough.rigs.controllers.esmpro_ac.config import Config
from ridethrough.rigs.controllers.esmpro_ac.stand import Stand

__all__ = ["Config", "Stand"]
