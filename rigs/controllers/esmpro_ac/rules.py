"""Rules of the controller that are numbers or choices, with the section of the requirements at each. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from ridethrough.emulators.devices.cluster.build import ClusterConfig
from ridethrough.rigs.topology import ShutdownPlan

PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_NAME = 15
WEEK = timedelta(days=7)  # statistics are kept so long (2.6)


def elect(terminals: Sequence[str], alive: Callable[[str], bool], present: str | None) -> str | None:
    """Return the control terminal that is to be master (a GAP of the documents).

    The one that is, as long as it runs; then the first in the order of the tree that runs. None when none does.
    """
    if present is not None and alive(present):
        return present
    return next((terminal for terminal in terminals if alive(terminal)), None)


def unfit_names(clusters: Mapping[str, ClusterConfig]) -> list[str]:
    """Return names of clusters, servers and groups that break the rule of CLUSTERPRO Ver8.0 (001 section 11(8))."""
    names = (name for cluster, config in clusters.items() for name in (cluster, *config.nodes, *config.groups))
    return [name for name in names if not PLAIN_NAME.fullmatch(name) or len(name) > LONGEST_NAME]


def off_order(
    plan: ShutdownPlan, ups: str, on_recovery: str, *, on_line: bool, controls: bool
) -> tuple[str, dict[str, Any]]:
    """Return command and parameters that switch an output off, to come back as configured (2.5, 5.3, 5.4).

    `on_line` is what was last seen, and may be otherwise when the UPS gets the order: each form ends well all the same
    (001 section 9.1, 003 section 1.7.5.1). `auto` and `stay_off` keep an output off on line until this controller
    switches it on, so no output that feeds a control terminal (`controls`) gets one of them after an outage.
    """
    if on_recovery == "none" or not plan.restores:
        return "output.off", {"order": "stay_off"}
    if ups in plan.linked_devices:
        # A single disk without ranks need not wait for terminals that are down themselves.
        alone = plan.returns and len(plan.linked_devices) == 1
        return "output.off", {"order": "return" if alone or controls else "auto"}
    if plan.returns and on_line:
        return "output.reboot", {"graceful": True}  # D3, D4: servers come back at once and wait
    if plan.linked_devices and not plan.returns and not controls:
        return "output.off", {"order": "auto"}  # D1, D2, D5: servers start after their disks
    return "output.off", {"order": "return"}


def by_rank(names: Iterable[str], ranks: Mapping[str, int]) -> list[list[str]]:
    """Return linked devices in the order in which they start; those of one rank start together (5.4, rank rule)."""
    ordered = sorted(names, key=lambda name: ranks[name])
    steps: list[list[str]] = []
    for name in ordered:
        if steps and ranks[steps[-1][0]] == ranks[name]:
            steps[-1].append(name)
        else:
            steps.append([name])
    return steps
