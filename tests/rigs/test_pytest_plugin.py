"""The plugin as other projects use it: in a pytest of its own, in a folder of its own."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ridethrough.rigs.testing.session import parse

ROOT = Path(__file__).parents[2]
STARTER = ROOT / "rigs" / "starter"
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


def pytest_in(folder: Path, *words: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copyfile(STARTER / "rig.yaml", tmp_path / "rig.yaml")
    (tmp_path / "pytest.ini").write_text(INI)
    return tmp_path


def outcome(project: Path, test: str, *words: str) -> tuple[int, str]:
    (project / "test_it.py").write_text(f"import asyncio\nimport time\n\nimport pytest\n\n{test}")
    return pytest_in(project, *words)


def test_the_example_tests_a_program_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "example"
    shutil.copytree(ROOT / "docs" / "examples" / "external-controller", folder)
    status, said = pytest_in(folder)
    assert status == 0, said
    assert "2 passed" in said


def test_what_init_writes_passes_and_is_not_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    command = [sys.executable, "-m", "ridethrough", "init", str(folder)]
    first = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert f"wrote {folder / 'test_controller.py'}" in first.stdout
    (folder / "controller.py").write_text((folder / "controller.py").read_text() + "# mine\n")
    status, said = pytest_in(folder)
    assert status == 0, said
    assert "4 passed" in said

    again = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert again.returncode == 2
    assert "controller.py, pytest.ini, rig.yaml, test_controller.py already; nothing was written" in again.stderr
    assert (folder / "controller.py").read_text().endswith("# mine\n")
    subprocess.run([*command, "--force"], capture_output=True, timeout=60, check=True)
    assert not (folder / "controller.py").read_text().endswith("# mine\n")


def test_a_controller_that_fails_its_test_is_told_why(project: Path) -> None:
    shutil.copyfile(STARTER / "test_controller.py", project / "test_controller.py")
    lazy = (STARTER / "controller.py").read_text().replace('"power.outage.confirmed"', '"power.outage.cleared"')
    (project / "controller.py").write_text(lazy)
    status, said = pytest_in(project, "-o", "pythonpath=.", "-k", "ends_the_server")
    assert status == 1
    assert re.search(r"AssertionError: command power.soft server1.bmc, 0..65 s \(city off at 0 s\): never seen", said)
    transcript = said.partition("what the rig saw")[2]
    assert "ups.input.lost UPS1 at 0 s\npower.outage.confirmed UPS1 at 60 s" in transcript


def test_time_jumps_unless_a_marker_wants_it_real(project: Path) -> None:
    status, said = outcome(
        project,
        """
async def test_virtual(rig, clock):
    before = time.monotonic()
    await clock.advance(36_000)
    assert 36_000 <= clock.now_s < 36_001
    assert clock.speed == "max"
    assert time.monotonic() - before < 60

@pytest.mark.ridethrough(speed=100)
async def test_real(clock):
    before = time.monotonic()
    await clock.advance(100)
    assert time.monotonic() - before >= 0.99
    assert clock.speed == 100

async def test_without_a_rig():
    before = time.monotonic()
    await asyncio.sleep(0.05)
    assert time.monotonic() - before >= 0.05

def test_without_a_loop():
    pass
""",
    )
    assert status == 0, said
    assert "4 passed" in said


def test_a_rig_of_ones_own_with_a_patch_and_a_time_of_day(project: Path) -> None:
    (project / "tests").mkdir()
    (project / "tests" / "other.yaml").write_text((STARTER / "rig.yaml").read_text().replace("UPS1", "UPS9"))
    (project / "tests" / "test_other.py").write_text(
        """import pytest
pytestmark = pytest.mark.ridethrough(rig="other.yaml", start="2030-06-01T12:00:00+00:00")

@pytest.mark.ridethrough(patch={"ups": {"UPS9": {"confirm_s": 30}}})
async def test_it(rig, gateway, clock):
    await rig.do("city off")
    found = await rig.expect("event power.outage.confirmed UPS9", at=30, within=1)
    assert found.data["confirm_s"] == 30
    assert found == next(e for e in await rig.events() if e.type == found.type)
    told = next(e for e in await gateway.events() if e["id"] == found.id)
    assert told["time"].startswith("2030-06-01T12:00:30")
    assert str(rig.snmp("UPS9")) == f"127.0.1.1:{rig.file.ports.snmp}"
    assert rig.ipmi("server1").host == "127.0.11.1"
    assert (await gateway.command("UPS9", "output.off"))["state"] == "done"
    corrected = await gateway.command("UPS9", "settings.write", settings={"shutoff_delay_s": 7})
    assert corrected["result"] == "shutoff_delay_s = 20 instead of 7"
    await rig.expect("command UPS9 output.off state=done")
    await rig.expect("sequence", within=10, of=[
        {"expect": "event", "type": "ups.input.lost"}, {"expect": "event", "type": "power.outage.confirmed"}])
    await rig.do("server1 shutdown")
    await rig.expect("order server1 shutdown")
    with pytest.raises(AssertionError, match="seen: server1 shutdown"):
        await rig.expect("no order server1", within=1)
    with pytest.raises(AssertionError, match="GET /v1/devices/none: 404: there is no device 'none'"):
        await gateway.get("/v1/devices/none")
