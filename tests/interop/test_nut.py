"""NUT's snmp-ups driver, which reads a card the way most of its users do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from ridethrough.emulators.devices.psu.model import STANDBY_W
from tests.support.clients import find
from tests.support.isolation import as_ordinary_user
from tests.support.live import Live, american_sample, running


def dump(pair: Live, card: str, folder: Path, version: str) -> dict[str, str]:
    """One pass of the driver over a card, as `variable: value`."""
    folder.chmod(0o755)
    config = folder / "ups.conf"
    config.write_text(
        f"[card]\ndriver = snmp-ups\nport = {pair.card(card)}\ncommunity = public\nsnmp_version = {version}\n"
    )
    environment = {**os.environ, "NUT_CONFPATH": str(folder), "NUT_STATEPATH": str(folder)}
    done = subprocess.run(
        [*as_ordinary_user(), str(find("nut/snmp-ups")), "-a", "card", "-d", "1", "-u", "root"],
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


# What `upsc` showed for the recorded card itself, replayed.
RECORDED_1500_XLM = {
    "battery.charge": "100",
    "battery.charge.restart": "0",
    "battery.current": "0",
    "battery.date": "05/02/14",
    "battery.packs": "0",
    "battery.runtime": "2400",
    "battery.runtime.low": "120",
    "battery.voltage": "54.50",
    "device.serial": "QS1345140011",
    "driver.version.data": "apcc MIB 1.6",
    "input.frequency": "60",
    "input.sensitivity": "medium",
    "input.transfer.high": "127",
    "input.transfer.low": "106",
    "input.transfer.reason": "blackout",
    "input.voltage": "120.90",
    "input.voltage.maximum": "120.90",
    "input.voltage.minimum": "120.20",
    "output.current": "3.90",
    "output.frequency": "60",
    "output.voltage": "120.90",
    "output.voltage.nominal": "120",
    "ups.delay.shutdown": "270",
    "ups.delay.start": "0",
    "ups.firmware": "716.3.D",
    "ups.id": "UPS_IDEN",
    "ups.load": "32.50",
    "ups.mfr.date": "11/02/13",
    "ups.model": "Smart-UPS 1500 XLM",
    "ups.status": "OL",
    "ups.temperature": "31.50",
    "ups.test.date": "07/11/2018",
    "ups.test.result": "Ok",
}


def test_a_recorded_card_looks_to_nut_as_it_did_when_it_was_replayed(tmp_path: Path) -> None:
    document = american_sample()
    # The load, the line and their history as they were at the recorded card.
    document["servers"]["server2"]["load_w"] = 471.6 - STANDBY_W  # and what its supply takes for itself
    document["mains"]["us"]["volts"] = 120.9
    with running(document, tmp_path, "--speed", "10") as live:
        live.tell("us off")
        live.until("UPS2", lambda state: state["fail_cause"] == "blackout")
        live.tell("us on")
        live.tell("us volts 120.2")
        live.wait(61)  # the extremes are those of the last minute
        live.until("UPS2", lambda state: state["charge_percent"] == 100 and state["battery_celsius"] == 31.5)
        live.tell("us volts 120.9")
        values = dump(live, "UPS2", tmp_path, "v1")
    assert {name: values.get(name) for name in RECORDED_1500_XLM} == RECORDED_1500_XLM
