"""Rules of `check` about products, versions and services: every part with and without each of its products."""

from __future__ import annotations

from itertools import product
from typing import Any, get_args

import pytest

from ridethrough.rigs.checks.companions import BESIDE_NO_AGENT
from ridethrough.rigs.checks.products import AC_ON_LINUX, AC_ON_WINDOWS
from ridethrough.rigs.rigfile.environment import TITLES, Product
from tests.support.rule_rigs import broken, document, rig

AGENT = ("C00001FD", "C0000203", "C0000454")


def software(name: str, **values: Any) -> dict[str, Any]:
    return {"environment": {"servers": {name: values}}}


# Sample, server, patch, operating system, and the sets of which the documents want one: 000 2, 001 5, 002 2, 003 1.7.7(4).
PARTS: list[tuple[str, str, dict[str, Any], str, list[set[str]]]] = [
    ("c1", "SERVER1", {}, "windows", [{"ac", "ac_enterprise", "ac_advance"}]),
    ("c1", "SERVER1", {}, "linux", [{"ac_linux", "ac_advance_linux"}]),
    ("c1", "SERVER2", {}, "windows", [{"ac_advance_multi"}]),
    ("c1", "SERVER2", {}, "linux", [{"ac_advance_multi_linux"}]),
    ("c1", "SERVER3", {}, "windows", [{"ac_enterprise_multi"}, {"ssc_licence"}]),
    ("c1", "SERVER3", {}, "linux", [{"ac_enterprise_multi_linux"}, {"ssc_licence"}]),
    ("c3", "SERVER3", {}, "windows", [{"ac_advance_multi"}]),
    ("003-a", "SERVER2", {}, "windows", [{"ac", "ac_enterprise"}, {"ssc"}]),
    ("003-a", "CLUS1", {}, "windows", [{"ac", "ac_enterprise"}, {"ssc_licence"}]),
    ("003-b", "SEIGYO-SV1", {}, "windows", [{"ac", "ac_enterprise"}, {"ssc"}]),
    ("hyper-v-ac", "manager", {}, "linux", [{"ac_linux"}]),
    ("hyper-v-ac", "host1", {}, "windows", [{"ac_enterprise_multi"}, {"ssc_licence"}]),
    ("card", "server1", {}, "windows", [{"ac", "ac_enterprise"}, {"ssc"}, {"ac_lite"}, {"um"}]),
    ("001-ssc", "node1", software("blade1", blade=True), "windows", [{"ac", "ac_enterprise", "ac_blade"}]),
    ("001-ssc", "blade1", software("blade1", blade=True), "windows", [{"ac_blade_multi"}]),
    ("001-ssc", "server100", software("blade1", blade=True), "windows", [{"ac_enterprise_multi"}, {"ssc_licence"}]),
]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part[0]} {part[1]} {part[3]}")
def test_a_part_needs_its_products(part: tuple[str, str, dict[str, Any], str, list[set[str]]]) -> None:
    sample, server, patch, system, alternatives = part
    own = AC_ON_LINUX if system == "linux" else AC_ON_WINDOWS
    candidates: list[set[str]] = [{name} for name in get_args(Product)]
    for needed in alternatives:
        candidates += [needed, needed | {"server_agent"}, *(needed - {name} for name in needed)]
        candidates += [needed | {name} for name in (AC_ON_LINUX | AC_ON_WINDOWS) - own]
    for installed in candidates:
        values = {"products": sorted(installed), "system": system}
        found = broken(rig(sample, patch, software(server, **values)))
        foreign = installed & ((AC_ON_LINUX | AC_ON_WINDOWS) - own)
        enough = any(needed <= installed for needed in alternatives)
        assert ("X31" in found) is (bool(installed) and (bool(foreign) or not enough)), installed


