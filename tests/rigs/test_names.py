"""Rigs and scenarios go by name wherever a file of theirs may be given: every verb, found in the program itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.core import TyperArgument
from typer.testing import CliRunner

from ridethrough.gateway.api import Refusal
from ridethrough.rigs.cli.common import FileArgument
from ridethrough.rigs.cli.main import app, everything
from ridethrough.rigs.lab.scenario_runs import ScenarioRuns
from ridethrough.rigs.rigfile.bundled import FOLDERS, Kind, names
from ridethrough.rigs.rigfile.yaml import FileError
from ridethrough.rigs.scenario.language import load_scenario
from tests.support.live import start, stop

KNOWN: dict[Kind, str] = {"rig": "c1", "scenario": "M2-down"}
STAYING = ("run", "emulators")
NOT_FILES = {  # what is said of rigs and scenarios without being a file of one
    ("inject", "place"),  # a device of a running one
    ("schema", "kind"),
    ("rig generate", "file"),  # where one goes
    ("explore", "out"),  # likewise
    ("explore", "controllers"),  # of the rig
}


class Taker(NamedTuple):
    """A verb, and which of its parameters takes a file of a rig or of a scenario."""

    verb: str
    param: Any
    kinds: tuple[Kind, ...]

    def words(self, text: str, folder: Path) -> list[str]:
        """A command line in which the parameter is `text`, and all that the verb wants besides is there."""
        words = self.verb.split()
        known = {option for param in COMMANDS[self.verb].params for option in param.opts}
        for param in COMMANDS[self.verb].params:
            if param is self.param:
                words.append(text)
            elif isinstance(param, TyperArgument) and param.required:
                words.append(str(folder / "out"))
        more = {"--ports": "free", "--http": "127.0.0.1:0", "--runs": "1"}
        return words + [word for option, value in more.items() if option in known for word in (option, value)]


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            yield " ".join((*words, name)), command


COMMANDS = dict(commands(everything()))
TAKERS = [
    Taker(verb, param, named.kinds)
    for verb, command in COMMANDS.items()
    for param in command.params
    if isinstance(named := param.type_descriptor.parameter_info.parser, FileArgument)
]
EACH = [(taker, kind) for taker in TAKERS for kind in taker.kinds]


def label(value: object) -> str:
    return value.verb if isinstance(value, Taker) else str(value)


URL = {"RIDETHROUGH_URL": "http://127.0.0.1:9"}


def ridethrough(words: list[str]) -> tuple[int, str]:
    """The status and what was printed."""
    done = CliRunner().invoke(app, words, env=URL)
    return done.exit_code, done.output


def ended(words: list[str]) -> tuple[int, str]:
    """The same of a verb that stays, which is ended once it runs."""
    process, text = start([sys.executable, "-m", "ridethrough", *words], "Ctrl-C stops it")
    stop(process)
    return process.returncode, text


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_verbs_are_found() -> None:
    found = {taker.verb for taker in TAKERS}
    assert {"run", "check", "doctor", "tree", "status", "replay", "emulators", "rig copy", "rig addresses"} <= found


def test_what_speaks_of_rigs_and_scenarios_takes_their_names() -> None:
    """So that a new verb is either found above or stands here."""
    speaking = {
        (verb, param.name)
        for verb, command in COMMANDS.items()
        for param in command.params
        if param.name != "json" and re.search(r"\b(rig|scenario)s?\b", f"{param.metavar} {param.help}", re.IGNORECASE)
    }
    taking = {(taker.verb, taker.param.name) for taker in TAKERS}
    options = {("replay", "keep"), ("run", "ports"), ("emulators", "ports"), ("replay", "ports"), ("doctor", "ports")}
    assert speaking - taking - options == NOT_FILES


@pytest.mark.parametrize(("taker", "kind"), EACH, ids=label)
@pytest.mark.parametrize("form", ["name", "path", "beside a folder"])
def test_one_that_is_there(taker: Taker, kind: Kind, form: str, tmp_path: Path) -> None:
    name = KNOWN[kind]
    if form == "beside a folder":
        (tmp_path / name).mkdir()
    path = FOLDERS[kind] / f"{name}.yaml"
    verb = ended if taker.verb in STAYING else ridethrough
    status, said = verb(taker.words(str(path) if form == "path" else name, tmp_path))
    if taker.verb == "status":
        assert (status, "nothing answers" in said or "Cannot connect" in said) == (3, True), said
    else:
        assert status == 0, said
        assert "no such file" not in said


def test_a_folder_of_scenarios_comes_before_a_name(tmp_path: Path) -> None:
    """`replay` takes folders; one without a scenario in it is not meant."""
    (tmp_path / "C1").mkdir()
    (tmp_path / "C1" / "mine.yaml").write_text("scenario: mine\nnonsense: 1\n")
    status, said = ridethrough(["replay", str(tmp_path / "C1")])
    assert (status, "mine.yaml:2: nonsense" in said) == (2, True), said


@pytest.mark.parametrize("text", ["", "x" * 300, "a\0b"])
@pytest.mark.parametrize("taker", TAKERS, ids=label)
def test_what_no_system_has_as_a_name_is_refused_in_a_line(taker: Taker, text: str, tmp_path: Path) -> None:
    status, said = ridethrough(taker.words(text, tmp_path))
    assert status == 2, said
    assert "Traceback" not in said


@pytest.mark.parametrize(("taker", "kind"), EACH, ids=label)
def test_a_file_in_the_folder_comes_before_a_name(taker: Taker, kind: Kind, tmp_path: Path) -> None:
    name = KNOWN[kind]
    (tmp_path / name).write_text(f"{kind}: mine\nnonsense: 1\n")
    status, said = ridethrough(taker.words(name, tmp_path))
    if taker.verb == "rig copy":
        assert (tmp_path / "out").read_text() == (tmp_path / name).read_text()
    else:
        assert status == 2
        assert f"{name}:2: nonsense" in said


@pytest.mark.parametrize("taker", TAKERS, ids=label)
@pytest.mark.parametrize(("text", "part"), [("003-aa", "near: "), ("m2-dwn", "near: "), ("qqqqqqqqqqq", "s: ")])
def test_one_that_is_not(taker: Taker, text: str, part: str, tmp_path: Path) -> None:
    status, said = ridethrough(taker.words(text, tmp_path))
    assert status == 2
    (line,) = said.splitlines()
    wanted = " or ".join(taker.kinds)
    assert line.startswith(f"ridethrough: {text}: there is no such file, and no {wanted} of that name; ")
    known = [name for kind in taker.kinds for name in names(kind)]
    if part == "s: ":
        assert all(name in line for name in known)
    elif near := {"003-aa": "003-a", "m2-dwn": "M2-down"}[text] in known:
        assert near
        assert part in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taker", TAKERS, ids=label)
def test_paths_that_lead_nowhere_and_folders(taker: Taker, tmp_path: Path) -> None:
    status, said = ridethrough(taker.words("rigs/003-a.yaml", tmp_path))
    assert (status, len(said.splitlines())) == (2, 1)
    assert said.startswith("ridethrough: rigs/003-a.yaml: there is no such file")
    assert ("near: 003-a" in said) is ("rig" in taker.kinds)
    (tmp_path / "mine").mkdir()
    status, said = ridethrough(taker.words("mine", tmp_path))
    wanted = f"a folder; expected a {' or '.join(taker.kinds)}" if taker.verb != "replay" else "no scenario files"
    assert (status, said.startswith(f"ridethrough: mine: {wanted}")) == (2, True), said


@pytest.mark.parametrize("taker", [taker for taker in TAKERS if len(taker.kinds) == 1], ids=label)
def test_a_name_of_the_other_kind_is_said_to_be_one(taker: Taker, tmp_path: Path) -> None:
    other, verb = {"rig": ("scenario", "replay"), "scenario": ("rig", "run")}[taker.kinds[0]]
    name = KNOWN["scenario" if other == "scenario" else "rig"]
    status, said = ridethrough(taker.words(name, tmp_path))
    assert status == 2
    assert f"; {name} is a {other} (ridethrough {verb} {name})" in said


def test_several_scenarios_by_name_and_by_file(tmp_path: Path) -> None:
    words = ["replay", "M2-down", str(FOLDERS["scenario"] / "M2.yaml"), "M2", "--json"]
    status, said = ridethrough(words)
    assert (status, [report["scenario"] for report in json.loads(said)]) == (0, ["M2-down", "M2", "M2"])


def test_a_check_for_a_program_tells_of_an_unknown_name(tmp_path: Path) -> None:
    status, said = ridethrough(["check", "003-aa", "--json"])
    document = json.loads(said)
    assert (status, document["valid"], len(document["problems"])) == (2, False, 1)
    assert "near: 003-a" in document["problems"][0]


@pytest.mark.parametrize("taker", TAKERS, ids=label)
def test_a_shell_completes_names(taker: Taker) -> None:
    name = KNOWN[taker.kinds[-1]]
    words = ["ridethrough", *taker.verb.split(), name[:-1]]
    asked = {"COMP_WORDS": " ".join(words), "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [Path(sys.executable).parent / "ridethrough"],
        env={**os.environ, **asked, "_RIDETHROUGH_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert name in done.stdout.split(), done.stderr


def test_what_is_completed(tmp_path: Path) -> None:
    (tmp_path / "a-rack.yaml").touch()
    (tmp_path / "a-text.txt").touch()
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "a-folder" / "x.yaml").touch()
    both = FileArgument("rig", "scenario")
    assert both.complete("a-") == ["a-rack.yaml", "a-folder/"]
    assert both.complete("a-folder/") == ["a-folder/x.yaml"]
    assert both.complete("M2") == ["M2", "M2-down"]
    assert FileArgument("rig").complete("M2") == []
    assert set(names("scenario")) < set(FileArgument("scenario").complete(""))


# --- in files, and in the lab interface -------------------------------------------------------------------------------

TIMELINE = "timeline: [{at: 1, do: city off}]\n"


def test_a_scenario_names_its_rig_and_what_it_includes(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"scenario: mine\nrig: c1\ninclude: [M2-down]\n{TIMELINE}")
    read = load_scenario(path)
    assert read.rig == (FOLDERS["rig"] / "c1.yaml").resolve()
    assert len(read.timeline) == 1 + len(load_scenario(FOLDERS["scenario"] / "M2-down.yaml").timeline)
    (tmp_path / "c1").touch()
    assert load_scenario(path).rig == (tmp_path / "c1").resolve()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rig: 003-aa\n", ":2: rig: 003-aa: there is no such file, and no rig of that name; near: "),
        ("rig: M2-down\n", "; M2-down is a scenario (ridethrough replay M2-down)"),
        ("rig: c1\ninclude: [{file: M2-dwn}]\n", ":3: include.0: M2-dwn: there is no such file, and no scenario of"),
        ("rig: none/c1.yaml\n", ":2: rig: none/c1.yaml: there is no such file; near: "),
    ],
)
def test_a_scenario_that_names_nothing(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"scenario: mine\n{text}{TIMELINE}")
    with pytest.raises(FileError) as refused:
        load_scenario(path)
    assert str(refused.value).startswith(f"{path}:")
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_lab_interface_tells_what_is_near() -> None:
    with pytest.raises(Refusal, match="there is no scenario 'm2-dwn'; accepted: M2-down"):
        ScenarioRuns().start("m2-dwn", "max")
