"""`make audit`: known vulnerabilities of everything that is locked, by pip-audit from the index's advisories.

One line for each advisory that accepted.toml does not pass over, and exit status 1. An index that knows no advisories
of a single version (as mirrors do) is asked about the project, which tells those of its newest version only. A package
that this does not answer is a line, too, and exit status 3 if that is all: nobody knows that it is sound.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tests.dependencies import LOCKS, read_lock

PROJECT = "https://pypi.org/pypi/{}/json"
ACCEPTED = Path(__file__).with_name("accepted.toml")


@dataclass(frozen=True)
class Advisory:
    package: str
    version: str
    names: frozenset[str]
    mended_in: tuple[str, ...]

    def __str__(self) -> str:
        mended = f"mended in {', '.join(self.mended_in)}" if self.mended_in else "not mended"
        return f"{self.package} {self.version}: {' '.join(sorted(self.names))}, {mended}"


def runs(versions: Mapping[str, Iterable[str]]) -> Iterator[list[str]]:
    """Lists of requirements; a package that is locked in several versions is in several lists."""
    columns = [[f"{name}=={version}" for version in sorted(found)] for name, found in sorted(versions.items())]
    for row in zip_longest(*columns):
        yield [requirement for requirement in row if requirement]


def by_pip_audit(program: str, requirements: list[str]) -> tuple[list[Advisory], list[str]]:
    """What pip-audit found, and which requirements the index had no answer for."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(requirements))
        file.flush()
        words = ["--no-deps", "--disable-pip", "--vulnerability-service", "pypi", "--format", "json"]
        command = [program, *words, "--progress-spinner", "off", "--requirement", file.name]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answers = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        sys.exit(f"pip-audit gave no answer, status {done.returncode}:\n{done.stderr}")
    found = [
        Advisory(it["name"], it["version"], frozenset((each["id"], *each["aliases"])), tuple(each["fix_versions"]))
        for it in answers
        for each in it.get("vulns", ())
    ]
    answered = {f"{it['name']}=={it['version']}" for it in answers if "skip_reason" not in it}
    return found, [requirement for requirement in requirements if requirement not in answered]


def of_newest(requirement: str, document: Mapping[str, Any]) -> list[Advisory] | None:
    """What the index's document of a project says of the version asked for; None if that is not its newest."""
    name, _, version = requirement.partition("==")
    if document["info"]["version"] != version or document.get("vulnerabilities") is None:
        return None
    return [
        Advisory(name, version, frozenset((each["id"], *each["aliases"])), tuple(each["fixed_in"]))
        for each in document["vulnerabilities"]
        if not each.get("withdrawn")
    ]


def by_project(requirement: str) -> list[Advisory] | None:
    name = requirement.partition("==")[0]
    try:
        with urllib.request.urlopen(PROJECT.format(name), timeout=30) as answer:
            return of_newest(requirement, json.load(answer))
    except (urllib.error.URLError, TimeoutError, ValueError):
        return None


def together(advisories: Iterable[Advisory]) -> list[Advisory]:
    """Advisories that share a name are one: indexes list a CVE under each of its numbers."""
    merged: list[Advisory] = []
    for one in advisories:
        for place, other in enumerate(merged):
            if one.package == other.package and one.version == other.version and one.names & other.names:
                versions = tuple(dict.fromkeys((*other.mended_in, *one.mended_in)))
                merged[place] = Advisory(one.package, one.version, one.names | other.names, versions)
                break
        else:
            merged.append(one)
    return merged


def judge(advisories: Iterable[Advisory], accepted: Iterable[Mapping[str, Any]], today: date) -> list[str]:
    """One line for each advisory that counts, and for each entry of the table that has had its day or fits nothing."""
    left = list(together(advisories))
    lines = []
    for entry in accepted:
        fitting = [one for one in left if one.package == entry["package"] and entry["id"] in one.names]
        if not fitting:
            lines.append(f"accepted.toml: {entry['package']} has no {entry['id']} any more")
        elif entry["until"] < today:
            lines.append(f"accepted.toml: {entry['id']} was accepted until {entry['until']}")
        else:
            left = [one for one in left if one not in fitting]
    return [*lines, *map(str, left)]


def main(program: str, *locks: str) -> None:
    versions: dict[str, set[str]] = {}
    for lock in map(Path, locks or map(str, LOCKS)):
        for package in read_lock(lock):
            versions.setdefault(package.name, set()).add(package.version)
    advisories: list[Advisory] = []
    unasked: list[str] = []
    by_newest = 0
    for requirements in runs(versions):
        found, unanswered = by_pip_audit(program, requirements)
        advisories += found
        for requirement in unanswered:
            answer = by_project(requirement)
            if answer is None:
                unasked.append(f"{requirement.replace('==', ' ')}: the index tells nothing of this version")
            else:
                by_newest += 1
                advisories += answer
    accepted = tomllib.loads(ACCEPTED.read_text()).get("accepted", [])
    findings = judge(advisories, accepted, datetime.now(tz=UTC).date())
    print(*findings, *unasked, sep="\n", end="\n" if findings or unasked else "")
    count = sum(map(len, versions.values()))
    print(
        f"{count} locked packages: {len(findings)} findings, {len(unasked)} unanswered"
        f"{f', {by_newest} answered as the newest of their project' if by_newest else ''}"
    )
    sys.exit(1 if findings else 3 if unasked else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
