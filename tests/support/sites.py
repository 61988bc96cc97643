"""A gateway in a process of its own, and those who send to it and hear from it."""

from __future__ import annotations

import itertools
import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from ruamel.yaml import YAML

from ridethrough.mibs import Oid
from ridethrough.rigs.rigfile.ports import free_port
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, decode, encode
from ridethrough.wire.snmp.convert import SNMP_TRAP_OID, SYS_UP_TIME
from tests.support.live import start, stop, tool

VALUE = ["1.3.6.1.4.1.318.2.3.3.0", "s", "On battery"]
UPTIME = "4711"
UNKNOWN = Oid.parse("1.3.6.1.4.1.99999.0.1")  # a trap for which there is no rule
SENDERS = {
    "v1": ["snmptrap", "-v1", "-c", "public"],
    "v2c": ["snmptrap", "-v2c", "-c", "public"],
    "inform": ["snmpinform", "-v2c", "-c", "public", "-r", "0"],
}


@contextmanager
def snmptrapd(folder: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """Prints a line for each notification: kind, agent address, name, uptime and variables."""
    config = folder / f"snmptrapd-{port}.conf"
    config.write_text("disableAuthorization yes\nformat2 v2~%P~%v\\n\nformat1 v1~%P~%a~%N.%w%q~%T~%v\\n\n")
    command = ["snmptrapd", "-f", "-n", "-On", "-Oq", "-C", "-c", str(config), "-Lo", f"127.0.0.1:{port}"]
    process, _ = start(["env", f"SNMP_PERSISTENT_DIR={folder}", *command], "NET-SNMP version")
    try:
        yield process
    finally:
        stop(process)


class Site:
    """A gateway in a process of its own."""

    def __init__(
        self,
        folder: Path,
        forwards: dict[str, Any] | None = None,
        wrapper: Sequence[str] = (),
        plain: bool = True,
        host: str = "127.0.0.1",
        **more: Any,
    ) -> None:
        """`wrapper` stands before the command, such as a program that sets limits; `more` is the rest of the file.

        `plain` waits until it says over plain HTTP that it is ready; `host` is where it does.
        """
        self._plain = plain
        self.trap = free_port()
        self.api = f"{host}:{free_port()}"
        document = {
            "name": "relay",
            "listen": [{"address": "127.0.0.1", "port": self.trap}],
            "forwards": forwards or {},
            **more,
            "api": {"bind": self.api, **more.get("api", {})},
        }
        with (folder / "site.yaml").open("w") as stream:
            YAML().dump(document, stream)
        self.file, self.data = folder / "site.yaml", folder / "db"
        words = ["gateway", str(self.file), "--data", str(self.data)]
        self.command = [*wrapper, sys.executable, "-m", "ridethrough", *words]
        self.begin()

        self._informers: list[Informer] = []

    def informer(self, source: str = "127.0.0.1", trap: Oid = UNKNOWN) -> Informer:
        """A sender of numbers, closed with the site."""
        self._informers.append(Informer(self.trap, source, trap))
        return self._informers[-1]

    def close(self) -> None:
        """End the gateway in order."""
        for informer in self._informers:
            informer.close()
        self._informers.clear()
        if self.process.poll() is None:
            stop(self.process)

    def begin(self) -> None:
        self.process, _ = start(self.command, "gateway ready")
        while self._plain:  # the test's own timeout bounds this
            try:
                urlopen(f"http://{self.api}/readyz", timeout=20).close()
            except URLError:
                continue
            return

    def send(self, kind: str, specific: int) -> None:
        place = f"127.0.0.1:{self.trap}"
        if kind == "v1":
            words = ["1.3.6.1.4.1.318", "192.0.2.7", "6", str(specific), UPTIME]
        else:
            words = [UPTIME, f"1.3.6.1.4.1.318.0.{specific}"]
        tool(*SENDERS[kind], place, *words, *VALUE)

    def ask(self, path: str, body: Any = None, method: str = "") -> Any:
        """The JSON that a path answers with, be it a problem or not."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://{self.api}{path}", data, {"content-type": "application/json"})
        if method:
            request.method = method
        try:
            with urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except HTTPError as error:
            return json.load(error)

    def destinations(self) -> dict[str, dict[str, Any]]:
        return {row["name"]: row for row in self.ask("/v1/destinations")["destinations"]}

    def events(self, event_type: str = "") -> list[dict[str, Any]]:
        """All events, or those of a type."""
        found: list[dict[str, Any]] = []
        while page := self.ask(f"/v1/events?limit=1000&after={found[-1]['id'] if found else ''}")["events"]:
            found += page
        return [event for event in found if event_type in ("", event["type"])]

    def numbers(self) -> list[int]:
        """The numbers that an Informer sent and that were told, in order."""
        variables = [event["data"]["evidence"].get("variables", [{}]) for event in self.events("trap.unknown")]
        return [items[0]["value"] for items in variables]

    def until(self, name: str, **wanted: int) -> dict[str, Any]:
        while True:  # the test's own timeout bounds this
            row = self.destinations()[name]
            if all(row[key] == value for key, value in wanted.items()):
                return row


def next_line(daemon: subprocess.Popen[str], part: str) -> str:
    assert daemon.stdout is not None
    while part not in (line := daemon.stdout.readline()):  # the test's own timeout bounds this
        assert line, "snmptrapd ended"
    return line.strip()


def octets(number: int, request_id: int, kind: Kind = Kind.INFORM, filling: int = 0, trap: Oid = UNKNOWN) -> bytes:
    """A notification that carries `number`, and so many octets besides."""
    varbinds = [
        VarBind(SYS_UP_TIME, Tag.TIME_TICKS, number),
        VarBind(SNMP_TRAP_OID, Tag.OBJECT_IDENTIFIER, trap),
        VarBind(UNKNOWN.child(1), Tag.INTEGER, number),
    ]
    if filling:
        varbinds.append(VarBind(UNKNOWN.child(2), Tag.OCTET_STRING, b"x" * filling))
    return encode(Message(Version.V2C, b"public", Pdu(kind, request_id, 0, 0, tuple(varbinds))))


class Informer:
    """Sends informs one after the other, each from a socket of its own address, and says which were acknowledged."""

    _ids = itertools.count(1)

    def __init__(self, port: int, source: str = "127.0.0.1", trap: Oid = UNKNOWN) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((source, 0))
        self._socket.connect(("127.0.0.1", port))
        self._trap = trap

    def trap(self, number: int, filling: int = 0) -> None:
        self._socket.send(octets(number, next(self._ids), Kind.TRAP_V2, filling, self._trap))

    def inform(self, number: int, patience_s: float = 5.0, filling: int = 0) -> bool:
        request_id = next(self._ids)
        self._socket.settimeout(patience_s)
        try:
            self._socket.send(octets(number, request_id, Kind.INFORM, filling, self._trap))
            while True:
                pdu = decode(self._socket.recv(65535)).pdu
                if isinstance(pdu, Pdu) and pdu.request_id == request_id:
                    return True
        except (OSError, WireError):
            return False

    def close(self) -> None:
        self._socket.close()
