"""Projects of other people beside an installed wheel: their tests end as without us, and ours get their rig.

Each project is run with its own tests and some of ours in between, and again with its own alone and our plugin switched
off; what its own tests, fixtures and loops did must not differ.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.pairs import Row, all_pairs

pytestmark = [pytest.mark.network, pytest.mark.timeout(400)]
ROOT = Path(__file__).parents[2]
CLEAN = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "RIDETHROUGH"))}
LOCKED = dict(re.findall(r"^([a-z-]+)==(\S+)", (ROOT / "requirements-dev.lock").read_text(), re.MULTILINE))
SETS = {
    "newest": [f"{name}=={LOCKED[name]}" for name in ("pytest", "pytest-asyncio", "pytest-xdist", "anyio")]
    + ["pytest-randomly==5.1.0", "pytest-aiohttp==1.1.1", "pytest-trio==0.8.0", "trio==0.35.0", "uvloop==0.23.0"],
    "before the hook for loops": ["pytest==8.4.2", "pytest-asyncio==1.1.0"],
    "before fixtures show their names": ["pytest==8.3.5", "pytest-asyncio==0.26.0"],
    "as in Debian 12": ["pytest==7.2.1", "pluggy==1.0.0", "pytest-asyncio==0.20.3"],
    "no pytest-asyncio": [f"pytest=={LOCKED['pytest']}"],
}
# What a rig is told beside older versions; "" where it runs.
TOLD = {
    "before the hook for loops": "",
    "before fixtures show their names": "a rig needs pytest-asyncio 1.1 or newer, not 0.26.0",
    "as in Debian 12": "a rig needs pytest-asyncio 1.1 or newer, not 0.20.3",
    "no pytest-asyncio": "a rig needs pytest-asyncio: pip install 'ridethrough[test]'",
}
PLAIN = {column: values[0] for column, values in foreign.RUNS.items()}

OURS = """
import pytest, shop

@pytest.mark.asyncio
async def test_ours(ridethrough_rig, ridethrough_gateway, ridethrough_clock, till):
    await ridethrough_rig.do("city off")
    await ridethrough_rig.expect("event power.outage.confirmed UPS1", at=60, within=1)
    assert (await ridethrough_gateway.get("/v1/devices/UPS1"))["kind"] == "ups"
    await ridethrough_clock.advance(36_000)
