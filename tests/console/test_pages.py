"""Every page of the console and what can be done on it, in a real headless Chromium."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from ridethrough.rigs.rigfile.generate import generated
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import Live, running, sample

CONSOLE = Path(__file__).parents[2] / "rigs" / "console"
ROWS = re.findall(r'\["(\w*)", "([\w ]+)", \w+\.page\]', (CONSOLE / "app.js").read_text(encoding="utf-8"))
PAGES = (*(f"#/{path}" if path else "" for path, _ in ROWS), "#/devices/UPS1", "#/devices/server1.bmc")
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("rig")
    document = sample("a1080a-pair.yaml")
    document["gateway"]["sinks"] = {"log": {"type": "file", "path": str(folder / "events.jsonl")}}
    with running(document, folder, "--speed", "10") as rig:
        yield rig


def test_the_pages_are_reached_by_their_links(page: Page, live: Live) -> None:
    page.goto(live.url)
    for title, heading in (
        ("Devices", "Devices"),
        ("Events", "Open conditions"),
        ("Delivery", "Delivery"),
        ("Power groups", "Status"),
        ("Scenarios", "Scenarios"),
        ("Overview", "Power"),
    ):
        page.get_by_role("link", name=title, exact=True).click()
        expect(page.locator("main h2").first).to_have_text(heading)
        expect(page.get_by_role("link", name=title, exact=True)).to_have_attribute("aria-current", "page")
        expect(page).to_have_title(re.compile(title))
    page.goto(f"{live.url}/#/nowhere")
    expect(page.locator("main")).to_have_text("No such page.")


def test_a_device_takes_commands_and_inputs_and_shows_its_objects(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/#/devices")
    page.locator("main").get_by_role("link", name="UPS1").click()
    expect(page.locator("#device")).to_have_text("UPS1")
    expect(page.locator("#state")).to_contain_text("on-line")
    expect(page.locator(".chart canvas")).to_be_visible()

    page.get_by_label("search: Objects").fill("upsBasicIdentModel")
    rows = page.locator("#inside tbody tr:visible")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("SMART-UPS 1400")
    expect(rows).to_contain_text("1.3.6.1.4.1.318.1.1.1.1.1.1.0")

    page.get_by_label("Input: UPS1").select_option("charge")
    page.get_by_label("arguments: UPS1").fill("40")
    page.get_by_role("button", name="UPS1 Inject").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#message")).to_have_text("UPS1: charge 40")
    expect(page.locator("#state")).to_contain_text(re.compile(r"charge percent\s*4\d"))
    page.get_by_label("arguments: UPS1").fill("much")
    page.get_by_role("button", name="UPS1 Inject").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#message.bad")).to_contain_text("expected one number")

    page.get_by_label("Command: UPS1").select_option("output.off")
    page.get_by_role("button", name="UPS1 Send").click()
    expect(page.locator("#confirm")).to_contain_text("UPS1 output.off?")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#confirm")).to_be_hidden()
    assert live.world("UPS1")["off_in_s"] is None
    page.get_by_role("button", name="UPS1 Send").click()
    page.get_by_role("button", name="Do it").click()
    expect(page.locator("#message")).to_have_text("UPS1: output.off sent")
    live.until("UPS1", lambda state: state["off_in_s"] is not None or state["output"] == "off")
    live.until("UPS1", lambda state: state["output"] == "off")
    page.get_by_label("Command: UPS1").select_option("output.on")
    page.get_by_role("button", name="UPS1 Send").click()
    live.until("UPS1", lambda state: state["output"] == "on")


def test_the_front_of_a_ups_has_lamps_and_buttons(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/#/devices/UPS2")
    lit = page.locator(".front li.lit")
    expect(lit).to_have_text(["on line"])
    expect(page.locator(".graph").first.locator(".lit")).to_have_count(2)  # 21.9 % of load
    live.tell("city off")
    expect(lit).to_have_text(["on battery"])
    live.tell("city on")
    expect(lit).to_have_text(["on line"])
    page.get_by_role("button", name="UPS2 Off", exact=True).click()
    page.get_by_role("button", name="Do it").click()
    expect(lit).to_have_count(0)
    page.get_by_role("button", name="UPS2 On", exact=True).click()
    expect(lit).to_have_text(["on line"])


def test_the_serial_console_is_that_of_the_server(page: Page, live: Live) -> None:
    live.until("server1", lambda state: state["state"] == "running")
    page.goto(f"{live.url}/#/devices/server1.bmc")
    screen = page.get_by_role("log", name="Serial console: server1.bmc")
    expect(screen).to_contain_text("server1 login:")
    field = page.get_by_label("Serial console, Input: server1.bmc")
    field.fill("root")
    field.press("Enter")
    expect(screen).to_contain_text("server1 login: root\n")
    expect(screen).to_contain_text("Password:")
    field.fill("secret")
    page.locator("#terminal").get_by_role("button", name="Send").click()
    expect(screen).to_contain_text("Login incorrect")
    assert "secret" not in screen.inner_text()
    # What a SOL session would show is the same text.
    with urlopen(f"{live.url}/lab/v1/devices/server1.bmc/console", timeout=20) as answer:
        assert json.load(answer)["text"].replace("\r", "") == screen.text_content()


def test_a_scenario_is_run_watched_and_its_reports_are_taken(page: Page, live: Live, tmp_path: Path) -> None:
    page.goto(f"{live.url}/#/scenarios")
    page.get_by_label("scenario", exact=True).select_option("C1")
    page.get_by_role("button", name="scenario Run").click()
    expect(page.locator("#outcome")).to_contain_text("Every expectation held.", timeout=60_000)
    rows = page.locator("#run tbody tr")
    expect(rows).to_have_count(16)
    expect(page.locator("#run tbody tr.good")).to_have_count(16)
    expect(rows.first).to_contain_text("event power.outage.confirmed UPS2")
    expect(page.locator("#story")).to_contain_text("cluster hang")
    expect(page.locator("#story li.note").first).to_contain_text("plan")
    for name, form, words in (("Report", "html", "<!doctype html>"), ("JUnit", "xml", "<testsuites")):
        with page.expect_download() as taken:
            page.get_by_role("button", name=f"C1 {name}").click()
        assert taken.value.suggested_filename == f"C1.{form}"
        taken.value.save_as(tmp_path / form)
        assert words in (tmp_path / form).read_text()
    # Another visit comes back to it; a slow run can be stopped, and only one runs at a time.
    page.get_by_role("link", name="Overview", exact=True).click()
    page.get_by_role("link", name="Scenarios", exact=True).click()
    expect(page.locator("#outcome")).to_contain_text("Every expectation held.")
    page.get_by_label("scenario", exact=True).select_option("C2")
    page.get_by_label("speed").select_option("1")
    page.get_by_role("button", name="scenario Run").click()
    expect(page.locator("#story")).to_contain_text("machine-room off", timeout=60_000)
    expect(page.get_by_role("button", name="scenario Run")).to_be_disabled()
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#outcome")).to_have_text("Stopped before its end.")
    expect(page.get_by_role("button", name="scenario Run")).to_be_enabled()


def test_a_bmc_shows_its_sensors_and_its_log(page: Page, live: Live) -> None:
    live.tell("server2.bmc fan_stop")
    page.goto(f"{live.url}/#/devices/server2.bmc")
    expect(page.locator("#inside")).to_contain_text("Inlet Temp")
    page.get_by_label("search: Sensors").fill("Fan1")
    expect(page.locator("#inside section").first.locator("tbody tr:visible")).to_contain_text("0 rpm")
    log = page.locator("#inside section").last
    expect(log).to_contain_text("asserted")
    page.get_by_label("search: Log").fill("no such thing")
    expect(log.locator("tbody tr:visible")).to_have_count(0)
    page.get_by_label("search: Log").fill("Fan1")
    expect(log.locator("tbody tr:visible").first).to_contain_text("Fan1")
    live.tell("server2.bmc clear")


def test_events_are_filtered_and_show_their_evidence(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/#/events")
    live.tell("city off")
    expect(page.locator('#stream li[data-type="ups.input.lost"]').first).to_be_visible()
    expect(page.locator("#open")).to_contain_text("input power lost")
    page.get_by_label("search").fill("UPS2")
    expect(page.locator("#stream > li", has_text="UPS1")).to_have_count(0)
    page.get_by_label("severity").select_option("critical")
    expect(page.locator('#stream > li[data-type="power.outage.confirmed"]').first).to_contain_text(
        "UPS2", timeout=20_000
    )
    expect(page.locator('#stream > li[data-type="ups.input.lost"]')).to_have_count(0)
    page.get_by_label("severity").select_option("warning")
    lost = page.locator('#stream > li[data-type="ups.input.lost"]').first
    lost.locator("summary").click()
    expect(lost.locator("details")).to_contain_text("upsOnBattery")
    expect(lost.locator("details")).to_contain_text("1.3.6.1.4.1.318.0.5")
    row = lost.locator(".record tbody tr", has_text="specific-trap")
    expect(row.locator("td").last).to_have_text("5")
    expect(lost.locator(".record pre")).to_contain_text("30 ")
    expect(lost.locator(".record p")).to_contain_text("127.0.1.")
    live.tell("city on")
    row = page.locator("#cleared tbody tr", has_text="UPS2").filter(has_text="input")
    expect(row.first.locator("td").nth(2)).to_have_text(re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$"))
    expect(row.first).to_contain_text("input power is back")
    expect(page.locator("#open")).to_have_text("no condition")


def test_deliveries_are_held_and_go_on(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/#/delivery")
    expect(page.locator("main tbody tr", has_text="stream")).to_be_visible()
    page.get_by_role("button", name="log pause").click()
    expect(page.locator("main tbody tr", has_text="log")).to_contain_text("paused")
    live.tell("server1.bmc chassis_opened")
    expect(page.locator('[data-backlog="log"]')).not_to_have_text("0")
    page.get_by_role("button", name="log resume").click()
    expect(page.locator('[data-backlog="log"]')).to_have_text("0")
    page.get_by_role("button", name="log Redeliver").click()
    expect(page.locator("#message")).to_contain_text("log")


def test_the_groups_are_those_of_the_status_verb(page: Page, live: Live) -> None:
    page.goto(f"{live.url}/#/groups")
    expect(page.locator("main tbody tr", has_text="UPS1")).to_contain_text("normal, on")
    shown = [row.split("\t")[0].strip() for row in page.locator("main tbody").inner_text().splitlines()]
    assert shown == ["cluster-power", "node1", "UPS1", "server1", "node2", "UPS2", "server2"]
    expect(page.locator("#tree")).to_contain_text("linked terminals: server1")


def test_every_control_is_one_that_a_test_here_uses(page: Page, live: Live) -> None:
    """A control that is added to a page is added here, and to the test that works it."""
    bmc = ["server.bmc Inject", "server.bmc Recovery starts", "server.bmc Recovery ends", "fault of server.bmc"]
    ups = ["Command: UPS", "UPS Send", "Input: UPS", "arguments: UPS", "UPS Inject", "search: Objects"]
    inside = ["Serial console, Input: server.bmc", "Send", "search: Sensors", "search: Log"]
    expected = {
        "": ["city Off", "city On", "UPS Output off", "UPS Output on", *bmc],
        "#/devices": [],
        "#/devices/UPS1": ["UPS On", "UPS Off", *ups],
        "#/devices/server1.bmc": [name.replace("UPS", "server.bmc") for name in ups[:-1]] + inside,
        "#/events": ["search", "severity"],
        "#/delivery": ["log Pause", "log Redeliver"],
        "#/groups": [],
        "#/scenarios": ["scenario", "speed", "scenario Run"],
    }
    script = (
        "[...document.querySelectorAll('main button, main input, main select')]"
        ".map((node) => node.getAttribute('aria-label') ?? node.textContent)"
    )
    for path, names in expected.items():
        page.goto(f"{live.url}/{path}")
        page.reload()
        expect(page.locator("#link")).to_have_text("connected")
        seen: set[str] = set()
        while not set(names) <= seen:  # the test's own timeout bounds this
            seen = {re.sub(r"\d", "", name) for name in page.evaluate(script)}
        assert seen == set(names), path


def test_many_devices_are_lines_with_what_hangs_on_them(page: Page, tmp_path: Path) -> None:
    document = generated(40, 40, "smart-ups-1400-100v")
    document["ports"] |= {name: free_port() for name in ("snmp", "trap", "ipmi", "echo")}
    with running(document, tmp_path) as live:
        page.goto(live.url)
        below = page.locator('[data-device="UPS0003"] [data-device="server0003"] [data-device="server0003.bmc"] .state')
        expect(below).to_have_text("running")
        assert page.locator("[data-device]").count() == 1 + 40 + 40 + 40
        assert page.locator("#wires path").count() == 0
        live.tell("UPS0003 button_off")
        expect(page.locator('[data-device="UPS0003"] > h3 .state')).to_have_text("off")
        expect(page.locator('[data-device="server0003"] > h3 .state')).to_have_text("off")
        page.get_by_role("link", name="UPS0003", exact=True).click()
        expect(page.locator("#device")).to_have_text("UPS0003")
        for width in (1400, 400):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(live.url)
            expect(page.locator("[data-device]")).to_have_count(121)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.goto("about:blank")


def test_japanese_for_those_who_read_it(browser: Browser, live: Live) -> None:
    context = browser.new_context(locale="ja-JP")
    page = context.new_page()
    page.goto(f"{live.url}/#/groups")
    expect(page.locator("nav a").first).to_have_text("概要")
    expect(page.locator("main tbody")).to_contain_text("正常ON")
    assert page.evaluate("document.documentElement.lang") == "ja"
    page.get_by_label("language").select_option("en")
    expect(page.locator("nav a").first).to_have_text("Overview")
    page.reload()
    expect(page.locator("nav a").first).to_have_text("Overview")
    context.close()


def test_what_is_asked_for_has_words_in_japanese() -> None:
    known = (CONSOLE / "texts.js").read_text(encoding="utf-8")
    asked = {title for _, title in ROWS}
    for path in CONSOLE.glob("*.js"):
        asked |= set(re.findall(r'\bt\("([^"]+)"\)', path.read_text(encoding="utf-8")))
    assert len(ROWS) >= 6
    assert [text for text in sorted(asked) if f'"{text}":' not in known] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_in_the_way_of_anybody(browser: Browser, live: Live, scheme: Any) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1400, "height": 900}, bypass_csp=True)
    page = context.new_page()
    judge = Axe()
    for path in PAGES:
        page.goto(f"{live.url}/{path}")
        page.reload()
        expect(page.locator("#link")).to_have_text("connected")
        expect(page.locator("main section").first).to_be_visible()
        found = judge.run(page).response
        serious = [item for item in found["violations"] if item["impact"] in SERIOUS]
        told = [(item["id"], item["help"], item["nodes"][0]["html"][:200]) for item in serious]
        assert told == [], f"{path}: {json.dumps(told, indent=1)}"
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_nothing_overflows(page: Page, live: Live, path: str) -> None:
    for width in (1400, 700, 400):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(f"{live.url}/{path}")
        page.reload()
        expect(page.locator("#link")).to_have_text("connected")
        expect(page.locator("main section").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
