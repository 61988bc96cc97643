"""Every version from net-snmp's senders to every version at net-snmp's snmptrapd, and numbers that agree."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from pathlib import Path
from typing import Any

from ridethrough.gateway.storage.sqlite import archive
from ridethrough.gateway.storage.sqlite.schema import ENGINE
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.live import start, stop, tool
from tests.support.sites import Site

SENDER_ENGINE = "0x80001f8880aabbccdd"
AUTH, PRIV = "authentication phrase", "privacy phrase"
USER = ["-u", "mgr", "-l", "authPriv", "-a", "SHA-256", "-A", AUTH, "-x", "AES", "-X", PRIV]
SENDERS = {
    "v1 trap": ["snmptrap", "-v1", "-c", "public"],
    "v2c trap": ["snmptrap", "-v2c", "-c", "public"],
    "v2c inform": ["snmpinform", "-v2c", "-c", "public"],
    "v3 trap": ["snmptrap", "-v3", "-e", SENDER_ENGINE, *USER],
    "v3 inform": ["snmpinform", "-v3", *USER],
}
FORMS: dict[str, dict[str, Any]] = {
    "v1": {"as": "v1"},
    "v2c": {"as": "v2c"},
    "v2c inform": {"as": "v2c", "inform": True},
    "v3": {"as": "v3"},
    "v3 inform": {"as": "v3", "inform": True},
}
ROUNDS = 4


def test_sent_journaled_delivered_and_forwarded_agree(tmp_path: Path) -> None:
    keys: dict[str, Any] = {"auth": "sha256", "priv": "aes128"}
    for name, text in (("auth", AUTH), ("priv", PRIV)):
        (tmp_path / name).write_text(text)
        keys[f"{name}_key_file"] = str(tmp_path / name)
    ports = {form: free_port() for form in FORMS}
    forwards = {
        form.replace(" ", "-"): {
            "to": f"127.0.0.1:{ports[form]}",
            **row,
            **({"user": "mgr", **keys} if "v3" in form else {}),
        }
        for form, row in FORMS.items()
    }
    log = tmp_path / "events.jsonl"
    sinks = {"log": {"type": "file", "path": str(log)}}
    site = Site(tmp_path, forwards, sinks=sinks, access={"users": {"mgr": keys}})
    daemons: dict[str, subprocess.Popen[str]] = {}
    try:
        saved = archive.saved(site.data, ENGINE)
        assert saved is not None
        engine = f"-e 0x{b64decode(json.loads(saved)['engine_id']).hex()} "
        for form, port in ports.items():
            config = tmp_path / f"receiver-{port}.conf"
            user = f'{"" if "inform" in form else engine}mgr SHA-256 "{AUTH}" AES "{PRIV}"'
            config.write_text(
                f"createUser {user}\nauthUser log mgr priv\nauthCommunity log public\n"
                "format1 v1~%w.%q~%v\\n\nformat2 v2~%P~%v\\n\n"
            )
            folder = tmp_path / f"state-{port}"
            folder.mkdir()
            words = ["snmptrapd", "-f", "-n", "-On", "-Oq", "-C", "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
            daemons[form], _ = start(["env", f"SNMP_PERSISTENT_DIR={folder}", *words], "NET-SNMP version")
        sent = 0
        for number in range(ROUNDS):
            for sender, command in SENDERS.items():
                place = f"127.0.0.1:{site.trap}"
                value = ["1.3.6.1.4.1.99999.1", "i", str(100 * number + list(SENDERS).index(sender))]
                words = (
                    ["1.3.6.1.4.1.99999", "192.0.2.7", "6", "1", "7"]
                    if sender == "v1 trap"
                    else ["7", "1.3.6.1.4.1.99999.0.1"]
                )
                tool(*command, place, *words, *value)
                sent += 1
        for name in forwards:
            row = site.until(name, delivered=sent, backlog=0)
            # Each inform of version 3 begins with a question after the gateway's engine, which is no notification.
            assert (row["given_up"], row["skipped"]) == (0, {"user": ROUNDS})
        site.until("log", delivered=sent, backlog=0)
        journal = site.ask("/v1/journal")
        # Questions after the gateway's engine, before informs of version 3, are in the journal, too.
        notifications = [record for record in archive.read(site.data) if record.arrival.data]
        assert journal["records"] == len(notifications) == journal["listeners"][0]["received"]
        events = [json.loads(line) for line in log.read_text().splitlines()]
        assert len(events) == sent == ROUNDS * len(SENDERS)
        wanted = [100 * number + n for number in range(ROUNDS) for n in range(len(SENDERS))]
        assert [event["data"]["evidence"]["variables"][0]["value"] for event in events] == wanted
        for form, daemon in daemons.items():
            stop_said = _ended(daemon)
            lines = [line for line in stop_said.splitlines() if ".99999.1 " in line]
            assert [int(line.split(".99999.1 ")[1].split()[0]) for line in lines] == wanted, form
            version = {"v1": "v1~", "v2c": "SNMP v2c", "v3": "SNMP v3, user mgr"}[form.split()[0]]
            assert all(version in line for line in lines)
            assert all(("INFORM" in line) is ("inform" in form) for line in lines)
    finally:
        for daemon in daemons.values():
            if daemon.poll() is None:
                stop(daemon)
        site.close()


def _ended(daemon: subprocess.Popen[str]) -> str:
    """Everything that a receiver said, once it has ended."""
    daemon.terminate()
    said, _ = daemon.communicate(timeout=20)
    return said
