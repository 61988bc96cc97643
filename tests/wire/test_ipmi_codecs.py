"""RMCP, IPMI messages, packets, RAKP payloads."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.wire import rmcp
from ridethrough.wire.errors import WireError
from ridethrough.wire.ipmi import packet, rakp
from ridethrough.wire.ipmi.algorithms import SUITES, Handshake, SessionKeys, md5_code, suite_record
from ridethrough.wire.ipmi.message import IpmiRequest, decode_request, decode_response, encode_request, encode_response
from ridethrough.wire.ipmi.packet import AuthType, Packet15, PacketPlus, Payload
from ridethrough.wire.primitives import Hmac
from tests.support.vectors import vector

octet = st.integers(0, 255)
words = st.integers(0, 0xFFFFFFFF)
requests = st.builds(
    IpmiRequest,
    st.integers(0, 31).map(lambda number: number * 2),
    octet,
    st.binary(max_size=60),
    st.integers(0, 63),
    octet,
    st.integers(0, 3),
    st.integers(0, 3),
)


@given(requests)
def test_requests_round_trip(request_: IpmiRequest) -> None:
    assert decode_request(encode_request(request_)) == request_


@given(requests, octet, st.binary(max_size=60))
def test_responses_round_trip(request_: IpmiRequest, completion: int, data: bytes) -> None:
    seen = decode_response(encode_response(request_, completion, data))
    assert (seen.netfn, seen.command, seen.completion, seen.data, seen.rq_seq) == (
        request_.netfn | 1,
        request_.command,
        completion,
        data,
        request_.rq_seq,
    )


def test_what_ipmitool_sends_first() -> None:
    parsed = packet.decode(vector("ipmitool-auth-cap"))
    assert isinstance(parsed, Packet15)
    assert (parsed.auth_type, parsed.sequence, parsed.session_id) == (AuthType.NONE, 0, 0)
    request_ = decode_request(parsed.message, parsed.message_offset)
    assert (request_.netfn, request_.command, request_.data) == (0x06, 0x38, b"\x8e\x04")
    assert packet.encode_15(parsed) == vector("ipmitool-auth-cap")


def test_presence_ping_and_pong() -> None:
    ping = vector("ipmitool-ping")
    assert rmcp.decode(ping).rmcp_class is rmcp.RmcpClass.ASF
    assert rmcp.decode_asf(ping) == rmcp.Ping(0)
    assert rmcp.encode_ping(0) == ping
    # ASF 2.0 section 3.2.4.3: IANA 4542, pong, tag, 16 octets: enterprise, OEM, entities 81h, no interactions.
    pong = bytes.fromhex("0600ff06 000011be 40 05 00 10 000011be 00000000 81 00 000000000000")
    assert rmcp.encode_pong(5) == pong
    assert rmcp.decode_asf(pong) == rmcp.Pong(5, ipmi=True)


@given(st.binary(max_size=120))
def test_any_octets_give_a_packet_or_the_one_error(data: bytes) -> None:
    for prefix in (b"", b"\x06\x00\xff\x07", b"\x06\x00\xff\x07\x06", b"\x06\x00\xff\x06\x00\x00\x11\xbe"):
        datagram = prefix + data
        for read in (rmcp.decode, rmcp.decode_asf, packet.decode, decode_request, decode_response):
            try:
                read(datagram)
            except WireError as error:
                assert 0 <= error.offset <= len(datagram)
    for decode in (
        rakp.decode_open_request,
        rakp.decode_open_response,
        rakp.decode_rakp1,
        rakp.decode_rakp2,
        rakp.decode_rakp3,
        rakp.decode_rakp4,
    ):
        try:
            decode(data)
        except WireError:
            continue


@given(st.sampled_from([AuthType.NONE, AuthType.MD5]), words, words, st.binary(min_size=1, max_size=150))
def test_packets_15_round_trip(kind: AuthType, sequence: int, session: int, message: bytes) -> None:
    code = b"" if kind is AuthType.NONE else bytes(range(16))
    wanted = Packet15(kind, sequence, session, code, message)
    seen = packet.decode(packet.encode_15(wanted))
    assert isinstance(seen, Packet15)
    assert seen._replace(message_offset=0) == wanted


@given(words, words, st.binary(max_size=100), st.sampled_from([12, 16]))
def test_the_trailer_ends_on_four_octets(session: int, sequence: int, payload: bytes, code_length: int) -> None:
    plain = PacketPlus(Payload.IPMI, False, True, session, sequence, payload)
    bare = packet.encode_plus(plain)
    padded = bare + packet.TRAILERS[-(len(bare) + 2) % 4]
    assert (len(padded) - 4) % 4 == 0
    datagram = padded + bytes(range(code_length))
    seen = packet.decode(datagram)
    assert isinstance(seen, PacketPlus)
    assert seen._replace(payload_offset=0) == plain
    assert packet.trailer(datagram, len(payload), code_length) == (padded[4:], bytes(range(code_length)))


algorithms = st.tuples(*[st.one_of(st.none(), st.integers(0, 63))] * 3)
open_requests = st.tuples(octet, st.integers(0, 15), words, algorithms)


@given(open_requests)
def test_open_requests_round_trip(message: rakp.OpenRequest) -> None:
    assert rakp.decode_open_request(rakp.encode_open_request(*message)) == message


@given(octet, words, words, st.binary(min_size=16, max_size=16), st.binary(max_size=16), octet)
def test_rakp_messages_round_trip(tag: int, sid: int, other: int, random: bytes, user: bytes, role: int) -> None:
    first = (tag, sid, random, role, user)
    assert rakp.decode_rakp1(rakp.encode_rakp1(*first)) == first
    second = (tag, 0, other, random, random[::-1], user)
    assert rakp.decode_rakp2(rakp.encode_rakp2(*second)) == second
    third = (tag, 0, sid, user)
    assert rakp.decode_rakp3(rakp.encode_rakp3(*third)) == third
    fourth = (tag, 0, sid, user)
    assert rakp.decode_rakp4(rakp.encode_rakp4(*fourth)) == fourth


def test_codes_follow_the_formulas_of_the_specification() -> None:
    # IPMI 2.0 section 13.31, written out here a second time from the text.
    handshake = Handshake(
        SUITES[3], 0xA4A3A2A0, 0x01020304, b"\x11" * 16, b"\x22" * 16, b"\x33" * 16, 0x14, b"admin", b"secret"
    )
    name = b"\x14\x05admin"
    sids = bytes.fromhex("a0a2a3a4") + bytes.fromhex("04030201")

    def sha1(key: bytes, text: bytes) -> bytes:
        return hmac.new(key, text, hashlib.sha1).digest()

    password = b"secret"
    assert handshake.rakp2_code() == sha1(password, sids + b"\x11" * 16 + b"\x22" * 16 + b"\x33" * 16 + name)
    assert handshake.rakp3_code() == sha1(password, b"\x22" * 16 + sids[:4] + name)
    sik = sha1(password, b"\x11" * 16 + b"\x22" * 16 + name)
    by_session_key = handshake.by_session_key()
    assert by_session_key.code(b"anything") == sha1(sik, b"anything")
    assert handshake.rakp4_icv(by_session_key) == sha1(sik, b"\x11" * 16 + sids[4:] + b"\x33" * 16)[:12]


@given(st.binary(max_size=100), st.binary(min_size=16, max_size=16))
def test_encryption_round_trip_and_pad(plain: bytes, salt: bytes) -> None:
    keys = SessionKeys(SUITES[17], Hmac("sha256", bytes(32)))
    cipher = keys.encrypt(plain, salt)
    assert len(cipher) % 16 == 0
    assert keys.decrypt(cipher, 0) == plain
    # IPMI 2.0 table 13-20 and section 13.29, by the library: K2 from a key of zeros, the IV in front, the pad behind.
    key = hmac.new(bytes(32), b"\x02" * 20, hashlib.sha256).digest()[:16]
    reader = Cipher(AES(key), CBC(cipher[:16])).decryptor()
    padded = reader.update(cipher[16:]) + reader.finalize()
    count = -(len(plain) + 1) % 16
    assert padded == plain + bytes(range(1, count + 1)) + bytes((count,))
    assert keys.encrypt(plain, salt)[:16] != cipher[:16]


@given(st.binary(max_size=80))
def test_any_cipher_text_is_plain_or_the_one_error(data: bytes) -> None:
    try:
        SessionKeys(SUITES[3], Hmac("sha1", bytes(20))).decrypt(data, 0)
    except WireError:
        return


def test_md5_code_by_its_formula() -> None:
    text = b"pw".ljust(16, b"\0")
    wanted = hashlib.md5(text + b"\x04\x03\x02\x01" + b"msg" + b"\x01\x00\x00\x00" + text).digest()
    assert md5_code(b"pw", 0x01020304, b"msg", 1) == wanted


@pytest.mark.parametrize(("number", "record"), [(3, "c003014181"), (17, "c011034481"), (8, "c008024281")])
def test_cipher_suite_records(number: int, record: str) -> None:
    assert suite_record(SUITES[number]).hex() == record
