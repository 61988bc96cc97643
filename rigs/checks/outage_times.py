"""Rules about the times of an outage: who confirms before whom, and what has to fit into what (001 6.2 and 9.1). Pure.

The figure of 001 9.1: ① confirmation, ② cluster shutdown, ③ shutdown of the operating systems; ④ is the battery's time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ridethrough.emulators.devices.psu.model import STANDBY_W
from ridethrough.emulators.devices.ups.battery import Battery
from ridethrough.emulators.devices.ups.profile import load_profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.emulators.kernel.instant import START
from ridethrough.rigs.checks.rows import Row, Violation, acs, own_feeds
from ridethrough.rigs.controllers.esmpro_um import EsmproUmConfig
from ridethrough.rigs.controllers.powerchute import PowerChuteConfig
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

POLL_S = 8  # the longest interval between two looks at a UPS
ORDER_S = 60  # To
COMMAND_S = 2  # for each UPS


def _confirm(rig: RigFile, ups: str) -> float:
    return rig.ups[ups].confirm_s


def confirm_times(rig: RigFile) -> Iterator[Violation]:
    """X09: confirmation times of disks, linked terminals and control terminals are in order."""
    topology = rig.topology()
    for disk in topology.linked_devices:
        for ups in own_feeds(topology, topology.users_of(disk)):
            if _confirm(rig, disk) >= _confirm(rig, ups):
                yield (
                    ("ups", disk, "confirm_s"),
                    f"the disk's {_confirm(rig, disk):g} s must be shorter than the {_confirm(rig, ups):g} s of {ups}",
                )
    terminals = own_feeds(topology, topology.terminals)
    if len({_confirm(rig, ups) for ups in terminals}) > 1:
        yield ("ups", terminals[0], "confirm_s"), f"all UPSs of control terminals need one time: {', '.join(terminals)}"
    yield from _chain(rig, topology)


def _chain(rig: RigFile, topology: Topology) -> Iterator[Violation]:
    """SSC: terminals' UPS > terminals' disk > linked > linked disk (5.4)."""
    own_disks = [disk for disk in topology.linked_devices if set(topology.users_of(disk)) & set(topology.terminals)]
    disks = [disk for disk in topology.linked_devices if disk not in own_disks]
    if not own_disks or not disks:
        return
    steps = [own_feeds(topology, topology.terminals), own_disks, own_feeds(topology, topology.linked), disks]
    for longer, shorter in pairwise(steps):
        for a in longer:
            for b in shorter:
                if _confirm(rig, a) <= _confirm(rig, b):
                    words = f"{_confirm(rig, a):g} s must be longer than the {_confirm(rig, b):g} s of {b}: "
                    yield ("ups", a, "confirm_s"), words + "terminals' UPS > their disk > linked > linked disk"


def terminal_time(rig: RigFile) -> Iterator[Violation]:
    """X09: a control terminal's UPS waits long enough for all orders."""
    topology = rig.topology()
    others = own_feeds(topology, topology.linked)
    for _, ac in acs(rig):
        if not others:
            continue
        longest = max(_confirm(rig, ups) for ups in others)
        needed = longest + POLL_S + ac.cluster_timeout_s + ORDER_S + COMMAND_S * len(others)
        for ups in own_feeds(topology, topology.terminals):
            if ups not in others and _confirm(rig, ups) <= needed:
                sum_of = f"{longest:g} + {POLL_S} + {ac.cluster_timeout_s:g} + {ORDER_S} + {COMMAND_S}x{len(others)}"
                words = f"{_confirm(rig, ups):g} s is not longer than {needed:g} s = {sum_of}: "
                yield ("ups", ups, "confirm_s"), words + "the terminal may go before it has ordered everything"


class Outage(NamedTuple):
    """Times on one UPS that has lost its input: those of 001 9.1, and whom it feeds."""

    ups: str
    confirm_s: float
    cluster_s: float
    """0 where no cluster hangs on it."""
    off_s: float
    """電源切断猶予時間, as the UPS takes it."""
    servers: tuple[str, ...]


