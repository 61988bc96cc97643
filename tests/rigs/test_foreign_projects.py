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
from difflib import unified_diff
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

# A test that stands between those of the project, and the same without a rig.
OURS = """
import pytest, shop

@pytest.mark.asyncio
async def test_ours(ridethrough_rig, ridethrough_gateway, ridethrough_clock, till):
    await ridethrough_rig.do("city off")
    await ridethrough_rig.expect("event power.outage.confirmed UPS1", at=60, within=1)
    assert (await ridethrough_gateway.get("/v1/devices/UPS1"))["kind"] == "ups"
    await ridethrough_clock.advance(60)
"""
THEIRS = """
import pytest, shop

@pytest.mark.asyncio
async def test_ours(till):
    pass
"""

HEAD = """
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

# Each way to ask for a rig, in modules of a project, and how it ends: what is said instead, or "passed".
WAYS = """
## argument: passed
async def test_it(rig, gateway, clock):
    await outage(rig)

## long names: passed
async def test_it(ridethrough_rig):
    await outage(ridethrough_rig)

## usefixtures: passed
@pytest.mark.usefixtures("rig")
async def test_it(clock):
    await hour(clock)

## usefixtures and at run time: passed
@pytest.mark.usefixtures("rig")
async def test_it(request):
    await outage(request.getfixturevalue("rig"))

## autouse: passed
@pytest.fixture(autouse=True)
def own(rig):
    kept.append(rig)

async def test_it():
    await outage(kept[-1])

## autouse and at run time: passed
@pytest.fixture(autouse=True)
def own(request):
    kept.append(request.getfixturevalue("rig"))

async def test_it():
    await outage(kept[-1])

## through a fixture that happens in it: passed
@pytest_asyncio.fixture
async def dark(rig):
    await outage(rig)
    yield rig

async def test_it(dark):
    assert dark.state("UPS1")

## through a fixture, from a test without a loop: passed
@pytest_asyncio.fixture
async def dark(rig):
    await outage(rig)
    return rig

@pytest.mark.filterwarnings("ignore:.*not an async function")
def test_it(dark):
    assert dark.state("UPS1")

## parametrised: passed
@pytest.fixture(params=["city off", "city on"])
def words(request, rig):
    return rig, request.param

async def test_it(words):
    await words[0].do(words[1])

## overridden in the module: passed
@pytest.fixture
def rig(rig):
    return rig, 1

async def test_it(rig):
    await outage(rig[0])

## overridden in a class: passed
class TestIt:
    @pytest.fixture
    def rig(self, rig):
        return rig, 1

    async def test_it(self, rig):
        await outage(rig[0])

## its own clock beside our rig: passed
@pytest.fixture
def clock():
    return 'theirs'

async def test_it(rig, clock):
    assert clock == 'theirs'
    await hour(rig.clock)

## on the loop of the session: passed
@pytest.mark.asyncio(loop_scope="session")
async def test_it(rig):
    await outage(rig)

@pytest.mark.asyncio(loop_scope="session")
async def test_after():
    assert abs(asyncio.get_running_loop().time() - time.monotonic()) < 1

## on the loop of its class: passed
@pytest.mark.asyncio(loop_scope="class")
class TestIt:
    async def test_it(self, rig):
        await outage(rig)

    async def test_again(self, rig):
        await outage(rig)

## faster than the wall clock: passed
@pytest.mark.ridethrough(speed=50)
async def test_it(rig, clock):
    await clock.advance(10)

## unittest: passed
@pytest.mark.usefixtures("rig")
class TestIt(unittest.TestCase):
    def test_it(self): ...

## unittest with a loop: a rig stands still beside the loop of unittest: make the test a function of pytest
@pytest.mark.usefixtures("rig")
class TestIt(unittest.IsolatedAsyncioTestCase):
    async def test_it(self): ...

## at run time: a rig cannot start while the test runs: name the fixture as an argument of the test, or in usefixtures
async def test_it(request):
    request.getfixturevalue("rig")

