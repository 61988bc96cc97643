"""Power-control groups: the tree of requirements 4.1 with its policies, as a rig file says it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, NamedTuple

from pydantic import Field

from ridethrough.emulators.config.base import Name, RigModel, Seconds

Slot = Literal["ct", "lt"]


class GroupPolicy(RigModel):
    """Group policy (requirements 4.2)."""

    code: str = "ESMAcnet"
    """通信用認識コード: the same in all groups."""
    community: str | None = None
    """SNMP community of the group's UPSs; when left out, that of the first row of a card's table that may write."""
    address: str = "255.255.255.255"
    """通信用 IP address: a broadcast that reaches the control terminals, or the only terminal's own."""
    port: int = Field(default=4000, ge=1, le=65535)
    silence_s: Seconds = 50
    """SNMP通信異常確認時間."""
    on_silence: Literal["continue", "shutdown"] = "continue"
    """Action of servers whose UPS falls silent in an outage: policy 0 and 1."""
    statistics_s: Annotated[float, Field(gt=0)] = 60
    """統計情報採取間隔."""
    description: str = ""
    """説明: free text of its row in the status table."""


class Group(RigModel):
    """A power-control group: power devices, control terminals, linked terminals, linked devices, and subgroups."""

    pd: tuple[Name, ...] = ()
    ct: tuple[Name, ...] = ()
    lt: tuple[Name, ...] = ()
    ld: tuple[Name, ...] = ()
    slot: Slot | None = None
    """Slot of the group above under which this group hangs."""
    policy: GroupPolicy = GroupPolicy()
    groups: dict[str, Group] = Field(default_factory=dict)


class UpsManagement(RigModel):
    """Settings of a UPS that are kept in the management software, not in the UPS (requirements 2.4)."""

    label: str | None = None
    """Its name there, at most eight half-width characters; the UPS's own when left out."""
    description: str = ""
    """説明: free text of its row in the status table."""
    on_recovery: Literal["none", "ups", "terminal"] = "ups"
    """リブートしない, UPSによるリブート, 制御端末からリブートする (requirements 2.5)."""
    warm_up_rank: int = Field(default=1, ge=1)
    warm_up_s: Seconds = 0
    """Time by which a linked device leads the servers at a scheduled start, in units of 360 s."""


class ServerManagement(RigModel):
    """Settings of a server in the management software."""

    option: Literal["enterprise", "advance"] = "enterprise"
    """The multi-server option: with a UPS, or woken over the network (requirements 4.5)."""
    cluster: bool = False
    """Shown as a cluster member."""
    description: str = ""
    """説明: free text of its row in the status table."""


class PowerManagement(RigModel):
    """Values by device."""

    ups: dict[Name, UpsManagement] = Field(default_factory=dict)
    servers: dict[Name, ServerManagement] = Field(default_factory=dict)
    group_state: Literal["-----", ""] = "-----"
    """The state in a group's own row of the status table: as 003 1.7.4.5 prints it, or nothing, as 000 does."""

    def of_ups(self, name: str) -> UpsManagement:
        """Return the settings of a UPS; defaults when the file has none."""
        return self.ups.get(name) or UpsManagement()

    def of_server(self, name: str) -> ServerManagement:
        """Return the settings of a server; defaults when the file has none."""
        return self.servers.get(name) or ServerManagement()


class Placed(NamedTuple):
    """A group in the tree. `under` are the names above it, outermost first; `role` is the slot that it is in."""

    name: str
    group: Group
    under: tuple[str, ...]
    role: Slot | None


def walk(groups: Mapping[str, Group], under: tuple[str, ...] = (), role: Slot | None = None) -> Iterator[Placed]:
    """Every group, a group before those in it. A slot holds for everything below until another is given."""
    for name, group in groups.items():
        own = group.slot or role
        yield Placed(name, group, under, own)
        yield from walk(group.groups, (*under, name), own)
