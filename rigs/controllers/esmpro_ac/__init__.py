"""ESMPRO/AutomaticRunningController: power management and automatic running of servers and clusters."""

from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_ac.controller import EsmproAcController

__all__ = ["CONTROLLER", "EsmproAcConfig", "EsmproAcController"]

CONTROLLER = EsmproAcController
