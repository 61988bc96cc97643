"""A manager's end of a session (the specification's remote console), IPMI 1.5 and RMCP+.

A machine without timers: the caller sends what it is given, hands back what arrives, and repeats a datagram when
it has waited long enough.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum, auto

from ridethrough.wire import rmcp
from ridethrough.wire.ipmi import packet, protect, rakp
from ridethrough.wire.ipmi.algorithms import SUITES, Handshake, SessionKeys, md5_code
from ridethrough.wire.ipmi.message import IpmiRequest, IpmiResponse, NetFn, Privilege, decode_response, encode_request
from ridethrough.wire.ipmi.packet import AuthType, Packet15, PacketPlus, Payload
from ridethrough.wire.ipmi.rakp import Status
from ridethrough.wire.ipmi.window import Window


class ClientState(Enum):
    """A step of a session, from the manager's end."""

    IDLE = auto()
    OPENING = auto()
    RAKP1_SENT = auto()
    RAKP3_SENT = auto()
    CHALLENGED = auto()
    ACTIVATING = auto()
    OPEN = auto()
    REFUSED = auto()


def sessionless(request: IpmiRequest) -> bytes:
    """A request outside any session, in IPMI 1.5 framing, which every BMC understands."""
    return packet.encode_15(Packet15(AuthType.NONE, 0, 0, b"", encode_request(request)))


class LanPlusClient:
    """An RMCP+ session. `refusal` names why the BMC, or our check of its codes, ended the set-up."""

    def __init__(
        self,
        user: bytes,
        password: bytes,
        random_bytes: Callable[[int], bytes],
        suite: int = 17,
        privilege: Privilege = Privilege.ADMINISTRATOR,
    ) -> None:
        self.state = ClientState.IDLE
        self.refusal: Status | None = None
        self._user = user
        self._password = password
        self._random = random_bytes
        self._suite = SUITES[suite]
        self._privilege = privilege
        self._console_sid = 0
        self._bmc_sid = 0
        self._console_random = b""
        self._handshake: Handshake | None = None
        self._keys: SessionKeys | None = None
        self._sequence = 0
        self._rq_seq = 0
        self._inbound = Window(16, 15)

    def start(self) -> bytes:
        """Begin: the Open Session Request, to be sent, and repeated until `receive` returns the next datagram."""
        self._console_sid = int.from_bytes(self._random(4), "little") or 1
        self.state = ClientState.OPENING
        asked = rakp.encode_open_request(0, self._privilege, self._console_sid, self._suite[1:])
        return packet.plain_plus(Payload.OPEN_SESSION_REQUEST, asked)

    def receive(self, data: bytes) -> bytes | IpmiResponse | None:
        """The next datagram to send, an answer to a request, or None when there is nothing to do.

        Raises WireError for octets that cannot be read. What belongs to another exchange is None.
        """
        if rmcp.decode(data).rmcp_class is not rmcp.RmcpClass.IPMI:
            return None
        parsed = packet.decode(data)
        if isinstance(parsed, Packet15):
            return None
        step = (self.state, parsed.payload_type)
        if step == (ClientState.OPENING, Payload.OPEN_SESSION_RESPONSE):
            return self._opened(rakp.decode_open_response(parsed.payload))
        if step == (ClientState.RAKP1_SENT, Payload.RAKP_2):
            return self._challenged(rakp.decode_rakp2(parsed.payload))
        if step == (ClientState.RAKP3_SENT, Payload.RAKP_4):
            return self._confirmed(rakp.decode_rakp4(parsed.payload))
        if step == (ClientState.OPEN, Payload.IPMI):
            return self._answer(data, parsed)
        return None

    def request(self, netfn: int, command: int, data: bytes = b"") -> bytes:
        """A protected request. Raises RuntimeError while the session is not open."""
        if self._keys is None:
            raise RuntimeError("the session is not open")
        self._rq_seq = (self._rq_seq + 1) & 0x3F
        self._sequence += 1
        message = encode_request(IpmiRequest(netfn, command, data, self._rq_seq))
        return protect.seal(self._keys, self._bmc_sid, self._sequence, message)

    def close(self) -> bytes:
        """Close Session, to be sent; the state stays, as the BMC ends the session. Raises RuntimeError unless open."""
        return self.request(NetFn.APP, 0x3C, self._bmc_sid.to_bytes(4, "little"))

    def _refuse(self, status: int) -> bytes | None:
        self.state = ClientState.REFUSED
        self.refusal = Status(status) if status in set(Status) else Status.ILLEGAL_PARAMETER
        return None

    def _opened(self, answer: rakp.OpenResponse) -> bytes | None:
        _, status, _, _, bmc_sid, algorithms = answer
        if status != Status.OK:
            return self._refuse(status)
        if algorithms != self._suite[1:]:
            return self._refuse(Status.NO_CIPHER_SUITE_MATCH)
        self._bmc_sid = bmc_sid
        self._console_random = self._random(16)
        self.state = ClientState.RAKP1_SENT
        role = 0x10 | self._privilege  # name-only lookup
        message = rakp.encode_rakp1(0, self._bmc_sid, self._console_random, role, self._user)
        return packet.plain_plus(Payload.RAKP_1, message)

    def _challenged(self, answer: rakp.Rakp2) -> bytes | None:
        _, status, _, bmc_random, guid, code = answer
        if status != Status.OK:
            return self._refuse(status)
        self._handshake = handshake = Handshake(
            self._suite,
            self._console_sid,
            self._bmc_sid,
            self._console_random,
            bmc_random,
            guid,
            0x10 | self._privilege,
            self._user,
            self._password,
        )
        if not hmac.compare_digest(code, handshake.rakp2_code()):
            return self._refuse(Status.INVALID_INTEGRITY_CHECK)
        self.state = ClientState.RAKP3_SENT
        message = rakp.encode_rakp3(0, Status.OK, self._bmc_sid, handshake.rakp3_code())
        return packet.plain_plus(Payload.RAKP_3, message)

    def _confirmed(self, answer: rakp.Rakp4) -> bytes | None:
        _, status, _, icv = answer
        if status != Status.OK:
            return self._refuse(status)
        if self._handshake is None:
            return self._refuse(Status.INACTIVE_SESSION_ID)
        by_session_key = self._handshake.by_session_key()
        if not hmac.compare_digest(icv, self._handshake.rakp4_icv(by_session_key)):
            return self._refuse(Status.INVALID_INTEGRITY_CHECK)
        self._keys = SessionKeys(self._suite, by_session_key, self._password)
        self.state = ClientState.OPEN
        return self.request(NetFn.APP, 0x3B, bytes((self._privilege,)))

    def _answer(self, data: bytes, parsed: PacketPlus) -> IpmiResponse | None:
        keys = self._keys
        if keys is None or parsed.session_id != self._console_sid or not protect.authentic(keys, data, parsed):
            return None
        if not self._inbound.accept(parsed.sequence):
            return None
        return decode_response(protect.plain(keys, parsed), parsed.payload_offset)


