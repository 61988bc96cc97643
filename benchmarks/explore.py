"""`make explore`: half an hour of `ridethrough explore` over every rig that comes along, into docs/explore-results.md.

Each rig gets the same share of the time. What is found is written as scenarios to explore-found/, and ends this with
status 1.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from ridethrough.rigs.cli.common import configure_logging
from ridethrough.rigs.explore.explorer import Limits, Result, explored
from ridethrough.rigs.explore.invariants import INVARIANTS
from ridethrough.rigs.explore.runner import Setting
from ridethrough.rigs.explore.scenario_file import FoundBy, name_of, text_of
from ridethrough.rigs.rigfile.bundled import FOLDER

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "explore-results.md"
FOUND = ROOT / "explore-found"
HEAD = """# What `make explore` last found

Every rig under rigs/samples, {minutes:g} minutes in all on {cores} cores, seed {seed}: outages tried, what they
broke, and the shortest timeline of each. [How it searches, and what it judges by](explore.md).

| rig | outages tried | found |
|---|---|---|
"""


def main() -> int:
    """Search, write the page, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("rigs", nargs="*", help="names; all unless given")
    options = parser.parse_args()
    configure_logging(40)
    rigs = [FOLDER / f"{name}.yaml" for name in options.rigs] or sorted(FOLDER.glob("*.yaml"))
    cores = len(os.sched_getaffinity(0))
    end_s = time.monotonic() + options.minutes * 60
    rows = []
    failed = False
    for number, rig in enumerate(rigs):
        share_s = max(1.0, (end_s - time.monotonic()) / (len(rigs) - number))
        result = explored(Setting(rig), options.seed, Limits(share_s), cores)
        failed = failed or bool(result.findings)
        _write(rig, result, options.seed)
        rows.append(_row(rig.stem, result))
        sys.stdout.write(rows[-1])
        sys.stdout.flush()
    if not options.rigs:
        RESULTS.write_text(HEAD.format(minutes=options.minutes, cores=cores, seed=options.seed) + "".join(rows))
    return int(failed)


def _row(name: str, result: Result) -> str:
    found = [
        f"{item.violation.invariant} of {item.violation.subject}: "
        + ", ".join(f"{action.words} at {action.at_s:g} s" for action in item.plan.timeline)
        for item in result.findings
    ]
    return f"| {name} | {result.runs} | {'<br>'.join(found) or 'nothing'} |\n"


def _write(rig: Path, result: Result, seed: int) -> None:
    described = {row.name: row.description for row in INVARIANTS}
    for item in result.findings:
        FOUND.mkdir(exist_ok=True)
        name = name_of(rig.stem, item.violation)
        command = f"ridethrough explore {rig.stem} --seed {seed}"
        origin = FoundBy(rig.stem, name, command, {}, described.get(item.violation.invariant, ""))
        (FOUND / f"{name}.yaml").write_text(text_of(item, origin))


if __name__ == "__main__":
    sys.exit(main())
