"""What explore judges by: good runs and bad ones built by hand, and each exemption with a neighbour that it does not cover."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ridethrough.rigs.explore.invariants import EXEMPTIONS, INVARIANTS, judge, rest_s
from ridethrough.rigs.lab.group_status import StatusRow
from ridethrough.rigs.rigfile.schema import load_rig
from tests.support.story import SAMPLES, Story

RIGS = sorted(path.stem for path in SAMPLES.glob("*.yaml"))
CLUS = ("CLUS1", "CLUS2", "CLUS3", "CLUS4")
NODE_UPS = ("UPS3", "UPS4", "UPS5", "UPS6")


def outage_003_a(*, returned: bool = True) -> Story:
    """C2: the nodes' mains fail at 0 and return at 1500; everything as the documents have it."""
    story = Story("003-a").mains_off(0, "machine-room")
    story.order(60, "cluster", "stop").cluster(60, "stopping").cluster(100, "stopped")
    story.shut_down(100, *CLUS)
    for index, ups in enumerate(NODE_UPS):
        story.command(100 + 2 * index, ups, "output.off").output_off(400 + 2 * index, ups)
    story.mains_on(1500, "machine-room")
    if returned:
        story.output_on(1560, *NODE_UPS).cluster(1680, "running")
    else:
        story.cluster(1680, "offline", **dict.fromkeys(CLUS, "offline"))
    return story


def one_ups(rig: str = "card", patch: dict[str, Any] | None = None, server: str = "server1") -> Story:
    """One UPS and its server: confirmed at 60, shut down, output off at 360; the mains are back at 900."""
    story = Story(rig, patch).mains_off(0, "city").shut_down(60, server)
    return story.command(61, "UPS1", "output.off").output_off(361, "UPS1").mains_on(900, "city")


# --- good runs ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rig", RIGS)
def test_nothing_is_wrong_with_a_quiet_day(rig: str) -> None:
    assert Story(rig).violations() == []


@pytest.mark.parametrize("rig", RIGS)
def test_nothing_is_wrong_with_an_outage_that_nobody_need_notice(rig: str) -> None:
    story = Story(rig)
    mains = [name for name in story.rig.mains if name != "street"]
    shortest = min((ups.confirm_s for ups in story.rig.ups.values()), default=20)
    assert story.mains_off(0, *mains).mains_on(shortest - 2, *mains).violations() == []


def test_a_documented_outage_is_judged_good() -> None:
    assert outage_003_a().violations() == []
    assert one_ups().output_on(960, "UPS1").violations() == []


@pytest.mark.parametrize("rig", RIGS)
def test_the_rest_holds_every_time_of_the_rig(rig: str) -> None:
    file = load_rig(SAMPLES / f"{rig}.yaml", "high")
    longest = max(server.boot_s + server.shutdown_s for server in file.servers.values())
    assert rest_s(file) > longest + 300
    slow = {"servers": {name: {"boot_s": 2000} for name in file.servers}}
    assert rest_s(load_rig(SAMPLES / f"{rig}.yaml", "high", slow)) > rest_s(file) + 2000


def test_an_end_that_came_too_early_is_not_judged() -> None:
    story = outage_003_a(returned=False)
    assert story.found(end_s=1700) == set()
    assert {("returns", node) for node in CLUS} <= story.found()


# --- returns --------------------------------------------------------------------------------------------------------


def test_servers_that_stay_off_are_found() -> None:
    assert outage_003_a(returned=False).found() == {("returns", node) for node in CLUS}
    assert one_ups().found() == {("returns", "server1")}


def test_mains_that_stay_off_promise_nothing() -> None:
    story = Story("card").mains_off(0, "city").shut_down(60, "server1").output_off(361, "UPS1")
    assert story.found() == set()


def test_a_guest_that_stays_off_is_found() -> None:
    story = one_ups("hyper-v-um", server="manager").shut_down(60, "host1").output_on(960, "UPS1")
    assert ("returns", "host1 vm2") not in story.found()
    story.show(1500, "host1", guests={"vm1": "running", "vm2": "off"})
    assert ("returns", "host1 vm2") in story.found()


