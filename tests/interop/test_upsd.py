"""Commands and settings by NUT's `upscmd` and `upsrw`, through its server and its snmp-ups driver."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ridethrough.rigs.rigfile.ports import free_port
from tests.support.clients import find
from tests.support.isolation import as_ordinary_user
from tests.support.live import Live, running, sample, tool


class Server:
    """A running upsd with one UPS, `card`."""

    def __init__(self, port: int) -> None:
        self.name = f"card@127.0.0.1:{port}"
        self.operator = ["-u", "operator", "-p", "operator"]

    def values(self) -> dict[str, str]:
        """What `upsc` prints; empty while the server or its driver does not answer yet."""
        done = subprocess.run(["upsc", self.name], capture_output=True, text=True, timeout=20, check=False)
        return dict(line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line)

    def until(self, right: Callable[[dict[str, str]], bool], limit_s: float = 60) -> dict[str, str]:
        """Ask until the values are right; the driver asks the card once a second."""
        deadline = time.monotonic() + limit_s
        while not right(values := self.values()):
            assert time.monotonic() < deadline, values
        return values

    def command(self, name: str) -> None:
        assert "OK" in tool("upscmd", *self.operator, self.name, name)

    def write(self, name: str, value: str) -> None:
        assert "OK" in tool("upsrw", "-s", f"{name}={value}", *self.operator, self.name)


@contextmanager
def upsd(pair: Live, card: str, folder: Path) -> Iterator[Server]:
    """Driver and server in the foreground, as two processes."""
    folder.chmod(0o755)
    port = free_port()
    (folder / "ups.conf").write_text(
        f"[card]\ndriver = snmp-ups\nport = {pair.card(card)}\ncommunity = public\nsnmp_version = v1\npollfreq = 1\n"
    )
    (folder / "upsd.conf").write_text(f"LISTEN 127.0.0.1 {port}\n")
    (folder / "upsd.users").write_text("[operator]\npassword = operator\nactions = SET\ninstcmds = ALL\n")
    environment = {**os.environ, "NUT_CONFPATH": str(folder), "NUT_STATEPATH": str(folder)}
    processes = []
    with (folder / "output").open("w") as output:
        for command in ([find("nut/snmp-ups"), "-a", "card"], [find("nut/upsd")]):
            words = [*as_ordinary_user(), *map(str, command), "-D", "-u", "root"]
            processes.append(subprocess.Popen(words, stdout=output, stderr=output, env=environment))
    try:
        server = Server(port)
        server.until(lambda values: "ups.status" in values)
        yield server
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=20)


def test_a_self_test_is_ordered_and_its_result_read(pair: Live, tmp_path: Path) -> None:
    with upsd(pair, "UPS1", tmp_path) as server:
        server.command("test.battery.start")
        server.until(lambda values: values["ups.test.result"] == "TestInProgress")
        values = server.until(lambda values: values["ups.test.result"] == "Ok")
        assert values["input.transfer.reason"] == "selfTest"
        assert server.until(lambda values: values["ups.status"] == "OL")


def test_the_load_is_switched_off_and_on(pair: Live, tmp_path: Path) -> None:
    with upsd(pair, "UPS2", tmp_path) as server:
        server.command("load.off")
        assert server.until(lambda values: "OFF" in values["ups.status"])["output.voltage"].startswith("0")
        server.command("load.on")
        assert server.until(lambda values: values["ups.status"] == "OL")["output.voltage"].startswith("100")


def test_a_name_is_written_and_a_number_sent_as_a_string_is_refused(pair: Live, tmp_path: Path) -> None:
    with upsd(pair, "UPS2", tmp_path) as server:
        # NUT 2.8.0 sends transfer voltages as OCTET STRING; a card answers badValue, and upsrw says OK all the same.
        server.write("input.transfer.low", "88")
        server.write("ups.id", "RACK-7")
        server.until(lambda values: values["ups.id"] == "RACK-7")
    refusals = [line for line in (tmp_path / "output").read_text().splitlines() if "can't set" in line]
    assert len(refusals) == 1
    assert ".1.3.6.1.4.1.318.1.1.1.5.2.3.0: Error in packet: (badValue)" in refusals[0]


def test_a_whole_outage_with_the_order_to_come_back(tmp_path: Path) -> None:
    """On battery, low battery, the order that NUT gives at its end, off, and back by itself when the line returns."""
    document = sample("a1080a-pair.yaml")
    document["ups"]["UPS2"]["settings"] = {"shutoff_delay_s": 20, "return_delay_s": 60, "low_battery_s": 120}
    with running(document, tmp_path, "--speed", "10") as live, upsd(live, "UPS2", tmp_path) as server:
        server.until(lambda values: values["ups.status"] == "OL")
        live.tell("city off")
        server.until(lambda values: values["ups.status"] == "OB")
        live.tell("UPS2 charge 2")
        server.until(lambda values: values["ups.status"] == "OB LB")
        server.command("shutdown.return")
        server.until(lambda values: "OFF" in values["ups.status"])
        live.tell("city on")
        live.tell("UPS2 charge 50")
        values = server.until(lambda values: values["ups.status"] == "OL")
        assert values["output.voltage"].startswith("100")
