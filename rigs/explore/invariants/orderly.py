"""No output goes off under a running operating system (001 section 9.1). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.explore.invariants.base import Invariant, second
from ridethrough.rigs.explore.invariants.exemptions import is_exempt
from ridethrough.rigs.explore.invariants.lookup import RunLookup
from ridethrough.rigs.explore.run import Run, Violation

NAME = "orderly"


def find(run: Run, lookup: RunLookup) -> Iterator[Violation]:
    """Look at every server that somebody manages and that lost its supply while its operating system was up."""
    for server in run.rig.servers:
        feeds = [feed for feed in lookup.feeds(server) if lookup.is_ups(feed)]
        if not feeds or not lookup.is_managed(server):
            continue
        for change in lookup.history.changes(server, "cuts"):
            off = [feed for feed in feeds if lookup.history.at(feed, change.at_s).get("output") == "off"]
            if not off or is_exempt(NAME, lookup, server, change.at_s):
                continue
            empty = all(lookup.is_exhausted(feed, change.at_s) for feed in off)
            how = "ran empty" if empty else "was switched off"
            text = f"{', '.join(off)} {how} under the running system of {server} at {second(change.at_s)}, though"
            text += " battery and times would have allowed an orderly end (001 9.1: ① + ② + ③)"
            yield Violation(NAME, server, change.at_s, text)


INVARIANT = Invariant(
    NAME,
    "no output goes off under a running operating system while battery and configured times would have allowed an"
    " orderly end: confirmation, cluster stop and end of the system, ① + ② + ③ (001 9.1, 003 1.7.5.1 and 1.7.7(5))",
    find,
)
