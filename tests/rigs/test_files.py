"""One file a mistake: the message names file, line, key and what is accepted."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ridethrough.gateway.config.site import Site, UpsDeviceConfig, keyword_address
from ridethrough.rigs.rigfile.schema import RigFile, load_rig, site_of
from ridethrough.rigs.rigfile.yaml import FileError, _plain, load, read_yaml
from ridethrough.rigs.scenario.language import Scenario, load_scenario
from ridethrough.rigs.scenario.step import ACTIONS

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"

SITE = """devices:
  a.bmc: {kind: bmc, address: 192.0.2.11, password: x, server: a}
  b.bmc: {kind: bmc, address: 192.0.2.12, password: x, server: b}
monitors:
"""
RIG = """rig: bad
mains:
  city: {volts: 100}
ups:
  UPS1:
    mains: city
    address: "127.0.1.1"
"""


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (RIG + "    volume: 3\n", 8, "ups.UPS1.volume: this key is unknown here"),
        (RIG.replace("mains: city", "mains: town"), 1, "ups.UPS1.mains: there is no 'town'; accepted: city"),
        (RIG.replace('"127.0.1.1"', "somewhere"), 7, "ups.UPS1.address: "),
        (RIG.replace('    address: "127.0.1.1"\n', ""), 5, "ups.UPS1.address: this key is missing"),
        (RIG.replace("volts: 100", "volts: lots"), 3, "mains.city.volts: "),
        (RIG + "    confirm_s: -1\n", 8, "ups.UPS1.confirm_s: Input should be greater than or equal to 0 (found -1)"),
        (RIG + "    profile: smart-ups-9000\n", 1, "accepted: smart-ups-1400-100v"),
        (RIG + "    settings: {sensitivity: 1}\n", 8, "ups.UPS1.settings.sensitivity: Input should be 2, 3 or 4"),
        (RIG + "groups: {G: {pd: [UPS2]}}\n", 1, "groups.G.pd: there is no 'UPS2'; accepted: UPS1"),
        (RIG + "clusters: {c: {nodes: [a, b]}}\n", 1, "clusters.c.nodes: there is no 'a'"),
        (RIG + "controllers: [{type: magic}]\n", 8, "controllers.0: Input tag 'magic'"),
        ("rig: [\n", 2, "expected the node content"),
        ("- a\n", 1, "expected a mapping"),
        (RIG + "gateway: {monitors: [{name: m, category: OTHER, keyword: {}}]}\n", 8, "Input should be 'BMCNOTICE'"),
        (RIG + "gateway: {monitors: [{name: m, keyword: {a: 'x:y'}}]}\n", 8, "expected <IP>[:<port>]"),
    ],
)
def test_mistakes_in_rig_files(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text(text)
    with pytest.raises(FileError) as caught:
        load(path, RigFile)
    (problem, *_) = caught.value.problems
    assert problem.startswith(f"{path}:{line}: ")
    assert words in problem


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("listen: [{address: 127.0.0.1, port: 99999}]\n", "listen.0.port"),
        ("api: {bind: '0.0.0.0:8080'}\n", "api.tokens must name at least one token"),
        (SITE + "  - {name: m, keyword: {a: 192.0.2.1}}\n", "m has no keyword for b; every server needs a value"),
        (
            SITE + "  - {name: m, keyword: {a: 192.0.2.1, b: 192.0.2.2}}\n"
            "  - {name: n, keyword: {a: '192.0.2.1:1162', b: 192.0.2.2}}\n",
            "a has different ports (162 in m, 1162 in n); it must be the same in all",
        ),
        ("sinks: {x: {type: exec, argv: []}}\n", "sinks.x"),
        ("devices: {B: {kind: bmc, address: 127.0.0.1}}\n", "give exactly one of password and password_file"),
        ("devices: {B: {kind: pdu, address: 127.0.0.1}}\n", "'ups', 'bmc'"),
        ("listen: [{port: 1162}, {port: 1162}]\n", "the same address and port twice"),
        ("sinks: {x: {type: webhook, url: 'ftp://x'}}\n", "sinks.x"),
        ("sinks: {x: {type: syslog, to: loghost}}\n", "'loghost': expected HOST:PORT"),
        (
            "sinks: {x: {type: syslog, to: 'loghost:514', facility: kern}}\n",
            "sinks.x.facility: Input should be 'user', 'daemon'",
        ),
        ("watchers: []\n", "watchers: this key is unknown here"),
        ("rules: [{match: {}, event: a.b}]\n", "match asks for nothing"),
        ("rules: [{match: {trap: 1.3.6}}]\n", "exactly one of event and drop"),
        ("rules: [{match: {trap: 1.3.6}, event: Door}]\n", "rules.0.event"),
        ("rules: [{match: {trap: '1.3.x'}, drop: true}]\n", "rules.0.match.trap"),
        ("rules: [{match: {device: D}, drop: true}]\n", "rules.0.match.device: there is no 'D'; accepted: none"),
        ("rules: [{match: {trap: 1.3.6}, event: a.b, opens: c, clears: c}]\n", "opens a condition or clears one"),
        ("access: {users: {u: {auth: sha256}}}\n", "auth goes with exactly one of auth_key and auth_key_file"),
        ("access: {users: {u: {priv: des, priv_key: long enough}}}\n", "no privacy without authentication"),
        ("forwards: {x: {to: nms}}\n", "'nms': expected HOST:PORT"),
        ("forwards: {x: {to: 'nms:162', as: v4}}\n", "'same', 'v1', 'v2c' or 'v3'"),
        ("forwards: {x: {to: 'nms:162', as: v1, inform: true}}\n", "inform goes with `as: v2c`"),
        ("forwards: {x: {to: 'nms:162', community: c}}\n", "community goes with `as: v1` or `as: v2c`"),
        ("forwards: {x: {to: 'localhost:162'}}\n", "localhost:162 is this gateway's own listener"),
        ("sinks: {x: {type: sse}}\nforwards: {x: {to: 'nms:162'}}\n", "a sink has that name already"),
    ],
)
def test_mistakes_in_site_files(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "site.yaml"
    path.write_text(text)
    with pytest.raises(FileError, match=r"site\.yaml:1: ") as caught:
        load(path, Site)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ("{do: city off}", "exactly one of at, between and by"),
        ("{at: 1}", f"exactly one of {', '.join([*ACTIONS][:-1])} and {[*ACTIONS][-1]}"),
        ("{at: 1, do: city off, expect: event, type: x}", "does something or expects"),
        ("{by: 1, expect: event}", "needs type"),
        ("{by: 1, expect: state, device: UPS1}", "at least one key"),
        ("{between: [5, 1], expect: event, type: x}", "earlier to the later"),
        ("{by: 1, expect: event, type: x, colour: red}", "unknown key colour"),
        ("{at: 1, command: output.off}", "needs its device"),
    ],
)
def test_mistakes_in_scenarios(tmp_path: Path, step: str, words: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(f"scenario: X\nrig: r.yaml\ntimeline:\n  - {step}\n")
    with pytest.raises(FileError, match=r"s\.yaml:4: ") as caught:
        load(path, Scenario)
    assert words in str(caught.value)


def test_the_published_schemas_accept_what_is_shipped() -> None:
    for model, files in (
        (Scenario, (SAMPLES.parent / "scenarios").glob("*.yaml")),
        (RigFile, SAMPLES.glob("*.yaml")),
    ):
        schema = jsonschema.Draft202012Validator(model.model_json_schema())
        for file in files:
            document = json.loads(json.dumps(YAML(typ="safe", pure=True).load(file.read_text()), default=str))
            assert list(schema.iter_errors(document)) == [], file


def test_what_a_rig_says_of_its_gateway_holds_wherever_it_keeps_and_serves(tmp_path: Path) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text(
        "rig: x\ngateway:\n  correlate: {segment_wait_s: 45}\n  journal: {keep_days: 3}\n"
        "  api: {limits: {burst: 5000}}\n"
    )
    site = site_of(load_rig(path), tmp_path / "data", "127.0.0.1:0")
    assert (site.correlate.segment_wait_s, site.journal.keep_days, site.journal.path) == (45, 3, tmp_path / "data")
    assert (site.api.bind, site.api.limits.burst) == ("127.0.0.1:0", 5000)


def test_a_zone_that_nobody_knows(tmp_path: Path) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text("rig: x\ncontrollers: [{type: esmpro_ac, timezone: Mars/Olympus}]\n")
    with pytest.raises(FileError, match=r"rig\.yaml:2: .*there is no time zone 'Mars/Olympus'; accepted: names of the"):
        load_rig(path)


def test_the_community_of_a_group_is_that_of_its_cards(tmp_path: Path) -> None:
    path = tmp_path / "rig.yaml"
    path.write_text(
        "rig: x\nmains: {city: {}}\n"
        "ups: {A: {profile: smart-ups-1400-100v, mains: city, address: 127.0.1.1},"
        " B: {profile: smart-ups-1400-100v, mains: city, address: 127.0.1.2}}\n"
        "groups: {g: {pd: [A], policy: {community: secret}}}\n"
    )
    devices = site_of(load_rig(path), None, None).devices
    shown = {name: device.snmp.community for name, device in devices.items() if isinstance(device, UpsDeviceConfig)}
    assert shown["A"] == "secret"
    assert shown["B"] != "secret"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No such file"):
        load(tmp_path / "none.yaml", Site)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_are_valid(path: Path) -> None:
    for ports in ("file", "high"):
        site_of(load_rig(path, ports), None, None)


@pytest.mark.parametrize("path", sorted((SAMPLES.parent / "scenarios").glob("*.yaml")), ids=lambda path: path.stem)
def test_scenarios_are_valid(path: Path) -> None:
    assert load_scenario(path).rig.exists()


def test_words_stay_words(tmp_path: Path) -> None:
    # YAML 1.2: `on` and `off` are no booleans.
    rig = load_rig(SAMPLES / "a1080a-pair.yaml")
    assert rig.servers["server1"].ac_link.value == "on"


def test_notices_go_to_the_keyword_address_of_their_server() -> None:
    from ridethrough.rigs.rigfile.schema import plant_of

    rig = load_rig(SAMPLES / "a1080a-pair.yaml", "high")
    plant = plant_of(rig)
    for name, address in (("server1", "127.0.21.1"), ("server2", "127.0.21.2")):
        bmc = plant.servers[name].bmc
        assert bmc is not None
        assert bmc.alerts is not None
        assert [(alert.receiver, alert.port) for alert in bmc.alerts] == [(address, 1162)]
    listeners = {(listen.address, listen.port) for listen in site_of(rig, None, None).listen}
    assert listeners == {("127.0.0.1", 1162), ("127.0.21.1", 1162), ("127.0.21.2", 1162)}


def test_a_keyword_has_at_most_1023_bytes() -> None:
    with pytest.raises(ValueError, match="at most 1023 bytes"):
        keyword_address("1" * 1024)
    assert keyword_address("192.0.2.1") == "192.0.2.1:162"


def test_rules_of_a_rig_may_name_its_devices(tmp_path: Path) -> None:
    path = tmp_path / "rig.yaml"
    rule = "gateway: {rules: [{match: {device: %s}, event: mine.seen}]}\n"
    path.write_text(RIG + rule % "UPS1")
    (kept,) = site_of(load_rig(path), None, None).rules
    assert kept.match.device == "UPS1"
    path.write_text(RIG + rule % "UPS9")
    with pytest.raises(FileError, match="there is no 'UPS9'; accepted: UPS1"):
        site_of(load_rig(path), None, None)


def test_the_site_file_of_the_documents_is_one(tmp_path: Path) -> None:
    text = (SAMPLES.parents[1] / "docs" / "site-file.md").read_text()
    path = tmp_path / "site.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0])
    site = load(path, Site)
    # Every part that a site file can have is shown.
    assert site.model_fields_set == set(Site.model_fields)


def test_the_reader_that_knows_no_lines_reads_what_is_shipped_alike() -> None:
    for file in SAMPLES.parent.rglob("*.yaml"):
        quick = _plain(file)
        assert quick is None or quick == read_yaml(file), file


WORDS = [
    "on",
    "off",
    "yes",
    "no",
    "Yes",
    "TRUE",
    "true",
    "null",
    "Null",
    "~",
    "''",
    "0o17",
    "017",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "1.5e3",
    ".5",
    "5.",
    "+1",
    "-0",
    "12:30",
    "12:30:00",
    "08",
    "0o8",
    "2001-01-01",
    "2001-01-01T10:00:00Z",
    ".inf",
    ".nan",
    "0.1.2",
    "=",
    "<<",
    "!foo",
    "!!str",
    "!!binary",
    "@a",
    "`a",
    "{a}",
    "[1,2]",
    "'a:b'",
    '"\\x41"',
    "x",
    "y",
]


@given(
    st.lists(st.tuples(st.sampled_from(["a", "b", "on", "1"]), st.sampled_from(WORDS)), max_size=4),
    st.sampled_from(["", "%YAML 1.1\n---\n", "# %YAML 1.1\n%YAML 1.1\n---\n", "---\n"]),
    st.sampled_from([" ", "\t", "  "]),
)
def test_both_readers_agree_on_what_both_can_read(rows: list[tuple[str, str]], head: str, gap: str) -> None:
    with NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(head + "".join(f"{key}:{gap}{word}\n" for key, word in rows))
        file.flush()
        quick = _plain(Path(file.name))
        if quick is not None:
            assert repr(quick) == repr(_bare(read_yaml(Path(file.name))))


def _bare(document: Any) -> Any:
    """Without what the other reader remembers of the file."""
    return YAML(typ="safe", pure=True).load(_dumped(document))


def _dumped(document: Any) -> str:
    out = StringIO()
    YAML(typ="rt").dump(document, out)
    return out.getvalue()
