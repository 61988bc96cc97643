"""Rules about the tables of the UPSs' cards, which control terminals ask (003 1.7.4.1(2), requirements 2.3). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ridethrough.emulators.devices.ups.profile import AccessRow, load_profile
from ridethrough.rigs.checks.rows import Row, Violation
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

NAMED = 6  # devices in one message


class AskedCard(NamedTuple):
    """A card of the tree: the community with which it is asked, its rows, and who has to be in them."""

    ups: str
    community: str
    rows: tuple[AccessRow, ...]
    askers: dict[str, str]
    """Server to the address from which it asks."""


def _cards(rig: RigFile) -> Iterator[AskedCard]:
    topology = rig.topology()
    for name in (*topology.power_devices, *topology.linked_devices):
        config = rig.ups[name]
        rows = config.access or load_profile(config.profile).access
        writing = next((row.community for row in config.access if row.type.startswith("write")), None)
        community = topology.policy_of(name).community or writing or rig.defaults.community
        askers = {server: rig.servers[server].address for server in _askers(topology, name)}
        yield AskedCard(name, community, rows, askers)


def _askers(topology: Topology, ups: str) -> list[str]:
    """管理端末 for every card, and for that of a cluster's server the servers that hang on it, too.

    Without management terminal each control terminal is one: any of them may have to act (requirements 2.3).
    """
    nodes = [server for server in topology.fed_by(ups) if topology.cluster_of(server) is not None]
    connected = nodes if ups in topology.power_devices else []
    return list(dict.fromkeys([*topology.terminals, *connected]))


def communities(rig: RigFile) -> Iterator[Violation]:
    """X34: the groups' SNMP community is in the access table of each of their cards."""
    for card in _cards(rig):
        if all(row.community != card.community for row in card.rows):
            known = ", ".join(dict.fromkeys(row.community for row in card.rows))
            words = f"no row has the community {card.community!r} of its group, only {known} "
            yield ("ups", card.ups, "access"), words + "(Community Name: SNMPで使用する識別名)"


def _rows_for(card: AskedCard, address: str) -> list[AccessRow]:
    rows = [row for row in card.rows if row.community == card.community and row.type != "disabled"]
    return [row for row in rows if row.admits(address)]


def registered(rig: RigFile) -> Iterator[Violation]:
    """X36: terminals and connected servers are in the card's rows, with the address from which they ask."""
    for card in _cards(rig):
        known = any(row.community == card.community for row in card.rows)
        for server, address in card.askers.items():
            if known and not _rows_for(card, address):
                words = f"no row for {server} at {address} (NMS IP: SNMPでアクセスするサーバのIP address)"
                yield ("ups", card.ups, "access"), words


def writing(rig: RigFile) -> Iterator[Violation]:
    """X35: the rows of terminals and connected servers may write."""
    for card in _cards(rig):
        for server, address in card.askers.items():
            rows = _rows_for(card, address)
            if rows and not any(row.type.startswith("write") for row in rows):
                words = f"{server} at {address} may only read (Access Type: 「Write+」または「Write」を選択する)"
                yield ("ups", card.ups, "access"), words


def traps(rig: RigFile) -> Iterator[Violation]:
    """X37: a card has a trap receiver, and both kinds of traps are enabled."""
    for card in _cards(rig):
        receivers = rig.ups[card.ups].traps
        where = ("ups", card.ups, "traps")
        if receivers == ():
            yield where, "no trap receiver is registered (「Trap Receiver」に登録を行ってください)"
        for index, row in enumerate(receivers or ()):
            off = [
                name
                for name, on in (("Trap Generation", row.generation), ("Authentication Traps", row.authentication))
                if not on
            ]
            if off:
                yield (*where, str(index)), f"{' and '.join(off)} of {row.receiver} off (「Enabled」を選択する)"


def accounts(rig: RigFile) -> Iterator[Violation]:
    """X23: the factory accounts of the cards are changed."""
    left = [name for name in rig.ups if name not in rig.environment.changed_accounts]
    if left:
        more = f" and {len(left) - NAMED} more" if len(left) > NAMED else ""
        yield ("ups", left[0]), f"the factory account apc/apc is left on {', '.join(left[:NAMED])}{more}"


CARD_RULES: tuple[Row, ...] = (
    ("X34", False, "003 1.7.4.1(2)", communities),
    ("X35", False, "003 1.7.4.1(2)", writing),
    ("X36", False, "003 1.7.4.1(2)", registered),
    ("X37", False, "003 1.7.4.1(2)", traps),
    ("X23", True, "003 1.7.4.1", accounts),
)
