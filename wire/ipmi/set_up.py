"""How RMCP+ sessions are opened, the BMC's end (IPMI 2.0 sections 13.17 to 13.24)."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from wire.ipmi import packet, rakp
from wire.ipmi.algorithms import AUTHENTICATION, INTEGRITY, SUITES, Handshake, Keys, Suite
from wire.ipmi.packet import PacketPlus, Payload
from wire.ipmi.rakp import Status
from wire.ipmi.session import ADMINISTRATOR, LEVELS, Address, Drop, Host, Policy
from wire.ipmi.session_table import SessionTable


class SetUp:
    """Three messages in, three answers out. `random_bytes(n)` supplies the challenges."""

    def __init__(self, host: Host, table: SessionTable, random_bytes: Callable[[int], bytes]) -> None:
        self._host = host
        self._table = table
        self._random = random_bytes

    def open(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_open_request(payload)
        suite, status, level = _choose(message, self._host.login_policy)
        limit = LEVELS[min(message.max_privilege or ADMINISTRATOR, level)]
        session = None
        if suite is not None:
            session = self._table.new(peer, limit, now_ms)
            status = Status.OK if session else Status.NO_RESOURCES
        if session is None or suite is None:
            self._table.note(Drop.HANDSHAKE)
            answer = rakp.OpenResponse(message.tag, status, limit, message.console_sid)
        else:
            session.suite, session.console_sid = suite, message.console_sid
            answer = rakp.OpenResponse(message.tag, status, limit, message.console_sid, session.session_id, *suite[1:])
        return _datagram(Payload.OPEN_SESSION_RESPONSE, rakp.encode_open_response(answer))

    def rakp1(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_rakp1(payload)
        session = self._table.by_id.get(message.bmc_sid)
        if session is None or session.suite is None or session.peer != peer or session.active:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        account = self._host.account(message.user) if message.user else None
        wanted = message.role & 0x0F or session.limit
        allowed = min(account.privilege, self._host.login_policy.limit(session.suite.number)) if account else 0
        status = Status.OK
        if len(message.user) > 16:
            status = Status.INVALID_NAME_LENGTH
        elif account is None:
            status = Status.UNAUTHORIZED_NAME
        elif wanted > allowed:
            status = Status.UNAUTHORIZED_ROLE
        elif not any(message.console_random):
            status = Status.ILLEGAL_PARAMETER
        if status is not Status.OK or account is None:
            del self._table.by_id[session.session_id]
            self._table.note(Drop.HANDSHAKE)
            refusal = rakp.Rakp2(message.tag, status, session.console_sid)
            return _datagram(Payload.RAKP_2, rakp.encode_rakp2(refusal))
        session.account = account
        session.limit = LEVELS[min(session.limit, allowed, wanted)]
        session.touched_ms = now_ms
        session.handshake = handshake = Handshake(
            session.suite,
            session.console_sid,
            session.session_id,
            message.console_random,
            self._random(16),
            self._host.guid,
            message.role,
            message.user,
        )
        answer = rakp.Rakp2(
            message.tag,
            Status.OK,
            session.console_sid,
            handshake.bmc_random,
            handshake.guid,
            handshake.rakp2_code(account.password),
        )
        return _datagram(Payload.RAKP_2, rakp.encode_rakp2(answer))

    def rakp3(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_rakp3(payload)
        session = self._table.by_id.get(message.bmc_sid)
        if session is None or session.peer != peer or session.handshake is None or session.account is None:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        if session.rakp4:
            # FreeIPMI repeats RAKP message 3 when message 4 is lost; only an unused session answers again.
            return [session.rakp4] if session.inbound.unused else self._table.drop(Drop.UNEXPECTED)
        handshake, password = session.handshake, session.account.password
        if message.status != Status.OK:
            del self._table.by_id[session.session_id]
            self._table.failed(session)
            return []
        if not hmac.compare_digest(message.code, handshake.rakp3_code(password)):
            del self._table.by_id[session.session_id]
            self._table.failed(session)
            refusal = rakp.Rakp4(message.tag, Status.INVALID_INTEGRITY_CHECK, session.console_sid)
            return _datagram(Payload.RAKP_4, rakp.encode_rakp4(refusal))
        sik = handshake.session_integrity_key(self._host.login_policy.kg or password)
        session.keys = Keys(handshake.suite, sik, password)
        session.active = True
        self._host.login_succeeded(session.account.user_id)
        session.touched_ms = now_ms
        answer = rakp.Rakp4(message.tag, Status.OK, session.console_sid, handshake.rakp4_icv(sik))
        (session.rakp4,) = _datagram(Payload.RAKP_4, rakp.encode_rakp4(answer))
        return [session.rakp4]


def _datagram(payload_type: Payload, payload: bytes) -> list[bytes]:
    return [packet.encode_plus(PacketPlus(payload_type, False, False, 0, 0, payload))]


def _choose(message: rakp.OpenRequest, policy: Policy) -> tuple[Suite | None, Status, int]:
    """The suite asked for, exactly; never another one. What the console leaves open is ours to fill.

    With it the privilege that it gives.
    """
    asked = message[3:]
    open_ended = None in asked
    for number in reversed(policy.suites):
        suite = SUITES[number]
        have = suite[1:]
        if asked != have and not (open_ended and _fits(asked, have)):
            continue
        if level := policy.limit(number):
            return suite, Status.OK, level
    if message.authentication is not None and message.authentication not in AUTHENTICATION:
        return None, Status.INVALID_AUTHENTICATION, ADMINISTRATOR
    if message.integrity is not None and message.integrity not in INTEGRITY:
        return None, Status.INVALID_INTEGRITY, ADMINISTRATOR
    return None, Status.NO_CIPHER_SUITE_MATCH, ADMINISTRATOR


def _fits(asked: tuple[int | None, ...], have: tuple[int, ...]) -> bool:
    return all(want is None or want == number for want, number in zip(asked, have, strict=True))
