"""What the console shows of a device is what its own clients are told."""

from __future__ import annotations

from pathlib import Path

from tests.support.live import running, sample, tool

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
