"""The console in a real headless Chromium, against a rig in a process of its own."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from ruamel.yaml import YAML

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import Live, running, sample, start, stop


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running(sample("a1080a-pair.yaml"), tmp_path_factory.mktemp("rig")) as rig:
        yield rig


def test_the_wiring_the_states_and_the_buttons(page: Page, live: Live) -> None:
    page.goto(live.url)
    expect(page.locator("#link")).to_have_text("connected")
    expect(page.locator("#rig")).to_have_text("a1080a-pair")
    for name, state in (("city", "on"), ("UPS1", "on-line"), ("server1", "running"), ("server1.bmc", "running")):
        expect(page.locator(f'[data-device="{name}"] .state')).to_have_text(state)
    expect(page.locator("#wires path.live")).to_have_count(4)

    page.get_by_role("button", name="city off").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator('[data-device="UPS2"] .state')).to_have_text("on-battery")
    expect(page.locator('li[data-type="ups.input.lost"]')).to_have_count(2)
    expect(page.locator("#wires path.live")).to_have_count(2)

    page.get_by_label("fault of server1.bmc").select_option("memory_uncorrectable")
    page.get_by_role("button", name="server1.bmc Inject").click()
    page.get_by_role("button", name="Do it").click()
    notice = page.locator('li[data-type="bmc.notice"]')
    expect(notice).to_contain_text("uncorrectable memory error")
    link = page.locator('[data-device="server1.bmc"] dd').nth(2)
    expect(link).to_contain_text("notified")
    page.get_by_role("button", name="server1.bmc recovery starts").click()
    expect(link).to_contain_text("held")
    expect(page.locator('[data-device="server1"] .state')).to_have_text("running")
    page.get_by_role("button", name="server1.bmc recovery ends").click()
    expect(page.locator('[data-device="server1"] .state')).to_have_text("booting")
    expect(link).to_have_text("on")

    page.get_by_role("button", name="UPS2 Output off").click()
    expect(page.locator("#confirm")).to_contain_text("UPS2 output.off?")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="UPS2 Output on").click()
    expect(page.locator("#message")).to_have_text("UPS2: output.on sent")
    page.get_by_role("button", name="city on").click()
    expect(page.locator('[data-device="UPS1"] .state')).to_have_text("on-line")
    expect(page.locator('li[data-type="ups.input.restored"]')).to_have_count(2)


@pytest.mark.parametrize("name", ["c1", "intelligent", "003-a-disks", "hub"])
def test_whatever_is_wired_is_drawn_with_its_wires(page: Page, tmp_path: Path, name: str) -> None:
    document = sample(f"{name}.yaml" if name != "hub" else "card.yaml")
    if name == "hub":
        (ups,) = document["ups"]
        document["hubs"] = {"HUB1": {"power": ups, "serves": [ups]}}
    with running(document, tmp_path) as rig:
        page.goto(rig.url)
        expect(page.locator("#link")).to_have_text("connected")
        world = page.evaluate("fetch('/lab/v1/world').then((answer) => answer.json())")
        wired = {device for pair in world["wiring"] for device in pair}
        assert wired
        for device in wired:
            expect(page.locator(f'[data-device="{device}"]')).to_be_visible()
        expect(page.locator("#wires path")).to_have_count(len(world["wiring"]))
        page.screenshot(path=tmp_path / "plant.png", full_page=True)
        page.goto("about:blank")  # before the rig ends


def test_the_past_is_there_when_the_page_opens(page: Page, live: Live) -> None:
    live.tell("server2.bmc front_panel_nmi")
    page.goto(live.url)
    expect(page.locator("#events li").first).to_contain_text("diagnostic interrupt")
    before = page.locator("#events li").count()
    page.reload()
    expect(page.locator("#events li")).to_have_count(before)


def test_nothing_is_fetched_from_elsewhere_and_nothing_overflows(page: Page, live: Live) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for width in (1400, 700):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(live.url)
        expect(page.locator("#link")).to_have_text("connected")
        expect(page.locator('[data-device="server2"]')).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        too_wide = page.evaluate(
            "[...document.querySelectorAll('.device *')].filter((e) => e.scrollWidth > e.clientWidth + 1"
            " && getComputedStyle(e).display !== 'inline' && e.tagName !== 'SELECT').map((e) => e.outerHTML)"
        )
        assert too_wide == []
    assert all(url.startswith((live.url, "data:")) for url in asked)


def test_everything_can_be_reached_by_keyboard(page: Page, live: Live) -> None:
    page.goto(live.url)
    expect(page.locator('[data-device="server2.bmc"]')).to_be_visible()
    controls = page.locator("a:visible, button:visible, select:visible").count()
    seen: set[str] = set()
    for _ in range(controls):
        page.keyboard.press("Tab")
        seen.add(
            str(
                page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent")
            )
        )
    assert len(seen) == controls
    assert "" not in seen


def test_in_the_field_the_devices_take_the_place_of_the_plant(page: Page, tmp_path: Path) -> None:
    http = f"127.0.0.1:{free_port()}"
    site = {
        "name": "field",
        "listen": [{"address": "127.0.0.1", "port": free_port()}],
        "devices": {"UPS9": {"kind": "ups", "address": "127.0.9.9", "silence_s": 1, "poll_s": 1}},
        "api": {"bind": http},
    }
    with (tmp_path / "site.yaml").open("w") as stream:
        YAML().dump(site, stream)
    gateway, _ = start([sys.executable, "-m", "ridethrough", "gateway", str(tmp_path / "site.yaml")], "gateway ready")
    try:
        page.goto(f"http://{http}/")
        expect(page.locator("#power-title")).to_have_text("Devices")
        expect(page.locator(".device")).to_contain_text("UPS9")
        expect(page.locator(".device .state")).to_have_text(re.compile("silence"))
        expect(page.locator("#events li")).to_contain_text("the card does not answer")
        assert page.locator("button:visible").count() == 0
        assert page.locator("nav a").all_text_contents() == ["Overview", "Devices", "Events", "Delivery"]
        page.goto(f"http://{http}/#/devices/UPS9")
        expect(page.locator("#device")).to_have_text("UPS9")
        expect(page.get_by_label("Command: UPS9")).to_be_visible()
        assert page.get_by_label("Input: UPS9").count() == 0
        assert page.locator("#inside").text_content() == ""
        page.goto("about:blank")
    finally:
        stop(gateway)


def test_a_token_is_asked_for_where_one_is_wanted(page: Page, tmp_path: Path) -> None:
    text = "0123456789abcdef0123"
    (tmp_path / "token").write_text(text)
    document = sample("a1080a-pair.yaml")
    document["gateway"]["api"] = {"tokens": {"me": {"role": "lab", "file": str(tmp_path / "token")}}}
    with running(document, tmp_path) as live:
        page.goto(live.url)
        page.get_by_label("Token of the gateway").fill("wrong")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_label("Token of the gateway")).to_have_value("")
        page.keyboard.press("Escape")
        page.get_by_label("Token of the gateway").fill(text)
        page.keyboard.press("Enter")
        expect(page.locator("#link")).to_have_text("connected")
        expect(page.locator('[data-device="UPS1"] .state')).to_have_text("on-line")
        page.get_by_role("button", name="UPS1 Output on").click()
        expect(page.locator("#message")).to_have_text("UPS1: output.on sent")
        page.reload()
        expect(page.locator("#link")).to_have_text("connected")
        assert page.evaluate("[localStorage.length, Object.keys(sessionStorage).join()]") == [0, "token"]
        page.goto("about:blank")
