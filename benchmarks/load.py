"""A generator of SNMP requests: prepared datagrams, a window of them under way, answers counted and timed."""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Sequence
from typing import NamedTuple

from ridethrough.mibs import Oid
from ridethrough.wire import ber
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Message, Pdu, Tag, VarBind, Version, decode, encode, secure, v3
from ridethrough.wire.snmp.secure import Keys
from ridethrough.wire.snmp.usm import Auth, Priv

Address = tuple[str, int]
CORE = 0
TIMEOUT_S = 1.0
FIRST_ID = 0x01000001  # four octets, the first of them not zero
LARGEST = 65_535


class V3Login(NamedTuple):
    """A user of version 3, with the context that the agent wants named."""

    user: bytes
    auth: Auth
    auth_password: bytes
    priv: Priv
    priv_password: bytes
    context: bytes = b""


class Rate(NamedTuple):
    """Answers a second, 99th percentile of latency, answers that never came, and looks that found nothing."""

    per_s: float
    p99_ms: float
    lost: int
    idle: float


def discover(address: Address) -> v3.Header | None:
    """Engine, boots and time of an agent; None while it does not answer."""
    header = v3.Header(1, LARGEST, v3.Flags.REPORTABLE, b"", 0, 0, b"")
    data = secure.seal(header, v3.Scoped(b"", b"", Pdu(Kind.GET, 1, 0, 0, ())), Keys(), b"")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(0.2)
        sender.connect(address)
        try:
            sender.send(data)
            answer = v3.decode(sender.recv(LARGEST)).header
            # A socket may be given the very port it asks, and hear itself.
            return answer if answer.engine_id else None
        except (OSError, WireError):
            return None


def walk(address: Address, root: Oid) -> list[VarBind]:
    """Everything below `root`."""
    found: list[VarBind] = []
    at = root
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(5)
        sender.connect(address)
        while True:
            pdu = Pdu(Kind.GET_BULK, 1, 0, 25, (VarBind(at, Tag.NULL, None),))
            sender.send(encode(Message(Version.V2C, b"public", pdu)))
            binds = decode(sender.recv(LARGEST)).pdu.varbinds
            below = [bind for bind in binds if root.covers(bind.oid) and bind.tag != Tag.END_OF_MIB_VIEW]
            found += below
            if len(below) < len(binds) or not binds:
                return found
            at = found[-1].oid


def community_requests(kind: Kind, oids: Sequence[Oid], repetitions: int = 0) -> list[bytes]:
    """One request for each object, with room for identifiers of four octets."""
    return [
        encode(Message(Version.V2C, b"public", Pdu(kind, FIRST_ID, 0, repetitions, (VarBind(oid, Tag.NULL, None),))))
        for oid in oids
    ]


def user_requests(address: Address, login: V3Login, oids: Sequence[Oid]) -> list[bytes]:
    """Sealed requests, each with its own identifier and salt, good for the agent's time window."""
    engine = discover(address)
    assert engine is not None
    keys = secure.localized(login.auth, login.auth_password, login.priv, login.priv_password, engine.engine_id)
    requests = []
    for index, oid in enumerate(oids):
        identifier = FIRST_ID + index
        pdu = Pdu(Kind.GET, identifier, 0, 0, (VarBind(oid, Tag.NULL, None),))
        header = v3.Header(identifier, LARGEST, 7, engine.engine_id, engine.boots, engine.time_s, login.user)
        scoped = v3.Scoped(engine.engine_id, login.context, pdu)
        requests.append(secure.seal(header, scoped, keys, os.urandom(8)))
    return requests


def _identifier_at(data: bytes) -> int:
    """Return the offset of the identifier's four octets: the request's, or the message's in version 3."""
    at = 2 if data[1] < 0x80 else 2 + (data[1] & 0x7F)
    version = data[at + 2]
    at += 3
    if version != v3.VERSION:
        at += 2 + data[at + 1]
    at += 2 if data[at + 1] < 0x80 else 2 + (data[at + 1] & 0x7F)
    assert data[at : at + 2] == bytes((ber.INTEGER, 4))
    return at + 2


def measure(address: Address, requests: Sequence[bytes], seconds: float, window: int, *, patch: bool = True) -> Rate:
    """Keep `window` requests under way for `seconds`; with `patch` each gets an identifier of its own.

    The generator never sleeps: it looks for answers all the time, so that an agent need not wake it.
    """
    os.sched_setaffinity(0, {CORE})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        sender.connect(address)
        sender.setblocking(False)
        places = [_identifier_at(data) for data in requests]
        sent_at: dict[bytes, float] = {}
        latencies: list[float] = []
        count, lost, identifier, looks, idle = len(requests), 0, FIRST_ID, 0, 0
        begun = now = heard = time.perf_counter()
        end = begun + seconds
        while now < end:
            while len(sent_at) < window:
                index = identifier % count
                data, place = requests[index], places[index]
                if patch:
                    name = identifier.to_bytes(4, "big")
                    data = data[:place] + name + data[place + 4 :]
                else:
                    name = data[place : place + 4]
                identifier = identifier + 1 if identifier < 0x7EFFFFFF else FIRST_ID
                sent_at[name] = time.perf_counter()
                sender.send(data)
            looks += 1
            try:
                answer = sender.recv(LARGEST)
            except BlockingIOError:
                idle += 1
                now = time.perf_counter()
                if now - heard > TIMEOUT_S:
                    lost += len(sent_at)
                    sent_at.clear()
                    heard = now
                continue
            now = heard = time.perf_counter()
            place = _identifier_at(answer)
            since = sent_at.pop(answer[place : place + 4], None)
            if since is not None:
                latencies.append(now - since)
        wall = time.perf_counter() - begun
    p99 = statistics.quantiles(latencies, n=100)[98] * 1000 if len(latencies) > 100 else float("nan")
    return Rate(len(latencies) / wall, p99, lost, idle / max(1, looks))
