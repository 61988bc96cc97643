"""A controller as a device of the world and as the host of a LAN channel.

`EmulatedBmc` joins the model with everything that knows it: the command table, the injectable faults, what is kept over
a loss of power, and the words of `ridethrough inject`. Managers ask the same few things all the time, so answers and
accounts that depend on the state alone are kept for as long as the model's revision stays the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ridethrough.emulators.bindings.inputs import Inputs, numeric, plain, while_able
from ridethrough.emulators.bindings.ipmi import SteadyAnswers, dispatch
from ridethrough.emulators.bindings.network import Impairment, network_inputs
from ridethrough.emulators.devices.bmc import persistence
from ridethrough.emulators.devices.bmc.commands import CHANGES, STEADY, TABLE
from ridethrough.emulators.devices.bmc.details import log_rows, sensor_rows
from ridethrough.emulators.devices.bmc.faults import FaultInjector
from ridethrough.emulators.devices.bmc.model import Bmc
from ridethrough.emulators.devices.bmc.sol_parameters import retry_of
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.emulators.kernel.world import Port
from ridethrough.mibs import MibTree
from ridethrough.wire.ipmi.message import IpmiRequest, Privilege
from ridethrough.wire.ipmi.session import Account, LoginPolicy, Session

KIND: Final = "bmc"
"""A compiled class has its attributes on instances only."""


class EmulatedBmc:
    """A management controller that a world can hold and a LAN channel can serve."""

    kind = KIND

    def __init__(self, model: Bmc) -> None:
        self.model = model
        self.name = model.name
        self.address = model.address
        self.chassis = model.chassis
        self.lifecycle = model.lifecycle
        self.guid = model.guid
        self.max_sessions = model.profile.sessions
        self.outgoing = model.events.alerts.outgoing
        self.faults = FaultInjector(model)
        self.impairment = Impairment()
        self.inputs = self._inputs()
        self._settings = model.settings
        self._answers = SteadyAnswers(STEADY)
        self._accounts: dict[bytes, Account] = {}  # who may log in, by name
        self._cached_revision = -1  # of the model, for which these answers and accounts hold

    def answering(self, now: Instant) -> bool:
        """True if a datagram that arrives at `now` is answered."""
        life = self.lifecycle
        self.model.now = now
        return life.powered and not life.cut_off and not life.hung and life.ready_at is None

    def execute(self, request: IpmiRequest, session: Session | None) -> tuple[int, bytes]:
        """Completion code and data of a command; `session` is None outside sessions.

        A command that may change something makes the model's revision another one.
        """
        model = self.model
        self._settings.datagrams += 1
        if self._cached_revision != model.revision:
            self._forget_cached()
        elif (known := self._answers.answer(request, session)) is not None:
            return known
        if CHANGES.get(request[:2], False):
            model.revision += 1
        answer = dispatch(TABLE, model, request, session)
        if self._cached_revision == model.revision:
            self._answers.learn(request, session, answer)
        return answer

    def account(self, name: bytes) -> Account | None:
        """The user of that name who may log in now."""
        model = self.model
        if self._cached_revision != model.revision:
            self._forget_cached()
        known = self._accounts.get(name)
        if known is None and model.lan.access_mode:
            known = model.users.account(name, model.lan.limit, model.now)
            if known is not None:
                self._accounts[name] = known
        return known

    def _forget_cached(self) -> None:
        self._cached_revision = self.model.revision
        self._answers.forget()
        self._accounts.clear()

    def login_failed(self, user_id: int) -> None:
        """Somebody knew a name and not its password: counted, logged, and perhaps the end for that user."""
        self.model.login_failed(user_id)

    def login_succeeded(self, user_id: int) -> None:
        """A log-in ends the count of wrong passwords."""
        self.model.users.succeeded(user_id)

    @property
    def login_policy(self) -> LoginPolicy:
        """The rules of logging in: suites, their privileges, types of IPMI 1.5, and the key."""
        lan = self.model.lan
        # IPMI 1.5 has one list of types for each level; a session is offered those of administrators.
        types = lan.auth_enables[Privilege.ADMINISTRATOR - 1]
        return LoginPolicy(lan.suites, tuple(lan.suite_levels), types, lan.kg)

    @property
    def console_holder(self) -> int | None:
        """The session that has the serial console."""
        return self.model.console.holder

    @property
    def console_retry(self) -> tuple[int, int]:
        """Repeats of an unacknowledged packet, and the milliseconds between them."""
        return retry_of(self._settings.sol)

    def console_since(self, at: int) -> tuple[bytes, int]:
        """The console's octets behind octet `at`, and how many it ever wrote."""
        console = self.model.console
        return console.since(at), console.written

    def type_console(self, octets: bytes) -> None:
        """Press keys at the console."""
        self.model.mark_changed(self.model.now)
        self.model.console.type(octets)

    def close_console(self) -> None:
        """Let nobody have the console."""
        self.model.console.close()

    def advance(self, now: Instant) -> None:
        """Do what is due at `now`."""
        self.model.advance(now)

    def react(self, now: Instant) -> None:
        """Read the ports and show the levels that follow."""
        self.model.react(now)

    def next_deadline(self) -> Instant | None:
        """Return the instant at which `advance` must be called next; None for never."""
        return self.model.next_deadline()

    def ports(self) -> Iterable[Port[Any]]:
        """The ports that the controller drives."""
        return [self.chassis.order, self.chassis.policy]

    def details(self, tree: MibTree, now: Instant) -> dict[str, Any]:
        """Return the sensors and the event log, as JSON."""
        return {"sensors": sensor_rows(self.model), "log": log_rows(self.model)}

    def snapshot(self, now: Instant) -> dict[str, Any]:
        """The state for people and tests, as JSON."""
        model = self.model
        sensors = model.sensors
        processor = next((number for number, row in sensors.rows.items() if row.drive == "processor"), None)
        return {
            "state": self.lifecycle.state,
            "log_records": len(model.events.log.records),
            "faults": list(self.faults.active),
            "temperature_c": None if processor is None else sensors.reading(processor, model.sensor_inputs),
            "boot_device": model.boot.device,
            "booted_from": model.settings.booted_from,
            "identify": self.chassis.identify_until is not None,
            "link": model.hold.snapshot(now),
        }

    def dump_state(self) -> dict[str, Any]:
        """The state that outlives a loss of power, as JSON."""
        return persistence.dump_state(self.model)

    def load_state(self, state: dict[str, Any]) -> None:
        """Restore what `dump_state` returned in an earlier life. Raises ValueError, KeyError or TypeError."""
        persistence.load_state(self.model, state)

    def _inputs(self) -> Inputs:
        """The words of `ridethrough inject`, with what each does."""
        powerless = self.faults.powerless
        return Inputs(
            {
                **self.faults.inputs(),
                "inlet": numeric("the air at the inlet has so many degrees", "CELSIUS", 0, 80, self._heat_inlet),
                "lan_cut": plain("the BMC's network cable is pulled", self._pull_cable),
                "lan_mend": plain("the BMC's network cable is back", self._plug_cable),
                "hang": while_able(powerless, plain("the controller hangs: it neither answers nor acts", self._hang)),
                "cold_reset": while_able(powerless, plain("the controller restarts", self.model.restart)),
                **network_inputs(self.impairment),
            }
        )

    def _heat_inlet(self, celsius: float, now: Instant) -> None:
        self.model.sensors.inlet_celsius = celsius
        if self.lifecycle.acts:
            self.model.watch_readings(now)

    def _pull_cable(self, _now: Instant) -> None:
        self.lifecycle.cut_off = True

    def _plug_cable(self, _now: Instant) -> None:
        self.lifecycle.cut_off = False

    def _hang(self, _now: Instant) -> None:
        self.lifecycle.hung = True
