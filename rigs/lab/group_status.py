"""The tree of power-control groups and its status table, as the management console shows them (requirements 4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from ridethrough.mibs.powernet import OFF, ON_BATTERY, OUTPUT_STATUS
from ridethrough.rigs.api_client import ApiClient
from ridethrough.rigs.power_groups import Group, Slot, walk
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
    "control terminal without UPS": "UPSなし制御端末",
    "control terminal with UPS": "UPSあり制御端末",
    "linked terminal without UPS": "UPSなし連動端末",
    "linked terminal with UPS": "UPSあり連動端末",
    "UPS of control terminals": "制御端末グループ UPS",
    "UPS of linked terminals": "連動端末グループ UPS",
    "UPS of the power-control group": "電源制御グループ UPS",
    "": "",
}
SERVER_STATES = {"off": "stopped", "booting": "starting", "shutting-down": "shutting down", "hung": "hung"}


class StatusRow(NamedTuple):
    """A line of the table. Texts are English; `depth` is that of its group."""

    depth: int
    name: str
    address: str
    description: str
    state: str
    input_v: str = ""
    output_w: str = ""

    def shown(self, language: Language) -> list[str]:
        """Return the cells in a language of the documents."""
        texts = [self.description, self.state]
        words = [TEXTS[text] for text in texts] if language == "ja" else texts
        return [self.name, self.address, *words, self.input_v, self.output_w]


class LiveState(NamedTuple):
    """States of the devices at one instant."""

    master: str | None
    servers: Mapping[str, str]
    ups: Mapping[str, Mapping[str, Any]]
    """Device resources of the gateway, by name."""


def rows(rig: RigFile, live: LiveState) -> list[StatusRow]:
    """Return the table: a group, its power devices, terminals and subgroups, and its linked devices last."""
    topology = rig.topology()
    return [row for name, group in rig.groups.items() for row in _group(rig, topology, live, name, group, None, 0)]


def _group(
    rig: RigFile, topology: Topology, live: LiveState, name: str, group: Group, above: Slot | None, depth: int
) -> list[StatusRow]:
    role = group.slot or above or ("ct" if group.ct else "lt" if group.lt else None)
    kind = "UPS of control terminals" if role == "ct" else "UPS of linked terminals"
    result = [StatusRow(depth, name, group.policy.address, "", "")]
    result += [_ups(rig, live, ups, kind, depth + 1, linked=False) for ups in group.pd]
    result += [_server(rig, topology, live, server, "control", depth + 1) for server in group.ct]
    result += [_server(rig, topology, live, server, "linked", depth + 1) for server in group.lt]
    for below, inner in group.groups.items():
        result += _group(rig, topology, live, below, inner, group.slot or above, depth + 1)
    result += [_ups(rig, live, ups, "UPS of the power-control group", depth + 1, linked=True) for ups in group.ld]
    return result


def _server(rig: RigFile, topology: Topology, live: LiveState, name: str, kind: str, depth: int) -> StatusRow:
    powered = any(feed in rig.ups or feed in rig.intelligent_ups for feed in topology.feeds(name))
    description = f"{kind} terminal {'with' if powered else 'without'} UPS"
    state = SERVER_STATES.get(live.servers.get(name, ""), "running")
    if state == "running" and name == live.master:
        state = "running as master"
    elif state == "running" and topology.cluster_of(name) is not None:
        state = "running (cluster)"
    return StatusRow(depth, name, rig.servers[name].address, description, state)


def _ups(rig: RigFile, live: LiveState, name: str, description: str, depth: int, *, linked: bool) -> StatusRow:
    label = rig.power_management.of_ups(name).label or name
    resource = live.ups.get(name, {})
    readings = resource.get("readings", {})
    output = readings.get(OUTPUT_STATUS)
    if "silence" in resource.get("conditions", ()) or output is None:
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
    return LiveState(
        next((row["master"] for row in controllers if row.get("master")), None),
        {name: device["state"] for name, device in world.items() if device["kind"] == "server"},
        {row["id"]: row for row in devices},
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
