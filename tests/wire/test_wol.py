from __future__ import annotations

import socket
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.wire.errors import WireError
from ridethrough.wire.wol import Wake, decode, encode, mac_address
from tests.support.clients import find

MAC = "00:0d:61:08:22:4a"


def test_the_packet_of_debian_s_wakeonlan() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("127.0.0.1", 0))
        ear.settimeout(20)
        place = ["-i", "127.0.0.1", "-p", str(ear.getsockname()[1])]
        subprocess.run([str(find("wakeonlan")), *place, MAC], check=True, capture_output=True)
        packet = ear.recv(2000)
    assert encode(Wake(mac_address(MAC))) == packet
    assert decode(packet) == Wake(mac_address(MAC))


@given(st.binary(min_size=6, max_size=6), st.sampled_from([0, 4, 6]), st.data())
def test_round_trip(mac: bytes, size: int, data: st.DataObject) -> None:
    wake = Wake(mac, data.draw(st.binary(min_size=size, max_size=size)))
    if mac != b"\xff" * 6:
        assert decode(encode(wake)) == wake


@given(st.binary(max_size=300))
def test_any_octets(data: bytes) -> None:
    try:
        wake = decode(data)
    except WireError:
        return
    assert wake.mac * 16 in data


def test_the_pattern_may_stand_anywhere() -> None:
    assert decode(b"\xff\xffx" + encode(Wake(mac_address(MAC)))) == Wake(mac_address(MAC))


@pytest.mark.parametrize("text", ["00:11:22:33:44", "00:11:22:33:44:gg", "00:11-22:33:44:55", "0011.2233.4455", ""])
def test_what_is_no_mac_address(text: str) -> None:
    with pytest.raises(ValueError, match="expected a MAC address"):
        mac_address(text)


@pytest.mark.parametrize("text", ["00-11-22-aa-BB-cc", "00:11:22:aa:bb:cc", "001122AABBCC"])
def test_ways_to_write_one(text: str) -> None:
    assert mac_address(text) == bytes.fromhex("001122aabbcc")


def test_a_password_of_another_length() -> None:
    with pytest.raises(ValueError, match="SecureOn password 4 or 6"):
        encode(Wake(bytes(6), b"12345"))