def test_a_cluster_that_waits_though_its_nodes_run_is_found() -> None:
    story = outage_003_a().cluster(1690, "running", CLUS3="waiting")
    assert story.found() == {("returns", "cluster")}
    assert outage_003_a().show(1690, "cluster", running={}).found() == {("returns", "cluster")}


def test_a_disk_that_stays_off_is_found() -> None:
    story = Story("003-a").mains_off(0, "storage").order(30, "cluster", "stop").cluster(30, "stopping")
    story.cluster(70, "stopped").shut_down(70, *CLUS).command(71, "UPS2", "output.off").output_off(371, "UPS2")
    for ups in NODE_UPS:
        story.command(73, ups, "output.off").output_off(613, ups)
    story.mains_on(1500, "storage")
    assert ("returns", "array1") in story.found()
    story.output_on(1560, "UPS2").output_on(1660, *NODE_UPS).cluster(1780, "running")
    assert story.found() == set()


# Each exemption: a run in which it holds, and its neighbour, in which the same end is a violation.
def _m4(registered: bool) -> Story:
    agents = {"type": "powerchute", "cluster": "cluster", "ups": {"server1": "UPS1", "server2": "UPS2"}}
    story = Story("mirror", {"controllers": [agents | {"stop_registered": registered}]}).mains_off(0, "city1")
    story.cluster(60, "stopping").cluster(100, "stopped").shut_down(100, "server1", "server2")
    story.command(101, "UPS1", "output.off").output_off(401, "UPS1").mains_on(900, "city1")
    return story.cluster(950, "offline", server1="offline", server2="offline")


def _no_reboot(on_recovery: str) -> Story:
    return one_ups(patch={"power_management": {"ups": {"UPS1": {"on_recovery": on_recovery}}}})


def _ac_link(policy: str, *, hosted: bool = False) -> Story:
    if not hosted:
        return one_ups(patch={"servers": {"server1": {"ac_link": policy}}}).output_on(960, "UPS1", boots=False)
    story = Story("hyper-v-ssc").mains_off(0, "city").shut_down(60, "host1").command(145, "UPS2", "output.off")
    story.shut_down(145, "manager").command(145, "UPS1", "output.off").output_off(445, "UPS1", "UPS2")
    return story.mains_on(900, "city").output_on(960, "UPS1").output_on(960, "UPS2", boots=False)


def _local(position: str) -> Story:
    """An outage ends the servers; the outlets stay on."""
    story = Story("intelligent").act(0, f"IUPS1 switch {position}").show(0, "IUPS1", switch=position)
    story.mains_off(10, "city").cluster(70, "stopping").cluster(110, "stopped")
    return story.shut_down(110, "server1", "server2").mains_on(300, "city")


def _schedule(do: str) -> Story:
    turns = [{"at": "00:10", "do": do, "servers": ["server1"]}]
    story = Story("card", {"controllers": [{"type": "esmpro_ac", "schedule": turns}]})
    story.note(600, f"schedule_{do}", "00:10", "server1").shut_down(600, "server1").command(601, "UPS1", "output.off")
    return story.output_off(1141, "UPS1").act(0, "UPS1 unmute")


def _person(words: str) -> Story:
    story = Story("003-a").act(10, words)
    return story.shut_down(20, "CLUS1").cluster(20, "running", CLUS1="stopped").cluster(80, "running", CLUS1="offline")


def _wake(supported: bool) -> Story:
    wake = {"mac": "00:00:4c:00:00:0c", "supported": supported}
    patch = {"servers": {"SERVER2": {"wake": wake}}}
    return Story("c1", patch).act(0, "UPS1 unmute").shut_down(500, "SERVER2")


def _k3(words: str) -> Story:
    patch = {
        "servers": {"other": {"power": ["UPS3"], "address": "127.0.21.50"}},
        "groups": {"電源制御2": {"groups": {"CLUSTER1": {"slot": "lt", "pd": ["UPS3"], "lt": ["CLUS1", "other"]}}}},
    }
    story = Story("003-a", patch).act(10, words).shut_down(11, "CLUS1").command(12, "UPS3", "output.off")
    return story.output_off(552, "UPS3").cluster(552, "running", CLUS1="offline")