def _outages(rig: RigFile) -> Iterator[Outage]:
    """Yield the UPSs that a stand-in for power management switches off, each with the times that hold for it."""
    topology = rig.topology()
    for _, ac in acs(rig):
        for ups in (*topology.power_devices, *topology.linked_devices):
            users = topology.users_of(ups) if ups in topology.linked_devices else topology.fed_by(ups)
            clustered = any(topology.cluster_of(server) is not None for server in users)
            limit_s = ac.cluster_timeout_s if clustered and ac.cluster_shutdown else 0
            yield Outage(ups, _confirm(rig, ups), limit_s, off_s(rig, ups), tuple(topology.fed_by(ups)))
        for unit in ac.intelligent:
            if unit.ups in rig.intelligent_ups:
                clustered = any(topology.cluster_of(server) is not None for server in unit.servers)
                limit_s = ac.cluster_timeout_s if clustered and ac.cluster_shutdown else 0
                yield Outage(unit.ups, unit.confirm_s, limit_s, off_s(rig, unit.ups), unit.servers)
    for item in rig.controllers:
        if isinstance(item, PowerChuteConfig):
            for node, ups in item.ups.items():
                wait_s = item.off_wait_s if item.edition == "plus" else off_s(rig, ups)
                # At the run-time limit the battery is low by then, and nothing is left to be compared (X49).
                limit_s = item.cluster_timeout_s if item.cluster_shutdown and item.begin == "time" else 0
                yield Outage(ups, item.confirm_s, limit_s, wait_s, (node,))
        elif isinstance(item, EsmproUmConfig):
            yield Outage(item.ups, _confirm(rig, item.ups), 0, off_s(rig, item.ups), (item.server, *item.others))


def off_s(rig: RigFile, ups: str) -> float:
    """Return 電源切断猶予時間 of a UPS: its setting, corrected as the UPS does, or the factory's."""
    if ups in rig.intelligent_ups:
        return rig.intelligent_ups[ups].off_delay_s
    settings = Settings(load_profile(rig.ups[ups].profile))
    for name, value in rig.ups[ups].settings.objects().items():
        settings.preset(name, value)
    return settings.shutoff_delay_s


def battery_s(rig: RigFile, ups: str) -> float:
    """Return how long a full and young battery carries everything that hangs on its UPS."""
    if ups in rig.intelligent_ups:
        return rig.intelligent_ups[ups].hold_s
    profile = load_profile(rig.ups[ups].profile)
    watts = 0.0
    for server in rig.servers.values():
        supplies = sum(feed.partition("/")[0] == ups for feed in server.power)
        watts += supplies * (server.load_w / len(server.power) + STANDBY_W)
    for disk in rig.disks.values():
        watts += sum(feed.partition("/")[0] == ups for feed in disk.power) * disk.load_w / len(disk.power)
    watts += sum(hub.load_w for hub in rig.hubs.values() if hub.power.partition("/")[0] == ups)
    return Battery(profile).full_runtime_s(watts / profile.rating.watts, START)


def battery_time(rig: RigFile) -> Iterator[Violation]:
    """X38: the battery of a cluster's UPS lasts for confirmation, cluster shutdown and shutdown together."""
    for outage in _outages(rig):
        if not outage.cluster_s:
            continue
        has_s, needed_s = battery_s(rig, outage.ups), outage.confirm_s + outage.cluster_s + outage.off_s
        if has_s < needed_s:
            kind = "intelligent_ups" if outage.ups in rig.intelligent_ups else "ups"
            words = f"its battery lasts {has_s:.0f} s, less than {needed_s:g} s = ①{outage.confirm_s:g} + "
            words += f"②{outage.cluster_s:g} + ③{outage.off_s:g} (④の時間以上バッテリ稼動できる)"
            yield (kind, outage.ups), words


