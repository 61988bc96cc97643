"""NUT's snmp-ups driver, which reads a card the way most of its users do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.support.live import Live

DRIVER = "/lib/nut/snmp-ups"


def dump(pair: Live, card: str, folder: Path, version: str) -> dict[str, str]:
    """One pass of the driver over a card, as `variable: value`."""
    folder.chmod(0o755)
    config = folder / "ups.conf"
    config.write_text(
        f"[card]\ndriver = snmp-ups\nport = {pair.card(card)}\ncommunity = public\nsnmp_version = {version}\n"
    )
    environment = {**os.environ, "NUT_CONFPATH": str(folder), "NUT_STATEPATH": str(folder)}
    done = subprocess.run(
        [DRIVER, "-a", "card", "-d", "1", "-u", "root"],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)


def test_the_driver_finds_and_reads_the_card(pair: Live, tmp_path: Path) -> None:
    values = dump(pair, "UPS1", tmp_path, "v1")
    assert values["ups.model"] == "SMART-UPS 1400"
    assert values["ups.serial"] == "QS0148221236"
    assert values["ups.firmware"] == "70.14S.A"
    assert values["ups.status"] == "OL"
    assert values["input.voltage"].startswith("100")
    assert values["battery.charge"].startswith("100")
    assert values["input.transfer.high"] == "108"
    assert values["input.transfer.low"] == "92"
    assert values["driver.version.data"].startswith("apcc")


def test_the_driver_sees_an_outage(pair: Live, tmp_path: Path) -> None:
    pair.tell("city off")
    try:
        values = dump(pair, "UPS2", tmp_path, "v2c")
    finally:
        pair.tell("city on")
    assert values["ups.status"] == "OB"
    assert values["output.voltage"].startswith("100")
