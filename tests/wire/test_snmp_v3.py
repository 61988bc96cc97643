"""SNMPv3: keys by the examples of RFC 3414, messages by round trip and damage."""

from __future__ import annotations

import hmac

import pytest
from cryptography.hazmat.decrepit.ciphers.modes import CFB
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.mibs import Oid
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import Kind, Pdu, Tag, VarBind, usm, v3
from ridethrough.wire.snmp.usm import Auth, Priv
from ridethrough.wire.snmp.v3 import Flags, Header, Scoped, V3Message

ENGINE = bytes.fromhex("000000000000000000000002")


@pytest.mark.parametrize(
    ("auth", "key"),
    [
        (Auth.MD5, "526f5eed9fcce26f8964c2930787d82b"),  # RFC 3414 section A.3.1
        (Auth.SHA, "6695febc9288e36282235fc7151f128497b38f3f"),  # section A.3.2
    ],
)
def test_the_keys_of_the_standard(auth: Auth, key: str) -> None:
    assert usm.localized_key(auth, b"maplesyrup", ENGINE).hex() == key


@given(st.sampled_from(list(Auth)), st.sampled_from(list(Priv)), st.binary(max_size=100), st.integers(0, 2**31 - 1))
def test_privacy_round_trip(auth: Auth, priv: Priv, plain: bytes, time_s: int) -> None:
    key = usm.privacy_key(auth, priv, b"priv passphrase", ENGINE)
    salt = b"\x00\x00\x00\x01" + time_s.to_bytes(4, "big")
    cipher = usm.encrypt(priv, key, plain, 1, time_s, salt)
    back = usm.decrypt(priv, key, cipher, 1, time_s, salt)
    assert back is not None
    assert back[: len(plain)] == plain
    assert usm.decrypt(priv, key, cipher, 1, time_s, b"short") is None


@given(
    st.sampled_from([Priv.AES128, Priv.AES192, Priv.AES256]), st.binary(max_size=300), st.binary(min_size=8, max_size=8)
)
def test_our_chaining_is_that_of_the_library(priv: Priv, plain: bytes, salt: bytes) -> None:
    key = usm.privacy_key(Auth.SHA512, priv, b"priv passphrase", ENGINE)
    whole = Cipher(AES(key), CFB(bytes.fromhex("0000000700000009") + salt))
    writer, reader = whole.encryptor(), whole.decryptor()
    assert usm.encrypt(priv, key, plain, 7, 9, salt) == writer.update(plain) + writer.finalize()
    assert usm.decrypt(priv, key, plain, 7, 9, salt) == reader.update(plain) + reader.finalize()


@given(st.sampled_from(list(Auth)), st.binary(min_size=1, max_size=64), st.binary(max_size=300))
def test_our_codes_are_those_of_the_library(auth: Auth, key: bytes, message: bytes) -> None:
    digest, length = usm.AUTHENTICATION[auth]
    assert usm.code(auth, key, message) == hmac.digest(key, message, digest)[:length]


names = st.binary(max_size=32)
numbers = st.integers(0, 2**31 - 1)
pdus = st.builds(
    lambda kind, number, value: Pdu(kind, number, 0, 0, (VarBind(Oid((1, 3, 6)), Tag.OCTET_STRING, value),)),
    st.sampled_from([Kind.GET, Kind.SET, Kind.RESPONSE, Kind.REPORT, Kind.INFORM]),
    numbers,
    st.binary(max_size=50),
)
headers = st.builds(
    Header,
    numbers,
    numbers,
    st.sampled_from([Flags.NONE, Flags.REPORTABLE, Flags.AUTH, Flags.AUTH | Flags.REPORTABLE]),
    names,
    numbers,
    numbers,
    names,
    st.binary(max_size=48),
    st.binary(max_size=8),
)


@given(headers, names, names, pdus)
def test_messages_round_trip(header: Header, engine: bytes, name: bytes, pdu: Pdu) -> None:
    scoped = Scoped(engine, name, pdu)
    data = v3.encode(V3Message(header, v3.encode_scoped(scoped)))
    assert v3.is_v3(data)
    seen = v3.decode(data)
    assert seen.header == header
    assert v3.decode_scoped(seen.payload) == scoped
    assert data[seen.auth_offset : seen.auth_offset + len(header.auth_params)] == header.auth_params


@given(headers, pdus, st.data())
def test_damage_gives_a_message_or_the_one_error(header: Header, pdu: Pdu, data: st.DataObject) -> None:
    octets = bytearray(v3.encode(V3Message(header, v3.encode_scoped(Scoped(b"e", b"", pdu)))))
    for _ in range(data.draw(st.integers(1, 3))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    try:
        v3.decode_scoped(v3.decode(bytes(octets)).payload)
    except WireError as error:
        assert 0 <= error.offset <= len(octets)


@given(st.binary(max_size=100))
def test_any_octets_give_a_message_or_the_one_error(data: bytes) -> None:
    for read in (v3.decode, v3.decode_scoped, v3.is_v3):
        try:
            read(data)
        except WireError as error:
            assert 0 <= error.offset <= len(data)


def test_privacy_without_authentication_is_unreadable() -> None:
    header = Header(1, 484, Flags.PRIV, b"", 0, 0, b"")
    with pytest.raises(WireError, match="no privacy without authentication"):
        v3.decode(v3.encode(V3Message(header, b"x")))
