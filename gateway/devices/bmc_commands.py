"""Commands to a BMC, through pyghmi: an independent witness, used as its pitfalls demand.

One object at a time for each BMC, credentials as bytes, every call on a thread of our own pool, a logout on every
path. pyghmi's session layer lives in module globals, so the pool is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec

from ridethrough.gateway.devices.commands import CommandError, Done, NoParameters, parse_parameters

CHASSIS, CHASSIS_CONTROL, CHASSIS_IDENTIFY = 0x00, 0x02, 0x04
# Chassis Control (IPMI 2.0 table 28-4). Sent as they are: pyghmi's own words for them do more than one thing.
ACTIONS: dict[str, int] = {
    "power.off": 0,
    "power.on": 1,
    "power.cycle": 2,
    "power.reset": 3,
    "power.soft": 5,
}
# The recovery link under the maker's enterprise number; numbers and codes are ours.
OEM, RECOVERY_START, RECOVERY_END = 0x2E, 0xC2, 0xC3
NEC = bytes((119, 0, 0))
RESULTS = {"ok": 0, "failed": 1, "nothing": 2, "cancel": 3}
REFUSALS = {
    0x80: "unknown incident",
    0x81: "too late: the incident is over",
    0x82: "the link is off",
    0x83: "another node holds the incident",
    0x84: "the recovery was not started",
    0xC1: "this BMC has no recovery link",
    0xD4: "the user may not do that",
}
RECOVERY_COMMANDS = ("recovery.start", "recovery.end")
MAX_NODE = 32
WORKERS = 16
SILENT = ("unreachable", "timeout")  # what pyghmi says of a BMC that does not answer
# Given twice, these do the same as given once.
REPEATABLE = frozenset({"power.on", "power.off", "identify", *RECOVERY_COMMANDS})


class Call(NamedTuple):
    """One request, and the function that makes the result of its answer."""

    netfn: int
    number: int
    data: bytes
    result: Callable[[bytes], Done]


class Identify(msgspec.Struct, forbid_unknown_fields=True):
    """Seconds that the identify lamp is lit; 0 turns it off."""

    seconds: int = 15


class StartRecovery(msgspec.Struct, forbid_unknown_fields=True):
    """The start of a recovery of the notice's `incident`, which may take `seconds`; 0 for the BMC's own limit."""

    incident: int
    node: str = "ridethrough"
    seconds: int = 0


class EndRecovery(msgspec.Struct, forbid_unknown_fields=True):
    """The end of a recovery. `result` is one of `RESULTS`; `action` describes the recovery, for the journal."""

    incident: int
    result: str = "ok"
    action: str = ""


SHAPES: dict[str, type[msgspec.Struct]] = {
    **dict.fromkeys(ACTIONS, NoParameters),
    "identify": Identify,
    "recovery.start": StartRecovery,
    "recovery.end": EndRecovery,
}


class BmcCommander:
    """Carries out the commands of one BMC."""

    names: tuple[str, ...] = tuple(SHAPES)

    def __init__(
        self, address: str, port: int, user: str, password: Callable[[], str], pool: ThreadPoolExecutor
    ) -> None:
        """`password` is called at each login, so that a rotated file takes effect."""
        self._address = address
        self._port = port
        self._user = user
        self._password = password
        self._pool = pool
        self._lock = asyncio.Lock()

    def check(self, command: str, params: dict[str, Any]) -> None:
        """Raise CommandError for a command or parameters that no BMC takes."""
        self._call(command, params)

    def repeatable(self, command: str) -> bool:
        """True for commands that do the same given twice as given once."""
        return command in REPEATABLE

    async def run(self, command: str, params: dict[str, Any]) -> Done:
        """Log in, send the request, log out; one command of a BMC at a time. Raises CommandError."""
        call = self._call(command, params)
        async with self._lock:
            answer = await asyncio.get_running_loop().run_in_executor(self._pool, self._blocking, call)
        return call.result(answer)

    def _call(self, command: str, params: dict[str, Any]) -> Call:
        """Make the request of a command. Raises CommandError."""
        wanted = parse_parameters("a BMC", SHAPES, command, params)
        if isinstance(wanted, Identify):
            seconds = max(0, min(255, wanted.seconds))
            return Call(CHASSIS, CHASSIS_IDENTIFY, bytes((seconds,)), self._accepted(f"identify for {seconds} s"))
        if isinstance(wanted, StartRecovery):
            return _start(wanted)
        if isinstance(wanted, EndRecovery):
            return _end(wanted)
        name = f"chassis control {command.removeprefix('power.')}"
        return Call(CHASSIS, CHASSIS_CONTROL, bytes((ACTIONS[command],)), self._accepted(name))

    def _accepted(self, what: str) -> Callable[[bytes], Done]:
        return lambda _answer: Done(f"{what} accepted by {self._address}")

    def _blocking(self, call: Call) -> bytes:
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
            answer = link.xraw_command(netfn=call.netfn, command=call.number, data=call.data)
            return bytes(answer["data"])
        except IpmiException as error:
            reason = error.args[0] if error.args and error.args[0] else "unreachable"
            if call.netfn == OEM:
                reason = REFUSALS.get(error.ipmicode, reason)
            raise CommandError(f"{self._address}: {reason}", unreachable=reason in SILENT) from error
        except Exception as error:  # pyghmi lets struct.error, KeyError and others through
            raise CommandError(f"{self._address}: {type(error).__name__}: {error}") from error
        finally:
            if session is not None and session.logged:
                session.logout()


def _incident(number: int) -> bytes:
    if not 0 <= number <= 0xFFFF:
        raise CommandError(f"incident {number} is outside 0..65535")
    return number.to_bytes(2, "little")


def _start(wanted: StartRecovery) -> Call:
    node = wanted.node.encode()
    if len(node) > MAX_NODE or not 0 <= wanted.seconds <= 0xFFFF:
        raise CommandError(f"a node has at most {MAX_NODE} octets, and seconds lie in 0..65535")
    data = NEC + _incident(wanted.incident) + wanted.seconds.to_bytes(2, "little") + bytes((len(node),)) + node

    def result(answer: bytes) -> Done:
        granted_s = int.from_bytes(answer[4:6], "little")
        details = {"incident": wanted.incident, "node": wanted.node, "granted_s": granted_s}
        return Done(f"recovery of incident {wanted.incident} started, {granted_s} s granted", details)

    return Call(OEM, RECOVERY_START, data, result)


def _end(wanted: EndRecovery) -> Call:
    if wanted.result not in RESULTS:
        raise CommandError(f"there is no result {wanted.result!r}; accepted: {', '.join(RESULTS)}")
    data = NEC + _incident(wanted.incident) + bytes((RESULTS[wanted.result],))
    details = {"incident": wanted.incident, "result": wanted.result, "action": wanted.action}
    done = Done(f"recovery of incident {wanted.incident} ended: {wanted.result}", details)
    return Call(OEM, RECOVERY_END, data, lambda _answer: done)


def new_pool() -> ThreadPoolExecutor:
    """Make the threads that the commands of all BMCs share."""
    return ThreadPoolExecutor(WORKERS, "ridethrough-bmc")
