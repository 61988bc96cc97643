"""What `shed.py` does in outages.

It is a program of its own, so the rig's clock cannot jump; it runs 20 times as fast. What programs need of the wall
clock counts 20 times, too, so the windows are wide.
"""

from __future__ import annotations

import pytest

from ridethrough import GatewayClient, Rig

pytestmark = [pytest.mark.ridethrough(speed=20), pytest.mark.usefixtures("controller")]


async def test_a_battery_that_lasts_is_left_alone(rig: Rig) -> None:
    await rig.do("city off")
    await rig.expect("event power.outage.confirmed UPS1", at=60, within=15)
    await rig.expect("no command server1.bmc", between=(0, 100))
    await rig.do("city on")
    await rig.expect("steady server1 state=running", within=60)


async def test_a_battery_that_ends_takes_the_server_down_in_order(rig: Rig, gateway: GatewayClient) -> None:
    await rig.do("UPS1 charge 40")
    await rig.do("city off")
    await rig.expect("event power.outage.confirmed UPS1", at=60, within=15)
    await rig.expect("command server1.bmc power.soft state=done", within=300)
    await rig.expect("command UPS1 output.off state=done", within=300)
    await rig.expect("state server1 state=off", within=300)
    await rig.expect("event ups.output.off UPS1", within=240)
    assert rig.state("server1")["cuts"] == 0  # it was never cut off while it ran
    assert "outage" in (await gateway.get("/v1/devices/UPS1"))["conditions"]

    await rig.do("city on")
    await rig.expect("event ups.output.on UPS1", within=120)
    await rig.expect("state server1 state=running", within=240)
