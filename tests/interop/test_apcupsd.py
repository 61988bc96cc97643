"""apcupsd, which asks a card by SNMPv1 GETNEXT: eighteen objects in one packet, each without its `.0`."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ridethrough.rigs.rigfile.ports import free_port
from tests.emulators.rig import profile_with
from tests.support.clients import find
from tests.support.live import Live, american_sample, running, sample


class Daemon:
    """A running apcupsd and the address at which it tells what it knows."""

    def __init__(self, address: str) -> None:
        self.address = address

    def values(self) -> dict[str, str]:
        """What `apcaccess` prints, as `NAME: value`; empty while the daemon does not answer yet."""
        done = subprocess.run(
            [str(find("apcaccess")), "-h", self.address], capture_output=True, text=True, timeout=20, check=False
        )
        pairs = (line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
        return {name.strip(): value.strip() for name, value in pairs}

    def until(self, limit_s: float = 60, **expected: str) -> dict[str, str]:
        """Ask until the daemon reports all of these at once; it learns them one by one, once a second."""
        deadline = time.monotonic() + limit_s
        while not expected.items() <= (values := self.values()).items():
            assert time.monotonic() < deadline, (expected, values)
        return values


@contextmanager
def apcupsd(pair: Live, card: str, folder: Path, *, vendor: str = "APC_NOTRAP", poll_s: int = 1) -> Iterator[Daemon]:
    """The daemon itself, reading one card of a rig.

    With `_NOTRAP` it leaves UDP port 162 alone, which in most tests is nobody's.
    """
    address = f"127.0.0.1:{free_port()}"
    config = folder / "apcupsd.conf"
    config.write_text(
        "## apcupsd.conf v1.1 ##\n"
        f"UPSCABLE ether\nUPSTYPE snmp\nPOLLTIME {poll_s}\nONBATTERYDELAY 0\n"
        f"DEVICE {pair.card(card)}:{vendor}:public\n"
        f"LOCKFILE {folder}\nSCRIPTDIR {folder}\nPWRFAILDIR {folder}\nNOLOGINDIR {folder}\n"
        f"EVENTSFILE {folder}/events\nSTATFILE {folder}/status\n"
        # The end of a battery must not shut down the machine that runs the tests.
        "BATTERYLEVEL -1\nMINUTES -1\n"
        f"NETSERVER on\nNISIP 127.0.0.1\nNISPORT {address.rpartition(':')[2]}\n"
    )
    with (folder / "output").open("w") as output:
        process = subprocess.Popen([str(find("apcupsd")), "-b", "-f", str(config)], stdout=output, stderr=output)
    try:
        yield Daemon(address)
    finally:
        process.terminate()
        process.wait(timeout=20)


# What apcupsd showed for the recorded card itself; LOADPCT, TIMELEFT, ITEMP and BATTV are measured, so the model's.
RECORDED_1500_XLM = {
    "STATUS": "ONLINE",
    "MODEL": "Smart-UPS 1500 XLM",
    "BCHARGE": "100.0 Percent",
    "OUTPUTV": "120.0 Volts",
    "SENSE": "Medium",
    "DSHUTD": "90 Seconds",
    "DLOWBATT": "2 Minutes",
    "LOTRANS": "106.0 Volts",
    "HITRANS": "127.0 Volts",
    "RETPCT": "0.0 Percent",
    "ALARMDEL": "5 Seconds",
    "LINEFREQ": "60.0 Hz",
    "SELFTEST": "OK",
    "STESTI": "336",
    "SERIALNO": "QS1345140011",
    "MANDATE": "11/02/13",
    "BATTDATE": "05/02/14",
    "NOMOUTV": "120 Volts",
    "EXTBATTS": "0",
    "FIRMWARE": "716.3.D",
}


def test_a_recorded_card_looks_to_apcupsd_as_it_did_when_it_was_replayed(tmp_path: Path) -> None:
    with running(american_sample(), tmp_path) as live, apcupsd(live, "UPS2", tmp_path) as daemon:
        values = daemon.until(STATUS="ONLINE", FIRMWARE="716.3.D")
    assert {name: values.get(name) for name in RECORDED_1500_XLM} == RECORDED_1500_XLM


def test_the_daemon_sees_an_outage_and_its_end(pair: Live, tmp_path: Path) -> None:
    with apcupsd(pair, "UPS2", tmp_path) as daemon:
        daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")
        pair.tell("city off")
        try:
            daemon.until(STATUS="ONBATT", LINEV="0.0 Volts", NUMXFERS="1")
        finally:
            pair.tell("city on")
        daemon.until(STATUS="ONLINE", OUTPUTV="100.0 Volts")


def test_a_trap_wakes_the_daemon_at_once(tmp_path: Path) -> None:
    document = sample("a1080a-pair.yaml")
    # The daemon takes port 162 of every address, so the gateway of this rig listens elsewhere.
    document["ups"]["UPS2"]["traps"] = [{"receiver": "127.0.0.6"}]
    document["gateway"]["listen"] = [{"address": "127.0.0.1", "port": free_port()}]
    document["ports"]["trap"] = 162
    with running(document, tmp_path) as live, apcupsd(live, "UPS2", tmp_path, vendor="APC", poll_s=300) as daemon:
        daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")
        live.tell("city off")
        daemon.until(STATUS="ONBATT", LINEV="0.0 Volts")  # within the minute this waits, of five between polls
        live.tell("city on")
        daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")


def test_a_silent_card_is_lost_after_failed_polls_and_found_again(pair: Live, tmp_path: Path) -> None:
    with apcupsd(pair, "UPS1", tmp_path) as daemon:
        daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")
        pair.tell("UPS1 mute")
        try:
            daemon.until(STATUS="COMMLOST")
        finally:
            pair.tell("UPS1 unmute")
        daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")


def kill_power(folder: Path) -> str:
    """What `apcupsd --killpower` says, after an outage that led to it."""
    (folder / "powerfail").touch()
    command = [str(find("apcupsd")), "-f", str(folder / "apcupsd.conf"), "--killpower"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("lenient", [False, True])
def test_kill_power_works_only_with_a_card_that_takes_objects_without_instance(
    tmp_path: Path, *, lenient: bool
) -> None:
    document = sample("a1080a-pair.yaml")
    changes = [("setting_step_s: 5", "lenient_set: true\n  setting_step_s: 5")] if lenient else []
    document["ups"]["UPS2"]["profile"] = profile_with(tmp_path, "smart-ups-1400-100v", "", *changes)
    document["ups"]["UPS2"]["settings"] = {"shutoff_delay_s": 20}
    with running(document, tmp_path) as live:
        with apcupsd(live, "UPS2", tmp_path) as daemon:
            daemon.until(STATUS="ONLINE", LINEV="100.0 Volts")
            live.tell("city off")
            daemon.until(STATUS="ONBATT")
        said = kill_power(tmp_path)
        pending = live.world("UPS2")["off_in_s"]
        if lenient:
            assert pending is not None, said
            assert 0 < pending <= 20
        else:
            assert pending is None, said  # a real card refuses, and so the outlets stay on
