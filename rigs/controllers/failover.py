"""Failover of groups, for the stand-ins of cluster software."""

from __future__ import annotations

import asyncio

from ridethrough.rigs.controllers.actions import NoteWriter


def next_node(states: dict[str, str], nodes: tuple[str, ...], node: str) -> str | None:
    """Return the node to which groups of `node` move: the next one in order that is online."""
    at = nodes.index(node)
    return next((other for other in (*nodes[at + 1 :], *nodes[:at]) if states.get(other) == "online"), None)


async def fail_over(
    notes: NoteWriter, cluster: str, nodes: tuple[str, ...], node: str, takes_s: float, only: str | None = None
) -> list[str]:
    """Move every group of `node`, or `only` one; return those that moved."""
    groups: dict[str, str | None] = notes.client.state(cluster, "groups") or {}
    mine = [group for group, place in groups.items() if place == node and only in (None, group)]
    target = next_node(notes.client.state(cluster, "nodes") or {}, nodes, node)
    if not mine:
        return []
    if target is None:
        notes.note("no_failover", node, "no other node is online")
        return []
    await asyncio.sleep(takes_s)
    moved = []
    for group in mine:
        if await notes.attempt(notes.client.send_input(cluster, "move", group, target)):
            notes.note("failover", group, f"{node} to {target}")
            moved.append(group)
    return moved
