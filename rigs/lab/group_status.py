"""The tree of power-control groups and its status table, as the management console shows them (003 1.7.4.5, 000)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

from ridethrough.gateway.vocabulary import Condition
from ridethrough.mibs.powernet import OFF, ON_BATTERY, OUTPUT_STATUS
from ridethrough.rigs.api_client import ApiClient
from ridethrough.rigs.power_groups import Group, walk
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

Language = Literal["ja", "en"]
COLUMNS = {
    "ja": ("名称", "IP address", "説明", "状態", "in[V]", "out[W]"),
    "en": ("name", "IP address", "description", "state", "in[V]", "out[W]"),
}
SLOTS = {
    "ja": {"pd": "電源装置", "ct": "制御端末", "lt": "連動端末", "ld": "連動装置"},
    "en": {"pd": "power devices", "ct": "control terminals", "lt": "linked terminals", "ld": "linked devices"},
}
# Texts by their English; those of outages, stops and silence are not in the documents.
TEXTS = {
    "running as master": "マスタ動作中",
    "running": "通常運用中",
    "running (cluster)": "通常運用中(クラスタ)",
    "stopped": "停止中",
    "starting": "起動中",
    "shutting down": "シャットダウン中",
    "hung": "応答なし",
    "normal, on": "正常ON",
    "* normal, on": "* 正常ON",
    "outage": "停電中",
    "off": "OFF",
    "no communication": "通信異常",
}
ONLINE = "online"  # of a node that works in its cluster
SERVER_STATES = {"off": "stopped", "booting": "starting", "shutting-down": "shutting down", "hung": "hung"}


class StatusRow(NamedTuple):
    """A line of the table. `state` is English, `description` free text; `depth` is that of its group."""

    depth: int
    name: str
    address: str
    description: str
    state: str
    input_v: str = ""
    output_w: str = ""

    def shown(self, language: Language) -> list[str]:
        """Return the cells in a language of the documents."""
        state = TEXTS.get(self.state, self.state) if language == "ja" else self.state
        return [self.name, self.address, self.description, state, self.input_v, self.output_w]


class LiveState(NamedTuple):
    """States of the devices at one instant."""

    master: str | None
    servers: Mapping[str, str]
    ups: Mapping[str, Mapping[str, Any]]
    """Device resources of the gateway, by name."""
    nodes: Mapping[str, str] = {}
    """States of servers as nodes of their cluster; one that is not here counts as online."""


def rows(rig: RigFile, live: LiveState) -> list[StatusRow]:
    """Return the table, a group after the other.

    Behind the row of a group stand its power devices, its control terminals with the groups in their slot, its linked
    terminals likewise, its linked devices, and last the groups that hang on the group itself: the order of both tables
    of 003 1.7.4.5 and of those of 000.
    """
    topology = rig.topology()
    return [row for name, group in rig.groups.items() for row in _group(rig, topology, live, name, group, 0)]


def _group(
    rig: RigFile, topology: Topology, live: LiveState, name: str, group: Group, depth: int
) -> Iterator[StatusRow]:
    policy = group.policy
    yield StatusRow(depth, name, policy.address, policy.description, rig.power_management.group_state)
    for ups in group.pd:
        yield _ups(rig, live, ups, depth + 1, linked=False)
    for slot, servers in (("ct", group.ct), ("lt", group.lt)):
        for server in servers:
            yield _server(rig, topology, live, server, depth + 1)
        yield from _subgroups(rig, topology, live, group, slot, depth)
    for ups in group.ld:
        yield _ups(rig, live, ups, depth + 1, linked=True)
    yield from _subgroups(rig, topology, live, group, None, depth)


def _subgroups(
    rig: RigFile, topology: Topology, live: LiveState, group: Group, slot: str | None, depth: int
) -> Iterator[StatusRow]:
    for name, inner in group.groups.items():
        if inner.slot == slot:
            yield from _group(rig, topology, live, name, inner, depth + 1)


def _server(rig: RigFile, topology: Topology, live: LiveState, name: str, depth: int) -> StatusRow:
    state = SERVER_STATES.get(live.servers.get(name, ""), "running")
    if state == "running" and name == live.master:
        state = "running as master"
    elif state == "running" and topology.cluster_of(name) is not None and live.nodes.get(name, ONLINE) == ONLINE:
        state = "running (cluster)"
    description = rig.power_management.of_server(name).description
    return StatusRow(depth, name, rig.servers[name].address, description, state)


def _ups(rig: RigFile, live: LiveState, name: str, depth: int, *, linked: bool) -> StatusRow:
    management = rig.power_management.of_ups(name)
    label, description = management.label or name, management.description
    resource = live.ups.get(name, {})
    readings = resource.get("readings", {})
    output = readings.get(OUTPUT_STATUS)
    if Condition.SILENCE in resource.get("conditions", ()) or output is None:
        return StatusRow(depth, label, rig.ups[name].address, description, "no communication")
    state = "off" if output in OFF else "outage" if output == ON_BATTERY else "normal, on"
    if linked and state == "normal, on":
        state = f"* {state}"
    volts = readings.get("upsAdvInputLineVoltage")
    load = readings.get("upsAdvOutputLoad")
    return StatusRow(depth, label, rig.ups[name].address, description, state, _text(volts), _text(load))


def _text(value: int | None) -> str:
    return "" if value is None else str(value)


async def fetch_states(api: ApiClient) -> LiveState:
    """Ask a running rig for the states of its devices. Raises ApiError."""
    devices = (await api.get("/v1/devices"))["devices"]
    world = (await api.get("/lab/v1/world"))["devices"]
    controllers = (await api.get("/lab/v1/controllers"))["controllers"]
    return live_state(controllers, world, devices)


STATED = frozenset({"server", "cluster"})
"""Kinds of the plant's devices whose states the table has."""


def live_state(
    controllers: Iterable[Mapping[str, Any]],
    plant: Mapping[str, Mapping[str, Any]],
    devices: Iterable[Mapping[str, Any]],
) -> LiveState:
    """Return the states of a rig from rows of its controllers, states of its plant and device resources."""
    clusters = [device for device in plant.values() if device["kind"] == "cluster"]
    return LiveState(
        next((row["master"] for row in controllers if row.get("master")), None),
        {name: device["state"] for name, device in plant.items() if device["kind"] == "server"},
        {row["id"]: row for row in devices},
        {node: state for cluster in clusters for node, state in cluster["nodes"].items()},
    )


async def lines(rig: RigFile, api: ApiClient, language: Language = "ja") -> list[list[str]]:
    """Return the table of a running rig, cell by cell. Raises ApiError."""
    return [row.shown(language) for row in rows(rig, await fetch_states(api))]


def tree(rig: RigFile, language: Language = "ja") -> list[tuple[int, str]]:
    """Return the tree with its slots: depth and text of each line."""
    result: list[tuple[int, str]] = [(0, "network")]
    for item in walk(rig.groups):
        depth = 1 + 2 * len(item.under)
        result.append((depth, item.name))
        for slot, words in SLOTS[language].items():
            members = getattr(item.group, slot)
            result += [(depth + 1, f"{words}: {', '.join(members)}")] if members else []
    return result
