"""The times of a rig, by its own numbers: an orderly end, a start, and everything up to full recovery. Pure.

Where no stand-in says a number, that of the documents holds (requirements 6), which are the defaults of ESMPRO/AC.
"""

from __future__ import annotations

from collections.abc import Iterable

from ridethrough.emulators.devices.server.config import ServerConfig
from ridethrough.emulators.devices.ups.profile import load_profile
from ridethrough.emulators.devices.ups.settings import Settings
from ridethrough.rigs.controllers.clusterpro import ClusterproConfig
from ridethrough.rigs.controllers.esmpro_ac.config import EsmproAcConfig
from ridethrough.rigs.controllers.esmpro_um import EsmproUmConfig
from ridethrough.rigs.controllers.powerchute import PowerChuteConfig
from ridethrough.rigs.rigfile.schema import RigFile

POLL_S = 8.0  # 003 section 1.7.7(5): the longest time between two polls
HEARD_S = 1.0  # from a trap to what follows from it
LINK_S = 300.0  # ceiling of a BMC's hold
SLACK_S = 30.0  # for requests, takeovers, orders that are repeated, and roundings on the way
CLIENTS_S = 120.0  # 003 section 1.7.7(5): about two minutes more for an output that is ordered off on line


def automation(rig: RigFile) -> EsmproAcConfig:
    """Return the numbers of the rig's ESMPRO/AC, or the defaults."""
    found = (controller for controller in rig.controllers if isinstance(controller, EsmproAcConfig))
    return next(found, EsmproAcConfig(type="esmpro_ac"))


def powerchutes(rig: RigFile) -> list[PowerChuteConfig]:
    """Return the PowerChute agents of the rig."""
    return [controller for controller in rig.controllers if isinstance(controller, PowerChuteConfig)]


def ups_managers(rig: RigFile) -> list[EsmproUmConfig]:
    """Return the UPSManager agents of the rig."""
    return [controller for controller in rig.controllers if isinstance(controller, EsmproUmConfig)]


def settings_of(rig: RigFile, ups: str) -> Settings:
    """Return the settings of a UPS as it has corrected them."""
    config = rig.ups[ups]
    settings = Settings(load_profile(config.profile))
    for name, value in config.settings.objects().items():
        settings.preset(name, value)
    return settings


def guests_s(values: Iterable[tuple[int, float]]) -> float:
    """Return the time that guests take, given each one's rank and seconds: rank by rank."""
    ranks: dict[int, float] = {}
    for rank, seconds in values:
        ranks[rank] = max(ranks.get(rank, 0.0), seconds)
    return sum(ranks.values())


def end_s(server: ServerConfig) -> float:
    """Return the time from an order to shut down until the server is off."""
    guests = guests_s((guest.rank, guest.shutdown_s) for guest in server.guests.values())
    return server.order_s + guests + server.shutdown_s


def start_s(server: ServerConfig) -> float:
    """Return the time from power until the server and its guests run."""
    return server.boot_s + guests_s((guest.rank, guest.boot_s) for guest in server.guests.values())


def cluster_limit_s(rig: RigFile) -> float:
    """Return Tcs, the limit of a cluster's stop; 0 without clusters."""
    if not rig.clusters:
        return 0.0
    limits = [automation(rig).cluster_timeout_s]
    limits += [max(agent.cluster_timeout_s, agent.command_file_s) for agent in powerchutes(rig)]
    limits += [controller.recovery_s for controller in rig.controllers if isinstance(controller, ClusterproConfig)]
    return max(limits)


def orders_s(rig: RigFile) -> float:
    """Return the time from a confirmed outage to the last order of it: Tcs + To + 2 N (003 1.7.7(5)), and jobs."""
    config = automation(rig)
    longest_s = max((sum(jobs.stop.values()) for jobs in config.jobs.values()), default=0.0)
    jobs_s = longest_s if config.job_timeout_s is None else min(longest_s, config.job_timeout_s)
    jobs_s += max((min(agent.job_s, agent.command_file_s) for agent in powerchutes(rig)), default=0.0)
    return cluster_limit_s(rig) + jobs_s + config.order_s + config.command_s * len(rig.ups)


def plan_s(rig: RigFile) -> float:
    """Return the longest time from a confirmed outage until the last terminal has been told to shut down, too."""
    config = automation(rig)
    hosts_s = max((end_s(server) for server in rig.servers.values() if server.guests), default=0.0)
    return orders_s(rig) + hosts_s + config.gather_s + config.order_s + SLACK_S


def off_delay_s(rig: RigFile, ups: str) -> float:
    """Return the longest time from an order until the output is off (003 section 1.7.7(5): G, or G + L + 2 minutes)."""
    if ups in rig.intelligent_ups:
        return rig.intelligent_ups[ups].off_delay_s
    if ups not in rig.ups:
        return 0.0
    settings = settings_of(rig, ups)
    margin_s = load_profile(rig.ups[ups].profile).card.clients_margin_s
    # PowerChute plus keeps its UPSオフ待機時間 in the UPS (003 section 1.8).
    waits_s = [agent.off_wait_s for agent in powerchutes(rig) if ups in agent.ups.values()]
    shutoff_s = max(settings.shutoff_delay_s, *waits_s, 0.0)
    return shutoff_s + settings.low_battery_runtime_s + (CLIENTS_S if margin_s is None else margin_s)


def return_s(rig: RigFile, ups: str) -> float:
    """Return the longest time from good input until the output is on: least charge, from empty, and return delay."""
    if ups not in rig.ups:
        return 0.0
    settings = settings_of(rig, ups)
    recharge_s = load_profile(rig.ups[ups].profile).battery.recharge_s * settings.min_return_capacity
    return recharge_s + settings.return_delay_s + SLACK_S


def rest_s(rig: RigFile) -> float:
    """Return the time after the last return of the mains in which everything that returns must have returned.

    The longest way: an outage is confirmed just before it ends, and its plan goes on; outputs go off last of all on
    line; a terminal starts, then disks rank by rank, servers, the cluster's stop and the restart of those that waited,
    and guests.
    """
    feeds = (*rig.ups, *rig.intelligent_ups)
    off_s = max((off_delay_s(rig, ups) for ups in feeds), default=0.0)
    back_s = max((return_s(rig, ups) for ups in feeds), default=0.0)
    boots_s = max((start_s(server) for server in rig.servers.values()), default=0.0)
    ends_s = max((end_s(server) for server in rig.servers.values()), default=0.0)
    disks_s = sum(disk.spin_up_s + 2 * POLL_S for disk in rig.disks.values())
    cluster_s = max((cluster.shutdown_s for cluster in rig.clusters.values()), default=0.0)
    wakes = 3 if any(server.guests for server in rig.servers.values()) or rig.disks else 2  # manager, servers, restart
    heartbeat_s = 2 * POLL_S + SLACK_S
    return plan_s(rig) + ends_s + off_s + back_s + wakes * boots_s + ends_s + disks_s + cluster_s + heartbeat_s