def _c7(words: str) -> Story:
    """The terminal is off, and a node that came up without its disk waits for ever."""
    story = Story("003-a").act(0, words).shut_down(1, "SERVER2")
    story.mains_off(100, "storage").output_off(3000, "UPS2", empty=True).act(3050, "CLUS1 reboot").boot(3050, "CLUS1")
    return story.cluster(3170, "running", CLUS1="waiting").mains_on(3200, "storage").output_on(3260, "UPS2")


def _c6(words: str) -> Story:
    """The cluster stopped, and nobody went on with its nodes."""
    story = Story("003-a").mains_off(0, "machine-room").act(90, words)
    story.order(60, "cluster", "stop").cluster(60, "stopping").cluster(100, "stopped", **dict.fromkeys(CLUS, "stopped"))
    return story.mains_on(1000, "machine-room").act(1001, words.replace("kill", "restart").replace(" mute", " unmute"))


def _agent(words: str) -> Story:
    """PowerChute's order does not reach its UPS, and its server, with the agent, is off when the card is heard again."""
    story = (
        Story("mirror")
        .mains_off(0, "city1")
        .act(65, words)
        .shut_down(70, "server1")
        .act(300, words.replace("mute", "unmute"))
    )
    return story.mains_on(900, "city1").cluster(70, "running", server1="offline")


def _b6(after_report: str) -> Story:
    agent = {"type": "server_agent", "servers": ["server1"], "after_report": after_report}
    story = Story("a1080a-pair", {"controllers": [agent]}).act(10, "server1.bmc memory_uncorrectable")
    return story.shut_down(12, "server1").cluster(12, "running", server1="offline").act(13, "server1.bmc clear")


def _protection(after: str) -> Story:
    story = Story("a1080a-pair").act(10, "server1.bmc cpu_thermal_trip").act(20, "server1.bmc clear")
    story.show(10, "server1", state=after, power="off").show(70, "server1", state="off")
    return story.cluster(10, "running", server1="offline")


def _broken(mended: bool) -> Story:
    story = one_ups().act(61, "UPS1 mute")
    return story.act(901, "UPS1 unmute") if mended else story


def _sole(sole: bool) -> Story:
    return one_ups(patch={"controllers": [{"type": "esmpro_ac", "sole": sole}]})


def _guest(start_action: str) -> Story:
    patch = {"servers": {"host1": {"guests": {"vm2": {"start_action": start_action}}}}}
    story = one_ups("hyper-v-um", patch, server="manager").shut_down(60, "host1").output_on(960, "UPS1")
    return story.show(1500, "host1", guests={"vm1": "running", "vm2": "off"})


def _low_battery(begin: str) -> Story:
    agents = {"type": "powerchute", "cluster": "cluster", "ups": {"server1": "UPS1", "server2": "UPS2"}, "begin": begin}
    story = Story("mirror", {"controllers": [agents]}).mains_off(0, "city1")
    return story.output_off(4000, "UPS1", empty=True).mains_on(5000, "city1").output_on(5060, "UPS1")