class LanClient:
    """An IPMI 1.5 session with MD5."""

    def __init__(
        self,
        user: bytes,
        password: bytes,
        random_bytes: Callable[[int], bytes],
        privilege: Privilege = Privilege.ADMINISTRATOR,
    ) -> None:
        self.state = ClientState.IDLE
        self.completion = 0  # completion code that ended the set-up
        self._user = user
        self._password = password
        self._random = random_bytes
        self._privilege = privilege
        self._session_id = 0
        self._sequence = 0
        self._rq_seq = 0
        self._inbound = Window(8, 8)

    def start(self) -> bytes:
        """Begin: Get Session Challenge, to be sent, and repeated until `receive` returns the next datagram."""
        self.state = ClientState.CHALLENGED
        return sessionless(IpmiRequest(NetFn.APP, 0x39, bytes((AuthType.MD5,)) + self._user.ljust(16, b"\0")))

    def receive(self, data: bytes) -> bytes | IpmiResponse | None:
        """As `LanPlusClient.receive`."""
        if rmcp.decode(data).rmcp_class is not rmcp.RmcpClass.IPMI:
            return None
        parsed = packet.decode(data)
        if not isinstance(parsed, Packet15):
            return None
        if self.state is ClientState.CHALLENGED:
            answer = decode_response(parsed.message, parsed.message_offset)
            if answer.completion or len(answer.data) != 20:
                return self._refuse(answer.completion)
            return self._activate(answer.data)
        if parsed.session_id != self._session_id or parsed.auth_type is not AuthType.MD5:
            return None
        code = md5_code(self._password, self._session_id, parsed.message, parsed.sequence)
        if not hmac.compare_digest(parsed.auth_code, code) or not self._inbound.accept(parsed.sequence):
            return None
        answer = decode_response(parsed.message, parsed.message_offset)
        if self.state is not ClientState.ACTIVATING:
            return answer
        if answer.completion or len(answer.data) != 10:
            return self._refuse(answer.completion)
        self._session_id = int.from_bytes(answer.data[1:5], "little")
        self._sequence = int.from_bytes(answer.data[5:9], "little")
        self.state = ClientState.OPEN
        return self.request(NetFn.APP, 0x3B, bytes((self._privilege,)))

    def request(self, netfn: int, command: int, data: bytes = b"") -> bytes:
        """An authenticated request."""
        self._rq_seq = (self._rq_seq + 1) & 0x3F
        message = encode_request(IpmiRequest(netfn, command, data, self._rq_seq))
        code = md5_code(self._password, self._session_id, message, self._sequence)
        datagram = packet.encode_15(Packet15(AuthType.MD5, self._sequence, self._session_id, code, message))
        self._sequence += 1 if self._sequence else 0
        return datagram

    def close(self) -> bytes:
        """Close Session, to be sent; the state stays, as the BMC ends the session."""
        return self.request(NetFn.APP, 0x3C, self._session_id.to_bytes(4, "little"))

    def _refuse(self, completion: int) -> bytes | None:
        self.state = ClientState.REFUSED
        self.completion = completion
        return None

    def _activate(self, answer: bytes) -> bytes:
        self._session_id = int.from_bytes(answer[:4], "little")
        self.state = ClientState.ACTIVATING
        first = int.from_bytes(self._random(3), "little") or 1
        self._inbound = Window(8, 8, first - 1)
        body = bytes((AuthType.MD5, self._privilege)) + answer[4:20] + first.to_bytes(4, "little")
        return self.request(NetFn.APP, 0x3A, body)
