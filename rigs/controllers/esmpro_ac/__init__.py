"""ESMPRO/AutomaticRunningController: power management and automatic running of servers and clusters."""

from rigs.controllers.esmpro_ac.config import Config
from rigs.controllers.esmpro_ac.stand import Stand

__all__ = ["Config", "Stand"]
