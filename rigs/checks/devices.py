"""Rules about devices and how they are reached (requirements sections 2, 3 and 7). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.emulators.bindings.chassis import AcLink
from ridethrough.gateway.config.base import split_host_port
from ridethrough.rigs.checks.rows import Row, Violation, acs, backed
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.rigfile.schema import RigFile

MAX_NODES = 4  # of an I-UPS with a shared disk
PAIR = 2


def keywords(rig: RigFile) -> Iterator[Violation]:
    """X06: a keyword is an address of the server's operating system."""
    for index, monitor in enumerate(rig.gateway.monitors):
        for server, text in monitor.keyword.items():
            config = rig.servers.get(server)
            if config is None or config.bmc is None:
                continue
            if text.partition(":")[0] not in (config.address, *config.other_addresses):
                yield (
                    ("gateway", "monitors", str(index), "keyword", server),
                    f"{text} is no address of {server}'s operating system that its BMC could reach",
                )


def missing_keywords(rig: RigFile) -> Iterator[Violation]:
    """X04: every monitor has a keyword of each server with a BMC."""
    linked = [name for name, server in rig.servers.items() if server.bmc is not None]
    for index, monitor in enumerate(rig.gateway.monitors):
        for server in linked:
            if server not in monitor.keyword:
                yield (
                    ("gateway", "monitors", str(index), "keyword"),
                    f"{monitor.name} has no keyword of {server}'s own",
                )


def monitor_ports(rig: RigFile) -> Iterator[Violation]:
    """X05: a server has one receive port in all monitors."""
    first: dict[str, tuple[str, str]] = {}
    for index, monitor in enumerate(rig.gateway.monitors):
        for server, text in monitor.keyword.items():
            port = text.partition(":")[2] or str(rig.ports.trap)
            known, name = first.setdefault(server, (port, monitor.name))
            if port != known:
                yield (
                    ("gateway", "monitors", str(index), "keyword", server),
                    f"port {port} differs from {known} in {name}; one for each server in all monitors",
                )


def intelligent(rig: RigFile) -> Iterator[Violation]:
    """X16: limits of an I-UPS by its number of nodes."""
    for name, config in rig.intelligent_ups.items():
        where = ("intelligent_ups", name)
        if config.nodes > MAX_NODES and any(cluster.disks for cluster in rig.clusters.values()):
            yield where, f"{config.nodes} nodes with a shared disk: an I-UPS serves at most four"
        if config.nodes > PAIR and not any(
            "ac_enterprise" in software.products for software in rig.environment.servers.values()
        ):
            yield where, f"{config.nodes} nodes need ESMPRO/AC Enterprise"


def interfaces(rig: RigFile) -> Iterator[Violation]:
    """L2: power-on over the network needs the LAN board and at most two nodes."""
    for index, item in enumerate(rig.controllers):
        where = ("controllers", str(index), "intelligent")
        for wanted in item.intelligent if isinstance(item, EsmproAcConfig) else ():
            config = rig.intelligent_ups.get(wanted.ups)
            if config is None:
                yield where, f"there is no I-UPS {wanted.ups!r}"
            elif wanted.lan_on and (config.nodes > PAIR or not config.lan_board):
                text = (
                    "power-on over the network needs the LAN board, and with three nodes or more only Client監視 works"
                )
                yield where, text


def line_signal(rig: RigFile) -> Iterator[Violation]:
    """V1: the line signal needs its board and at most two nodes."""
    for index, item in enumerate(rig.controllers):
        for wanted in item.intelligent if isinstance(item, EsmproAcConfig) else ():
            config = rig.intelligent_ups.get(wanted.ups)
            if wanted.line and config is not None and (config.nodes > PAIR or not config.line_board):
                where = ("controllers", str(index), "intelligent")
                yield where, "the V.24 line signal serves two nodes, with its board"


def different_models(rig: RigFile) -> Iterator[Violation]:
    """X16: nodes of one cluster are to have UPSs of one model."""
    topology = rig.topology()
    for name, cluster in rig.clusters.items():
        profiles = {
            rig.ups[ups].profile
            for node in cluster.nodes
            for ups in topology.feeds(node)
            if ups in topology.power_devices and ups in rig.ups
        }
        if len(profiles) > 1:
            yield ("clusters", name), f"different UPS models ({', '.join(sorted(profiles))}): set each server by itself"


def hubs(rig: RigFile) -> Iterator[Violation]:
    """X18: a hub between cards and gateway has power in an outage, and is on no linked device."""
    linked = rig.topology().linked_devices
    for name, hub in rig.hubs.items():
        feed = hub.power.partition("/")[0]
        if feed in linked:
            yield ("hubs", name, "power"), f"{feed} feeds the disk array: the network goes when the disks go"
        elif feed in rig.mains:
            yield ("hubs", name, "power"), "without a UPS there is no SNMP path in an outage"


def receivers(rig: RigFile) -> Iterator[Violation]:
    """X22: a forward to a clustered manager goes to its floating address."""
    physical = {address: name for name, item in rig.managers.items() for address in item.nodes.values()}
    for name, forward in rig.gateway.forwards.items():
        host, _ = split_host_port(forward.to)
        if host in physical:
            yield (
                ("gateway", "forwards", name, "to"),
                f"{host} is one node of the clustered {physical[host]}: after a failover nobody hears it there",
            )


def ac_link(rig: RigFile) -> Iterator[Violation]:
    """X27: a server on a UPS has AC-LINK on, so that it starts when the output returns; SSC starts its hosts itself."""
    started = {host for _, ac in acs(rig) if ac.ssc is not None for host in ac.hosts}  # 002 5.4
    for name, server in rig.servers.items():
        if server.ac_link is not AcLink.ON and backed(rig, name) and name not in started:
            words = f"AC-LINK {server.ac_link.value} on a UPS: it stays off when the output returns "
            yield (
                ("servers", name, "ac_link"),
                words + "(サーバ装置については BIOS の AC-Link 設定を実施しておいてください)",
            )


DEVICE_RULES: tuple[Row, ...] = (
    ("X04", False, "004", missing_keywords),
    ("X05", False, "004", monitor_ports),
    ("X06", False, "004", keywords),
    ("X16", False, "003 1.6.1, 1.6.3", intelligent),
    ("L2", False, "003 1.6.2", interfaces),
    ("V1", False, "003 1.6.2", line_signal),
    ("X16", True, "003 1.6.7, 1.8.6(3), 1.9.6(3)", different_models),
    ("X18", True, "003 1.7.3", hubs),
    ("X22", True, "003 2.1.6", receivers),
    ("X27", False, "001 4", ac_link),
)
