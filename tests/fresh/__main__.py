"""`make fresh`: what the README promises, on Debian 12 and 13 as debootstrap makes them, as root and as a user.

As root on a Debian machine. docs/fresh.md has a section for each system and user, with what the last run of all steps
saw there; a run of some steps leaves its log in build/fresh only.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.fresh.debian import ROOT, WORK, call, programs
from tests.fresh.doors import Doors, Step, log_of
from tests.fresh.guest import guest

SUITES = {"bookworm": "Debian 12", "trixie": "Debian 13"}
USERS = ("root", "reader")
STEPS = ("run", "test")
PAGE = ROOT / "docs" / "fresh.md"
ABOUT = """# On fresh machines

What `make fresh` last saw: Debian 12 and 13 as `debootstrap --variant=minbase` makes them, each with a network of its
own and `::1 localhost` in `/etc/hosts`, and in them the commands of the README, as root and as an ordinary user.
`make run` is ready when its console answers, in a minute at most. A `make run` that follows must be ready in 3 s, and
what is missing or in the way must be said in 5 s.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fresh", description=__doc__)
    parser.add_argument("--suites", nargs="+", choices=SUITES, default=list(SUITES))
    parser.add_argument("--users", nargs="+", choices=USERS, default=list(USERS))
    parser.add_argument("--steps", nargs="+", choices=STEPS, default=list(STEPS))
    return parser.parse_args()


def say(words: str) -> None:
    sys.stdout.write(f"{time.strftime('%H:%M:%S')}  {words}\n")
    sys.stdout.flush()


def try_system(suite: str, user: str, steps: list[str]) -> list[Step]:
    """A system by itself, so that it has nothing of another's."""
    rows: list[Step] = []
    say(title_of(suite, user))
    with guest(suite, user, WORK / f"{suite}-{user}") as system:
        for step in Doors(system, log_of(suite, user)).steps(steps):
            say(f"  {'ok  ' if step.passed else 'FAIL'} {step.seconds:7.1f} s  {step.what}  {step.detail}")
            rows.append(step)
    return rows


def section(title: str, rows: list[Step], commit: str) -> str:
    """The log of one system and user, as a section of the document."""
    failed = sum(not step.passed for step in rows)
    outcome = f"{len(rows) - failed} steps passed, {failed} failed"
    lines = [
        f"## {title}",
        "",
        f"{time.strftime('%Y-%m-%d')}, commit {commit}, {os.cpu_count()} cores, load {os.getloadavg()[2]:.1f}: {outcome}.",
        "",
        "| step | seconds | | |",
        "|---|---:|---|---|",
    ]
    for step in rows:
        detail = " ".join(step.detail.split()).replace("|", "\\|")
        lines.append(f"| {step.what} | {step.seconds:.1f} | {'passed' if step.passed else 'failed'} | {detail} |")
    return "\n".join(lines) + "\n"


def keep(title: str, text: str) -> None:
    """Put a section in the place of the one of that title."""
    known = {}
    if PAGE.exists():
        known = {part.partition("\n")[0]: f"## {part.rstrip()}\n" for part in PAGE.read_text().split("\n## ")[1:]}
    known[title] = text
    titles = [title_of(suite, user) for suite in SUITES for user in USERS]
    PAGE.write_text("\n".join([ABOUT, *(known[title] for title in titles if title in known)]))


def title_of(suite: str, user: str) -> str:
    """Of a section: `Debian 12 as root`."""
    return f"{SUITES[suite]} as {user}"


def main() -> None:
    options = arguments()
    if os.geteuid() != 0:
        sys.exit("make fresh wants root: debootstrap and namespaces need it")
    WORK.mkdir(parents=True, exist_ok=True)
    programs()
    if call("git", "status", "--porcelain", cwd=ROOT):
        say("what is not committed is not tried: the systems get a clone of HEAD")
    commit = call("git", "rev-parse", "--short", "HEAD", cwd=ROOT).strip()
    passed = True
    for suite in options.suites:
        for user in options.users:
            title = title_of(suite, user)
            rows = try_system(suite, user, options.steps)
            passed = passed and all(step.passed for step in rows)
            text = section(title, rows, commit)
            if options.steps == list(STEPS):
                keep(title, text)
            else:
                (WORK / f"{suite}-{user}.md").write_text(text)
    sys.exit(not passed)


if __name__ == "__main__":
    main()
