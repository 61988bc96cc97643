"""How RMCP+ sessions are opened, the BMC's end (IPMI 2.0 sections 13.17 to 13.24)."""

from __future__ import annotations

import hmac
from collections.abc import Callable

from wire.ipmi import packet, rakp
from wire.ipmi.algorithms import AUTHENTICATION, INTEGRITY, SUITES, Handshake, Keys, Suite
from wire.ipmi.packet import Payload
from wire.ipmi.rakp import Status
from wire.ipmi.session import ADMINISTRATOR, LEVELS, Account, Address, Drop, Host, Policy
from wire.ipmi.session_table import SessionTable

OK = int(Status.OK)
Step = Callable[[bytes, Address, int], list[bytes]]


class SetUp:
    """Three messages in, three answers out. `random_bytes(n)` supplies the challenges."""

    def __init__(self, host: Host, table: SessionTable, random_bytes: Callable[[int], bytes]) -> None:
        self._host = host
        self._table = table
        self._random = random_bytes
        # What is done with a payload, by how its datagram begins.
        self.steps: dict[bytes, Step] = {
            packet.opening(Payload.OPEN_SESSION_REQUEST): self._open,
            packet.opening(Payload.RAKP_1): self._rakp1,
            packet.opening(Payload.RAKP_3): self._rakp3,
        }

    def _open(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_open_request(payload)
        policy = self._host.login_policy
        suite, status, level = _choose(message, policy)
        limit = LEVELS[min(message.max_privilege or ADMINISTRATOR, level)]
        session = None
        if suite is not None:
            session = self._table.new(peer, limit, now_ms)
            status = Status.OK if session else Status.NO_RESOURCES
        if session is None or suite is None:
            self._table.note(Drop.HANDSHAKE)
            answer = rakp.encode_open_response(message.tag, status, limit, message.console_sid)
        else:
            session.suite, session.console_sid, session.policy = suite, message.console_sid, policy
            answer = rakp.encode_open_response(
                message.tag, OK, limit, message.console_sid, session.session_id, suite[1:]
            )
        return [packet.plain_plus(Payload.OPEN_SESSION_RESPONSE, answer)]

    def _rakp1(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_rakp1(payload)
        session = self._table.by_id.get(message.bmc_sid)
        if session is None or session.suite is None or session.peer != peer or session.active:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        user, suite = message.user, session.suite
        account = self._host.account(user) if user else None
        wanted = message.role & 0x0F or session.limit
        allowed = min(account.privilege, session.policy.limit(suite.number)) if account else 0
        if account is None or len(user) > 16 or wanted > allowed or not any(message.console_random):
            del self._table.by_id[session.session_id]
            self._table.note(Drop.HANDSHAKE)
            refusal = rakp.encode_rakp2(message.tag, _refusal(message, account, wanted > allowed), session.console_sid)
            return [packet.plain_plus(Payload.RAKP_2, refusal)]
        session.account = account
        session.limit = LEVELS[min(session.limit, allowed, wanted)]
        session.touched_ms = now_ms
        console_sid, challenge, guid = session.console_sid, self._random(16), self._host.guid
        session.handshake = handshake = Handshake(
            suite, console_sid, session.session_id, message.console_random, challenge, guid, message.role, user
        )
        code = handshake.rakp2_code(account.password)
        answer = rakp.encode_rakp2(message.tag, OK, console_sid, challenge, guid, code)
        return [packet.plain_plus(Payload.RAKP_2, answer)]

    def _rakp3(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        message = rakp.decode_rakp3(payload)
        session = self._table.by_id.get(message.bmc_sid)
        if session is None or session.suite is None or session.peer != peer:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        handshake, account = session.handshake, session.account
        if handshake is None or account is None:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        if session.rakp4:
            # FreeIPMI repeats RAKP message 3 when message 4 is lost; only an unused session answers again.
            return [session.rakp4] if session.inbound.unused else self._table.drop(Drop.UNEXPECTED)
        password = account.password
        if message.status != OK:
            del self._table.by_id[session.session_id]
            self._table.failed(session)
            return []
        if not hmac.compare_digest(message.code, handshake.rakp3_code(password)):
            del self._table.by_id[session.session_id]
            self._table.failed(session)
            refusal = rakp.encode_rakp4(message.tag, Status.INVALID_INTEGRITY_CHECK, session.console_sid)
            return [packet.plain_plus(Payload.RAKP_4, refusal)]
        sik = handshake.session_integrity_key(session.policy.kg or password)
        session.keys = Keys(session.suite, sik, password)
        session.active = True
        self._host.login_succeeded(account.user_id)
        session.touched_ms = now_ms
        answer = rakp.encode_rakp4(message.tag, OK, session.console_sid, handshake.rakp4_icv(sik))
        session.rakp4 = packet.plain_plus(Payload.RAKP_4, answer)
        return [session.rakp4]


def _refusal(message: rakp.Rakp1, account: Account | None, above: bool) -> Status:
    """Why RAKP message 1 leads nowhere, the first reason that holds."""
    if len(message.user) > 16:
        return Status.INVALID_NAME_LENGTH
    if account is None:
        return Status.UNAUTHORIZED_NAME
    return Status.UNAUTHORIZED_ROLE if above else Status.ILLEGAL_PARAMETER


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
