"""Keys of the controller in a rig file (requirements 6)."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from ridethrough.emulators.config.base import Name, RigModel, Seconds
from ridethrough.rigs.controllers.base import ControllerConfig

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"there is no time zone {name!r}; accepted: names of the IANA data, such as Asia/Tokyo"
        ) from error
    return name


def _several(value: Any) -> Any:
    return [value] if isinstance(value, dict) else value


class Turn(RigModel):
    """One line of a schedule: servers go on or off at a time of day."""

    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    do: Literal["on", "off"]
    servers: tuple[Name, ...] = Field(min_length=1)
    days: tuple[Day, ...] = ()
    """Every day when left out."""


class Jobs(RigModel):
    """Jobs of one server: name and seconds."""

    start: dict[str, Seconds] = Field(default_factory=dict)
    """Run when the server has come up."""
    stop: dict[str, Seconds] = Field(default_factory=dict)
    """Run when the server is to go off, after the cluster has stopped there."""


class LanOff(RigModel):
    """Servers go off when no client has worked with them for a while (5.6, L1)."""

    servers: tuple[Name, ...] = Field(min_length=1)
    idle_s: Seconds = 300


class Intelligent(RigModel):
    """An I-UPS and what it switches for (5.6: L2, V1, I1); each server has one of its own (003 section 1.6.3)."""

    ups: Name
    servers: tuple[Name, ...] = Field(min_length=1)
    confirm_s: Seconds = 60
    """電源異常確認時間: how long an outage lasts before the servers are shut down (003 section 1.6.5)."""
    lan_on: bool = False
    """Outlets come on when a client calls over the LAN board."""
    line: bool = False
    """The V.24 line signal switches on and off."""


class EsmproAcConfig(ControllerConfig):
    """Times are those of requirements 6."""

    type: Literal["esmpro_ac"]
    name: Name = "ac"
    cluster_timeout_s: Seconds = 120
    """Tcs: a cluster that has not stopped by then is left, and its servers are shut down."""
    order_s: Seconds = 60
    """To: how long the start of an ordered shutdown is waited for."""
    host_off_s: Seconds = 300
    """Limit of the wait for a hypervisor host to be off with its guests; no document says."""
    guests: tuple[Name, ...] = ()
    """Hosts whose guests this controller shuts down in order, before the host (002 section 4.2)."""
    command_s: Seconds = 2
    """Time that the order to one UPS takes."""
    gather_s: Seconds = 0.1
    """Outages that are confirmed so shortly after one another belong together."""
    job_timeout_s: Seconds | None = 180
    """Time that a power-off waits for jobs; null waits for ever (電源切断時のジョブ監視, タイムアウト なし)."""
    cluster_shutdown: bool = True
    """停電時のクラスタシャットダウン あり; with なし an outage shuts down servers without it (001 section 7.1)."""
    synchronous: bool = True
    """False: サーバを同期制御しない. Otherwise a schedule of one node is that of its whole cluster (001 section 8)."""
    managed: bool = True
    """「AC Management Console」による管理を行う; without it nothing is done about UPSs (003 section 1.7.4.2)."""
    sole: bool = True
    """他のUPS管理ソフトを使用しない; without it outputs are left to that other software (003 section 1.7.4.2)."""
    jobs: dict[Name, Jobs] = Field(default_factory=dict)
    schedule: tuple[Turn, ...] = ()
    holidays: tuple[Date, ...] = ()
    """Days without any schedule."""
    timezone: Annotated[str, AfterValidator(_zone)] = "UTC"
    lan_off: LanOff | None = None
    intelligent: Annotated[tuple[Intelligent, ...], BeforeValidator(_several)] = ()
    """One or a list of them."""
    temperature: tuple[float, float] = (0, 45)
    """Limits of the batteries' temperature, in degrees Celsius."""
    ssc: Name | None = None
    """A SigmaSystemCenter stand-in that is asked for maintenance mode and for starts."""
    hosts: tuple[Name, ...] = ()
    """Hypervisor hosts that `ssc` keeps."""
