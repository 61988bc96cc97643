"""The BMC's end of a LAN channel: discovery, IPMI 1.5 and RMCP+ sessions.

What a command does is the host's business; which session may give it is decided here. The endpoint is a pure
machine: datagrams and `now_ms` in, datagrams out. Sessions expire when they are looked at, so an idle endpoint
needs no timer.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import lru_cache
from struct import Struct

from ridethrough.wire import rmcp
from ridethrough.wire.ipmi import packet, protect, session_commands, sol
from ridethrough.wire.ipmi.algorithms import SessionKeys, md5_code
from ridethrough.wire.ipmi.message import Completion, IpmiRequest, NetFn, Privilege, decode_request, encode_response
from ridethrough.wire.ipmi.packet import AuthType, Packet15, PacketPlus, Payload
from ridethrough.wire.ipmi.session import Address, ChannelHost, Drop, Session
from ridethrough.wire.ipmi.session_table import SessionTable
from ridethrough.wire.ipmi.set_up import SetUp
from ridethrough.wire.ipmi.sol_link import ConsoleLink
from ridethrough.wire.ipmi.window import Window

MAX_SESSIONS = 16
ANSWERS_KEPT = 8
ANSWER_KEPT_MS = 5_000
TYPES_15 = (AuthType.NONE, AuthType.MD5, AuthType.PASSWORD)
APP = int(NetFn.APP)
CLOSE = 0x3C
CLOSE_OCTET = bytes((CLOSE,))
# Managers ask the same few short things all the time, with 64 sequence numbers. Only who has a session fills this.
FREQUENT_LENGTH = 16
_frequent = lru_cache(maxsize=4096)(decode_request)
_frequent_answer = lru_cache(maxsize=4096)(encode_response)
# A datagram of an open session with integrity and privacy, up to the payload type.
SEALED = rmcp.IPMI_HEADER + bytes((packet.RMCP_PLUS, 0xC0 | Payload.IPMI))
IDS = Struct("<IIH")  # session, sequence, payload length
OPENING, HEAD = len(packet.opening(Payload.OPEN_SESSION_REQUEST)), packet.HEAD_PLUS.size


class Endpoint:
    """A LAN channel. `random_bytes(n)` supplies session identifiers and challenges."""

    def __init__(
        self,
        host: ChannelHost,
        random_bytes: Callable[[int], bytes],
        max_sessions: int = MAX_SESSIONS,
    ) -> None:
        self._host = host
        self._random = random_bytes
        self.table = SessionTable(host, random_bytes, max_sessions)
        self._sessions = self.table.by_id
        self._steps = SetUp(host, self.table, random_bytes).steps
        self._console = ConsoleLink(host, self._sessions, self._sol)

    def receive(self, data: bytes, peer: Address, now_ms: int) -> list[bytes]:
        """Answers to one datagram. Raises WireError for octets that are no RMCP, ASF or IPMI."""
        self.table.refused = None
        if data.startswith(SEALED) and (answers := self._receive_sealed(data, peer, now_ms)) is not None:
            return answers
        step = self._steps.get(data[:OPENING])
        if step is not None and len(data) - HEAD == int.from_bytes(data[OPENING:HEAD], "little"):
            self.table.expire(now_ms)
            return step(data[HEAD:], peer, now_ms)
        if not data.startswith(rmcp.IPMI_HEADER) and rmcp.decode(data).rmcp_class is rmcp.RmcpClass.ASF:
            ping = rmcp.decode_asf(data)
            return [rmcp.encode_pong(ping.tag)] if isinstance(ping, rmcp.Ping) else self.table.drop(Drop.UNEXPECTED)
        self.table.expire(now_ms)
        parsed = packet.decode(data)
        if isinstance(parsed, Packet15):
            return self._receive_15(parsed, peer, now_ms)
        if parsed.payload_type in (Payload.IPMI, Payload.SOL):
            return self._receive_plus(data, parsed, peer, now_ms)
        if parsed.session_id == 0:
            step = self._steps.get(packet.opening(parsed.payload_type))
            if step is not None:  # with a sequence number, or flags
                return step(parsed.payload, peer, now_ms)
        return self.table.drop(Drop.UNEXPECTED)

    def reset(self) -> None:
        """Forget every session, as a controller does that loses power."""
        self._sessions.clear()

    @property
    def active(self) -> list[Session]:
        """The open sessions."""
        return [session for session in self._sessions.values() if session.active]

    # --- commands ---------------------------------------------------------------------------------------

    def _answer(self, message: bytes, offset: int, session: Session | None, now_ms: int) -> bytes:
        """The answer to an IPMI message; a repeated request gets the answer it got before."""
        if session is None:
            request = decode_request(message, offset)
            return encode_response(request, *self._execute(request, None))
        answers = session.answers
        if (kept := answers.get(message)) and now_ms - kept[0] <= ANSWER_KEPT_MS:
            return kept[1]
        short = len(message) <= FREQUENT_LENGTH and message[5:6] != CLOSE_OCTET  # which comes once with its number
        request = _frequent(message, offset) if short else decode_request(message, offset)
        code, data = self._execute(request, session)
        if short and len(data) <= FREQUENT_LENGTH:
            answer = _frequent_answer(request, code, data)
        else:
            answer = encode_response(request, code, data)
        answers[message] = (now_ms, answer)
        if len(answers) > ANSWERS_KEPT:
            del answers[next(iter(answers))]
        return answer

    def _execute(self, request: IpmiRequest, session: Session | None) -> tuple[int, bytes]:
        if request.rs_lun:
            return Completion.INVALID_FOR_LUN, b""
        if request.netfn == APP and session and session.active:
            if request.command == 0x3B:
                return session_commands.set_privilege(request.data, session)
            if request.command == CLOSE:
                return session_commands.close(request.data, session, self._sessions)
            if request.command == 0x3D:
                return session_commands.info(request.data, session, self._sessions, self.table.most)
        return self._host.execute(request, session)

    # --- IPMI 1.5 ---------------------------------------------------------------------------------------

    def _receive_15(self, parsed: Packet15, peer: Address, now_ms: int) -> list[bytes]:
        if parsed.session_id == 0:
            return self._outside_15(parsed, peer, now_ms)
        session = self._sessions.get(parsed.session_id)
        if session is None or session.suite is not None or session.account is None:
            return self.table.drop(Drop.SESSION_UNKNOWN)
        if session.peer != peer:
            return self.table.drop(Drop.PEER)
        code = _code_15(session, parsed.message, parsed.sequence)
        if parsed.auth_type is not session.auth_type or not hmac.compare_digest(parsed.auth_code, code):
            if not session.active:
                del self._sessions[session.session_id]  # one attempt for each challenge
                self.table.failed(session)
            return self.table.drop(Drop.AUTHENTICATION)
        if not session.active:
            return self._activate(parsed, session, now_ms)
        if not session.inbound.accept(parsed.sequence):
            return self.table.drop(Drop.SEQUENCE)
        session.touched_ms = now_ms
        return [self._seal_15(session, self._answer(parsed.message, parsed.message_offset, session, now_ms))]

    def _outside_15(self, parsed: Packet15, peer: Address, now_ms: int) -> list[bytes]:
        if parsed.auth_type is not AuthType.NONE:
            return self.table.drop(Drop.AUTHENTICATION)
        request = decode_request(parsed.message, parsed.message_offset)
        if (request.netfn, request.command) == (NetFn.APP, 0x39):
            code, data = self._challenge(request.data, peer, now_ms)
            answer = encode_response(request, code, data)
        else:
            answer = self._answer(parsed.message, parsed.message_offset, None, now_ms)
        return [packet.encode_15(Packet15(AuthType.NONE, 0, 0, b"", answer))]

    def _challenge(self, data: bytes, peer: Address, now_ms: int) -> tuple[int, bytes]:
        # Get Session Challenge, section 22.16.
        if len(data) != 17:
            return Completion.LENGTH_INVALID, b""
        wanted = data[0] & 0x0F
        if wanted not in TYPES_15 or not self._host.login_policy.auth_types >> wanted & 1:
            return Completion.INVALID_FIELD, b""
        account = self._host.account(data[1:].rstrip(b"\0"))
        # A password stored with 20 octets never logs in through IPMI 1.5 (section 22.30).
        if account is None or account.long_password or len(account.password) > 16:
            return 0x81, b""
        session = self.table.new(peer, account.privilege, now_ms)
        if session is None:
            return Completion.OUT_OF_SPACE, b""
        session.account, session.auth_type = account, AuthType(wanted)
        session.challenge = self._random(16)
        return Completion.OK, session.session_id.to_bytes(4, "little") + session.challenge

    def _activate(self, parsed: Packet15, session: Session, now_ms: int) -> list[bytes]:
        # Activate Session, section 22.17. The first answer carries exactly the console's outbound number.
        request = decode_request(parsed.message, parsed.message_offset)
        data = request.data
        if (request.netfn, request.command) != (NetFn.APP, 0x3A) or len(data) != 22 or data[2:18] != session.challenge:
            return self.table.drop(Drop.UNEXPECTED)
        session.outbound_15 = int.from_bytes(data[18:22], "little")
        wanted = data[1] & 0x0F
        if session.outbound_15 == 0:
            answer = encode_response(request, 0x84)
        elif not Privilege.USER <= wanted <= session.limit:
            answer = encode_response(request, 0x86)
        else:
            session.active = True
            session.limit = Privilege(wanted)
            session.touched_ms = now_ms
            first = int.from_bytes(self._random(3), "little") or 1
            session.inbound = Window(8, 8, first - 1)
            body = session.session_id.to_bytes(4, "little") + first.to_bytes(4, "little")
            self._host.login_succeeded(session.account.user_id if session.account else 0)
            answer = encode_response(request, 0, bytes((session.auth_type,)) + body + bytes((wanted,)))
        return [self._seal_15(session, answer)]

    def _seal_15(self, session: Session, answer: bytes) -> bytes:
        number = session.outbound_15
        session.outbound_15 = number % 0xFFFFFFFF + 1
        code = _code_15(session, answer, number)
        return packet.encode_15(Packet15(session.auth_type, number, session.session_id, code, answer))

    # --- RMCP+ ------------------------------------------------------------------------------------------

    def _receive_sealed(self, data: bytes, peer: Address, now_ms: int) -> list[bytes] | None:
        """Answer an encrypted command in an open session, as nearly all datagrams are. Others: None, and nothing done.

        `_receive_plus` then says why. Raises WireError as it does.
        """
        if now_ms >= self.table.expires_ms:
            self.table.expire(now_ms)
        if len(data) < HEAD:
            return None
        session_id, sequence, length = IDS.unpack_from(data, len(SEALED))
        session = self._sessions.get(session_id)
        if session is None or not session.active or session.peer != peer:
            return None
        keys = session.keys
        if keys is None or keys.flags != SEALED[-1] or not protect.intact(keys, data, length):
            return None
        if not session.inbound.accept(sequence):
            return self.table.drop(Drop.SEQUENCE)
        session.touched_ms = now_ms
        message = keys.decrypt(data[16 : 16 + length], 16)
        return [self._sealed(session, keys, self._answer(message, 16, session, now_ms))]

    def _receive_plus(self, data: bytes, parsed: PacketPlus, peer: Address, now_ms: int) -> list[bytes]:
        if parsed.session_id == 0:
            if parsed.encrypted or parsed.authenticated or parsed.payload_type is Payload.SOL:
                return self.table.drop(Drop.UNEXPECTED)
            answer = self._answer(parsed.payload, parsed.payload_offset, None, now_ms)
            return [packet.encode_plus(PacketPlus(Payload.IPMI, False, False, 0, 0, answer))]
        session = self._sessions.get(parsed.session_id)
        if session is None or not session.active or session.keys is None:
            return self.table.drop(Drop.SESSION_UNKNOWN)
        if session.peer != peer:
            return self.table.drop(Drop.PEER)
        keys = session.keys
        if not protect.authentic(keys, data, parsed):
            return self.table.drop(Drop.AUTHENTICATION)
        if not session.inbound.accept(parsed.sequence):
            return self.table.drop(Drop.SEQUENCE)
        session.touched_ms = now_ms
        plain = protect.plain(keys, parsed)
        if parsed.payload_type is Payload.SOL:
            answers = self._console.take(sol.decode(plain, parsed.payload_offset), session, now_ms)
            return self.table.drop(Drop.UNEXPECTED) if answers is None else answers
        return [self._sealed(session, keys, self._answer(plain, parsed.payload_offset, session, now_ms))]

    def _sealed(self, session: Session, keys: SessionKeys, payload: bytes, kind: Payload = Payload.IPMI) -> bytes:
        session.outbound = session.outbound % 0xFFFFFFFF + 1
        return protect.seal(keys, session.console_sid, session.outbound, payload, kind)

    def pump(self, now_ms: int) -> list[tuple[bytes, Address]]:
        """Return packets of the serial console that are due, with the peers they go to."""
        return self._console.pump(now_ms)

    @property
    def due_ms(self) -> int | None:
        """Time at which `pump` must be called next if nothing happens before; None for never."""
        return self._console.due_ms

    def _sol(self, session: Session, payload: bytes) -> bytes:
        if session.keys is None:
            raise ValueError("a session without keys has no console")
        return self._sealed(session, session.keys, payload, Payload.SOL)


def _code_15(session: Session, message: bytes, sequence: int) -> bytes:
    """The authentication code of an IPMI 1.5 packet, by the type that its session was opened with (section 13.6)."""
    password = session.account.password if session.account else b""
    match session.auth_type:
        case AuthType.MD5:
            return md5_code(password, session.session_id, message, sequence)
        case AuthType.PASSWORD:
            return password.ljust(16, b"\0")
        case _:
            return b""
