"""Facts for checks that the plant does not have: products, versions and settings made on servers by hand."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ridethrough.emulators.config.base import Name, RigModel

Product = Literal[
    "ac",
    "ac_enterprise",
    "ac_advance",
    "ac_lite",
    "ac_mscs",
    "um",
    "pcbe",
    "powerchute_plus",
    "ssc",
    "operation_helper",
]


class ServerSoftware(RigModel):
    """Products on a server and their settings."""

    products: tuple[Product, ...] = ()
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


class ClusteredSsc(RigModel):
    """A SigmaSystemCenter on a cluster (requirements 4.3)."""

    host: str = "localhost"
    """In the address of ac_pvm.exe.config."""
    return_value: int = 0
    """Exit status of ac_pvm."""


class SoftwareEnvironment(RigModel):
    """Software of each server, and settings of the whole."""

    servers: dict[Name, ServerSoftware] = Field(default_factory=dict)
    ssc: ClusteredSsc | None = None
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