RETURNS: dict[str, tuple[Callable[[], Story], Callable[[], Story], str]] = {
    "no reboot": (lambda: _no_reboot("none"), lambda: _no_reboot("ups"), "server1"),
    "AC-Link off": (lambda: _ac_link("off"), lambda: _ac_link("last"), "server1"),
    "AC-Link off, and a platform manager": (lambda: _ac_link("off"), lambda: _ac_link("off", hosted=True), "host1"),
    "LOCAL": (lambda: _local("local"), lambda: _local("auto"), "server1"),
    "schedule": (lambda: _schedule("off"), lambda: _schedule("on"), "server1"),
    "order": (lambda: _person("CLUS1 shutdown"), lambda: _person("CLUS2 shutdown"), "CLUS1"),
    "order to the cluster's manager": (lambda: _person("cluster shutdown_node CLUS1"),
                                       lambda: _person("cluster shutdown_node CLUS2"), "CLUS1"),
    "order of an application": (lambda: _person("ac power_off CLUS1"), lambda: _person("ac power_off CLUS2"), "CLUS1"),
    "no wake": (lambda: _wake(False), lambda: _wake(True), "SERVER2"),
    "M4": (lambda: _m4(True), lambda: _m4(False), "server2"),
    "K3": (lambda: _k3("cluster shutdown_node CLUS1"), lambda: _k3("cluster shutdown_node CLUS2"), "other"),
    "C6": (lambda: _c6("ac kill"), lambda: _c6("UPS1 mute"), "cluster"),
    "C6 of an agent": (lambda: _agent("UPS1 mute"), lambda: _agent("UPS2 mute"), "server1"),
    "C7": (lambda: _c7("SERVER2 shutdown"), lambda: _c7("UPS1 unmute"), "cluster"),
    "B6": (lambda: _b6("shutdown"), lambda: _b6("nothing"), "server1"),
    "protection": (lambda: _protection("off"), lambda: _protection("shutting-down"), "server1"),
    "other software": (lambda: _sole(False), lambda: _sole(True), "server1"),
    "guest": (lambda: _guest("nothing"), lambda: _guest("start"), "host1 vm2"),
    "broken": (lambda: _broken(False), lambda: _broken(True), "server1"),
}  # fmt: skip


@pytest.mark.parametrize("name", RETURNS)
def test_a_return_is_excused_by_its_row_and_by_nothing_near_it(name: str) -> None:
    exempt, neighbour, subject = RETURNS[name]
    assert ("returns", subject) not in exempt().found()
    assert ("returns", subject) in neighbour().found()


def test_every_exemption_has_its_run_and_its_neighbour() -> None:
    tested = {name.partition(",")[0].partition(" of ")[0].partition(" to ")[0] for name in (*RETURNS, *ORDERLY)}
    assert {row.name for row in EXEMPTIONS} == tested


# --- undisturbed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_s", [30, 59])
def test_a_shutdown_before_the_confirmation_is_found(at_s: float) -> None:
    story = Story("card").mains_off(0, "city").shut_down(at_s, "server1").mains_on(400, "city").boot(500, "server1")
    assert story.found() == {("undisturbed", "server1")}


def test_where_time_is_real_a_return_may_be_heard_late() -> None:
    story = Story("card").mains_off(0, "city").shut_down(61, "server1").command(62, "UPS1", "output.off")
    story.output_off(361, "UPS1").mains_on(58, "city").output_on(421, "UPS1")
    assert {violation.invariant for violation in judge(story.run())} == {"undisturbed"}
    assert judge(story.run()._replace(slack_s=6)) == []


def test_a_shutdown_of_what_no_outage_concerns_is_found() -> None:
    story = outage_003_a().shut_down(200, "SERVER2").boot(400, "SERVER2")
    assert ("undisturbed", "SERVER2") in story.found()


def test_a_controller_that_is_killed_is_no_reason() -> None:
    story = Story("card").act(90, "ac kill").act(95, "ac restart").shut_down(100, "server1").boot(200, "server1")
    assert ("undisturbed", "server1") in story.found()
    story = Story("card").act(99, "ac power_off server1").shut_down(100, "server1").boot(200, "server1")
    assert ("undisturbed", "server1") not in story.found()


def test_a_reset_and_an_output_without_a_reason_are_found() -> None:
    assert Story("card").boot(100, "server1").act(0, "UPS1 unmute").found() == {("undisturbed", "server1")}
    story = Story("card").output_off(400, "UPS1").output_on(500, "UPS1")
    assert {("undisturbed", "server1"), ("undisturbed", "UPS1")} <= story.found()


def test_an_output_behind_which_nothing_works_may_go_off() -> None:
    story = Story("card").shut_down(100, "server1", told=False).output_off(400, "UPS1").output_on(500, "UPS1")
    assert ("undisturbed", "UPS1") not in story.found()