"""
    )
    status, said = pytest_in(project)
    assert status == 0, said


def test_a_rig_with_tokens_lets_its_test_in(project: Path) -> None:
    status, said = outcome(
        project,
        """
@pytest.mark.ridethrough(patch={"gateway": {"api": {"tokens": {"ops": {"role": "read", "sha256": "0" * 64}}}}})
async def test_it(rig, gateway):
    assert (await gateway.get("/v1/devices/UPS1"))["kind"] == "ups"
    assert gateway.headers["Authorization"].startswith("Bearer ")
    gateway.headers = {}
    assert (await gateway.request("GET", "/v1/devices"))[0] == 401
""",
    )
    assert status == 0, said


def test_a_rig_that_comes_with_ridethrough_goes_by_its_name(project: Path) -> None:
    status, said = outcome(
        project,
        """
@pytest.mark.ridethrough(rig="a1080a-pair")
async def test_it(rig):
    assert "server2" in rig.file.servers
""",
    )
    assert status == 0, said


REFUSED = {
    'rig="none.yaml"': "none.yaml: there is no such file",
    'rig="a1080a"': "a1080a: there is no such file, and no rig of that name; near: a1080a-p",
    'rig="C1"': "C1: there is no such file, and no rig of that name; C1 is a scenario (ridethrough replay C1)",
    'start="nonsense"': "start='nonsense': expected a time such as '2026-01-01T00:00:00+00:00'",
    "start=5": "start=5: expected a time such as",
    'patch="x"': "patch='x': expected a mapping that is laid over the rig file",
    'rig=""': "'': expected a rig, by its file or its name",
    f'rig="{"x" * 300}"': "there is no such file",
    "speed=0": "speed=0: expected 'max' or a number above 0",
    "sped=1": "ridethrough(rig=RIG, speed=1, patch={...}, start=TIME)",
    'patch={"ups": {"UPS1": {"confirm": 1}}}': "ups.UPS1.confirm: this key is unknown here",
}


def test_a_marker_that_cannot_be_is_explained(project: Path) -> None:
    for number, marker in enumerate(REFUSED):
        text = f"import pytest\n\n@pytest.mark.ridethrough({marker})\nasync def test_it(rig):\n    pass\n"
        (project / f"test_{number}.py").write_text(text)
    status, said = pytest_in(project, "--continue-on-collection-errors")
    assert status == 1
    for message in REFUSED.values():
        assert message in said


def test_a_rig_without_pytest_asyncio_says_what_is_missing(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\n")
    status, said = outcome(project, "def test_it(rig):\n    pass\n", "-p", "no:asyncio")
    assert status == 1
    assert "\na rig needs pytest-asyncio: pip install 'ridethrough[test]'\n" in said


def test_a_project_without_a_rig_imports_none_of_it(project: Path) -> None:
    status, said = outcome(
        project,
        "import sys\n\ndef test_it():\n    print(sorted(name for name in sys.modules if name.startswith('ridethrough')))\n",
        "-s",
    )
    assert status == 0, said
    assert (
        "['ridethrough', 'ridethrough.rigs', 'ridethrough.rigs.testing', 'ridethrough.rigs.testing.markers', 'ridethrough.rigs.testing.plugin']"
        in said
    )


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("event a.b UPS1", {"expect": "event", "type": "a.b", "subject": "UPS1"}),
        ("no event a.b", {"expect": "no event", "type": "a.b"}),
        ("event a.b severity=warning", {"expect": "event", "type": "a.b", "where": {"severity": "warning"}}),
        ("state UPS1 output=off charge=5", {"expect": "state", "device": "UPS1", "output": "off", "charge": 5}),
        ("state UPS1 low=true", {"expect": "state", "device": "UPS1", "low": True}),
        ("command U output.off", {"expect": "command", "device": "U", "command": "output.off"}),
        ("command U x state=done", {"expect": "command", "device": "U", "command": "x", "state": "done"}),
        ("command U x after_s=5", {"expect": "command", "device": "U", "command": "x", "params": {"after_s": 5}}),
        ("no command U", {"expect": "no command", "device": "U"}),
        ("order c move g n2", {"expect": "order", "device": "c", "input": "move", "args": ("g", "n2")}),
        ("note plan UPS1", {"expect": "note", "mark": "plan", "subject": "UPS1"}),
        ('state s text="two words"', {"expect": "state", "device": "s", "text": "two words"}),
    ],
)
def test_words_of_an_expectation(words: str, keys: dict[str, Any]) -> None:
    assert parse(words) == keys


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("events a.b", "there is no expectation 'events'; accepted: event, no event, state"),
        ("no", "there is no expectation 'no'"),
        ("", "there is no expectation ''"),
        ("event a b c", "'c' is one word too many"),
    ],
)
def test_words_that_are_no_expectation(words: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(words)
