"""What the console shows of a device is what its own clients are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.support.live import running, sample, tool
from tests.support.terminal import terminal

UNITS = {"degrees C": "°C", "Volts": "V", "Watts": "W", "RPM": "rpm"}


def test_sensors_are_those_of_ipmitool_and_objects_those_of_snmpget(tmp_path: Path) -> None:
    with running(sample("a1080a-pair.yaml"), tmp_path) as live:
        printed = tool("ipmitool", "-I", "lanplus", *live.bmc("server1"), "sensor")
        shown = {row["name"]: row for row in live.lab("devices/server1.bmc/inside")["sensors"]}
        rows = [[cell.strip() for cell in line.split("|")] for line in printed.splitlines()]
        measured = [row for row in rows if row[2] in UNITS and row[1] != "na"]
        assert {row[2] for row in measured} == set(UNITS)
        for name, value, unit, *_ in measured:
            assert (float(value), UNITS[unit]) == (shown[name]["value"], shown[name]["unit"]), name

        objects = {row["name"]: row for row in live.lab("devices/UPS1/inside")["objects"]}
        model = objects["upsBasicIdentModel.0"]
        answer = tool("snmpget", "-v1", "-c", "public", "-Oqv", live.card("UPS1"), model["oid"])
        assert answer.strip().strip('"') == model["value"]


def test_the_serial_console_over_http_is_the_one_that_sol_shows(tmp_path: Path) -> None:
    with running(sample("a1080a-pair.yaml"), tmp_path) as live:

        def ask(place: str, body: bytes | None = None) -> dict[str, Any]:
            try:
                with urlopen(Request(f"{live.url}/lab/v1/devices/{place}", data=body), timeout=20) as answer:
                    return dict(json.load(answer))
            except HTTPError as error:
                return {**json.load(error), "status": error.code}

        assert ask("UPS1/console")["detail"] == "UPS1 has no serial console; BMCs have"
        assert ask("nosuch/console")["status"] == 404
        assert ask("server1.bmc/console", b'{"text": 7}')["status"] == 400
        assert ask("server1.bmc/console?after=x")["status"] == 422
        before = ask("server1.bmc/console")
        assert before["text"].endswith("server1 login: ")
        with terminal("ipmitool", "-I", "lanplus", *live.bmc("server1"), "sol", "activate") as sol:
            sol.until("SOL Session operational")
            assert ask("server1.bmc/console", b'{"text": "operator\\r"}')["next"] > before["next"]
            sol.until("operator\r\nPassword: ")
            assert ask(f"server1.bmc/console?after={before['next']}")["text"] == "operator\r\nPassword: "
            sol.type("\r~.")
            sol.until("terminated")
