"""Names, types and enumerations that both sides agree on. Imports nothing of ours."""

if __name__ != "ridethrough.mibs":  # twice the same module under two names would be two different classes
    raise ImportError("this folder is the package ridethrough.mibs", name=__name__)

from ridethrough.mibs.oid import Oid
from ridethrough.mibs.tree import MibObject, MibTree, standard_tree

__all__ = ["MibObject", "MibTree", "Oid", "standard_tree"]
