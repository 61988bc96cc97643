"""Shape of a row of the tables of rules, and lookups that several tables need. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

Violation = tuple[tuple[str, ...], str]
"""Keys to the place in the file, and what is wrong there."""
Row = tuple[str, bool, str, Callable[[RigFile], Iterator[Violation]]]
"""Name of a rule, whether it is only a warning, where the documents say so, and what finds its violations."""


def acs(rig: RigFile) -> list[tuple[int, EsmproAcConfig]]:
    """Return the stand-ins of ESMPRO/AC with their places in the list of controllers."""
    return [(index, item) for index, item in enumerate(rig.controllers) if isinstance(item, EsmproAcConfig)]


def own_feeds(topology: Topology, servers: Iterable[str]) -> list[str]:
    """Return the power devices of servers, each once."""
    feeds = [ups for server in servers for ups in topology.feeds(server) if ups in topology.power_devices]
    return list(dict.fromkeys(feeds))


def backed(rig: RigFile, server: str) -> bool:
    """Return True for a server of which a power supply hangs on a UPS of any kind."""
    feeds = {feed.partition("/")[0] for feed in rig.servers[server].power}
    return bool(feeds & {*rig.ups, *rig.intelligent_ups})


def is_mixed(rig: RigFile, topology: Topology) -> bool:
    """Return True in the mixed mode (000): servers with and without a UPS, or an Advance option, in one tree."""
    kinds = {backed(rig, server) for server in topology.members}
    return len(kinds) > 1 or any(topology.management.of_server(name).option == "advance" for name in topology.members)


def keys_of(under: Iterable[str]) -> Iterator[str]:
    """Yield the keys below `groups` that lead to what hangs under these groups."""
    for name in under:
        yield name
        yield "groups"
