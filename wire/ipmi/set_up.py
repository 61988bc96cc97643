"""The set-up of RMCP+ sessions, the BMC's end (IPMI 2.0 sections 13.17 to 13.24)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache

from ridethrough.wire.ipmi import packet, rakp
from ridethrough.wire.ipmi.algorithms import AUTHENTICATION, INTEGRITY, SUITES, Handshake, SessionKeys, Suite
from ridethrough.wire.ipmi.packet import Payload
from ridethrough.wire.ipmi.rakp import Status
from ridethrough.wire.ipmi.session import ADMINISTRATOR, LEVELS, Address, ChannelHost, Drop, LoginPolicy
from ridethrough.wire.ipmi.session_table import SessionTable

OK = int(Status.OK)
Step = Callable[[bytes, Address, int], list[bytes]]


class SetUp:
    """Three messages in, three answers out. `random_bytes(n)` supplies the challenges."""

    def __init__(self, host: ChannelHost, table: SessionTable, random_bytes: Callable[[int], bytes]) -> None:
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
        tag, most, console_sid, asked = rakp.decode_open_request(payload)
        policy = self._host.login_policy
        suite, status, level = _choose(asked, policy)
        limit = LEVELS[min(most or ADMINISTRATOR, level)]
        session = None
        if suite is not None:
            session = self._table.new(peer, limit, now_ms)
            status = Status.OK if session else Status.NO_RESOURCES
        if session is None or suite is None:
            self._table.note(Drop.HANDSHAKE)
            answer = rakp.encode_open_response(tag, status, limit, console_sid, 0, rakp.NO_ALGORITHMS)
        else:
            session.suite, session.console_sid, session.policy = suite, console_sid, policy
            answer = rakp.encode_open_response(tag, OK, limit, console_sid, session.session_id, suite[1:])
        return [packet.plain_plus(Payload.OPEN_SESSION_RESPONSE, answer)]

    def _rakp1(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        tag, bmc_sid, console_random, role, user = rakp.decode_rakp1(payload)
        session = self._table.by_id.get(bmc_sid)
        if session is None or session.suite is None or session.peer != peer or session.active:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        suite, console_sid = session.suite, session.console_sid
        account = self._host.account(user) if user else None
        wanted = role & 0x0F or session.limit
        allowed = min(account.privilege, session.policy.limit(suite.number)) if account else 0
        status = Status.OK
        if len(user) > 16:
            status = Status.INVALID_NAME_LENGTH
        elif account is None:
            status = Status.UNAUTHORIZED_NAME
        elif wanted > allowed:
            status = Status.UNAUTHORIZED_ROLE
        elif not any(console_random):
            status = Status.ILLEGAL_PARAMETER
        if status or account is None:
            del self._table.by_id[bmc_sid]
            self._table.note(Drop.HANDSHAKE)
            return [packet.plain_plus(Payload.RAKP_2, rakp.encode_rakp2(tag, status, console_sid))]
        session.account = account
        session.limit = LEVELS[min(session.limit, allowed, wanted)]
        session.touched_ms = now_ms
        challenge, guid = self._random(16), self._host.guid
        session.handshake = handshake = Handshake(
            suite, console_sid, bmc_sid, console_random, challenge, guid, role, user, account.password
        )
        answer = rakp.encode_rakp2(tag, OK, console_sid, challenge, guid, handshake.rakp2_code())
        return [packet.plain_plus(Payload.RAKP_2, answer)]

    def _rakp3(self, payload: bytes, peer: Address, now_ms: int) -> list[bytes]:
        tag, status, bmc_sid, code = rakp.decode_rakp3(payload)
        session = self._table.by_id.get(bmc_sid)
        if session is None or session.suite is None or session.peer != peer:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        handshake, account = session.handshake, session.account
        if handshake is None or account is None:
            return self._table.drop(Drop.SESSION_UNKNOWN)
        if session.rakp4:
            # FreeIPMI repeats RAKP message 3 when message 4 is lost; only an unused session answers again.
            return [session.rakp4] if session.inbound.unused else self._table.drop(Drop.UNEXPECTED)
        if status:
            del self._table.by_id[bmc_sid]
            self._table.failed(session)
            return []
        if not hmac.compare_digest(code, handshake.rakp3_code()):
            del self._table.by_id[bmc_sid]
            self._table.failed(session)
            refusal = rakp.encode_rakp4(tag, Status.INVALID_INTEGRITY_CHECK, session.console_sid)
            return [packet.plain_plus(Payload.RAKP_4, refusal)]
        by_session_key = handshake.by_session_key(session.policy.kg)
        session.keys = SessionKeys(session.suite, by_session_key, account.password)
        session.active = True
        self._host.login_succeeded(account.user_id)
        session.touched_ms = now_ms
        answer = rakp.encode_rakp4(tag, OK, session.console_sid, handshake.rakp4_icv(by_session_key))
        session.rakp4 = packet.plain_plus(Payload.RAKP_4, answer)
        return [session.rakp4]


@lru_cache
def _choose(asked: rakp.Algorithms, policy: LoginPolicy) -> tuple[Suite | None, Status, int]:
    """The suite asked for, exactly; never another one. What the console leaves open is ours to fill.

    With it the privilege that it gives.
    """
    open_ended = None in asked
    for number in reversed(policy.suites):
        suite = SUITES[number]
        have = suite[1:]
        if asked != have and not (open_ended and _fits(asked, have)):
            continue
        if level := policy.limit(number):
            return suite, Status.OK, level
    authentication, integrity, _ = asked
    if authentication is not None and authentication not in AUTHENTICATION:
        return None, Status.INVALID_AUTHENTICATION, ADMINISTRATOR
    if integrity is not None and integrity not in INTEGRITY:
        return None, Status.INVALID_INTEGRITY, ADMINISTRATOR
    return None, Status.NO_CIPHER_SUITE_MATCH, ADMINISTRATOR


def _fits(asked: tuple[int | None, ...], have: tuple[int, ...]) -> bool:
    return all(want is None or want == number for want, number in zip(asked, have, strict=True))
