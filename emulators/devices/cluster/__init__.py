"""A failover cluster: nodes, failover groups, orderly shutdown."""

from ridethrough.emulators.devices.cluster.build import DEVICE_TYPE
from ridethrough.emulators.devices.cluster.model import Cluster

__all__ = ["DEVICE_TYPE", "Cluster"]