def test_a_cluster_that_is_stopped_for_one_node_is_found() -> None:
    story = Story("mirror").mains_off(0, "city1").order(60, "cluster", "stop").cluster(60, "stopping")
    story.cluster(100, "running").mains_on(500, "city1")
    assert story.found() == {("undisturbed", "cluster")}
    assert _m4(True).found() == set()
    assert {("undisturbed", "cluster"), ("undisturbed", "server2")} <= _m4(False).found()


def test_what_is_up_is_restarted_only_while_it_waits_for_a_disk() -> None:
    """Issue point 2: after a general outage of form B everything is up, and is rebooted at 2882."""

    def story(disk_ready_s: float) -> Story:
        story = Story("003-b").mains_off(0, "storage").order(30, "cluster", "stop").cluster(30, "stopping")
        nodes, upses = tuple(story.rig.servers), ("UPS1", "UPS2", "UPS3", "UPS5", "UPS6")
        story.cluster(70, "stopped").shut_down(70, *nodes)
        for ups in upses:
            story.command(75, ups, "output.reboot").output_off(600, ups).output_on(660, ups)
        story.command(75, "UPS4", "output.off").output_off(375, "UPS4").mains_on(700, "storage")
        story.output_on(disk_ready_s - 90, "UPS4")
        for node in nodes:
            story.order(1000, node, "reboot").shut_down(1000, node, told=False).boot(1060, node)
        return story.cluster(1180, "running")

    assert story(900).found() == set()  # came up at 780, without the disk
    assert {("undisturbed", "SEIGYO-SV1"), ("undisturbed", "RENDOU-SV2")} <= story(770).found()


def test_an_output_that_goes_off_under_a_stranger_is_found() -> None:
    story = _k3("cluster shutdown_node CLUS1")
    assert not {key for key in story.found() if key[1] == "other"}
    assert ("undisturbed", "other") in _k3("cluster shutdown_node CLUS2").found()


def test_silence_in_an_outage_ends_servers_by_its_policy_only() -> None:
    def story(policy: str) -> Story:
        group = {"CLUSTER1": {"slot": "lt", "pd": ["UPS3"], "lt": ["CLUS1"], "policy": {"on_silence": policy}}}
        patch = {"groups": {"電源制御2": {"groups": group}}, "ups": {"UPS3": {"confirm_s": 400}}}
        story = Story("003-a", patch).mains_off(0, "machine-room").act(10, "UPS3 mute")
        for ups in NODE_UPS[1:]:
            story.show(1, ups, state="on-line", input_volts=100.0)
        story.shut_down(70, "CLUS1").command(71, "UPS3", "output.off").output_off(371, "UPS3")
        story.cluster(70, "running", CLUS1="offline").act(200, "UPS3 unmute").mains_on(210, "machine-room")
        return story.output_on(500, "UPS3").cluster(620, "running", CLUS1="online")

    assert ("undisturbed", "CLUS1") not in story("shutdown").found()
    assert ("undisturbed", "CLUS1") in story("continue").found()


# --- orderly --------------------------------------------------------------------------------------------------------


def _cut(lasted_s: float, *words: tuple[float, str], patch: dict[str, Any] | None = None) -> Story:
    """The battery is empty under a running server; the mains return later."""
    story = Story("card", patch).mains_off(0, "city")
    for at_s, said in words:
        story.act(at_s, said)
    return story.output_off(lasted_s, "UPS1", empty=True).mains_on(5000, "city").output_on(5060, "UPS1")


def _ordered_off(order_s: float, off_s: float, patch: dict[str, Any] | None = None, said: str = "") -> Story:
    story = Story("card", patch).mains_off(0, "city").shut_down(order_s, "server1").command(61, "UPS1", "output.off")
    if said:
        story.act(off_s - 1, said)
    return story.output_off(off_s, "UPS1").mains_on(5000, "city").output_on(5060, "UPS1")


