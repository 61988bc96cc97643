"""What is told of devices that flicker, that fall silent together, and that fall silent in an outage."""

from __future__ import annotations

from ridethrough.gateway.correlate import Correlator, FlapPolicy, SitePolicy, UpsPolicy
from ridethrough.gateway.records import ConditionClears, ConditionOpens, Event, Severity, Signal

POLICIES = {"UPS1": UpsPolicy(60_000, ("G1",), 50_000, shutdown=True), "UPS2": UpsPolicy(60_000)}
HUB = SitePolicy(behind={"UPS1": "hub1", "UPS2": "hub1", "alone": "hub2"}, segment_wait_ms=10_000)
FLAP = SitePolicy(flap=FlapPolicy(opens=3, window_ms=300_000, settle_ms=60_000))


def said(device: str, condition: str, opens: bool) -> Signal:
    kind = f"{condition}.{'lost' if opens else 'restored'}"
    change = ConditionOpens if opens else ConditionClears
    return change(kind, device, Severity.WARNING, kind, condition)


def shown(events: list[Event]) -> list[tuple[str, str]]:
    return [(event.type, event.subject) for event in events]


class Run:
    def __init__(self, site: SitePolicy) -> None:
        self.correlator = Correlator(POLICIES, "/t", site=site)
        self.position = 0

    def say(self, at_s: float, device: str, condition: str, opens: bool) -> list[Event]:
        self.position += 1
        return self.correlator.signals(self.position, round(at_s * 1000), [said(device, condition, opens)])

    def tick(self, at_s: float) -> list[Event]:
        self.position += 1
        return self.correlator.tick(self.position, round(at_s * 1000))

    def due_s(self) -> float:
        deadline = self.correlator.next_deadline_ms()
        assert deadline is not None
        return deadline / 1000


def test_n1_silence_in_an_outage_says_what_the_servers_do() -> None:
    for device, policy in (("UPS1", "shutdown"), ("UPS2", "continue")):
        run = Run(SitePolicy())
        run.say(0, device, "input", True)
        lost = run.say(50, device, "silence", True)
        assert shown(lost) == [("silence.lost", device), ("power.communication.lost", device)]
        assert lost[1].data["policy"] == policy
        assert shown(run.tick(60)) == [("power.outage.confirmed", device)]
        back = run.say(70, device, "silence", False)
        assert shown(back) == [("silence.restored", device), ("power.communication.restored", device)]
        assert back[1].data["lasted_s"] == 20


def test_n3_silence_without_an_outage_is_only_silence() -> None:
    run = Run(SitePolicy())
    assert shown(run.say(50, "UPS1", "silence", True)) == [("silence.lost", "UPS1")]
    assert shown(run.say(60, "UPS1", "silence", False)) == [("silence.restored", "UPS1")]


def test_a_link_that_flickers_in_an_outage_is_no_loss_and_one_that_stays_down_is() -> None:
    run = Run(SitePolicy())
    run.say(0, "UPS1", "input", True)
    run.tick(60)
    assert shown(run.say(100, "UPS1", "link", True)) == [("link.lost", "UPS1")]
    assert run.due_s() == 150
    assert shown(run.say(104, "UPS1", "link", False)) == [("link.restored", "UPS1")]
    assert run.tick(150) == []
    run.say(200, "UPS1", "link", True)
    assert shown(run.tick(250)) == [("power.communication.lost", "UPS1")]
    # The line over which it would be heard must be whole again, too.
    assert shown(run.say(251, "UPS1", "silence", True)) == [("silence.lost", "UPS1")]
    assert shown(run.say(252, "UPS1", "link", False)) == [("link.restored", "UPS1")]
    assert shown(run.say(253, "UPS1", "silence", False)) == [
        ("silence.restored", "UPS1"),
        ("power.communication.restored", "UPS1"),
    ]


def test_one_dead_hub_is_not_many_dead_cards() -> None:
    run = Run(HUB)
    assert run.say(0, "UPS1", "silence", True) == []
    (lost,) = run.say(3, "UPS2", "silence", True)
    assert (lost.type, lost.subject, lost.data["devices"]) == ("network.segment.lost", "hub1", ["UPS1", "UPS2"])
    assert run.tick(60) == []
    (back,) = run.say(100, "UPS2", "silence", False)
    assert (back.type, back.data["opened_by"]) == ("network.segment.restored", lost.id)
    # The other one may have a reason of its own: it is told unless it comes soon.
    (own,) = run.tick(run.due_s())
    assert (own.type, own.subject) == ("silence.lost", "UPS1")
    (heard,) = run.say(200, "UPS1", "silence", False)
    assert (heard.type, heard.data["opened_by"]) == ("silence.restored", own.id)


def test_one_dead_card_behind_a_hub_is_told_a_little_later() -> None:
    run = Run(HUB)
    assert run.say(0, "UPS1", "silence", True) == []
    (lost,) = run.tick(run.due_s())
    assert (lost.type, lost.data["waited_s"]) == ("silence.lost", 10)
    assert shown(run.say(30, "UPS1", "silence", False)) == [("silence.restored", "UPS1")]
    # A silence that ends before it was told is not told at all.
    assert run.say(40, "UPS2", "silence", True) == []
    assert run.say(45, "UPS2", "silence", False) == []
    assert run.tick(60) == []


def test_a_device_alone_behind_a_hub_waits_for_nobody() -> None:
    run = Run(HUB)
    assert shown(run.say(0, "alone", "silence", True)) == [("silence.lost", "alone")]


def test_silence_behind_a_hub_in_an_outage_is_told_at_once_to_those_it_concerns() -> None:
    run = Run(HUB)
    run.say(0, "UPS1", "input", True)
    run.tick(60)
    assert shown(run.say(100, "UPS1", "silence", True)) == [("power.communication.lost", "UPS1")]


def test_a_condition_that_comes_and_goes_is_held_until_it_settles() -> None:
    run = Run(FLAP)
    told = []
    for second in range(0, 60, 10):
        told += run.say(second, "UPS1", "link", second % 20 == 0)
    assert shown(told) == [
        ("link.lost", "UPS1"),
        ("link.restored", "UPS1"),
        ("link.lost", "UPS1"),
        ("link.restored", "UPS1"),
        ("condition.flapping", "UPS1"),
    ]
    assert run.due_s() <= 110
    assert shown(run.tick(109)) == []
    (settled,) = run.tick(110)
    assert (settled.type, settled.data["flapping"], settled.data["open"], settled.data["changes"]) == (
        "condition.settled",
        "link",
        False,
        2,
    )
    assert shown(run.say(120, "UPS1", "link", True)) == [("link.lost", "UPS1")]


def test_how_a_flapping_condition_settles_is_told() -> None:
    run = Run(FLAP)
    for second in range(0, 50, 10):
        run.say(second, "UPS2", "link", second % 20 == 0)
    settled, lost = run.tick(101)
    assert settled.data["open"] is True
    assert (lost.type, lost.data["held_back"]) == ("link.lost", True)
    assert run.say(110, "UPS2", "link", False)[0].data["opened_by"] == lost.id


def test_what_controllers_act_on_is_never_held() -> None:
    run = Run(FLAP)
    for second in range(0, 100, 10):
        assert run.say(second, "UPS1", "input", second % 20 == 0) != []
