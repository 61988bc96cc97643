"""Check that `make run` may bind its ports, before anything is installed: only the standard library is used.

A rig file is looked through without a YAML parser, for its addresses and ports only; `ridethrough check` judges it.
"""

from __future__ import annotations

import os
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

KINDS = {"udp": socket.SOCK_DGRAM, "tcp": socket.SOCK_STREAM}
# As in emulators/config/plant.py, which needs libraries; a test compares them.
FILE = {"snmp": 161, "trap": 162, "ipmi": 623, "http": 80, "console": 23, "echo": 7, "wake": 9}
HIGH = {"snmp": 1161, "trap": 1162, "ipmi": 1623, "http": 1080, "console": 2323, "echo": 10007, "wake": 10009}
DEVICE_PORTS = {"snmp": "udp", "http": "tcp", "console": "tcp", "ipmi": "udp"}
NO_DEVICES = ("gateway", "groups", "controllers", "power_management", "environment")
"""Sections whose addresses are of others: real devices, and places that orders are sent to."""
CHOICES = ("file", "high", "free")
API = "127.0.0.1:8080"
LAST_PORT = 65535
SAMPLES = Path(__file__).parent / "samples"
Place = tuple[str, int, str]  # address, port, transport


def section(key: str) -> re.Pattern[str]:
    """The text of a section at the top of a file."""
    return re.compile(rf"^{key}:(.*\n(?:[ \t]+.*\n|-.*\n|#.*\n|\n)*)", re.MULTILINE)


def ports_of(text: str) -> dict[str, int]:
    """The ports of a rig file; what it switches off is left out."""
    found = section("ports").search(text + "\n")
    own = dict(re.findall(r"(\w+):\s*(\w+)", found[1])) if found else {}
    return {name: int(number) for name in FILE if (number := own.get(name, str(FILE[name]))).isdigit()}


def places(text: str, choice: str, http: str) -> Iterator[Place]:
    """Return what will surely be bound, whichever device an address is of."""
    bind = http or next(iter(re.findall(r"\bbind:\s*[\"']?([\w.]+:\d+)", text)), API)
    host, _, port = bind.rpartition(":")
    yield host.strip("[]"), int(port), "tcp"
    if choice == "free":
        return
    ports = HIGH if choice == "high" else ports_of(text)
    if "listen:" not in text and "trap" in ports:
        yield "127.0.0.1", ports["trap"], "udp"
    devices = text + "\n"
    for key in NO_DEVICES:
        devices = section(key).sub("", devices)
    addresses = sorted(set(re.findall(r"\baddress:\s*[\"']?(\d+\.\d+\.\d+\.\d+)\b", devices)))
    for address in addresses:
        for name, transport in DEVICE_PORTS.items():
            if name in ports:
                yield address, ports[name], transport


def problem(place: Place) -> OSError | None:
    """Return the reason why it cannot be bound."""
    address, port, transport = place
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, KINDS[transport]) as probe:
        if transport == "tcp":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error
    return None


def verdict(text: str, choice: str, http: str) -> str | None:
    """Return the obstacle and a command without it, in two lines; None where nothing is in the way."""
    for number, place in enumerate(places(text, choice, http)):
        error = problem(place)
        if error is None:
            continue
        if isinstance(error, PermissionError):
            reason = f"this user may not bind ports below 1024, such as {place[1]}/{place[2]}"
        else:
            reason = f"{place[0]}:{place[1]}/{place[2]}: {error.strerror} (`ss -lnptu` shows what runs there)"
        if number == 0:
            advice = "make run HTTP=127.0.0.1:8090    has the console at another port"
        elif choice == "high":
            advice = "make run PORTS=free    takes ports that nobody uses"
        else:
            advice = "make run PORTS=high    takes ports above 1024"
        return f"make run would not come up: {reason}\n    {advice}"
    return None


def is_place(text: str) -> bool:
    """Return True for HOST:PORT."""
    host, _, port = text.rpartition(":")
    return host != "" and port.isascii() and port.isdecimal() and int(port) <= LAST_PORT


def text_of(rig: str) -> str | None:
    """Return the text of a rig file, by its path or its name; None where there is none."""
    for path in (Path(rig), SAMPLES / f"{rig}.yaml"):
        try:
            return path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            continue
    return None


def main() -> None:
    """Check `RIG PORTS HTTP` of the command line; exit status 2 with an error line when something is in the way."""
    rig, choice, http = sys.argv[1:]
    if choice not in CHOICES:
        sys.stderr.write(f"PORTS={choice}: expected {', '.join(CHOICES)}\n")
        sys.exit(2)
    if http and not is_place(http):
        sys.stderr.write(f"HTTP={http}: expected an address and a port, such as HTTP=127.0.0.1:8090\n")
        sys.exit(2)
    text = text_of(rig)
    if text is None and os.path.exists(rig):  # noqa: PTH110 - a Path raises for a name that is too long
        return  # `ridethrough run` says what is wrong with it
    if text is None:
        known = ", ".join(sorted(path.stem for path in SAMPLES.glob("*.yaml")))
        sys.stderr.write(f"RIG={rig}: there is no such file, and no rig of that name; rigs: {known}\n")
        sys.exit(2)
    if obstacle := verdict(text, choice, http):
        sys.stderr.write(f"{obstacle}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
