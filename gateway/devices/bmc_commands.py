"""Commands to a BMC, through pyghmi: an independent witness, used as its pitfalls demand.

One object at a time for each BMC, credentials as bytes, every call on a thread of our own pool, a logout on every
path. pyghmi's session layer lives in module globals, so the pool is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from gateway.devices.commands import CommandError

# Chassis Control (IPMI 2.0 table 28-4). Sent as they are: pyghmi's own words for them do more than one thing.
ACTIONS: dict[str, int] = {
    "power.off": 0,
    "power.on": 1,
    "power.cycle": 2,
    "power.reset": 3,
    "power.soft": 5,
}
CHASSIS = 0x00
CHASSIS_CONTROL = 0x02
WORKERS = 16


class BmcCommander:
    """One BMC."""

    names: tuple[str, ...] = tuple(ACTIONS)

    def __init__(
        self, address: str, port: int, user: str, password: Callable[[], str], pool: ThreadPoolExecutor
    ) -> None:
        """`password` is asked for at each login, so that a rotated file takes effect."""
        self._address = address
        self._port = port
        self._user = user
        self._password = password
        self._pool = pool
        self._lock = asyncio.Lock()

    def check(self, command: str, params: dict[str, Any]) -> None:
        if command not in self.names:
            raise CommandError(f"a BMC does not take {command!r}; accepted: {', '.join(self.names)}")
        if params:
            raise CommandError(f"{command} takes no parameters")

    async def run(self, command: str, params: dict[str, Any]) -> str:
        async with self._lock:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._blocking, command)

    def _blocking(self, command: str) -> str:
        from pyghmi.exceptions import IpmiException
        from pyghmi.ipmi.command import Command

        session = None
        try:
            link = Command(
                bmc=self._address,
                userid=self._user.encode(),
                password=self._password().encode(),
                port=self._port,
                keepalive=False,
            )
            session = link.ipmi_session
            link.xraw_command(netfn=CHASSIS, command=CHASSIS_CONTROL, data=(ACTIONS[command],))
        except IpmiException as error:
            reason = error.args[0] if error.args and error.args[0] else "unreachable"
            raise CommandError(f"{self._address}: {reason}") from error
        except Exception as error:  # pyghmi lets struct.error, KeyError and others through
            raise CommandError(f"{self._address}: {type(error).__name__}: {error}") from error
        finally:
            if session is not None and session.logged:
                session.logout()
        return f"chassis control {command.removeprefix('power.')} accepted by {self._address}"


def new_pool() -> ThreadPoolExecutor:
    """The threads that all BMC commands share."""
    return ThreadPoolExecutor(WORKERS, "standin-bmc")