"""

# Each way to ask for a rig, in a project that has fixtures of its own, too: what the test is, and how it ends.
WAYS: dict[str, tuple[str, str]] = {
    "argument": ("async def test_it(rig, gateway, clock):\n    await outage(rig)", "passed"),
    "long names": ("async def test_it(ridethrough_rig):\n    await outage(ridethrough_rig)", "passed"),
    "usefixtures": ('@pytest.mark.usefixtures("rig")\nasync def test_it(clock):\n    await hour(clock)', "passed"),
    "usefixtures and at run time": (
        '@pytest.mark.usefixtures("rig")\nasync def test_it(request):\n    await outage(request.getfixturevalue("rig"))',
        "passed",
    ),
    "autouse": (
        "@pytest.fixture(autouse=True)\ndef own(rig):\n    kept.append(rig)\n\n"
        "async def test_it():\n    await outage(kept[-1])",
        "passed",
    ),
    "autouse and at run time": (
        '@pytest.fixture(autouse=True)\ndef own(request):\n    kept.append(request.getfixturevalue("rig"))\n\n'
        "async def test_it():\n    await outage(kept[-1])",
        "passed",
    ),
    "through a fixture that happens in it": (
        "@pytest_asyncio.fixture\nasync def dark(rig):\n    await outage(rig)\n    yield rig\n\n"
        'async def test_it(dark):\n    await dark.expect("state UPS1 input=off")',
        "passed",
    ),
    "through a fixture, from a test without a loop": (
        "@pytest_asyncio.fixture\nasync def dark(rig):\n    await outage(rig)\n    return rig\n\n"
        'def test_it(dark):\n    assert dark.state("UPS1")',
        "passed",
    ),
    "parametrised": (
        '@pytest.fixture(params=["city off", "city on"])\ndef words(request, rig):\n    return rig, request.param\n\n'
        "async def test_it(words):\n    await words[0].do(words[1])",
        "passed",
    ),
    "overridden in the module": (
        "@pytest.fixture\ndef rig(rig):\n    return rig, 1\n\nasync def test_it(rig):\n    await outage(rig[0])",
        "passed",
    ),
    "overridden in a class": (
        "class TestIt:\n    @pytest.fixture\n    def rig(self, rig):\n        return rig, 1\n\n"
        "    async def test_it(self, rig):\n        await outage(rig[0])",
        "passed",
    ),
    "its own clock beside our rig": (
        "@pytest.fixture\ndef clock():\n    return 'theirs'\n\n"
        "async def test_it(rig, clock):\n    assert clock == 'theirs'\n    await hour(rig.clock)",
        "passed",
    ),
    "on the loop of the session": (
        '@pytest.mark.asyncio(loop_scope="session")\nasync def test_it(rig):\n    await outage(rig)\n\n'
        '@pytest.mark.asyncio(loop_scope="session")\nasync def test_after():\n'
        "    assert abs(asyncio.get_running_loop().time() - time.monotonic()) < 1",
        "passed",
    ),
    "on the loop of its class": (
        '@pytest.mark.asyncio(loop_scope="class")\nclass TestIt:\n'
        "    async def test_it(self, rig):\n        await outage(rig)\n\n"
        "    async def test_again(self, rig):\n        await outage(rig)",
        "passed",
    ),
    "faster than the wall clock": (
        "@pytest.mark.ridethrough(speed=50)\nasync def test_it(rig, clock):\n    await clock.advance(10)",
        "passed",
    ),
    "unittest": (
        '@pytest.mark.usefixtures("rig")\nclass TestIt(unittest.TestCase):\n    def test_it(self): ...',
        "passed",
    ),
    "unittest with a loop": (
        '@pytest.mark.usefixtures("rig")\nclass TestIt(unittest.IsolatedAsyncioTestCase):\n'
        "    async def test_it(self): ...",
        "a rig stands still beside the loop of unittest: make the test a function of pytest",
    ),
    "at run time": (
        'async def test_it(request):\n    request.getfixturevalue("rig")',
        "a rig cannot start while the test runs: name the fixture as an argument of the test, or in usefixtures",
    ),
    "at run time, from a test without a loop": (
        'def test_it(request):\n    assert request.getfixturevalue("rig").state("UPS1")',
        "passed",
    ),
    "anyio": (
        "pytestmark = []\n@pytest.mark.anyio\nasync def test_it(rig): ...",
        "a rig needs a test that pytest-asyncio runs: mark it with pytest.mark.asyncio",
    ),
    "trio": (
        "pytestmark = []\n@pytest.mark.trio\nasync def test_it(rig): ...",
        "a rig needs a test that pytest-asyncio runs: mark it with pytest.mark.asyncio",
    ),
    "for a whole session": (
        '@pytest.fixture(scope="session")\ndef own(rig): ...\n\ndef test_it(own): ...',
        "ScopeMismatch: You tried to access the function scoped fixture rig with a session scoped request object",
    ),
}
WAY = """
import asyncio, time, unittest
import pytest, pytest_asyncio

pytestmark = pytest.mark.asyncio
kept = []

async def outage(rig):
    await rig.do("city off")
    await rig.expect("event power.outage.confirmed UPS1", at=60, within=1)

async def hour(clock):
    begun = time.monotonic()
    await clock.advance(3600)
    assert time.monotonic() - begun < 60