SLOW_END = {"servers": {"server1": {"shutdown_s": 400}}}
ORDERLY: dict[str, tuple[Callable[[], Story], Callable[[], Story]]] = {
    "C8": (lambda: _cut(100), lambda: _cut(3000)),
    "③": (lambda: _ordered_off(60, 361, SLOW_END), lambda: _ordered_off(320, 361)),
    "low battery": (lambda: _low_battery("runtime_limit"), lambda: _low_battery("time")),
    "unwatched": (lambda: _cut(3000, (1, "UPS1 mute"), (2950, "UPS1 unmute")),
                  lambda: _cut(3000, (1, "UPS1 mute"), (500, "UPS1 unmute"))),
    "unwatched of a controller": (lambda: _cut(3000, (1, "ac kill"), (2950, "ac restart")),
                                  lambda: _cut(3000, (1, "ac kill"), (500, "ac restart"))),
    "switched off": (lambda: _ordered_off(320, 361, said="UPS1 button_off"),
                     lambda: _ordered_off(320, 361, said="UPS1 unmute")),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERLY)
def test_a_cut_is_excused_by_its_row_and_by_nothing_near_it(name: str) -> None:
    exempt, neighbour = ORDERLY[name]
    assert ("orderly", "server1") not in exempt().found()
    assert ("orderly", "server1") in neighbour().found()


def test_nobody_is_blamed_for_servers_that_nobody_manages() -> None:
    alone = {"controllers": [{"type": "watch"}]}
    assert ("orderly", "server1") not in _cut(3000, patch=alone).found()
    story = _cut(3000, patch=alone)
    story.attached = True  # the program under test does
    assert ("orderly", "server1") in story.found()


# --- order ----------------------------------------------------------------------------------------------------------


def test_control_terminals_that_end_before_linked_ones_are_found() -> None:
    def story(terminal_s: float) -> Story:
        story = Story("003-a", {"clusters": {"cluster": {"shutdown_s": 100}}}).mains_off(0, "machine-room", "office")
        story.order(60, "cluster", "stop").cluster(60, "stopping").shut_down(terminal_s, "SERVER2")
        story.shut_down(350, *CLUS)
        return story

    assert ("order", "SERVER2") in story(271).found()
    assert ("order", "SERVER2") not in story(351).found()


def test_terminals_of_a_joint_plan_go_last() -> None:
    def story(terminal_s: float) -> Story:
        return Story("hyper-v-ac").mains_off(0, "city").shut_down(61, "host1").shut_down(terminal_s, "manager")

    assert ("order", "manager") in story(60.5).found()  # before its host was told
    assert ("order", "manager") in story(70).found()  # while its host is shutting down
    assert ("order", "manager") not in story(150).found()


@pytest.mark.parametrize(("rig", "ups", "host"), [("hyper-v-ac", "UPS2", "host1"), ("hyper-v-um", "UPS1", "manager")])
def test_ups_off_before_the_guests_have_shut_down_is_found(rig: str, ups: str, host: str) -> None:
    def story(off_s: float) -> Story:
        story = Story(rig).mains_off(0, "city").shut_down(60, host)
        for other in set(story._on(ups)) - {host}:
            story.shut_down(60, other)
        return story.command(off_s, ups, "output.off")

    assert ("order", ups) in story(65).found()
    assert ("order", ups) not in story(141).found()


def test_a_host_is_not_waited_for_without_end() -> None:
    """It was reset while it shut down; after `host_off_s` its output is ordered off all the same."""

    def story(off_s: float) -> Story:
        story = Story("hyper-v-ac").mains_off(0, "city").order(61, "host1", "shutdown")
        story.show(61, "host1", state="shutting-down").boot(70, "host1").order(195, "host1", "shutdown")
        return story.command(off_s, "UPS2", "output.off")

    assert ("order", "UPS2") in story(200).found()
    assert ("order", "UPS2") not in story(362).found()


def test_guests_that_outlive_their_host_are_found() -> None:
    story = Story("hyper-v-ac").act(0, "host1 shutdown").shut_down(1, "host1")
    assert ("order", "host1") not in story.found()
    story = Story("hyper-v-ac").act(0, "host1 shutdown").show(1, "host1", state="shutting-down")
    assert ("order", "host1") in story.show(61, "host1", state="off").found()


