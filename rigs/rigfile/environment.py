"""Facts for checks that the plant does not have: products, versions and settings made on servers by hand."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from ridethrough.emulators.config.base import Address, Name, RigModel
from ridethrough.rigs.controllers.server_agent import AfterReport, EventId

Product = Literal[
    "ac",
    "ac_linux",
    "ac_enterprise",
    "ac_enterprise_multi",
    "ac_enterprise_multi_linux",
    "ac_advance",
    "ac_advance_linux",
    "ac_advance_multi",
    "ac_advance_multi_linux",
    "ac_lite",
    "ac_mscs",
    "ac_blade",
    "ac_blade_multi",
    "um",
    "pcbe",
    "powerchute_plus",
    "ssc",
    "ssc_licence",
    "operation_helper",
    "server_agent",
    "server_manager",
    "clusterpro_manager",
    "client_manager",
    "netvisor",
    "uxserver_manager",
]
TITLES: Final[Mapping[Product, str]] = {
    "ac": "ESMPRO/AutomaticRunningController",
    "ac_linux": "ESMPRO/AutomaticRunningController for Linux",
    "ac_enterprise": "ESMPRO/AC Enterprise",
    "ac_enterprise_multi": "ESMPRO/AC Enterprise マルチサーバオプション",
    "ac_enterprise_multi_linux": "ESMPRO/AC Enterprise マルチサーバオプション (Linux版)",
    "ac_advance": "ESMPRO/AC Advance",
    "ac_advance_linux": "ESMPRO/AC Advance (Linux版)",
    "ac_advance_multi": "ESMPRO/AC Advance マルチサーバオプション",
    "ac_advance_multi_linux": "ESMPRO/AC Advance マルチサーバオプション (Linux版)",
    "ac_lite": "ESMPRO/AC Lite",
    "ac_mscs": "ESMPRO/AC MSCS オプション",
    "ac_blade": "ESMPRO/ACBlade 管理オプション",
    "ac_blade_multi": "ESMPRO/ACBlade マルチサーバオプション",
    "um": "ESMPRO/UPSManager",
    "pcbe": "PowerChute Business Edition",
    "powerchute_plus": "PowerChute plus",
    "ssc": "SigmaSystemCenter/電源管理基本パック",
    "ssc_licence": "SigmaSystemCenter/電源管理基本パック 追加サーバライセンス",
    "operation_helper": "CLUSTERPRO X OperationHelper",
    "server_agent": "ESMPRO/ServerAgent",
    "server_manager": "ESMPRO/ServerManager",
    "clusterpro_manager": "CLUSTERPRO マネージャ",
    "client_manager": "ESMPRO/ClientManager",
    "netvisor": "ESMPRO/Netvisor",
    "uxserver_manager": "SystemScope/UXServerManager (MG)",
}
"""The products as the documents name them."""


def _netmask(text: str) -> str:
    try:
        IPv4Network(f"0.0.0.0/{text}")
    except ValueError as error:
        raise ValueError(f"{text!r} is no netmask; accepted: such as 255.255.255.0") from error
    return text


class ServerSoftware(RigModel):
    """Products on a server and their settings."""

    products: tuple[Product, ...] = ()
    """Those installed; without any, nothing about products is judged."""
    system: Literal["windows", "linux"] = "windows"
    """Its operating system, by which products differ (000 2)."""
    ac_version: float = 5.4
    blade: bool = False
    cluster: Literal["none", "clusterpro", "wsfc"] = "none"
    clusterpro_version: float | None = None
    """The internal version, such as 9.02."""
    acmode: bool = True
    """`clpacmode enable` was run."""
    cluster_restarted: bool = True
    """The cluster was restarted after it."""
    port: int = Field(default=4000, ge=1, le=65535)
    """通信用ポート番号 in the AC GUI."""
    communication_ip: Address = "255.255.255.255"
    """通信用IPアドレス in the AC GUI: the local broadcast of its network (001 7.1)."""
    configuration: str = ""
    """Identifies ac_e_net.ini here; the same on all servers."""
    restarted: bool = True
    """The service was restarted after the configuration had changed."""
    gui_buttons: bool = False
    """停止 and 開始 of the AC GUI are used."""
    arm30: bool = False
    """The box of ActiveRecoveryManager 3.0 is ticked."""
    own_schedule: bool = False
    """PowerChute Business Edition has a schedule of its own."""
    after_report: dict[EventId, AfterReport] = Field(default_factory=dict)
    """通報後動作 of ServerAgent by event of ESMCOMMONSERVICE; one not named is still シャットダウン (004)."""
    ipmi_service: bool = True
    """The ipmi service runs, which the BMC link needs (004)."""
    server_agent_version: float | None = None
    """Version of ServerAgent, such as 3.1 (003 1.1.6)."""
    manager_failover: bool = False
    """ServerManager is installed so that its data fail over (003 1.2.4)."""
    alert_log_reports: bool = False
    """ServerManager and AlertManager report events of the cluster by the alert log (003 1.2.9(3))."""
    alert_manager_socket: Literal["manual", "automatic"] = "manual"
    """Start type of 「Alert Manager Socket(R) Service」 (003 1.2.9(6))."""
    stop_script_stops_manager: bool = True
    """The stop script stops and starts the CLUSTERPRO manager around 「ESM Base Service」 (003 1.2.9(9))."""
    out_of_band: bool = False
    """ServerAgent reports by マネージャ通報(TCP/IP Out-of-Band) (003 1.2.9(10))."""


class ClusteredSsc(RigModel):
    """A SigmaSystemCenter on a cluster (requirements 4.3)."""

    host: str = "localhost"
    """In the address of ac_pvm.exe.config."""
    return_value: int = 0
    """Exit status of ac_pvm."""
    service_account: str = "Administrator"
    """Account with which 「ESMPRO/ARC Service」 logs on (001 5.2(4))."""


class SoftwareEnvironment(RigModel):
    """Software of each server, and settings of the whole."""

    servers: dict[Name, ServerSoftware] = Field(default_factory=dict)
    ssc: ClusteredSsc | None = None
    netmask: Annotated[str, AfterValidator(_netmask)] = "255.255.255.0"
    """サブネットマスク of the terminals' network (001 7.1)."""
    istorage_links: tuple[Name, ...] = ()
    """Disks with an iStorage link set."""
    ntp_at: tuple[Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")], ...] = ()
    """Times of day at which clocks are corrected."""
    changed_accounts: tuple[Name, ...] = ()
    """UPS cards whose factory account has been changed."""

    @property
    def unlinked(self) -> frozenset[str]:
        """Servers on which `clpacmode enable` is not in force: not run, or the cluster not restarted after it."""
        servers = self.servers.items()
        return frozenset(name for name, software in servers if not (software.acmode and software.cluster_restarted))
