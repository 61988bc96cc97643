"""A small plant on a desk: no sockets, time as a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ridethrough.emulators.build import build
from ridethrough.emulators.config.plant import Plant
from ridethrough.emulators.devices.bmc import EmulatedBmc
from ridethrough.emulators.devices.mains import Mains
from ridethrough.emulators.devices.server import Server
from ridethrough.emulators.devices.ups import EmulatedUps
from ridethrough.emulators.devices.ups.profile import FOLDER
from ridethrough.emulators.faces.snmp_agent import SnmpAgent
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid, standard_tree
from ridethrough.wire.ipmi.message import IpmiRequest, Privilege
from ridethrough.wire.ipmi.session import Account, Session
from ridethrough.wire.snmp import ErrorStatus, Kind, Message, Pdu, Tag, Value, VarBind, Version, decode, encode

EPOCH_S = 1_773_144_000
PLANT: dict[str, Any] = {
    "rig": "desk",
    "mains": {"city": {"volts": 100}},
    "ups": {
        "UPS1": {
            "mains": "city",
            "address": "127.0.1.1",
            "settings": {"shutoff_delay_s": 300, "return_delay_s": 60},
            "access": [
                {"community": "public", "manager": "any", "type": "write+"},
                {"community": "look", "manager": "192.0.2.255", "type": "read"},
            ],
        }
    },
    "servers": {
        "server1": {
            "power": ["UPS1"],
            "address": "127.0.21.1",
            "bmc": {"address": "127.0.11.1", "users": {"admin": {"password": "admin"}}},
        }
    },
}


class Desk:
    """The plant with handles on its parts."""

    def __init__(self, plant: dict[str, Any] | None = None) -> None:
        self.world = build(Plant.model_validate(plant or PLANT), EPOCH_S)
        self.mains = self._device("city", Mains)
        self.device = self._device("UPS1", EmulatedUps)
        self.ups, self.card, self.view = self.device.ups, self.device.card, self.device.view
        self.server = self._device("server1", Server)
        self.bmc = self._device("server1.bmc", EmulatedBmc)
        self.agent = SnmpAgent(self.view, self.world.slot("UPS1"))
        self.world.advance(Instant(0))
        self.world.settle()

    def _device(self, name: str, kind: type[Any]) -> Any:
        device = self.world.devices[name]
        assert isinstance(device, kind)
        return device

    def at(self, seconds: float) -> None:
        self.world.advance(Instant(round(seconds * 1000)))

    def inject(self, place: str, name: str, *args: str) -> None:
        device: Any = self.world.devices[place]
        device.inputs.apply(name, list(args), self.world.now)
        self.world.settle()

    def ask(
        self,
        kind: Kind,
        *binds: VarBind,
        version: Version = Version.V2C,
        community: str = "public",
        frm: str = "10.0.0.1",
    ) -> Pdu | None:
        request = Message(version, community.encode(), Pdu(kind, 1, 0, 0, binds))
        answer = self.agent.receive(encode(request), frm, self.world.now)
        self.world.settle()
        if answer is None:
            return None
        pdu = decode(answer).pdu
        assert isinstance(pdu, Pdu)
        return pdu

    def get(self, label: str) -> Value:
        return self.get_oid(str(number(label)))

    def get_oid(self, oid: str) -> Value:
        answer = self.ask(Kind.GET, VarBind(Oid.parse(oid), Tag.NULL, None))
        assert answer is not None
        return answer.varbinds[0].value

    def set(self, label: str, tag: Tag, value: Value, **more: Any) -> ErrorStatus:
        answer = self.ask(Kind.SET, VarBind(number(label), tag, value), **more)
        assert answer is not None
        return ErrorStatus(answer.error_status)

    def set_quietly(self, label: str, tag: Tag, value: Value) -> None:
        """A SET whose answer does not matter, because the card may be silent."""
        self.ask(Kind.SET, VarBind(number(label), tag, value))

    def command(
        self, netfn: int, number: int, data: bytes = b"", privilege: Privilege = Privilege.ADMINISTRATOR
    ) -> tuple[int, bytes]:
        """Completion code and data of an IPMI command given in a session."""
        self.bmc.answering(self.world.now)
        account = Account(2, b"admin", b"admin", Privilege.ADMINISTRATOR)
        session = Session(1, ("127.0.0.1", 1), privilege, 0, account, privilege, active=True)
        code, answer = self.bmc.execute(IpmiRequest(netfn, number, data), session)
        self.world.settle()
        return int(code), bytes(answer)

    def ok(self, netfn: int, number: int, data: bytes = b"") -> bytes:
        """The data of a command that must succeed."""
        code, answer = self.command(netfn, number, data)
        assert code == 0, f"{code:#04x}"
        return answer

    def power(self) -> str:
        return str(self.server.snapshot(self.world.now)["state"])

    def alerts(self) -> list[int]:
        """Specific numbers of the platform event traps sent since the last look."""
        numbers = [out.trap.specific_trap for out in self.bmc.outgoing]
        self.bmc.outgoing.clear()
        return numbers

    def traps(self) -> list[int]:
        """Specific numbers sent since the last look; generic traps as negative numbers."""
        seen = [
            trap.specific_trap if trap.generic_trap == 6 else -1 - trap.generic_trap
            for trap in (out.trap for out in self.card.outgoing)
        ]
        self.card.outgoing.clear()
        return seen


def american(profile: str = "smart-ups-1500-xlm") -> Desk:
    """A later card on 120 V, with nothing left to tell."""
    ups = PLANT["ups"]["UPS1"] | {"profile": profile, "settings": {}}
    desk = Desk(PLANT | {"mains": {"city": {"volts": 120}}, "ups": {"UPS1": ups}})
    desk.traps()
    return desk


def profile_with(folder: Path, name: str, more: str, *changes: tuple[str, str]) -> str:
    """The path of a profile like `name`, with `changes` of its text and further lines of YAML."""
    text = FOLDER.joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "changed.yaml"
    path.write_text(text + more)
    return str(path)


def number(label: str) -> Oid:
    """`name.index` as an object identifier."""
    name, _, index = label.partition(".")
    return standard_tree().named(name).oid.child(*(int(arc) for arc in index.split(".")))
