"""What operators are given: metrics and a dashboard of them, logs as JSON, a service unit, IPv6."""

from __future__ import annotations

import configparser
import json
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from ridethrough.gateway.config.site import Site as Config
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.hook import Hook
from tests.support.live import tool
from tests.support.names import has_ipv6
from tests.support.sites import Site

DEPLOY = Path(__file__).parents[2] / "gateway" / "deploy"


def metrics(site: Site) -> dict[str, float]:
    with urlopen(f"http://{site.api}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


def test_the_dashboard_shows_metrics_that_there_are(tmp_path: Path) -> None:
    hook = Hook()
    hook.answer = 503
    device = {"kind": "ups", "address": "127.0.0.77", "silence_s": 0.5, "poll_s": 0.1}
    site = Site(tmp_path, devices={"UPS1": device}, sinks={"ops": {"type": "webhook", "url": hook.url}})
    try:
        assert site.informer().inform(1)
        while not site.destinations()["ops"]["failures"] or not site.events("ups.card.lost"):
            pass  # the test's own timeout bounds this
        seen = metrics(site)
        assert seen["ridethrough_ready"] == 1
        assert seen['ridethrough_condition_open{condition="silence",device="UPS1"}'] == 1
        assert seen['ridethrough_destination_backlog{destination="ops"}'] == 2
        assert seen['ridethrough_destination_failures{destination="ops"}'] >= 1
        assert seen[f'ridethrough_listener_received{{listener="127.0.0.1:{site.trap}"}}'] == 1
        assert seen['ridethrough_datagrams_total{outcome="notification"}'] == 1
        names = {name.partition("{")[0] for name in seen}
        dashboard = json.loads((DEPLOY / "grafana.json").read_text())
        asked = {
            name
            for panel in dashboard["panels"]
            for target in panel["targets"]
            for name in re.findall(r"ridethrough_\w+", target["expr"])
        }
        assert asked <= names
        ids = [panel["id"] for panel in dashboard["panels"]]
        assert len(ids) == len(set(ids))
    finally:
        site.close()
        hook.close()


def test_logs_as_json(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.close()
    process = subprocess.Popen(
        [*site.command, "--log", "json"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert process.stderr is not None
    line = json.loads(process.stderr.readline())
    assert (line["event"], line["level"]) == ("gateway ready", "info")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", line["timestamp"])
    process.terminate()
    process.communicate(timeout=30)
    done = subprocess.run([*site.command, "--log", "xml"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected console or json" in " ".join(done.stderr.replace("│", " ").split())  # a box of 80 columns


def test_the_service_unit_asks_for_little() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string((DEPLOY / "ridethrough-gateway.service").read_text())
    service = unit["Service"]
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    words = service["ExecStart"].split()[2:]
    done = subprocess.run([sys.executable, "-m", "ridethrough", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "/etc/ridethrough/site.yaml" in done.stderr  # the words are right; the file is not there


def test_over_ipv6_beside_ipv4(tmp_path: Path) -> None:
    """A listener of each family, without mapped addresses; a device of IPv6; a forward to IPv6."""
    trap = free_port()
    listen = [{"address": "0.0.0.0", "port": trap}, {"address": "::1", "port": trap}]
    if not has_ipv6():
        with pytest.raises(
            AssertionError, match=rf"ridethrough: ::1:{trap}/udp (is not an address|cannot be bound: this)"
        ):
            Site(tmp_path, listen=listen)
        return
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as manager:
        manager.bind(("::1", 0))
        manager.settimeout(20)
        to = f"[::1]:{manager.getsockname()[1]}"
        listen = [{"address": "::", "port": trap}, {"address": "0.0.0.0", "port": trap}]
        access = {"sources": ["::1/128", "127.0.0.0/8"]}
        site = Site(tmp_path, {"nms": {"to": to, "as": "v2c"}}, listen=listen, access=access)
        site.trap = trap
        try:
            tool("snmpinform", "-v2c", "-c", "public", f"udp6:[::1]:{trap}", "1", "1.3.6.1.4.1.99999.0.1")
            assert manager.recv(4000)
            site.send("inform", 5)
            assert manager.recv(4000)
            told = site.events()
            assert [event["subject"] for event in told] == ["::1", "127.0.0.1"]
            listeners = [event["data"]["evidence"]["listener"] for event in told]
            assert listeners == [f"[::]:{trap}", f"0.0.0.0:{trap}"]
        finally:
            site.close()


def test_the_same_address_twice_in_two_spellings_is_one() -> None:
    made = Config.model_validate({"devices": {"a": {"kind": "server", "address": "2001:DB8:0::1"}}})
    assert made.devices["a"].address == "2001:db8::1"
