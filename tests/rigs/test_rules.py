"""What breaks each rule of the documents about configurations: files of `bad`, and samples made bad."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ridethrough.rigs.checks import RULES, check_rig
from ridethrough.rigs.rigfile.yaml import merged

SAMPLES = Path(__file__).parents[2] / "rigs" / "samples"
SOFTWARE: dict[str, dict[str, Any]] = {
    "X13": {"products": ["ac", "pcbe"]},
    "X14": {"blade": True, "ac_version": 5.4},
    "X17": {"arm30": True},
    "X20": {"acmode": False},
    "X25": {"clusterpro_version": 9.01},
}
PAIR = "a1080a-pair.yaml"
MONITOR = {"name": "mrw1", "category": "BMCNOTICE"}
KEYWORDS = {"common": "127.0.21.1", "server1": "127.0.21.1", "server2": "127.0.21.2"}
AC = {"type": "esmpro_ac", "name": "ac"}

# Rule, sample, what makes it bad.
CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("X01", "c1.yaml", {"servers": {"SERVER2": {"power": ["UPS1"]}}}),
    ("X02", "003-a.yaml", {"clusters": {"cluster": None, "averylongclustername": {"nodes": ["CLUS1", "CLUS2"]}}}),
    ("X03", PAIR, {"gateway": {"monitors": [{**MONITOR, "category": "OTHER", "keyword": KEYWORDS}]}}),
    ("X03", PAIR, {"gateway": {"monitors": [{**MONITOR, "category": "B" * 33, "keyword": KEYWORDS}]}}),
    ("X04", PAIR, {"gateway": {"monitors": [{**MONITOR, "keyword": {"common": "127.0.21.1:x"}}]}}),
    ("X04", PAIR, {"gateway": {"monitors": [{**MONITOR, "keyword": {**KEYWORDS, "server1": "1" * 1024}}]}}),
    (
        "X04",
        PAIR,
        {"gateway": {"monitors": [{**MONITOR, "keyword": {"common": "127.0.21.1", "server1": "127.0.21.1"}}]}},
    ),
    ("X06", PAIR, {"gateway": {"monitors": [{**MONITOR, "keyword": {**KEYWORDS, "server1": "127.0.21.2"}}]}}),
    (
        "X07",
        "003-a.yaml",
        {
            "servers": {"CLUS1": {"clock_offset_s": 30}},
            "controllers": [{**AC, "schedule": [{"at": "08:00", "do": "on", "servers": ["CLUS1"]}]}],
        },
    ),
    (
        "X07",
        "003-a.yaml",
        {
            "environment": {"ntp_at": ["08:05"]},
            "controllers": [{**AC, "schedule": [{"at": "08:00", "do": "on", "servers": ["CLUS1"]}]}],
        },
    ),
    ("X08", "003-a.yaml", {"groups": {"電源制御2": {"policy": {"address": "172.16.1.255"}}}}),
    ("X08", "003-a.yaml", {"groups": {"電源制御2": {"policy": {"code": "Other"}}}}),
    ("X08", "003-a.yaml", {"groups": {"電源制御2": {"policy": {"port": 4001}}}}),
    ("X08", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"port": 4001}}}}),
    ("X08", "003-a.yaml", {"environment": {"servers": {"CLUS1": {}, "CLUS2": {"communication_ip": "127.0.21.255"}}}}),
    ("X09", "003-a.yaml", {"ups": {"UPS2": {"confirm_s": 60}}}),
    ("X09", "001-ssc.yaml", {"ups": {"UPS1": {"confirm_s": 130}}}),
    ("X09", "001-ssc.yaml", {"ups": {"UPS3": {"confirm_s": 50}}}),
    ("X10", "003-a-disks.yaml", {"power_management": {"ups": {"DISK2": {"on_recovery": "none"}}}}),
    ("X10", "003-b.yaml", {"power_management": {"ups": {"UPS4": {"on_recovery": "ups"}}}}),
    ("X10", "003-a.yaml", {"power_management": {"ups": {"UPS2": {"on_recovery": "terminal"}}}}),
    (
        "X11",
        "003-a.yaml",
        {"disks": {"other": {"power": ["UPS1"]}}, "clusters": {"cluster": {"disks": ["array1", "other"]}}},
    ),
    ("X12", "001-ssc.yaml", {"environment": {"istorage_links": ["array-ct"]}}),
    *((rule, "003-a.yaml", {"environment": {"servers": {"CLUS1": values}}}) for rule, values in SOFTWARE.items()),
    ("X15", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"cluster": "wsfc", "products": ["um"]}}}}),
    ("X15", "003-a.yaml", {"environment": {"servers": {"SERVER2": {"cluster": "wsfc", "products": ["ssc"]}}}}),
    ("X15", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"cluster": "wsfc", "ac_version": 5.3}}}}),
    ("X16", "intelligent.yaml", {"intelligent_ups": {"IUPS1": {"nodes": 3}}}),
    ("X16", "003-a.yaml", {"ups": {"UPS3": {"profile": "smart-ups-1400-230v"}}}),
    ("X17", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"gui_buttons": True}}}}),
    ("X17", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"own_schedule": True}}}}),
    ("X18", "003-a.yaml", {"hubs": {"hub1": {"power": "UPS2", "serves": ["UPS1"]}}}),
    ("X18", "003-a.yaml", {"hubs": {"hub1": {"power": "office", "serves": ["UPS1"]}}}),
    (
        "X19",
        "003-a.yaml",
        {"environment": {"servers": {"CLUS1": {"configuration": "a"}, "CLUS2": {"configuration": "b"}}}},
    ),
    ("X19", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"restarted": False}}}}),
    ("X20", "003-a.yaml", {"environment": {"servers": {"CLUS1": {"cluster_restarted": False}}}}),
    (
        "X21",
        "003-b.yaml",
        {"groups": {"Cluster1": {"groups": {"SEIGYO3": {"slot": "lt", "ct": [], "lt": ["SEIGYO-SV3"]}}}}},
    ),
    ("X21", "003-a.yaml", {"groups": {"電源制御1": {"groups": {"CLUSTER1": {"slot": "lt"}}}}}),
    ("X22", "receivers.yaml", {}),
    ("X23", "card.yaml", {}),
    ("X24", "001-ssc.yaml", {"environment": {"ssc": {"host": "localhost"}}}),
    ("X24", "001-ssc.yaml", {"environment": {"ssc": {"host": "172.16.1.48", "return_value": 1}}}),
    ("X24", "001-ssc.yaml", {"environment": {"ssc": {"host": "172.16.1.48", "service_account": "LocalSystem"}}}),
    ("X26", PAIR, {"power_management": {"ups": {"UPS1": {"label": "NINECHARS"}}}}),
    ("X26", PAIR, {"power_management": {"ups": {"UPS1": {"label": "UPS2"}}}}),
    ("D8", "003-a.yaml", {"power_management": {"ups": {"UPS2": {"warm_up_s": 100}}}}),
    ("L2", "intelligent.yaml", {"intelligent_ups": {"IUPS1": {"lan_board": False}}}),
    ("V1", "intelligent.yaml", {"intelligent_ups": {"IUPS1": {"line_board": False}}}),
    ("X05", "a1080a-port.yaml", {}),
    ("C9", "bad/C9-nodes-17.yaml", {}),
]
SCHEMA = {"X03", "C9"}  # refused by the schema itself
FILES = sorted((SAMPLES / "bad").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_bad_file_breaks_exactly_its_rule(path: Path) -> None:
    findings = check_rig(path)
    assert {finding.rule for finding in findings} == {path.stem.partition("-")[0]}
    assert not any(finding.warning for finding in findings)
    comment = path.read_text().splitlines()[0]
    sources = {rule.name: rule.source for rule in RULES} | {"C9": "003"}
    assert re.findall(r"00[0-4]", comment)[0] in sources[path.stem.partition("-")[0]], "the document is named"


@pytest.mark.parametrize(("rule", "sample", "patch"), CASES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_bad_file_names_the_rule(rule: str, sample: str, patch: dict[str, Any], tmp_path: Path) -> None:
    document = merged(YAML(typ="safe", pure=True).load((SAMPLES / sample).read_text()), patch)
    if rule == "X05":
        document["gateway"]["monitors"][1]["keyword"]["server1"] = "127.0.21.1:11163"
    path = tmp_path / "rig.yaml"
    with path.open("w") as file:
        YAML().dump(document, file)
    findings = [finding for finding in check_rig(path) if finding.rule == rule]
    assert findings
    for finding in findings:
        assert re.match(rf"{re.escape(str(path))}:\d+: \S+", finding.text)
        assert rule in finding.text
        assert re.search(r"00[0-4]", finding.text), "where the documents say so"


def test_every_rule_has_a_bad_file() -> None:
    names = {rule.name for rule in RULES} | SCHEMA
    assert {f"X{n:02}" for n in range(1, 46)} <= names
    elsewhere = {"S4", "K3", "M5"}  # scenarios of the same names
    assert names - elsewhere == {rule for rule, _, _ in CASES} | {path.stem.partition("-")[0] for path in FILES}


def test_a_message_has_the_line_of_its_key() -> None:
    (finding,) = [item for item in check_rig(SAMPLES / "receivers.yaml") if item.rule == "X22"]
    lines = (SAMPLES / "receivers.yaml").read_text().splitlines()
    number = int(finding.text.split(":")[1])
    assert "physical" in lines[number - 1]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_samples_break_no_rule(path: Path) -> None:
    assert [finding.text for finding in check_rig(path) if not finding.warning] == []
