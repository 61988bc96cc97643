"""Spoilt datagrams for the agent of a card, judged by another codec and by the state of the card.

`python -m tests.support.fuzz 1000000` is the long run.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

from pyasn1.codec.ber import decoder
from pyasn1.error import PyAsn1Error

from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire.errors import WireError
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, VarBind, Version, encode, secure, v3
from ridethrough.wire.snmp.secure import Keys
from tests.emulators.rig import PLANT, Desk, number
from tests.support.vectors import names, vector

ACCESS = [
    {"community": "public", "manager": "any", "type": "read"},
    {"community": "writer", "manager": "any", "type": "write+"},
]
USER = {
    "type": "write",
    "auth": "sha",
    "auth_key": "auth passphrase 1",
    "priv": "aes128",
    "priv_key": "priv passphrase 2",
}
COMMUNITIES = {b"public", b"writer"}
MANAGER = "192.0.2.1"
NAME = "sysName.0"
RECHECK = 10_000
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


class WrongAcceptanceError(AssertionError):
    """The agent took what it should have refused."""


def memory_kib() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_KIB


class Fuzzer:
    """A desk with a card, good datagrams, and a source of chance that gives the same run for the same seed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        ups = PLANT["ups"]["UPS1"] | {"access": ACCESS, "users": {"mgr": USER}}
        self.desk = Desk(PLANT | {"ups": {"UPS1": ups}})
        self.seen: Counter[str] = Counter()
        self._good = self._community_messages() + [vector(name) for name in names()]
        self._sealed = self._v3_messages()

    def _community_messages(self) -> list[bytes]:
        model, name = number("upsBasicIdentModel.0"), number(NAME)
        asked = (VarBind(model, Tag.NULL, None), VarBind(name, Tag.NULL, None))
        pdus = [
            Pdu(Kind.GET, 1, 0, 0, asked),
            Pdu(Kind.GET_NEXT, 2, 0, 0, asked),
            Pdu(Kind.GET_BULK, 3, 1, 8, asked),
            Pdu(Kind.SET, 4, 0, 0, (VarBind(name, Tag.OCTET_STRING, b"fuzzed"),)),
        ]
        return [
            encode(Message(version, community, pdu))
            for pdu in pdus
            for version in Version
            for community in (b"public", b"writer", b"other")
        ]

    def _v3_messages(self) -> list[bytes]:
        card = self.desk.card
        keys = card.users[b"mgr"].keys(card.engine_id)
        pdu = Pdu(Kind.GET, 5, 0, 0, (VarBind(number(NAME), Tag.NULL, None),))
        header = v3.Header(9, 1500, 7, card.engine_id, card.boots, 0, b"mgr")
        scoped = v3.Scoped(card.engine_id, b"", pdu)
        return [
            secure.seal(header, scoped, keys, b"saltsalt"),
            secure.seal(header._replace(flags=5), scoped, keys, b""),
            secure.seal(header._replace(flags=4, user=b""), scoped, Keys(), b""),
        ]

    def spoilt(self, data: bytes) -> bytes:
        """`data` with a few octets changed, taken out, put in, repeated or cut off."""
        octets = bytearray(data)
        for _ in range(self.chance.choice((1, 1, 2, 3))):
            at = self.chance.randrange(len(octets) + 1)
            # Half of the changes leave the lengths right, so that they get further.
            match self.chance.choice((0, 1, 2, 3, 4, 5, 5, 5)):
                case 0:
                    del octets[at:]
                case 1:
                    octets[at:at] = self.chance.randbytes(self.chance.randint(1, 4))
                case 2:
                    del octets[at : at + self.chance.randint(1, 4)]
                case 3:
                    octets[at:at] = octets[at : at + 8]
                case 4 if at < len(octets):
                    octets[at] = self.chance.choice((0, 1, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xFF))
                case _ if at < len(octets):
                    octets[at] ^= 1 << self.chance.randrange(8)
        return bytes(octets)

    def one(self) -> None:
        """Send one datagram and judge what came of it. Raises WrongAcceptanceError."""
        original = self.chance.choice(self._sealed if self.chance.random() < 0.2 else self._good)
        data = self.spoilt(original)
        desk = self.desk
        name = desk.card.stored.text(NAME)
        answer = desk.agent.receive(data, MANAGER, Instant(desk.world.now))
        desk.card.outgoing.clear()
        if answer is None:
            self.seen["silence"] += 1
        elif data == original:
            self.seen["unspoilt"] += 1
        elif original in self._sealed:
            self._judge_v3(data, answer)
        else:
            self._judge(data)
        if desk.card.stored.text(NAME) != name and community_of(data) != b"writer":
            raise WrongAcceptanceError(f"changed by {data.hex()}")

    def _judge_v3(self, data: bytes, answer: bytes) -> None:
        """Whatever is changed in a sealed message, its code no longer fits: a report, or nothing."""
        try:
            message = v3.decode(answer)
        except WireError:
            self._judge(data)  # its version was changed, too
            return
        if message.header.flags & v3.Flags.PRIV:
            raise WrongAcceptanceError(f"answered {data.hex()}")
        pdu = v3.decode_scoped(message.payload).pdu
        # A report, or the refusal of a user who comes without the code of his access row: nothing is given away.
        if pdu.kind is not Kind.REPORT and pdu.error_status != ErrorStatus.AUTHORIZATION_ERROR:
            raise WrongAcceptanceError(f"answered {data.hex()}")
        self.seen["reports"] += 1

    def _judge(self, data: bytes) -> None:
        """An answer goes to a message in which another codec reads a community of the card."""
        if community_of(data) not in COMMUNITIES:
            raise WrongAcceptanceError(f"answered {data.hex()}")
        self.seen["answers"] += 1


def community_of(data: bytes) -> bytes | None:
    """The community as pyasn1 reads it; None where it finds none."""
    length_octets = data[1] & 0x7F if len(data) > 1 and data[1] & 0x80 else 0
    try:
        _version, rest = decoder.decode(data[2 + length_octets :])
        community, _rest = decoder.decode(rest)
        return bytes(community)
    except (PyAsn1Error, TypeError, ValueError):
        return None


def run(count: int, seed: int) -> Counter[str]:
    """`count` datagrams; between them the card must still answer. Raises WrongAcceptanceError."""
    fuzzer = Fuzzer(seed)
    for done in range(count):
        fuzzer.one()
        if done % RECHECK == 0:
            assert fuzzer.desk.get("upsBasicIdentModel.0") == b"SMART-UPS 1400"
    return fuzzer.seen


def campaign(run: Callable[[int, int], Counter[str]]) -> None:
    """As many datagrams as the command line says, in five parts; memory may not grow after the first."""
    count = int(sys.argv[1])
    begun = time.monotonic()
    total = run(count // 5, 1)
    warm_kib = memory_kib()
    for seed in range(2, 6):
        total += run(count // 5, seed)
    grown = memory_kib() / warm_kib - 1
    sys.stdout.write(f"{total.total():,} datagrams in {time.monotonic() - begun:.0f} s: {dict(total)}\n")
    sys.stdout.write(f"memory {warm_kib} KiB after the first fifth, {grown:+.1%} since\n")
    sys.exit(grown > 0.05)


if __name__ == "__main__":
    campaign(run)
