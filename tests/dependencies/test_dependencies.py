"""What is locked, audited, listed: the reading of locks, the judgement of advisories, and both targets for real."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.dependencies import LOCKS, ROOT, read_lock
from tests.dependencies.audit import Advisory, judge, of_newest, runs, together
from tests.dependencies.sbom import LICENCES, canonical

TOOLS = ROOT / ".venv" / "tools" / "bin"
TODAY = date(2026, 11, 30)
ONE = Advisory("fox", "1.0", frozenset({"CVE-2026-1", "GHSA-1"}), ("1.1",))
ENTRY = {"id": "GHSA-1", "package": "fox", "reason": "not reached", "until": TODAY}
# Its last release is of 2013 and has two advisories that nobody will mend.
UNSOUND = """pycrypto==2.6.1 \\
    --hash=sha256:f2ce1e989b272cfcb677616763e0a2e7ec659effa67a88aa92b3a65528f60a3c
"""


def make(target: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", "-s", target, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    packages = read_lock(lock)
    assert [it.name for it in packages] == sorted(it.name for it in packages)
    assert len(packages) == lock.read_text().count("==") - sum((it.marker or "").count("==") for it in packages)
    assert all(it.hashes for it in packages)


@pytest.mark.parametrize("line", ["fox>=1", "-e .", "    --hash=md5:0", "fox @ file:///fox", "--index-url x"])
def test_a_lock_with_anything_else_is_refused(line: str, tmp_path: Path) -> None:
    (tmp_path / "x.lock").write_text(f"{line}\n")
    with pytest.raises(ValueError, match=re.escape(line.strip())):
        read_lock(tmp_path / "x.lock")


def test_floors_are_kept_by_the_locks_and_caps_have_a_reason() -> None:
    """A comment of each declared cap and of each floor with an advisory says why."""
    declared = re.findall(
        r'^    "([\w.-]+)>=([\w.]+)(?:,<([\w.]+))?(?:;[^"]*)?",(?: *# (.*))?$',
        (ROOT / "pyproject.toml").read_text(),
        re.MULTILINE,
    )
    locked = {it.name: it.version for it in read_lock(ROOT / "requirements-dev.lock")}
    assert {"aiohttp", "cryptography", "pydantic", "pysmi", "pysnmp"} <= {name for name, *_ in declared}
    for name, floor, cap, comment in declared:
        version = [int(part) for part in re.findall(r"\d+", locked[canonical(name)])]
        assert version >= [int(part) for part in floor.split(".")], name
        assert not cap or version < [int(part) for part in cap.split(".")], name
        assert not cap or re.search(r"\bcap: |\bnext major\b", comment), name


@pytest.mark.parametrize(
    ("found", "accepted", "lines"),
    [
        ([], [], []),
        ([ONE], [], ["fox 1.0: CVE-2026-1 GHSA-1, mended in 1.1"]),
        ([ONE], [ENTRY], []),
        ([ONE], [ENTRY | {"id": "CVE-2026-1"}], []),
        ([ONE], [ENTRY | {"until": date(2026, 11, 29)}], ["accepted until 2026-11-29", "fox 1.0"]),
        ([ONE], [ENTRY | {"package": "hen"}], ["hen has no GHSA-1 any more", "fox 1.0"]),
        ([ONE], [ENTRY | {"id": "CVE-2026-2"}], ["fox has no CVE-2026-2 any more", "fox 1.0"]),
        ([], [ENTRY], ["fox has no GHSA-1 any more"]),
        ([ONE, Advisory("hen", "3", frozenset({"PYSEC-1"}), ())], [ENTRY], ["hen 3: PYSEC-1, not mended"]),
    ],
)
def test_what_counts(found: list[Advisory], accepted: list[dict[str, Any]], lines: list[str]) -> None:
    said = judge(found, accepted, TODAY)
    assert len(said) == len(lines)
    for line, words in zip(said, lines, strict=True):
        assert words in line


def test_one_advisory_under_several_numbers_is_one() -> None:
    twin = Advisory("fox", "1.0", frozenset({"PYSEC-1", "GHSA-1"}), ("1.1", "2.0"))
    other = Advisory("fox", "2.0", ONE.names, ())
    assert together([ONE, twin, other]) == [Advisory("fox", "1.0", ONE.names | twin.names, ("1.1", "2.0")), other]


def test_a_package_in_two_versions_is_asked_about_twice() -> None:
    assert list(runs({"hen": {"3", "2"}, "fox": {"1"}})) == [["fox==1", "hen==2"], ["hen==3"]]


@pytest.mark.parametrize(
    ("version", "vulnerabilities", "count"),
    [
        ("1.0", [], 0),
        ("1.0", [{"id": "A", "aliases": ["B"], "fixed_in": []}], 1),
        ("1.0", [{"id": "A", "aliases": [], "fixed_in": [], "withdrawn": "2026-01-01"}], 0),
        ("1.1", [], None),  # what is told is told of another version
        ("1.0", None, None),  # an index without advisories
    ],
)
def test_what_an_index_tells_of_the_newest_version(version: str, vulnerabilities: Any, count: int | None) -> None:
    told = of_newest("fox==1.0", {"info": {"version": version}, "vulnerabilities": vulnerabilities})
    assert (None if told is None else len(told)) == count


@pytest.mark.network
@pytest.mark.timeout(300)
def test_an_unsound_package_is_found(tmp_path: Path) -> None:
    assert make(".venv/tools/.done").returncode == 0
    (tmp_path / "unsound.lock").write_text(UNSOUND)
    words: list[str | Path] = [
        TOOLS / "python",
        "-m",
        "tests.dependencies.audit",
        TOOLS / "pip-audit",
        tmp_path / "unsound.lock",
    ]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    for name in ("CVE-2013-7459", "CVE-2018-6594"):
        assert re.search(rf"^pycrypto 2\.6\.1: .*{name}.* not mended$", done.stdout, re.MULTILINE)


@pytest.mark.network
@pytest.mark.timeout(300)
def test_the_sbom_names_every_locked_package_with_hashes_and_licence() -> None:
    """Its form is checked by the library of CycloneDX before it is written."""
    done = make("sbom")
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((ROOT / "dist/ridethrough.cdx.json").read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["name"] == "ridethrough"
    locked = {it.name: it for it in read_lock(ROOT / "requirements.lock")}
    components = {canonical(it["name"]): it for it in document["components"]}
    assert components.keys() == locked.keys()
    for name, component in components.items():
        distributions = [it for it in component["externalReferences"] if it["type"] == "distribution"]
        hashes = {each["content"] for it in distributions for each in it.get("hashes", ())}
        assert (component["version"], hashes) == (locked[name].version, set(locked[name].hashes))
        assert all(
            it.get("expression") or it["license"].get("id", it["license"].get("name")) for it in component["licenses"]
        )
        assert component["licenses"], name
    assert {it["ref"] for it in document["dependencies"]} >= {it["bom-ref"] for it in document["components"]}
    concluded = {
        name
        for name, it in components.items()
        if any(each.get("license", {}).get("acknowledgement") == "concluded" for each in it["licenses"])
    }
    assert concluded == LICENCES.keys()


@pytest.mark.network
@pytest.mark.timeout(300)
def test_licences_come_along_in_wheel_and_sdist(tmp_path: Path) -> None:
    build = "from hatchling.build import build_sdist, build_wheel; print(build_sdist({0!r})); print(build_wheel({0!r}))"
    code = build.format(str(tmp_path))
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    sdist, wheel = (tmp_path / name for name in done.stdout.split()[-2:])
    inside = subprocess.run(["tar", "tzf", sdist], capture_output=True, text=True, check=True).stdout
    packed = subprocess.run([sys.executable, "-m", "zipfile", "-l", wheel], capture_output=True, text=True, check=True)
    for name in ("LICENSE", "CONTRIBUTING.md", "requirements-tools.lock", "rigs/console/vendor/uPlot.LICENSE"):
        assert re.search(rf"^[\w.-]+/{re.escape(name)}$", inside, re.MULTILINE), name
    for name in ("LICENSE", "rigs/console/vendor/uPlot.LICENSE"):
        assert re.search(rf"^ridethrough-[\w.]+\.dist-info/licenses/{re.escape(name)} ", packed.stdout, re.MULTILINE)
