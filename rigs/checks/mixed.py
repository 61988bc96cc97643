"""Rules about servers with and without a UPS in one tree (000, requirements 4.5). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.checks.rows import Row, Violation, acs, backed, is_mixed, keys_of
from ridethrough.rigs.rigfile.schema import RigFile


def mixed_options(rig: RigFile) -> Iterator[Violation]:
    """X01: linked terminals on one UPS have one multi-server option."""
    topology = rig.topology()
    for ups in rig.ups:
        fed = [server for server in topology.linked if ups in topology.feeds(server)]
        options = {topology.management.of_server(server).option for server in fed}
        if len(options) > 1:
            yield ("ups", ups), f"{', '.join(fed)} mix the Enterprise and the Advance option on one UPS"


def own_groups(rig: RigFile) -> Iterator[Violation]:
    """X28: in the mixed mode each server, terminal or linked, has a power-control group of its own."""
    topology = rig.topology()
    if not is_mixed(rig, topology):
        return
    for name, group, under, _ in topology.placed:
        servers = (*group.ct, *group.lt)
        if len(servers) > 1:
            words = f"{', '.join(servers)} share a group; with and without UPS in one tree each server has its own "
            yield (
                ("groups", *keys_of(under), name),
                words + "(制御端末、連動端末の各サーバごとにそれぞれの電源制御グループ)",
            )


def enterprise_without_ups(rig: RigFile) -> Iterator[Violation]:
    """X29: the Enterprise option goes with a UPS; a server without one has the Advance option."""
    topology = rig.topology()
    for name in topology.members:
        if topology.management.of_server(name).option == "enterprise" and not backed(rig, name):
            yield ("servers", name, "power"), "the Enterprise option without a UPS (UPSあり): give it `option: advance`"


def wake(rig: RigFile) -> Iterator[Violation]:
    """X30: the hardware of a server without a UPS knows Wake-on-LAN."""
    for name in rig.topology().members:
        config = rig.servers[name].wake
        if not backed(rig, name) and (config is None or not config.supported):
            words = "neither a UPS nor Wake-on-LAN: nothing can start it "
            yield ("servers", name, "wake"), words + "(WakeOnLAN機能がサポートされている必要があります)"


def schedules(rig: RigFile) -> Iterator[Violation]:
    """S4: with the Advance option each server has a schedule of its own."""
    topology = rig.topology()
    for index, ac in acs(rig):
        scheduled = {server for turn in ac.schedule for server in turn.servers}
        alone = [name for name in topology.members if topology.management.of_server(name).option == "advance"]
        missing = [name for name in alone if name not in scheduled]
        if ac.schedule and missing and len(missing) < len(alone):
            yield ("controllers", str(index), "schedule"), f"{', '.join(missing)}: each needs a schedule of its own"


MIXED_RULES: tuple[Row, ...] = (
    ("X01", False, "000 利用不可の構成", mixed_options),
    ("X28", False, "000 2", own_groups),
    ("X29", False, "000 3", enterprise_without_ups),
    ("X30", False, "000 2", wake),
    ("S4", True, "000", schedules),
)
