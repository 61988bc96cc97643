"""The levels that carry electricity: supply flows down, demand flows up."""

from __future__ import annotations

from typing import Any, NamedTuple

from ridethrough.emulators.kernel.world import Port, World


class Supply(NamedTuple):
    """The electricity at an outlet."""

    volts: float
    hertz: float
    noisy: bool = False  # the voltage changes too fast to follow

    @property
    def live(self) -> bool:
        """True if there is any voltage."""
        return self.volts > 0


DEAD = Supply(0.0, 0.0)


class Outlet:
    """A socket. The owner drives `supply`, which sockets may have in common, and reads `demand_w`."""

    def __init__(self, device: str, name: str, supply: Port[Supply] | None = None) -> None:
        self.supply = supply or Port(device, f"{name}.supply", DEAD)
        self.demand_w = Port(device, f"{name}.demand", 0.0)


class Inlet:
    """A plug. The owner reads `supply` and drives `demand_w`."""

    def __init__(self, device: str, name: str) -> None:
        self.supply = Port(device, f"{name}.supply", DEAD)
        self.demand_w = Port(device, f"{name}.demand", 0.0)


def plug(world: World[Any], outlet: Outlet, inlet: Inlet) -> None:
    """Plug `inlet` into `outlet`."""
    world.connect(outlet.supply, inlet.supply)
    world.connect(inlet.demand_w, outlet.demand_w)
