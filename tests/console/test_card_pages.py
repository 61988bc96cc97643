"""The pages of a card in a real browser: log-on, clock, account, access control and trap receivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.live import Live, running, sample, tool

NAME = "1.3.6.1.2.1.1.5.0"
ACCESS = [
    {"community": "public", "manager": "any", "type": "write"},
    {"community": "always", "manager": "any", "type": "write+"},
]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    document = sample("a1080a-pair.yaml")
    document["ups"]["UPS1"]["access"] = ACCESS
    with running(document, tmp_path_factory.mktemp("rig")) as rig:
        yield rig


def url(live: Live, path: str = "/") -> str:
    return f"http://127.0.1.1:{live.ports['http']}{path}"


def log_on(page: Page, live: Live, name: str = "apc", password: str = "apc") -> None:
    page.goto(url(live))
    page.get_by_label("User Name").fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log On").click()


def write(live: Live, community: str, text: str) -> bool:
    words = ["snmpset", "-v2c", "-c", community, "-r", "0", live.card("UPS1"), NAME, "s", text]
    return f'"{text}"' in tool("bash", "-c", '"$@" 2>&1; true', "-", *words)


def test_the_top_page_names_address_and_model(page: Page, live: Live, tmp_path: Path) -> None:
    log_on(page, live)
    expect(page.locator("header")).to_contain_text("127.0.1.1")
    expect(page.locator("header")).to_contain_text("SMART-UPS 1400")
    expect(page.locator("table")).to_contain_text("On line")
    expect(page.locator("table")).to_contain_text("QS0148221236")
    live.tell("UPS1 link_down")
    page.reload()
    expect(page.locator("header")).not_to_contain_text("SMART-UPS")  # how people see that card and UPS do not talk
    live.tell("UPS1 link_up")
    page.screenshot(path=tmp_path / "status.png")
    page.get_by_role("link", name="Log Off").click()
    expect(page.locator("main")).to_contain_text("You are logged off.")


def test_somebody_logged_on_blocks_write_and_not_write_plus(page: Page, live: Live) -> None:
    assert write(live, "public", "before")
    log_on(page, live)
    expect(page.locator("h1")).to_have_text("Status")
    assert not write(live, "public", "blocked")
    assert write(live, "always", "through")
    page.get_by_role("link", name="Log Off").click()
    expect(page.locator("h1")).to_have_text("Log On")
    assert write(live, "public", "after")


def test_a_wrong_password_is_refused_and_told(page: Page, live: Live) -> None:
    log_on(page, live, password="wrong")
    expect(page.locator("main")).to_contain_text("Wrong user name or password.")
    expect(page.locator("h1")).to_have_text("Log On")
    assert "security.access_violation" in live.ridethrough("events", "--json")
    page.goto(url(live, "/network/snmp"))
    expect(page.locator("h1")).to_have_text("Log On")  # no page without a session


def test_the_clock(page: Page, live: Live) -> None:
    log_on(page, live)
    page.get_by_role("link", name="Date & Time").click()
    manual = page.locator("form").first
    manual.get_by_label("date").fill("11/21/2026")
    manual.get_by_label("time").fill("12:34:56")
    manual.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("The clock is set.")
    shown = tool("snmpget", "-v1", "-c", "always", live.card("UPS1"), "1.3.6.1.4.1.318.2.1.6.1.0")
    assert '"11/21/2026"' in shown
    manual.get_by_label("date").fill("2026-11-21")
    manual.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_contain_text("expected mm/dd/yyyy")
    page.locator("#local").get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("The clock is set.")
    page.get_by_role("link", name="Log Off").click()


def test_access_control_and_trap_receivers(page: Page, live: Live, tmp_path: Path) -> None:
    log_on(page, live)
    page.get_by_role("link", name="Network: SNMP").click()
    access, receivers = page.locator("form").nth(0), page.locator("form").nth(1)
    access.get_by_label("community2").fill("narrow")
    access.get_by_label("manager2").fill("192.0.2.255")
    access.get_by_label("type2").select_option("write+")
    access.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("Access control is changed.")
    assert not write(live, "narrow", "no")  # from an address that the row does not cover
    access.get_by_label("manager2").fill("127.0.0.1")
    access.get_by_role("button", name="Apply").click()
    assert write(live, "narrow", "yes")
    access.get_by_label("manager2").fill("nowhere")
    access.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("'nowhere' is not an address.")
    receivers.get_by_label("receiver1").fill("192.0.2.77")
    receivers.get_by_label("generation1").select_option("disabled")
    receivers.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("Trap receivers are changed.")
    row = "1.3.6.1.4.1.318.2.1.2.1"
    shown = tool("snmpget", "-v1", "-c", "always", live.card("UPS1"), f"{row}.2.2", f"{row}.5.2")
    assert "IpAddress: 192.0.2.77" in shown
    assert "INTEGER: 2" in shown
    receivers.get_by_role("button", name="Send a test trap").click()
    expect(page.get_by_role("status")).to_have_text("A test trap is sent.")
    assert "apcTestTrap" in live.ridethrough("events", "--json")
    expect(page.locator("main")).to_contain_text("apc snmp profile4")  # as from the factory: disabled
    page.screenshot(path=tmp_path / "snmp.png", full_page=True)
    page.get_by_role("link", name="Log Off").click()


def test_the_account_is_changed_and_needed_from_then_on(page: Page, live: Live) -> None:
    log_on(page, live)
    page.get_by_role("link", name="User Manager").click()
    form = page.locator("form")
    form.get_by_label("name").fill("boss")
    form.get_by_label("Password", exact=True).fill("secret")
    form.get_by_label("Confirm Password").fill("other")
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("The two passwords differ.")
    form.get_by_label("name").fill("boss")
    form.get_by_label("Password", exact=True).fill("secret")
    form.get_by_label("Confirm Password").fill("secret")
    form.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("status")).to_have_text("The account is changed.")
    page.get_by_role("link", name="Log Off").click()
    log_on(page, live)
    expect(page.locator("main")).to_contain_text("Wrong user name or password.")
    log_on(page, live, "boss", "secret")
    expect(page.locator("h1")).to_have_text("Status")
    page.get_by_role("link", name="Log Off").click()
