"""A failover cluster: nodes, failover groups, orderly shutdown."""

from ridethrough.emulators.devices.cluster.model import Cluster

__all__ = ["Cluster"]
