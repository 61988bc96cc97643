"""Addresses by themselves: which is selected, what is looked up, how they are written, what can be bound."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ridethrough.gateway.devices.udp import PollingSocket
from ridethrough.gateway.net.addresses import Address, AddressSelector, bound_streams, resolve, split_place
from ridethrough.gateway.receive import Listener, ListenError
from ridethrough.rigs.doctor import _bindable
from ridethrough.rigs.rigfile.ports import free_port
from tests.support.names import NAME, family, named
from tests.support.ways import without_ipv6


def places(count: int) -> tuple[Address, ...]:
    return tuple(Address(socket.AF_INET, (f"192.0.2.{number}", 162)) for number in range(count))


@given(
    st.integers(1, 6),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["failed", "worked", "renew", "exhaust"])), max_size=60),
)
def test_the_selector(count: int, steps: list[tuple[int, str]]) -> None:
    """Against a plain model: a set of those that failed since one worked."""
    known = places(count)
    selector = AddressSelector()
    selector.renew(known)
    failed: set[Address] = set()
    for number, step in steps:
        address, current = known[number % count], selector.current
        if step == "failed":
            selector.failed(address)
            if address == current:
                failed.add(address)
        elif step == "exhaust":
            selector.exhaust()
            failed |= set(known)
        elif step == "worked":
            selector.worked(address)
            if address == current:
                failed.clear()
        else:
            exhausted = selector.exhausted
            selector.renew(known)
            assert selector.current == (known[0] if exhausted else current)
            failed.clear()
        assert selector.current in known
        assert selector.exhausted is (len(failed) == count)
        if not selector.exhausted:
            assert selector.current not in failed


def test_before_and_after_a_lookup() -> None:
    selector = AddressSelector()
    assert (selector.current, selector.exhausted) == (None, True)
    selector.failed(None)
    selector.worked(None)
    first, second, third = places(3)
    selector.renew((first, second, first))
    assert selector.addresses == (first, second)
    selector.failed(first)
    selector.renew((third, second))
    assert selector.current == second
    selector.renew((first, third))
    assert selector.current == first


async def test_addresses_need_no_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_args: Any, **_words: Any) -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert await resolve("192.0.2.1", 5) == (Address(socket.AF_INET, ("192.0.2.1", 5)),)
    assert await resolve("2001:db8::1", 5) == (Address(socket.AF_INET6, ("2001:db8::1", 5, 0, 0)),)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("card", ("card", 161)),
        ("card:1161", ("card", 1161)),
        ("192.0.2.1:1161", ("192.0.2.1", 1161)),
        ("2001:db8::1", ("2001:db8::1", 161)),
        ("[2001:db8::1]", ("2001:db8::1", 161)),
        ("[2001:db8::1]:1161", ("2001:db8::1", 1161)),
    ],
)
def test_places(text: str, place: tuple[str, int]) -> None:
    assert split_place(text, 161) == place


@pytest.mark.parametrize("text", ["", ":1", "card:0", "card:65536", "card:x", "[::1]x", "[]:5", "[::1]:"])
def test_no_places(text: str) -> None:
    with pytest.raises(ValueError, match="expected HOST"):
        split_place(text, 161)


def test_families() -> None:
    assert [family(address) for address in ("::1", "127.0.0.1")] == [socket.AF_INET6, socket.AF_INET]


async def test_what_binds_on_a_kernel_without_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """One clear line, or the other addresses of the name; devices of IPv6 do not answer."""
    without_ipv6(monkeypatch)
    named(monkeypatch, "::1", "127.0.0.1")
    with pytest.raises(ListenError, match=r"::1:\d+/udp cannot be bound: this machine has no IPv6$"):
        Listener("::1", free_port(), (), lambda: 0, lambda _arrivals: None)
    (made,) = bound_streams(await resolve(NAME, 0))
    made.close()
    with pytest.raises(OSError, match="Address family not supported"):
        bound_streams(await resolve("::1", 0))
    port = free_port()
    assert _bindable(NAME, port, socket.SOCK_STREAM, "HTTP").verdict == "ok"
    assert _bindable("::1", port, socket.SOCK_STREAM, "HTTP").verdict == "failed"
    asker = PollingSocket(lambda _data, _source: None)
    asker.send(b"?", "::1", port)
    asker.close()
