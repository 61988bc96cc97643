"""The controller's side of its server: the wires between them, and orders to the chassis (IPMI 2.0 section 28)."""

from __future__ import annotations

from ridethrough.emulators.bindings.chassis import AcLink, ChassisControl, ChassisOrder, HostState, RestartCause
from ridethrough.emulators.kernel.instant import Instant, after
from ridethrough.emulators.kernel.world import Port

FOREVER_S = 10**9


class Chassis:
    """Ports between a controller and its server. It reads `standby` and `host` and drives `order` and `policy`."""

    def __init__(self, name: str, supplies: int, ac_link: AcLink) -> None:
        """`name` is that of the controller, `supplies` the number of its server's power supplies."""
        self.standby = [Port(name, f"standby{index}", False) for index in range(1, supplies + 1)]
        self.host = Port(name, "host", HostState())
        self.order = Port(name, "order", ChassisOrder(0, ChassisControl.POWER_DOWN, RestartCause.UNKNOWN))
        self.policy = Port(name, "policy", ac_link)
        self.seen: HostState | None = None  # the server as it was looked at last; None before the first look
        self.identify_until: Instant | None = None

    @property
    def has_standby(self) -> bool:
        """True while any supply gives standby power."""
        return any(port.value for port in self.standby)

    def command(self, action: ChassisControl, cause: RestartCause, cycle_s: float) -> None:
        """Order the server to do something; it acts when the world settles. A power cycle lasts `cycle_s` seconds."""
        self.order.value = ChassisOrder(self.order.value.serial + 1, action, cause, cycle_s)

    def identify(self, seconds: float | None, now: Instant) -> None:
        """Light the identify lamp for so many seconds: 0 puts it out, None never does."""
        self.identify_until = None if seconds == 0 else after(now, FOREVER_S if seconds is None else seconds)

    def advance(self, now: Instant) -> None:
        """Put the identify lamp out when its time is over."""
        if self.identify_until is not None and self.identify_until <= now:
            self.identify_until = None
