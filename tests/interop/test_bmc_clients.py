"""The emulated BMC under ipmitool, FreeIPMI, pyghmi, fence_ipmilan and the Prometheus exporter, on its own port."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from urllib.request import urlopen

import pytest

from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire import pet
from tests.emulators.rig import Desk
from tests.support.bmcs import HOSTS, freeipmi, ipmitool
from tests.support.clients import find
from tests.support.live import Live, tool

# --- every subsystem ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("mc guid", "System GUID"),
        ("mc selftest", "Selftest: passed"),
        ("mc getenables", "System Event Logging                     : enabled"),
        ("mc getsysinfo system_name", "server1"),
        ("mc watchdog get", "Watchdog Timer Is:      Stopped"),
        ("chassis status", "Power Restore Policy : always-on"),
        ("chassis poh", "POH Counter"),
        ("chassis restart_cause", "System restart cause: unknown"),
        ("chassis policy list", "always-off always-on previous"),
        ("chassis bootparam get 5", "Boot Flag Invalid"),
        ("sel info", "# of Alloc Units : 512"),
        ("sel time get", " UTC"),
        ("sdr info", "Record Count                        : 22"),
        ("sdr list all", "express5800-a108 | Dynamic MC @ 20h  | ok"),
        ("sensor list", "Fan2             | 6000.000   | RPM        | ok    | na        | 500.000   | 1000.000"),
        ("sensor get Fan1", "Lower Critical        : 500.000"),
        ("fru print", "Product Part Number   : N8100-A1080"),
        ("user list 1", "2   admin            true    false      true       ADMINISTRATOR"),
        ("user summary 1", "Enabled User Count  : 2"),
        ("lan print 1", "RMCP+ Cipher Suites     : 1,2,3,6,7,8,11,12,15,16,17"),
        ("lan alert print 1", "Alert Destination       : 4"),
        ("lan stats get 1", "UDP Rx Packet"),
        ("channel info 1", "Access Mode         : always available"),
        ("channel getciphers ipmi 1", "17   N/A     hmac_sha256     sha256_128      aes_cbc_128"),
        ("session info active", "session type                  : IPMIv2/RMCP+"),
        ("pef info", "Alert,Power-off,Reset,Power-cycle,Diagnostic-interrupt"),
        ("pef status", "PEF,PEF event messages"),
        ("pef filter list", "1 | enabled, pre-configured | Temperature | Any | Non-recoverable | Threshold"),
        ("sol info 1", "Payload Port                    : 623"),
        ("sol payload status 1 2", "User 2 on channel 1 is enabled"),
        ("dcmi discover", "Power management available"),
        ("dcmi power reading", "Instantaneous power reading:                   200 Watts"),
        ("dcmi sensors", "Record ID 0x0002: CPU1 Temp        | 47 degrees C      | ok"),
        ("dcmi get_mc_id_string", "server1.bmc"),
        ("dcmi get_temp_reading", "Inlet air temperature(40h)"),
        ("raw 0x2e 0xc0 0x77 0x00 0x00", "77 00 00 01 00 05 0a 00 78 00 2c 01 00 00"),
        ("raw 0x06 0x01", "20 81 01 02 02 8f 77 00 00 10 40 00 00 00 00"),
    ],
)
def test_what_ipmitool_shows(bmcs: Live, words: str, shown: str) -> None:
    assert shown in ipmitool(bmcs, *words.split())


def test_ipmitool_changes_what_it_then_reads(bmcs: Live) -> None:
    server = 8

    def say(words: str) -> str:
        return ipmitool(bmcs, *words.split(), server=server)

    say("chassis policy previous")
    assert "Power Restore Policy : previous" in say("chassis status")
    say("chassis identify force")
    assert bmcs.world("server8.bmc")["identify"]
    say("chassis identify 0")
    say("chassis bootdev pxe options=efiboot,persistent")
    assert "Force PXE" in say("chassis bootparam get 5")
    say("chassis power cycle")
    bmcs.until("server8", lambda state: state["state"] == "running")
    assert "chassis power control command" in say("chassis restart_cause")
    assert bmcs.world("server8.bmc")["booted_from"] == "pxe"
    say("sensor thresh Fan1 lower 0 700 1200")
    assert "Lower Critical        : 700.000" in say("sensor get Fan1")
    say("user set name 4 guest")
    say("user set password 4 guestpw")
    say("channel setaccess 1 4 ipmi=on privilege=2")
    say("user enable 4")
    assert "4   guest            true    false      true       USER" in say("user list 1")
    options = ["-I", "lanplus", "-C", "17", "-H", "127.0.12.8", "-U", "guest", "-P", "guestpw", "-L", "USER"]
    assert "System Power" in tool("ipmitool", *options, "chassis", "status")
    say("lan set 1 snmp secret")
    assert "SNMP Community String   : secret" in say("lan print 1")
    say("lan alert set 1 2 ipaddr 127.0.0.9")
    assert "127.0.0.9" in say("lan alert print 1 2")
    say("dcmi set_mc_id_string rack-12")
    assert "rack-12" in say("dcmi get_mc_id_string")
    say("sel clear")
    assert "Log area reset/cleared" in say("sel list")
    say("event 1")
    assert "Upper Critical going high" in say("sel list")
    say("sol set retry-count 3 1")
    assert "Retry Count                     : 3" in say("sol info 1")
    say("pef filter disable 9")
    assert "9 | disabled" in say("pef filter list")
    ipmitool(bmcs, "sel", "time", "set", "06/01/20 12:00:00", server=server)
    assert "06/01/20 12:00" in say("sel time get")


@pytest.mark.parametrize("category", ["core", "chassis", "sensors", "pef", "dcmi"])
def test_freeipmi_reads_the_whole_configuration(bmcs: Live, category: str, tmp_path: Path) -> None:
    cache = ["--sdr-cache-directory", str(tmp_path)] if category == "sensors" else []
    # Status 1 says that some key is unsupported, as serial lines and IPv6 are here.
    expect = 1 if category == "core" else 0
    text = freeipmi("ipmi-config", "--category", category, "--checkout", *cache, expect=expect)
    wanted = {
        "core": ["Section User1", "Section Lan_Conf", "IP_Address                                    127.0.12.1"],
        "chassis": ["Section Chassis_Power_Conf", "Power_Restore_Policy                          On_State_AC_Apply"],
        "sensors": ["Section 1_Inlet_Temp", "\tUpper_Critical_Threshold"],
        "pef": ["Section Event_Filter_1", "Event_Filter_Action_Power_Off                 Yes"],
        "dcmi": ["Management_Controller_Identifier_String", "server1.bmc"],
    }
    for part in wanted[category]:
        assert part in text
    assert "fatal" not in text.lower().replace("non-fatal", "").replace("bus_fatal", "").replace("fatal_nmi", "")


def test_freeipmi_shows_sensors_log_inventory_and_power(bmcs: Live, tmp_path: Path) -> None:
    cache = ["--sdr-cache-directory", str(tmp_path)]
    sensors = freeipmi("ipmi-sensors", *cache)
    assert re.search(r"Inlet Temp +\| Temperature +\| 22\.00 +\| C +\| 'OK'", sensors)
    assert "'Processor Presence detected'" in sensors
    bmcs.tell("server9.bmc temperature_critical")
    log = freeipmi("ipmi-sel", *cache, "--ignore-sdr-cache", server=9)
    assert "Upper Critical - going high" in log
    assert "FRU Product Name: Express5800/A1080a-S" in freeipmi("ipmi-fru", *cache)
    assert "Current Power                        : 200 Watts" in freeipmi("ipmi-dcmi", "--get-system-power-statistics")
    info = freeipmi("bmc-info")
    for part in ("NEC", "Device SDRs           : supported", "Firmware Revision     : 1.02"):
        assert part in info


def test_presence_by_rmcpping_and_ipmiping(bmcs: Live) -> None:
    assert "0.0% packet loss" in tool("rmcpping", "-c", "1", "127.0.12.1")
    assert "0.0% packet loss" in tool("ipmiping", "-c", "1", "127.0.12.1")


def test_ipmipower_switches_sixteen_servers(bmcs: Live) -> None:
    hosts = ",".join(f"127.0.12.{index}" for index in range(1, HOSTS + 1) if index not in (5, 6))
    options = ["-h", hosts, "-u", "admin", "-p", "admin", "-D", "LAN_2_0", "-I", "3", "--wait-until-off"]
    assert tool("ipmipower", *options, "--off").count(": ok") == HOSTS - 2
    status = tool("ipmipower", "-h", hosts, "-u", "admin", "-p", "admin", "-D", "LAN_2_0", "-I", "3", "--stat")
    assert status.count(": off") == HOSTS - 2
    options[-1] = "--wait-until-on"
    assert tool("ipmipower", *options, "--on").count(": ok") == HOSTS - 2


# --- traps, fences, pyghmi, the exporter ----------------------------------------------------------------------


def test_ipmi_pet_reads_our_trap(bmcs: Live, tmp_path: Path) -> None:

    desk = Desk()
    desk.inject("server1.bmc", "memory_uncorrectable")
    trap = desk.bmc.outgoing[0].trap
    octets = trap.varbinds[0].value
    assert isinstance(octets, bytes)
    words = [str(trap.specific_trap), *(f"0x{octet:02x}" for octet in octets)]
    said = freeipmi("ipmi-pet", "-v", "-v", "--sdr-cache-directory", str(tmp_path), *words)
    assert "Mem ECC" in said
    assert "Uncorrectable memory error" in said
    assert "Event Data3 = 05h" in said
    assert "NEC" in said or "119" in said
    # Outside any session, as a management station does.
    freeipmi("ipmi-pet", "--pet-acknowledge", "--sdr-cache-directory", str(tmp_path), *words)
    assert pet.decode(octets).sequence == 1


def fence(server: int, action: str, expect: int = 0) -> str:
    done = subprocess.run(
        [
            "/usr/bin/python3",
            str(find("fence_ipmilan")),
            "-a",
            f"127.0.12.{server}",
            "-l",
            "admin",
            "-p",
            "admin",
            "-P",
            "-o",
            action,
        ],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, "PYTHONPATH": str(find("fencing.py").parent)},
        check=False,
    )
    assert done.returncode == expect, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_fence_ipmilan_switches_a_server(bmcs: Live) -> None:
    assert "Status: ON" in fence(10, "status")
    assert "Success: Powered OFF" in fence(10, "off")
    assert "Status: OFF" in fence(10, "status", expect=2)
    assert bmcs.world("server10")["power"] == "off"
    assert "Success: Powered ON" in fence(10, "on")
    assert "Success: Rebooted" in fence(10, "reboot")
    assert "List option is not working on this device yet" in fence(10, "list")  # the agent's own words


def test_pyghmi_reads_and_changes(bmcs: Live) -> None:
    from pyghmi.ipmi.command import Command

    link = Command("127.0.12.11", b"admin", b"admin", keepalive=False)
    try:
        assert link.get_power() == {"powerstate": "on"}
        link.set_bootdev("network")
        assert link.get_bootdev()["bootdev"] == "network"
        link.set_identify(on=True)
        assert bmcs.world("server11.bmc")["identify"]
        names = {reading.name: reading.value for reading in link.get_sensor_data()}
        assert names["Inlet Temp"] == pytest.approx(22)
        inventory = dict(link.get_inventory())
        assert inventory["System"]["Product name"] == "Express5800/A1080a-S"
        assert link.get_health()["badreadings"] == []
        bmcs.tell("server11.bmc fan_stop")
        assert [reading.name for reading in link.get_health()["badreadings"]] == ["Fan1"]
        events = [entry["event"] for entry in link.get_event_log()]
        assert any("critical" in event.lower() for event in events), events
        assert bytes(link.xraw_command(netfn=0x06, command=0x01)["data"])[6:9] == b"\x77\x00\x00"
        users = {user["name"] for user in link.get_users().values()}
        assert {"admin", "oper"} <= users
        assert link.set_power("off", wait=10)["powerstate"] == "off"
    finally:
        link.ipmi_session.logout()


def test_the_prometheus_exporter_collects_everything(bmcs: Live, tmp_path: Path) -> None:
    config = tmp_path / "ipmi.yml"
    config.write_text(
        "modules:\n  default:\n    user: admin\n    pass: admin\n    driver: LAN_2_0\n    privilege: admin\n"
        "    timeout: 20000\n    collectors: [bmc, chassis, dcmi, ipmi, sel]\n"
    )
    place = f"127.0.0.1:{free_port()}"
    command = [str(find("prometheus-ipmi-exporter")), f"--config.file={config}", f"--web.listen-address={place}"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    with process.stdout as output:
        try:
            while "Listening on" not in (line := output.readline()):
                assert line, "the exporter ended before it listened"
            with urlopen(f"http://{place}/ipmi?target=127.0.12.12", timeout=60) as answer:
                text = answer.read().decode()
        finally:
            process.terminate()
            process.wait(timeout=20)
    for collector in ("bmc", "chassis", "dcmi", "ipmi", "sel"):
        assert f'ipmi_up{{collector="{collector}"}} 1' in text, text
    assert "ipmi_chassis_power_state 1" in text
    assert "ipmi_dcmi_power_consumption_watts 200" in text
    assert 'ipmi_temperature_celsius{id="1",name="Inlet Temp"} 22' in text


def test_a_rebooted_controller_is_found_again(bmcs: Live) -> None:
    ipmitool(bmcs, "mc", "reset", "cold", server=13)
    assert "Unable to establish" in ipmitool(bmcs, "mc", "info", server=13, expect=1)
    bmcs.until("server13.bmc", lambda state: state["state"] == "running")
    assert "Manufacturer ID" in ipmitool(bmcs, "mc", "info", server=13)
