"""Rules about software beside the power management: ServerAgent, ServerManager, ipmi (003 1.1.6, 1.2.9, 004). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from ridethrough.rigs.checks.rows import Row, Violation
from ridethrough.rigs.controllers.clusterpro import ClusterproConfig
from ridethrough.rigs.controllers.server_agent import SOURCE, ServerAgentConfig
from ridethrough.rigs.rigfile.environment import TITLES, AgentEvent, Product
from ridethrough.rigs.rigfile.schema import RigFile

EVENTS: tuple[AgentEvent, ...] = get_args(AgentEvent)
BESIDE_NO_AGENT: tuple[Product, ...] = ("client_manager", "netvisor", "uxserver_manager")
LAST_FOR_OLD, FIRST_FOR_NEW = 3.1, 3.1  # versions of ServerAgent: to CLUSTERPRO 2.0, and from 3.0
FIRST_NEW_CLUSTERPRO = 3.0
FIRST_FOR_MIRRORS = 3.1


def _linked(rig: RigFile) -> list[str]:
    """Return the servers whose BMC is linked: a monitor has their keyword."""
    named = {server for monitor in rig.gateway.monitors for server in monitor.keyword}
    return [name for name, server in rig.servers.items() if server.bmc is not None and name in named]


def agent_actions(rig: RigFile) -> Iterator[Violation]:
    """X41: beside the BMC link, ServerAgent does nothing after it has reported one of its three events."""
    linked = _linked(rig)
    for name, software in rig.environment.servers.items():
        if name not in linked or "server_agent" not in software.products:
            continue
        left = [event for event in EVENTS if software.after_report.get(event, "shutdown") == "shutdown"]
        if left:
            yield ("environment", "servers", name, "after_report"), _left(left)
    for index, item in enumerate(rig.controllers):
        if isinstance(item, ServerAgentConfig) and item.after_report == "shutdown" and set(item.servers) & set(linked):
            yield ("controllers", str(index), "after_report"), _left(EVENTS)


def _left(events: Sequence[str]) -> str:
    return (
        f"{SOURCE} {', '.join(events)}: 通報後動作 is left at シャットダウン (“シャットダウン”から“何もしない”に変更)"
    )


def ipmi_service(rig: RigFile) -> Iterator[Violation]:
    """X42: the ipmi service runs on a server with the BMC link."""
    words = "the ipmi service is stopped (あらかじめ ipmi サービスが動作している必要があります)"
    linked = _linked(rig)
    for name, software in rig.environment.servers.items():
        if name in linked and not software.ipmi_service:
            yield ("environment", "servers", name, "ipmi_service"), words
    for index, item in enumerate(rig.controllers):
        if isinstance(item, ClusterproConfig):
            for name in item.ipmi_service_stopped:
                if name in linked:
                    yield ("controllers", str(index), "ipmi_service_stopped"), f"{name}: {words}"


def agent_versions(rig: RigFile) -> Iterator[Violation]:
    """X43: versions of ServerAgent and of CLUSTERPRO that go together."""
    mirrored = {node for cluster in rig.clusters.values() if cluster.kind == "mirror" for node in cluster.nodes}
    for name, software in rig.environment.servers.items():
        agent, clusterpro = software.server_agent_version, software.clusterpro_version
        where = ("environment", "servers", name, "server_agent_version")
        if agent is None:
            continue
        if clusterpro is not None and clusterpro < FIRST_NEW_CLUSTERPRO and agent > LAST_FOR_OLD:
            yield where, f"ServerAgent {agent} goes with CLUSTERPRO 3.0 and later, not with {clusterpro}"
        if clusterpro is not None and clusterpro >= FIRST_NEW_CLUSTERPRO and agent < FIRST_FOR_NEW:
            yield where, f"ServerAgent {agent} goes with CLUSTERPRO up to 2.0, not with {clusterpro}"
        if name in mirrored and agent < FIRST_FOR_MIRRORS:
            yield where, f"ServerAgent {agent} on mirrored disks: 3.1 or later"


def beside_agents(rig: RigFile) -> Iterator[Violation]:
    """X44: products that cannot be on a server with ServerAgent, and Netvisor beside the manager of a cluster."""
    nodes = {node for cluster in rig.clusters.values() for node in cluster.nodes}
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name, "products")
        found = [product for product in BESIDE_NO_AGENT if product in software.products]
        if "server_agent" in software.products and found:
            titles = ", ".join(TITLES[product] for product in found)
            yield where, f"ESMPRO/ServerAgent and {titles} on one server (以下の製品との共存はできません)"
        if name in nodes and {"netvisor", "clusterpro_manager"} <= set(software.products):
            yield where, "Netvisor and the CLUSTERPRO manager on a server of a cluster (共存できません)"


def managers(rig: RigFile) -> Iterator[Violation]:
    """X45: ServerManager beside CLUSTERPRO: its manager, its service, its stop script, and reports out of band."""
    nodes = {node for cluster in rig.clusters.values() for node in cluster.nodes}
    fails_over = [name for name, software in rig.environment.servers.items() if software.manager_failover]
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        has = set(software.products)
        if "server_manager" in has and software.alert_log_reports and "clusterpro_manager" not in has:
            words = "without the CLUSTERPRO manager beside ServerManager, events of the cluster are not reported "
            yield (*where, "alert_log_reports"), words + "(同一マシンに CLUSTERPRO マネージャをインストールする)"
        if software.manager_failover and software.alert_manager_socket == "automatic":
            words = "「Alert Manager Socket(R) Service」 starts by itself, which causes a failover "
            yield (*where, "alert_manager_socket"), words + "(「手動」に変更してください)"
        if name in nodes and {"server_manager", "clusterpro_manager"} <= has and not software.stop_script_stops_manager:
            words = "the stop script does not stop the CLUSTERPRO manager around 「ESM Base Service」: "
            yield (*where, "stop_script_stops_manager"), words + "at a failover the server is shut down"
        if software.out_of_band and fails_over:
            words = f"reports TCP/IP Out-of-Band, which ServerManager on {', '.join(fails_over)} does not receive "
            yield (*where, "out_of_band"), words + "(受信はサポートしていません)"


COMPANION_RULES: tuple[Row, ...] = (
    ("X41", False, "004", agent_actions),
    ("X42", False, "004", ipmi_service),
    ("X43", False, "003 1.1.6(1)(2)", agent_versions),
    ("X44", False, "003 1.1.6(3), 2.1.6", beside_agents),
    ("X45", False, "003 1.2.9(3)(6)(9)(10)", managers),
)
