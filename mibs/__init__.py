"""Names, types and enumerations that both sides agree on. Imports nothing of ours."""

from mibs.oid import Oid
from mibs.tree import MibObject, MibTree, standard_tree

__all__ = ["MibObject", "MibTree", "Oid", "standard_tree"]