@pytest.mark.parametrize(("servers", "upses"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_lite_is_for_one_server_and_one_ups(servers: int, upses: int) -> None:
    second = {
        "ups": {"UPS2": {**document("card")["ups"]["UPS1"], "address": "127.0.1.2"}} if upses > 1 else {},
        "servers": {"server2": {"power": ["UPS1"], "address": "127.0.21.2"}} if servers > 1 else {},
        "groups": {
            "group1": {"pd": ["UPS1", "UPS2"][:upses], "lt": ["server2"] if servers > 1 else []},
        },
    }
    found = broken(rig("card", second, software("server1", products=["ac_lite"])))
    assert ("X31" in found) is ((servers, upses) != (1, 1))


def test_servers_of_other_products_are_not_judged() -> None:
    assert "X31" not in broken(rig("mirror", software("server1", products=["powerchute_plus", "ac"])))
    assert "X31" not in broken(rig("intelligent", software("server1", products=["ac"])))
    assert "X31" not in broken(rig("003-a", software("SERVER2", products=[])))


@pytest.mark.parametrize("server", ["SERVER2", "CLUS1"])
@pytest.mark.parametrize("cluster", ["none", "clusterpro", "wsfc"])
@pytest.mark.parametrize(
    "installed",
    [
        [],
        ["ac", "ac_enterprise"],
        ["ac", "ac_enterprise", "ac_mscs"],
        ["ac", "ac_mscs"],
        ["ac_enterprise", "ac_mscs"],
        ["ssc_licence"],
        ["um"],
    ],
)
def test_wsfc_needs_the_mscs_option(server: str, cluster: str, installed: list[str]) -> None:
    """002 2.2: terminal and linked terminal alike; SigmaSystemCenter manages linked ones without it."""
    found = broken(rig("003-a", software(server, cluster=cluster, products=installed)))
    complete = set(installed) >= {"ac", "ac_enterprise", "ac_mscs"}
    by_ssc = installed == ["ssc_licence"] and server == "CLUS1"
    wanted = cluster == "wsfc" and bool(installed) and installed != ["um"] and not complete and not by_ssc
    assert ("X32" in found) is wanted


@pytest.mark.parametrize("linked", [True, False])
@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("actions", list(product([None, "shutdown", "nothing"], repeat=3)))
def test_server_agent_does_nothing_after_its_three_events(
    linked: bool, installed: bool, actions: tuple[str | None, ...]
) -> None:
    given = {event: action for event, action in zip(AGENT, actions, strict=True) if action is not None}
    values = {"products": ["server_agent"] if installed else [], "after_report": given}
    found = broken(rig("a1080a-pair" if linked else "a1080a-nolink", software("server1", **values)))
    assert ("X41" in found) is (linked and installed and actions != ("nothing",) * 3)


@pytest.mark.parametrize("after_report", ["shutdown", "nothing"])
@pytest.mark.parametrize(("sample", "linked"), [("a1080a-pair", True), ("a1080a-nolink", False)])
def test_the_stand_in_of_server_agent_is_judged_too(sample: str, linked: bool, after_report: str) -> None:
    agent = {"type": "server_agent", "servers": ["server2"], "after_report": after_report}
    found = broken(rig(sample, {"controllers": [agent]}))
    assert ("X41" in found) is (linked and after_report == "shutdown")


@pytest.mark.parametrize("runs", [True, False])
@pytest.mark.parametrize(("sample", "linked"), [("a1080a-pair", True), ("a1080a-nolink", False)])
def test_the_ipmi_service_runs_where_the_bmc_is_linked(sample: str, linked: bool, runs: bool) -> None:
    assert ("X42" in broken(rig(sample, software("server2", ipmi_service=runs)))) is (linked and not runs)
    stopped: list[str] = [] if runs else ["server1"]
    clusterpro = {"type": "clusterpro", "cluster": "cluster", "ipmi_service_stopped": stopped}
    assert ("X42" in broken(rig(sample, {"controllers": [clusterpro]}))) is (linked and not runs)


# The table of 003 1.1.6(1): ServerAgent, CLUSTERPRO, and whether they go together.
@pytest.mark.parametrize(
    ("agent", "clusterpro", "good"),
    [
        (2.6, 1.0, True),
        (3.0, 2.0, True),
        (3.0, 3.0, False),
        (3.0, 9.02, False),
        (3.1, 2.0, True),
        (3.1, 3.0, True),
        (3.2, 2.0, False),
        (3.2, 3.0, True),
        (4.4, 9.02, True),
        (None, 9.02, True),
        (3.0, None, True),
    ],
)
def test_versions_of_server_agent_and_clusterpro(agent: float | None, clusterpro: float | None, good: bool) -> None:
    values = {"server_agent_version": agent, "clusterpro_version": clusterpro}
    assert ("X43" in broken(rig("003-a", software("CLUS1", **values)))) is not good


@pytest.mark.parametrize(("sample", "server"), [("mirror", "server1"), ("003-a", "CLUS1")])
@pytest.mark.parametrize("agent", [3.0, 3.1, 3.2])
def test_mirrored_disks_want_a_newer_server_agent(sample: str, server: str, agent: float) -> None:
    found = broken(rig(sample, software(server, server_agent_version=agent)))
    assert ("X43" in found) is (sample == "mirror" and agent < 3.1)


@pytest.mark.parametrize("first", sorted(TITLES))
def test_what_server_agent_cannot_be_beside(first: Product) -> None:
    found = broken(rig("003-a", software("SERVER2", products=["server_agent", first])))
    assert ("X44" in found) is (first in BESIDE_NO_AGENT)
    assert "X44" not in broken(rig("003-a", software("SERVER2", products=[first])))


@pytest.mark.parametrize(("server", "refused"), [("CLUS1", True), ("SERVER2", False)])
def test_netvisor_cannot_be_beside_the_manager_on_a_cluster(server: str, refused: bool) -> None:
    assert ("X44" in broken(rig("003-a", software(server, products=["netvisor", "clusterpro_manager"])))) is refused


@pytest.mark.parametrize("fails_over", [True, False])
@pytest.mark.parametrize("manager", [True, False])
@pytest.mark.parametrize("stops", [True, False])
@pytest.mark.parametrize("socket", ["manual", "automatic"])
@pytest.mark.parametrize("alert_log", [True, False])
@pytest.mark.parametrize("out_of_band", [True, False])
@pytest.mark.parametrize("server", ["SERVER2", "CLUS1"])
def test_server_manager_beside_clusterpro(  # one for each dimension
    server: str, out_of_band: bool, alert_log: bool, socket: str, stops: bool, manager: bool, fails_over: bool
) -> None:
    """003 1.2.9: (3) the alert log, (6) the service, (9) the stop script, (10) out of band."""
    values = {
        "products": ["server_manager", *(["clusterpro_manager"] if manager else [])],
        "manager_failover": fails_over,
        "alert_manager_socket": socket,
        "stop_script_stops_manager": stops,
        "alert_log_reports": alert_log,
        "out_of_band": out_of_band,
    }
    wrong = (
        (alert_log and not manager)
        or (fails_over and socket == "automatic")
        or (server == "CLUS1" and manager and not stops)
        or (out_of_band and fails_over)
    )
    assert ("X45" in broken(rig("003-a", software(server, **values)))) is wrong
