"""Whatever is typed at a card's console: no exception, no way past the password, and a session that ends."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ridethrough.emulators.faces.card_menu import ConsoleMenu
from ridethrough.emulators.faces.telnet import TelnetFilter
from tests.emulators.rig import Desk, american

keys = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"apc\r", b"1\r", b"2\r", b"3\r", b"4\r", b"5\r", b"\x1b", b"\x08", b"127.0.0.1\r", b"\n"]),
    ),
    max_size=40,
)


def menu_of(desk: Desk) -> ConsoleMenu:
    menu = ConsoleMenu(desk.device, "token")
    assert menu.open() == b"\r\nUser Name : "
    return menu


@given(keys)
def test_anything_typed_by_somebody_inside(typed: list[bytes]) -> None:
    desk = american()
    menu = menu_of(desk)
    menu.feed(b"apc\rapc\r", desk.world.now)
    assert menu.logged_on
    for data in typed:
        shown = menu.feed(data, desk.world.now)
        shown.decode("ascii")
    menu.hang_up()
    assert not desk.card.accounts.logged_on


@given(st.lists(st.binary(max_size=30), max_size=20))
def test_nobody_gets_in_without_the_password(typed: list[bytes]) -> None:
    desk = american()
    desk.card.accounts.change("somebody", "a long password", desk.world.now)
    menu = menu_of(desk)
    for data in typed:
        menu.feed(data, desk.world.now)
    assert not menu.logged_on
    assert not desk.card.accounts.logged_on


def test_an_idle_session_ends_by_itself() -> None:
    desk = american()
    menu = menu_of(desk)
    menu.feed(b"apc\rapc\r", desk.world.now)
    desk.world.settle("UPS1")  # as the face does after what is typed
    desk.at(179)
    assert desk.card.accounts.logged_on
    desk.at(181)
    assert not desk.card.accounts.logged_on
    assert b"The session has ended." in menu.feed(b"1\r", desk.world.now)
    assert menu.closed


def test_corrections_and_line_ends() -> None:
    desk = american()
    menu = menu_of(desk)
    assert menu.feed(b"apx\x08c\r\n", desk.world.now) == b"apx\b \bc\r\nPassword  : "
    assert menu.feed(b"ap", desk.world.now) == b"**"
    menu.feed(b"c\r\n", desk.world.now)
    assert menu.logged_on


def test_the_card_restarts_from_its_menu() -> None:
    desk = american()
    menu = menu_of(desk)
    menu.feed(b"apc\rapc\r3\r2\r", desk.world.now)
    assert menu.closed
    assert desk.traps() == [29]


@given(st.binary(max_size=60), st.lists(st.integers(1, 10), max_size=20))
def test_telnet_commands_are_taken_out_wherever_packets_are_cut(data: bytes, cuts: list[int]) -> None:
    whole = TelnetFilter().typed(data)
    pieces, rest, cut = [], data, TelnetFilter()
    for size in cuts:
        pieces.append(cut.typed(rest[:size]))
        rest = rest[size:]
    assert b"".join([*pieces, cut.typed(rest)]) == whole
    assert 0 not in whole


def test_options_subnegotiations_and_escaped_octets() -> None:
    data = b"a\xff\xfd\x01b\xff\xfa\x1f\x00\x50\xff\xf0c\xff\xffd\r\x00"
    assert TelnetFilter().typed(data) == b"abc\xffd\r"