"""


def pip(*words: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=CLEAN, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def site_packages(env: Path) -> Path:
    return Path(sysconfig.get_path("purelib", "venv", {"base": str(env), "platbase": str(env)}))


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """A Python for each set, all of which see the one environment into which the wheel was installed."""
    home = tmp_path_factory.mktemp("envs")
    venv.create(home / "product", symlinks=True)
    pip("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", home, ROOT)
    pip("--python", home / "product", "install", "-q", "--require-hashes", "-r", ROOT / "requirements.lock")
    pip("--python", home / "product", "install", "-q", "--no-deps", next(home.glob("*.whl")))
    for number, wanted in enumerate(SETS.values()):
        env = home / str(number)
        venv.create(env, symlinks=True)
        pip("--python", env, "install", "-q", *wanted)
        (site_packages(env) / "product.pth").write_text(f"{site_packages(home / 'product')}\n")
    return {name: home / str(number) / "bin" / "python" for number, name in enumerate(SETS)}


def pytest_in(project: Path, python: Path, *words: str) -> tuple[str, list[str]]:
    """What pytest said, and what the project noted meanwhile."""
    log = project.parent / "log"
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        timeout=200,
        env={**CLEAN, "LOG": str(log), "PYTHONPATH": str(project)},
        check=False,
    )
    notes = [line for path in sorted(project.parent.glob("log*")) for line in path.read_text().splitlines()]
    for path in project.parent.glob("log*"):
        path.unlink()
    return done.stdout + done.stderr, notes


def beside(folder: Path, python: Path, run: Row, rows: list[Row]) -> str:
    """Run a project alone, and with ours between its own; what pytest said with ours."""
    project = folder / "project"
    foreign.write(project, run, rows)
    alone = pytest_in(project, python, *foreign.words(run), "-p", "no:ridethrough")
    assert sum(" call passed" in note for note in alone[1]) > 15, alone[0]
    shutil.copyfile(ROOT / "rigs" / "starter" / "rig.yaml", project / "rig.yaml")
    (project / "tests" / "middle").mkdir()
    # Where the order is not known, a fixture of theirs that ours ask for may come earlier for it.
    ours = OURS.replace(", till", "") if run["runner"] == "randomly" else OURS
    (project / "tests" / "middle" / "test_ours.py").write_text(ours)
    said, notes = pytest_in(project, python, *foreign.words(run), "-rA")
    assert notes == alone[1], f"{run}\n{said}"
    return said


def test_a_project_of_any_kind_runs_as_without_us_and_a_rig_beside_it(
    pythons: Mapping[str, Path], tmp_path: Path
) -> None:
    rows = all_pairs(foreign.FIXTURES)

    def one(number: int, run: Row) -> None:
        said = beside(tmp_path / str(number), pythons["newest"], run, rows)
        if run["loops"] == "uvloop":
            assert "uvloop.Loop knows only the wall clock: speed=1, or a loop that is asyncio.SelectorEventLoop" in said
        else:
            assert re.search(r"PASSED \S*test_ours\.py::test_ours\b", said), f"{run}\n{said}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(one, *zip(*enumerate(all_pairs(foreign.RUNS)), strict=True)))


@pytest.mark.parametrize("name", TOLD)
def test_older_versions_run_as_without_us_and_say_what_a_rig_needs(
    pythons: Mapping[str, Path], tmp_path: Path, name: str
) -> None:
    run = {**PLAIN, "loops": "none"} if TOLD[name] else PLAIN
    said = beside(tmp_path, pythons[name], run, all_pairs(foreign.FIXTURES))
    assert TOLD[name] in said
    assert bool(re.search(r"PASSED \S*test_ours\.py::test_ours\b", said)) is not bool(TOLD[name]), said


def test_every_way_to_ask_for_a_rig(pythons: Mapping[str, Path], tmp_path: Path) -> None:
    project = tmp_path / "project"
    foreign.write(project, PLAIN, [])
    shutil.copyfile(ROOT / "rigs" / "starter" / "rig.yaml", project / "rig.yaml")
    numbers = {way: f"test_way{number:02}" for number, way in enumerate(WAYS)}
    for way, (test, _) in WAYS.items():
        (project / f"{numbers[way]}.py").write_text(f"{WAY}{test}\n")
    said, _ = pytest_in(project, pythons["newest"], "-rA", "-n2", "--dist=loadfile", "-p", "no:randomly", "-W", "error")
    for way, (_, end) in WAYS.items():
        ended = set(re.findall(rf"^(PASSED|FAILED|ERROR) {numbers[way]}\.py", said, re.MULTILINE))
        assert ended and (ended == {"PASSED"}) is (end == "passed"), f"{way}\n{said}"
        if end != "passed":
            assert re.search(rf"^(E +)?{re.escape(end)}", said, re.MULTILINE), f"{way}\n{said}"