def test_disks_out_of_their_ranks_and_servers_before_disks_are_found() -> None:
    def story(second_s: float, server_s: float) -> Story:
        story = Story("003-a-disks").act(0, "storage3 on")
        for ups in ("DISK1", "DISK2", "UPS3"):
            story.output_off(10, ups)
        story.command(100, "DISK1", "output.on").output_on(100, "DISK1")
        story.command(second_s, "DISK2", "output.on").output_on(second_s, "DISK2")
        return story.command(server_s, "UPS3", "output.on").output_on(server_s, "UPS3")

    def order(story: Story) -> set[tuple[str, str]]:
        return {key for key in story.found() if key[0] == "order"}

    assert order(story(131, 165)) == set()
    assert order(story(120, 165)) == {("order", "DISK2")}
    assert order(story(131, 150)) == {("order", "UPS3")}


def test_a_bmc_that_acts_while_it_holds_is_found() -> None:
    def story(state: str, text: str) -> Story:
        held = {"state": "held", "steps": [{"at_s": 10.0, "incident": 1, "text": "fault notified, hard_reset held"}]}
        now = {"state": state, "steps": [*held["steps"], {"at_s": 20.0, "incident": 1, "text": text}]}
        story = Story("a1080a-pair").act(10, "server1.bmc memory_uncorrectable").show(10, "server1.bmc", link=held)
        story.show(20, "server1.bmc", link=now).boot(20, "server1").act(21, "server1.bmc clear")
        return story.cluster(20, "running", server1="offline").cluster(140, "running", server1="online")

    assert story("idle", "hard_reset released").found() == set()
    assert story("held", "recovery started by server1").found() == {("order", "server1")}
    assert story("idle", "superseded by a power command").found() == {("order", "server1")}


# --- bounded --------------------------------------------------------------------------------------------------------


def test_orders_that_are_given_twice_are_found() -> None:
    assert one_ups().order(70, "server1", "shutdown").output_on(960, "UPS1").found() == {("bounded", "server1")}
    assert one_ups().command(90, "UPS1", "output.off").output_on(960, "UPS1").found() == {("bounded", "UPS1")}
    assert outage_003_a().order(70, "cluster", "stop").found() == {("bounded", "cluster")}


def test_a_stronger_order_by_the_bmc_is_another_one() -> None:
    def story(*commands: str) -> Story:
        story = Story("a1080a-pair").act(0, "server1.bmc fan_stop").act(900, "server1.bmc clear")
        for index, command in enumerate(commands):
            story.command(10 + 60 * index, "server1.bmc", command)
        return story

    assert story("power.soft", "power.off").found() == set()
    assert story("power.soft", "power.soft").found() == {("bounded", "server1.bmc")}


def test_an_order_that_failed_may_be_repeated_and_a_second_outage_is_another_plan() -> None:
    story = one_ups().command(60.5, "UPS1", "output.off", "failed").output_on(960, "UPS1")
    assert story.found() == set()
    story = one_ups().output_on(960, "UPS1").mains_off(2000, "city").shut_down(2060, "server1")
    story.command(2061, "UPS1", "output.off").output_off(2361, "UPS1").mains_on(3000, "city").output_on(3060, "UPS1")
    assert story.found() == set()


def test_a_server_that_restarts_for_ever_is_found() -> None:
    def story(times: int) -> Story:
        story = one_ups().output_on(960, "UPS1")
        for index in range(times):
            story.shut_down(1090 + 200 * index, "server1", told=False).boot(1160 + 200 * index, "server1")
        return story

    assert ("bounded", "server1") not in story(2).found()
    assert ("bounded", "server1") in story(3).found()


def test_a_plan_or_a_command_without_an_end_is_found() -> None:
    story = one_ups().note(60, "plan", "UPS1").output_on(960, "UPS1")
    assert story.found() == {("bounded", "UPS1")}
    assert story.note(70, "plan_done", "UPS1").found() == set()
    assert one_ups().note(60, "plan", "UPS1").note(130, "master_lost").output_on(960, "UPS1").found() == set()
    story = one_ups().command(1000, "UPS1", "output.on", "running").output_on(960, "UPS1")
    assert story.found() == {("bounded", "UPS1")}


# --- truth ----------------------------------------------------------------------------------------------------------


