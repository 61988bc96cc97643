"""Spoilt datagrams for the LAN channel of a BMC, judged by what only an unspoilt one may bring about.

`python -m tests.support.fuzz_bmc 1000000` is the long run.
"""

from __future__ import annotations

from collections import Counter

from ridethrough.emulators.faces.ipmi_lan import IpmiLan
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.wire import rmcp
from ridethrough.wire.ipmi.client import ClientState, LanClient, LanPlusClient
from ridethrough.wire.ipmi.message import IpmiResponse
from tests.emulators.rig import PLANT, Desk
from tests.support.fuzz import RECHECK, Fuzzer, WrongAcceptanceError, campaign
from tests.support.vectors import names, vector

PEER = ("192.0.2.1", 40000)
SUITES = (3, 8, 12, 17)  # with integrity and privacy
SLOT = 9
REQUESTS = 40
RENEW = 2_000  # datagrams between new sessions
# What no code covers: version, reserved octet, sequence and class of RMCP.
UNCOVERED = 4


class BmcFuzzer(Fuzzer):
    """A BMC with an open session for each suite; the requests made ready for them are never sent unspoilt."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        server = PLANT["servers"]["server1"]
        bmc = server["bmc"] | {"suites": [*SUITES], "alerts": [], "inject": True}
        self.desk = Desk(PLANT | {"servers": {"server1": server | {"bmc": bmc}}})
        self.lan = IpmiLan(self.desk.bmc, self.chance.randbytes)
        self._sessions: list[list[bytes]] = []
        self._setup: list[bytes] = []
        self.renew()

    def renew(self) -> None:
        """New sessions, and new requests in them."""
        self.desk.bmc.lifecycle.generation += 1
        self._sessions = [self._requests(LanPlusClient(b"admin", b"admin", self.chance.randbytes, s)) for s in SUITES]
        self._sessions.append(self._requests(LanClient(b"admin", b"admin", self.chance.randbytes)))
        self.active = len(self.lan.endpoint.active)
        # The first three datagrams of somebody who does not know the password.
        stranger = LanPlusClient(b"admin", b"guess", self.chance.randbytes, 3)
        self._setup = [stranger.start()]
        for _ in range(2):
            (reply,) = self.receive(self._setup[-1])
            step = stranger.receive(reply)
            if isinstance(step, bytes):
                self._setup.append(step)

    def _requests(self, client: LanPlusClient | LanClient) -> list[bytes]:
        step: bytes | IpmiResponse | None = client.start()
        while isinstance(step, bytes):
            (reply,) = self.receive(step)
            step = client.receive(reply)
        assert client.state is ClientState.OPEN
        name = bytes((SLOT,)) + b"fuzzed".ljust(16, b"\0")
        some = [(0x06, 0x45, name), (0x00, 0x02, b"\x00"), (0x0A, 0x44, bytes(16)), (0x06, 0x01, b"")]
        return [client.request(*some[index % len(some)]) for index in range(REQUESTS)]

    def receive(self, data: bytes) -> list[bytes]:
        answers = self.lan.receive(data, PEER, Instant(self.desk.world.now))
        self.desk.bmc.outgoing.clear()
        return answers

    def one(self) -> None:
        """Send one datagram and judge what came of it. Raises WrongAcceptanceError."""
        roll = self.chance.random()
        if roll < 0.6:
            original = self.chance.choice(self.chance.choice(self._sessions))
            data = self.spoilt(original)
            if data[UNCOVERED:] == original[UNCOVERED:]:
                self.seen["unspoilt"] += 1
                return
            if self.receive(data) and self._in_session(data):
                raise WrongAcceptanceError(f"answered {data.hex()}")
            self.seen["sealed"] += 1
        else:
            known = self._setup if roll < 0.8 else [vector(name) for name in names()]
            answers = self.receive(self.spoilt(self.chance.choice(known)))
            self.seen["answers" if answers else "silence"] += 1
        bmc = self.desk.bmc
        if (
            bmc.model.users.slots[SLOT].name
            or not bmc.chassis.host.value.powered
            or len(self.lan.endpoint.active) > self.active
        ):
            raise WrongAcceptanceError("something was changed without a right")

    @staticmethod
    def _in_session(data: bytes) -> bool:
        """Whether a datagram claims to belong to a session; outside of one, some things are told to anybody."""
        place = slice(6, 10) if len(data) > 4 and data[4] & 0x0F == 6 else slice(9, 13)
        return any(data[place])


def run(count: int, seed: int) -> Counter[str]:
    """`count` datagrams; between them the BMC must still answer. Raises WrongAcceptanceError."""
    fuzzer = BmcFuzzer(seed)
    for done in range(count):
        if done % RENEW == 0:
            fuzzer.renew()
        fuzzer.one()
        if done % RECHECK == 0:
            assert fuzzer.receive(rmcp.encode_ping(7))
    return fuzzer.seen


if __name__ == "__main__":
    campaign(run)