## at run time, from a test without a loop: passed
@pytest.mark.filterwarnings("ignore:.*not an async function")
def test_it(request):
    assert request.getfixturevalue("rig").state("UPS1")

## anyio: a rig needs a test that pytest-asyncio runs: mark it with pytest.mark.asyncio
pytestmark = []
@pytest.mark.anyio
async def test_it(rig): ...

## trio: a rig needs a test that pytest-asyncio runs: mark it with pytest.mark.asyncio
pytestmark = []
@pytest.mark.trio
async def test_it(rig): ...

## for a whole session: ScopeMismatch: You tried to access the function scoped fixture rig with a session scoped request object
@pytest.fixture(scope="session")
def own(rig): ...

def test_it(own): ...
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
    product = home / "product"

    def install(env: Path, *words: str | Path) -> None:
        venv.create(env, symlinks=True)
        pip("--python", env, "install", "-q", "--no-compile", *words)
        if env != product:
            site_packages(env).joinpath("product.pth").write_text(f"{site_packages(product)}\n")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        jobs = [pool.submit(install, product, "--require-hashes", "-r", ROOT / "requirements.lock")]
        jobs.append(pool.submit(pip, "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", home, ROOT))
        jobs += [pool.submit(install, home / str(number), *words) for number, words in enumerate(SETS.values())]
        for job in jobs:
            job.result()
    pip("--python", product, "install", "-q", "--no-deps", "--no-compile", next(home.glob("*.whl")))
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
    """Run a project without us, and with a rig between its tests; what pytest said with it."""
    project = folder / "project"
    foreign.write(project, run, rows)
    ours = project / "tests" / "middle" / "test_ours.py"
    ours.parent.mkdir()
    ours.write_text(THEIRS)
    said, alone = pytest_in(project, python, *foreign.words(run), "-p", "no:ridethrough")
    assert sum(" call passed" in note for note in alone) > 10, said
    ours.write_text(OURS.replace(", till", "" if run["loops"] in {"none", "early"} else ", till"))
    shutil.copyfile(ROOT / "rigs" / "starter" / "rig.yaml", project / "rig.yaml")
    said, notes = pytest_in(project, python, *foreign.words(run), "-rA")
    differences = list(unified_diff(alone, notes, "without us", "with us", lineterm="", n=1))
    assert not differences, "\n".join([str(run), *differences])
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
    run = {**PLAIN, "loops": {"no pytest-asyncio": "none", "as in Debian 12": "early"}.get(name, PLAIN["loops"])}
    said = beside(tmp_path, pythons[name], run, all_pairs(foreign.FIXTURES))
    assert TOLD[name] in said
    assert bool(re.search(r"PASSED \S*test_ours\.py::test_ours\b", said)) is not bool(TOLD[name]), said


def test_every_way_to_ask_for_a_rig(pythons: Mapping[str, Path], tmp_path: Path) -> None:
    project = tmp_path / "project"
    foreign.write(project, PLAIN, [])
    shutil.copyfile(ROOT / "rigs" / "starter" / "rig.yaml", project / "rig.yaml")
    ways = [tuple(way.partition("\n")[::2]) for way in WAYS.split("\n## ")[1:]]
    for number, (_, test) in enumerate(ways):
        (project / f"test_way{number:02}.py").write_text(HEAD + test)
    said, _ = pytest_in(project, pythons["newest"], "-rA", "-n2", "--dist=loadfile", "-p", "no:randomly", "-W", "error")
    for number, (way, _) in enumerate(ways):
        end = way.partition(": ")[2]
        ended = set(re.findall(rf"^(PASSED|FAILED|ERROR) test_way{number:02}\.py", said, re.MULTILINE))
        assert ended == {"PASSED"} if end == "passed" else ended & {"FAILED", "ERROR"}, f"{way}\n{said}"
        if end != "passed":
            assert re.search(rf"^(E +)?{re.escape(end)}", said, re.MULTILINE), f"{way}\n{said}"