def _open(device: str, condition: str) -> Story:
    story = one_ups().output_on(960, "UPS1")
    story.conditions.append({"device": device, "condition": condition})
    return story


@pytest.mark.parametrize("condition", ["input", "outage", "output", "battery", "silence", "link", "overload", "boost"])
def test_a_condition_that_is_not_so_is_found(condition: str) -> None:
    assert _open("UPS1", condition).found() == {("truth", "UPS1")}


def test_conditions_that_are_so_or_that_nobody_can_judge_are_left() -> None:
    assert _open("UPS1", "battery-discharged").show(990, "UPS1", runtime_s=60).found() == set()
    assert _open("UPS1", "overload").show(990, "UPS1", load_percent=120.0).found() == set()
    assert _open("UPS1", "door").found() == set()
    assert _open("elsewhere", "input").found() == set()


def test_a_loss_without_its_restoration_is_found() -> None:
    story = one_ups().output_on(960, "UPS1").event(0, "ups.input.lost", "UPS1", condition="input", opens=True)
    assert story.found() == {("truth", "UPS1")}
    assert story.event(900, "ups.input.restored", "UPS1", condition="input", clears=True).found() == set()
    story = one_ups().output_on(960, "UPS1").event(0, "bmc.recovery.started", "server1", incident=1)
    assert story.found() == {("truth", "server1")}
    assert story.event(9, "bmc.recovery.expired", "server1", incident=1).found() == set()


def test_a_lost_input_that_is_not_known_is_found() -> None:
    story = Story("card").mains_off(0, "city").event(0, "trap.unknown", "UPS1")
    assert ("truth", "UPS1") in story.found()
    story.conditions.append({"device": "UPS1", "condition": "input"})
    assert ("truth", "UPS1") not in story.found()


def _table(server: str, ups: str, volts: str = "100") -> Story:
    story = one_ups().output_on(960, "UPS1")
    story.table += [StatusRow(0, "group1", "", "", ""), StatusRow(1, "UPS1", "", "", ups, volts)]
    story.table.append(StatusRow(1, "server1", "", "", server))
    return story


def test_a_table_that_does_not_show_the_plant_is_found() -> None:
    assert _table("running as master", "normal, on").found() == set()
    assert _table("running as master", "normal, on", "40").found() == {("truth", "UPS1")}
    assert _table("running as master", "outage").found() == {("truth", "UPS1")}
    assert _table("running as master", "no communication").found() == {("truth", "UPS1")}
    assert _table("stopped", "normal, on").found() == {("truth", "server1")}
    assert _table("running", "normal, on").found() == {("truth", "server1")}  # nobody is master


# --- the run itself, and the user's own ------------------------------------------------------------------------------


def test_a_run_that_failed_is_found() -> None:
    story = Story("card")
    story.failures.append("gateway: RuntimeError()")
    assert story.found() == {("failures", "gateway")}
    assert Story("card").note(5, "failed", "ac schedule", "KeyError()").found() == {("failures", "ac")}
    assert Story("card").note(5, "failed", "", "UPS1: output.off failed: no answer").found() == set()


def test_the_users_own_expectations_count() -> None:
    from ridethrough.rigs.scenario.step import Step
    from ridethrough.rigs.scenario.verdicts import Verdict

    step = Step.model_validate({"by": 60, "expect": "event", "type": "ups.input.lost", "subject": "UPS1"})
    run = Story("card").run()
    assert judge(run._replace(expectations=(Verdict(step, True, "at 0 s"),))) == []
    (found,) = judge(run._replace(expectations=(Verdict(step, False, "never seen"),)))
    assert found.key == ("expectations", step.words)
    assert "never seen" in found.text


def test_names_are_unique_and_described() -> None:
    assert len({row.name for row in INVARIANTS}) == len(INVARIANTS)
    assert len({row.name for row in EXEMPTIONS}) == len(EXEMPTIONS)
    assert all(row.description for row in INVARIANTS)
    assert all(row.text and row.invariants <= {invariant.name for invariant in INVARIANTS} for row in EXEMPTIONS)
