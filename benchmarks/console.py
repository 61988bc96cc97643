"""`make bench-console`: how soon the console of a large rig is there, in headless Chromium."""

from __future__ import annotations

import platform
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from ridethrough.rigs.rigfile.generate import generated
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import running

REPEATS = 5
FLAGS = ["--no-sandbox", "--disable-gpu"]
PAINT = "performance.getEntriesByType('paint').find((entry) => entry.name === 'first-contentful-paint').startTime"


def main(devices: int) -> None:
    document = generated(devices // 2, devices // 2, "smart-ups-1400-100v")
    document["ports"] |= {"snmp": free_port(), "trap": free_port(), "ipmi": free_port(), "echo": free_port()}
    paints, complete = [], []
    with tempfile.TemporaryDirectory() as folder, running(document, Path(folder)) as live, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for _ in range(REPEATS):
            page = browser.new_context(viewport={"width": 1400, "height": 900}).new_page()
            page.goto(live.url)
            page.wait_for_function(f"document.querySelectorAll('[data-device] .state').length >= {devices}")
            complete.append(float(page.evaluate("performance.now()")))
            paints.append(float(page.evaluate(PAINT)))
            if len(sys.argv) > 2:
                page.screenshot(path=sys.argv[2])
            page.close()
        browser.close()
    print(
        f"{platform.machine()}, Python {platform.python_version()}, {devices} devices and their BMCs, {REPEATS} visits"
    )
    for name, values in (("first contentful paint, ms", paints), ("every device drawn, ms", complete)):
        print(f"{name:<28}{min(values):8.0f}{statistics.median(values):8.0f}{max(values):8.0f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
