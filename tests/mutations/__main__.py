"""`make mutations`: break each rule of the table in a copy of the tree, replay scenarios, and write docs/mutations.md."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from tests.mutations.rows import Mutation
from tests.mutations.table import MUTATIONS

ROOT = Path(__file__).parents[2]
PACKAGES = ("ridethrough", "mibs", "wire", "emulators", "gateway", "rigs")
LIMIT_S = 600
HEAD = """# What happens when a rule is broken

`make mutations` breaks rules of the requirements and of our decisions one by one in a copy of the tree, those of stand-in controllers, devices, gateway and `check`,
and replays the scenarios: each broken rule must make at least one fail. {killed} of {total} do. `make mutations NAMED=1` replays only those that the table names.

| section | rule | broken in | scenarios that fail |
|---|---|---|---|
"""


class Outcome(NamedTuple):
    mutation: Mutation
    failed: tuple[str, ...]
    trouble: str = ""


@contextmanager
def broken(tree: Path, mutation: Mutation) -> Iterator[None]:
    """The tree with the rule broken, and mended afterwards."""
    file = tree / mutation.file
    text = file.read_text()
    file.write_text(text.replace(mutation.old, mutation.new))
    try:
        yield
    finally:
        file.write_text(text)


def replay(tree: Path, names: list[str]) -> tuple[tuple[str, ...], str]:
    """Scenarios of `names` that fail on this tree; and what is wrong when they cannot be run at all."""
    files = [str(tree / "rigs" / "scenarios" / f"{name}.yaml") for name in names]
    command = [sys.executable, "-P", "-m", "ridethrough", "replay", "--json", "--ports", "free", *files]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        return (), f"no end within {LIMIT_S} s"
    if done.returncode not in (0, 1):
        return (), f"ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}"
    try:
        reports = json.loads(done.stdout)
    except json.JSONDecodeError:
        return (), f"said no JSON: {done.stdout[:200]}"
    return tuple(report["scenario"] for report in reports if not report["held"]), ""


def judge(tree: Path, mutation: Mutation, *, named: bool) -> Outcome:
    """Which scenarios mind a broken rule: those that the table names, and all others unless only `named` are asked."""
    with broken(tree, mutation):
        failed, trouble = replay(tree, list(mutation.scenarios))
        if not failed and not trouble and not named:
            names = sorted(path.stem for path in (tree / "rigs" / "scenarios").glob("*.yaml"))
            failed, trouble = replay(tree, [name for name in names if name not in (*mutation.scenarios, "U12")])
    return Outcome(mutation, failed, trouble)


def record(outcomes: list[Outcome]) -> None:
    """Bring the document up to date; rules that were not tried this time keep their rows."""
    document = ROOT / "docs" / "mutations.md"
    known = {line.rpartition(" | ")[0]: line for line in document.read_text().splitlines()} if document.exists() else {}
    for item, failed, trouble in outcomes:
        known[_key(item)] = f"{_key(item)} | {', '.join(failed) or f'none: {trouble}'} |"
    rows = [known[_key(item)] for item in MUTATIONS if _key(item) in known]
    killed = sum("| none: " not in row for row in rows)
    document.write_text(HEAD.format(killed=killed, total=len(rows)) + "\n".join(rows) + "\n")


def _key(item: Mutation) -> str:
    return f"| {item.section} | {item.rule} | `{item.file}`"


def main(arguments: list[str]) -> int:
    """Run the campaign: of rules whose section or text has one of the words given; `--named` asks no other scenarios."""
    named, wanted = "--named" in arguments, [word for word in arguments if word != "--named"]
    mutations = [
        item for item in MUTATIONS if not wanted or any(word in f"{item.section} {item.rule}" for word in wanted)
    ]
    with tempfile.TemporaryDirectory() as folder:
        trees: SimpleQueue[Path] = SimpleQueue()
        count = os.cpu_count() or 1
        for number in range(count):
            tree = Path(folder) / str(number)
            for package in PACKAGES:
                shutil.copytree(
                    ROOT / package, tree / package, symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
                )
            trees.put(tree)

        def one(mutation: Mutation) -> Outcome:
            tree = trees.get()
            try:
                outcome = judge(tree, mutation, named=named)
            finally:
                trees.put(tree)
            print(
                f"{mutation.section}  {mutation.rule}: {outcome.trouble or ', '.join(outcome.failed) or 'NOBODY MINDS'}"
            )
            return outcome

        with ThreadPoolExecutor(count) as pool:
            outcomes = list(pool.map(one, mutations))
    killed = sum(bool(outcome.failed) for outcome in outcomes)
    print(f"{killed} of {len(outcomes)} broken rules make a scenario fail")
    record(outcomes)
    return 0 if killed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
