"""`make fresh`: what the README promises, on Debian 12 and 13 as debootstrap makes them, as root and as a user.

As root on a Debian machine. A run of everything leaves its log in docs/fresh.md, a run of a part in build/fresh.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from tests.fresh.debian import ROOT, WORK, call, programs
from tests.fresh.doors import Doors, Step, log_of
from tests.fresh.guest import guest

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
USERS = ("root", "reader")
STEPS = ("run", "test")
Row = tuple[str, str, Step]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fresh", description=__doc__)
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--users", nargs="+", choices=USERS, default=list(USERS))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    return parser.parse_args()


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {words}\n")
    sys.stdout.flush()


def try_all(options: argparse.Namespace) -> list[Row]:
    """Each system by itself, so that one has nothing of another's."""
    rows: list[Row] = []
    for suite in options.suites:
        for user in options.users:
            say(f"{SUITES[suite]} as {user}")
            with guest(suite, user, WORK / f"{suite}-{user}") as system:
                for step in Doors(system, log_of(suite, user)).steps(options.steps):
                    say(f"  {'ok  ' if step.passed else 'FAIL'} {step.seconds:7.1f} s  {step.what}  {step.detail}")
                    rows.append((SUITES[suite], user, step))
    return rows


def page(rows: list[Row], commit: str) -> str:
    """The log as a page of the documents."""
    failed = sum(not step.passed for _, _, step in rows)
    lines = [
        "# On fresh machines",
        "",
        "What `make fresh` last saw: Debian 12 and 13 as `debootstrap --variant=minbase` makes them, each with a network of its",
        "own and `::1 localhost` in `/etc/hosts`, and in them the commands of the README, as root and as an ordinary user.",
        "`make run` is ready when its console answers. A `make run` that follows must be ready in 3 s, and what is missing or in",
        "the way must be said in 5 s.",
        "",
        f"{time.strftime('%Y-%m-%d')}, commit {commit}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}: {len(rows) - failed} steps passed, {failed} failed.",
        "",
        "| system | as | step | seconds | | |",
        "|---|---|---|---:|---|---|",
    ]
    for system, user, step in rows:
        detail = " ".join(step.detail.split()).replace("|", "\\|")
        mark = "passed" if step.passed else "failed"
        lines.append(f"| {system} | {user} | {step.what} | {step.seconds:.1f} | {mark} | {detail} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("make fresh wants root: debootstrap and namespaces need it")
    WORK.mkdir(parents=True, exist_ok=True)
    programs()
    if call("git", "status", "--porcelain", cwd=ROOT):
        say("what is not committed is not tried: the systems get a clone of HEAD")
    rows = try_all(options)
    whole = [options.suites, options.users, options.steps] == [list(SUITES), list(USERS), list(STEPS)]
    place = ROOT / "docs" / "fresh.md" if whole else Path(WORK / "last.md")
    place.write_text(page(rows, call("git", "rev-parse", "--short", "HEAD", cwd=ROOT).strip()))
    say(f"written to {place.relative_to(ROOT)}")
    sys.exit(any(not step.passed for _, _, step in rows))


if __name__ == "__main__":
    main()