def cluster_time(rig: RigFile) -> Iterator[Violation]:
    """X39: a cluster stops within the time that is allowed for it."""
    topology = rig.topology()
    stopping = [ac for _, ac in acs(rig) if ac.cluster_shutdown]
    limits = [(topology.cluster_of(server), ac.cluster_timeout_s) for ac in stopping for server in topology.members]
    limits += [
        (item.cluster, item.cluster_timeout_s)
        for item in rig.controllers
        if isinstance(item, PowerChuteConfig) and item.cluster_shutdown
    ]
    for name, limit_s in dict.fromkeys(limits):
        if name is not None and rig.clusters[name].shutdown_s > limit_s:
            words = (
                f"it takes {rig.clusters[name].shutdown_s:g} s to stop, longer than ② タイムアウト時間 {limit_s:g} s "
            )
            yield ("clusters", name, "shutdown_s"), words + "(②の時間内にクラスタシャットダウンが終了する事)"


def shutdown_time(rig: RigFile) -> Iterator[Violation]:
    """X40: operating systems, with their guests, shut down in less than 電源切断猶予時間 of their UPSs."""
    for outage in _outages(rig):
        for server in outage.servers:
            takes_s = rig.servers[server].shutdown_s + _guests_s(rig, server)
            if takes_s >= outage.off_s:
                words = f"its shutdown takes {takes_s:g} s, and {outage.ups} goes off after {outage.off_s:g} s "
                yield ("servers", server, "shutdown_s"), words + "(OSのシャットダウン時間を十分に超える時間)"


def _guests_s(rig: RigFile, server: str) -> float:
    """Return the time in which a host's guests stop, one rank after the other."""
    ranks: dict[int, float] = {}
    for guest in rig.servers[server].guests.values():
        ranks[guest.rank] = max(ranks.get(guest.rank, 0), guest.shutdown_s)
    return sum(ranks.values())


def command_time(rig: RigFile) -> Iterator[Violation]:
    """M5: the time for default.cmd is not shorter than the cluster's, nor than that of the job in an outage."""
    for index, item in enumerate(rig.controllers):
        if not isinstance(item, PowerChuteConfig) or item.edition != "business":
            continue
        where = ("controllers", str(index), "command_file_s")
        if item.command_file_s < item.cluster_timeout_s:
            words = f"{item.command_file_s:g} s for default.cmd is shorter than the cluster's "
            yield where, words + f"{item.cluster_timeout_s:g} s"
        if item.command_file_s < item.job_s:
            words = f"{item.command_file_s:g} s for default.cmd is shorter than the job's {item.job_s:g} s "
            yield where, words + "(登録ジョブが完了するまでに必要な時間を設定)"


def run_time_limit(rig: RigFile) -> Iterator[Violation]:
    """X49: PowerChute Business Edition that begins at the run-time limit may leave no time for the cluster."""
    for index, item in enumerate(rig.controllers):
        if isinstance(item, PowerChuteConfig) and item.edition == "business" and item.begin == "runtime_limit":
            words = "the shutdown begins only when the battery is low "
            yield ("controllers", str(index), "begin"), words + "(クラスタシャットダウンが実施されない場合もあります)"


TIME_RULES: tuple[Row, ...] = (
    ("X09", False, "003 1.7.7(5), 001 6.2", confirm_times),
    ("X09", True, "003 1.7.7(5)", terminal_time),
    ("X38", False, "001 9.1, 003 1.6.5, 1.7.5.1, 1.8.4, 1.9.4", battery_time),
    ("X39", False, "001 9.1, 003 1.6.5, 1.7.5.1, 1.8.4, 1.9.4", cluster_time),
    ("X40", False, "001 9.1, 003 1.9.3.3", shutdown_time),
    ("M5", True, "003 1.9.6(9)(10)", command_time),
    ("X49", True, "003 1.9.6(6)", run_time_limit),
)
