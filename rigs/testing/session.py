"""The objects of a test: a running rig, the client of its gateway, and its clock."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError
from ruamel.yaml import YAML

from ridethrough.mibs import standard_tree
from ridethrough.rigs.api_client import ApiClient, ApiRefusal
from ridethrough.rigs.clock import Clock, Speed
from ridethrough.rigs.controller_runner import client_tls
from ridethrough.rigs.explore.attached import Control, InProcess
from ridethrough.rigs.explore.expectations import checked
from ridethrough.rigs.explore.explorer import Limits, explored
from ridethrough.rigs.explore.report import told
from ridethrough.rigs.explore.runner import Setting
from ridethrough.rigs.rigfile.schema import RigFile, load_rig
from ridethrough.rigs.rigfile.yaml import in_short
from ridethrough.rigs.runtime import GatewayProcess, assemble
from ridethrough.rigs.scenario.language import Scenario
from ridethrough.rigs.scenario.runner import ANY_PORT, ScenarioSession
from ridethrough.rigs.scenario.seen import Seen, SeenEvent, SeenItem, line_of
from ridethrough.rigs.scenario.step import Expectation, Step
from ridethrough.rigs.scenario.verdicts import Verdict, fitting, judge

EXPLORE_S = 30.0  # of the wall clock, of a search that names no end
EXPECT_WITHIN_S = 60.0  # of an expectation that names no time
LEAD_S = 0.2  # before time 0, in which every card answers its first poll; of the wall clock where that is the time
POLL_S = 0.5  # for what no state, order or note announces

# The words behind an expectation's kind, in order, and where what has the form KEY=VALUE goes: into a mapping of the
# step, or among its own keys.
WORDS: dict[str, tuple[tuple[str, ...], str]] = {
    "event": (("type", "subject"), "where"),
    "command": (("device", "command"), "params"),
    "order": (("device", "input"), ""),
    "note": (("mark", "subject"), ""),
    "state": (("device",), ""),
    "steady": (("device",), ""),
    "sequence": ((), ""),
}


class UdpAddress(NamedTuple):
    """Address of a device over UDP. As text it is `HOST:PORT`."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RigClock:
    """The rig's time, in seconds from the start of the test."""

    def __init__(self, session: ScenarioSession, speed: Speed) -> None:
        self._session = session
        self.speed = speed
        """`max` where time is virtual and jumps, otherwise how much faster than the wall clock it runs."""

    @property
    def now_s(self) -> float:
        """Seconds since the start of the test."""
        return self._session.elapsed_s()

    async def until(self, at_s: float) -> None:
        """Let the rig run up to a mark; one that is past is no wait."""
        await self._session.until(at_s)

    async def advance(self, seconds: float) -> None:
        """Let the rig run that long."""
        await self._session.until(self.now_s + seconds)


class GatewayClient:
    """The gateway's HTTP interface, with a token where the rig wants one."""

    def __init__(self, url: str, api: ApiClient) -> None:
        self.url = url
        self._api = api

    @property
    def headers(self) -> dict[str, str]:
        """Headers that a controller under test has to send, too; empty unless the rig has tokens."""
        return self._api.headers

    @headers.setter
    def headers(self, headers: dict[str, str]) -> None:
        self._api.headers = headers

    async def request(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON document of any request."""
        return await self._api.send(method, path, body)

    async def get(self, path: str) -> Any:
        """The document at `path`, such as `/v1/devices/UPS1`. Raises AssertionError with the refusal."""
        with _asserted(f"GET {path}"):
            return await self._api.get(path)

    async def events(self) -> list[dict[str, Any]]:
        """The last thousand events, as controllers get them (CloudEvents)."""
        document: dict[str, list[dict[str, Any]]] = await self.get("/v1/events?last=1000")
        return document["events"]

    async def command(self, device: str, command: str, **params: Any) -> dict[str, Any]:
        """Give a command and wait for its end; what comes back has `state` and `result`. Raises AssertionError."""
        with _asserted(f"POST /v1/devices/{device}/commands"):
            return await self._api.command(device, {"command": command, "params": params}, POLL_S)


@contextmanager
def _asserted(request: str) -> Iterator[None]:
    """A refusal fails the test."""
    try:
        yield
    except ApiRefusal as error:
        raise AssertionError(f"{request}: {error.status}: {error.detail}") from error


class Rig:
    """A running rig, and what it has shown since the test began."""

    def __init__(
        self, process: GatewayProcess, file: RigFile, session: ScenarioSession, clock: RigClock, source: Setting
    ) -> None:
        self.file = file
        self._source = source
        self.clock = clock
        self.url = process.url
        """Of the gateway and the lab interface; what `RIDETHROUGH_URL` names for a program of its own."""
        self._session = session
        self._done_s = 0.0
        self._done = ""
        self._seen = Seen()

    def snmp(self, ups: str) -> UdpAddress:
        """Return the SNMP address of a UPS's card. Raises KeyError."""
        return UdpAddress(self.file.ups[ups].address, self.file.ports.snmp)

    def ipmi(self, server: str) -> UdpAddress:
        """Return the IPMI address of a server's BMC. Raises KeyError, also for a server without one."""
        bmc = self.file.servers[server].bmc
        if bmc is None:
            raise KeyError(f"{server} has no BMC")
        return UdpAddress(bmc.address, self.file.ports.ipmi)

    @property
    def traps(self) -> UdpAddress:
        """Address to which traps for the gateway are sent."""
        return UdpAddress("127.0.0.1", self.file.ports.trap)

    def state(self, device: str) -> dict[str, Any]:
        """Return the present state of a device of the plant. Raises KeyError."""
        return self._session.states()[device]

    async def events(self) -> list[SeenEvent]:
        """All events so far."""
        return await self._session.events()

    async def do(self, words: str) -> None:
        """Let something happen: `PLACE INPUT [ARGS]`, as `ridethrough inject` has it. Raises InputError and Refusal."""
        self._done_s = self.clock.now_s
        self._done = f" ({words} at {self._done_s:g} s)"
        await self._session.do(words)

    async def expect(
        self,
        what: str,
        *,
        at: float | None = None,
        within: float | None = None,
        by: float | None = None,
        between: tuple[float, float] | None = None,
        **keys: Any,
    ) -> SeenItem | None:
        """Wait until something is seen, and return it; of a state or a sequence, None.

        `what` has the words of a scenario's expectation: `event TYPE [SUBJECT]`, `order DEVICE [INPUT [ARGS]]`,
        `command DEVICE [COMMAND] [state=done]`, `note MARK [SUBJECT]`, each with `no` before it for what must not be
        seen, `state DEVICE KEY=VALUE ...` and `steady DEVICE KEY=VALUE ...`; `keys` are more of a step's keys.
        `at` (with `within`), `between` and `by` count from the last `do`. Without them the window goes from the last
        `do` to `within` seconds from now, 60 unless given. A `no` and a `steady` last to the end of their window.

        Raises AssertionError that says what was seen instead, and ValueError for words that are no expectation.
        """
        __tracebackhide__ = True
        step = self._step(what, at, within, by, between, keys)
        first, last = step.window
        await self.clock.until(last if step.lasts else first)
        while not (verdict := await self._verdict(step)).held and self.clock.now_s < last:
            await self._next(last)
        if not verdict.held:
            raise AssertionError(f"{step.words}, {first:g}..{last:g} s{self._done}: {verdict.detail}")
        return next(iter(fitting(step, self._seen)), None)

    def _step(
        self,
        what: str,
        at: float | None,
        within: float | None,
        by: float | None,
        between: tuple[float, float] | None,
        keys: dict[str, Any],
    ) -> Step:
        if sum(key is not None for key in (at, by, between)) > 1:
            raise ValueError("an expectation has one of at, by and between")
        if within is not None and (by is not None or between is not None):
            raise ValueError("within goes with at, or alone")
        if at is not None:
            between = (at - (within or 0), at + (within or 0))
        elif by is not None:
            between = (0, by)
        elif between is None:
            between = (0, self.clock.now_s - self._done_s + (EXPECT_WITHIN_S if within is None else within))
        window = (max(0.0, self._done_s + between[0]), self._done_s + between[1])
        try:
            return Step.model_validate({**parse(what), **keys, "between": window})
        except ValidationError as error:
            raise ValueError(f"{what!r}: {in_short(error)}") from error

    async def _verdict(self, step: Step) -> Verdict:
        self._seen = await self._session.seen()
        (verdict,) = judge(Scenario(scenario="test", rig=Path(), timeline=(step,)), self._seen)
        return verdict

    async def _next(self, last: float) -> None:
        """Wait for something new, but not beyond the window."""
        moved = self._session.moved
        moved.clear()
        try:
            async with asyncio.timeout(min(POLL_S, last - self.clock.now_s)):
                await moved.wait()
        except TimeoutError:
            return

    async def explore(
        self,
        controller: Control | None = None,
        *,
        runs: int | None = None,
        seconds: float | None = None,
        seed: int = 1,
        expect: Sequence[str | Mapping[str, Any]] = (),
        without: Sequence[str] = (),
        jobs: int = 0,
    ) -> int:
        """Search for an outage that this test's rig file does not survive; return how many runs were made.

        Each run has a rig of its own, in virtual time, with `controller(url)` beside it instead of the stand-ins, or
        with the stand-ins where there is none. It ends after `runs` runs or `seconds` of the wall clock, 30 unless
        given; runs are made in this process unless `jobs` says in how many others. `expect` are words as `expect`
        takes them, or keys of a step: without times they are about the whole run, and a state about its end.
        `without` are names of `ridethrough explore --list` that do not vary.

        Raises AssertionError with the shortest timelines found, and ValueError for words that are no expectation.
        """
        __tracebackhide__ = True
        lines = tuple(checked(parse(line) if isinstance(line, str) else dict(line)) for line in expect)
        patch = {**self._source.patch, **({} if controller is None else {"controllers": []})}
        attached = None if controller is None else InProcess(controller)
        setting = self._source._replace(patch=patch, attached=attached, expected=lines)
        limits = Limits(EXPLORE_S if runs is None and seconds is None else seconds, runs, without=tuple(without))
        # The loop's time stands still meanwhile.
        result = await asyncio.to_thread(explored, setting, seed, limits, jobs)
        if result.findings:
            raise AssertionError(told(result))
        return result.runs

    def transcript(self) -> str:
        """The events, orders and notes so far, a line each, for people who look for the reason of a failure."""
        return "\n".join(line_of(item) for item in self._session.transcript)


def parse(what: str) -> dict[str, Any]:
    """The keys of a step, from the words of an expectation. Raises ValueError."""
    words = shlex.split(what)
    count = 2 if words[:1] == ["no"] else 1
    kind, rest = " ".join(words[:count]), words[count:]
    if kind not in get_args(Expectation):
        raise ValueError(f"{what!r}: there is no expectation {kind!r}; accepted: {', '.join(get_args(Expectation))}")
    slots, pairs_to = WORDS[kind.removeprefix("no ")]
    plain = [word for word in rest if "=" not in word]
    pairs = {key: _value(text) for key, _, text in (word.partition("=") for word in rest if "=" in word)}
    keys: dict[str, Any] = {"expect": kind, **dict(zip(slots, plain, strict=False))}
    extra = tuple(plain[len(slots) :])
    if extra and kind.endswith("order"):
        keys["args"] = extra
    elif extra:
        raise ValueError(f"{what!r}: {extra[0]!r} is one word too many")
    if kind.endswith("command") and "state" in pairs:
        keys["state"] = pairs.pop("state")
    if pairs_to and pairs:
        keys[pairs_to] = pairs
    else:
        keys |= pairs
    return keys


def _value(text: str) -> Any:
    """A value as a YAML file would have it: `off` stays a word, 300 is a number."""
    return YAML(typ="safe", pure=True).load(text)


@asynccontextmanager
async def running(
    path: Path, speed: Speed, patch: Mapping[str, Any], start: str, data: Path | None = None
) -> AsyncIterator[tuple[Rig, GatewayClient]]:
    """A rig on ports that nobody uses, `patch` laid over its file, with a client of its gateway.

    `start` is the time of day at which it begins where time is virtual. Raises FileError and BindError.
    """
    file = load_rig(path, "free", patch)
    clock = Clock(datetime.fromisoformat(start).timestamp() - LEAD_S if speed == "max" else time.time())
    process = assemble(file, standard_tree(), clock, speed, data, ANY_PORT)
    await process.start()
    try:
        session = ScenarioSession(process, file, standard_tree(), clock, path.parent)
        await asyncio.sleep(LEAD_S if speed == "max" else LEAD_S * speed)
        session.begin()
        following = asyncio.create_task(session.follow(), name="follow")
        try:
            async with ApiClient(process.url, process.headers, client_tls(process.site.api.tls)) as api:
                client = GatewayClient(process.url, api)
                yield Rig(process, file, session, RigClock(session, speed), Setting(path, patch)), client
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
    finally:
        await process.stop()
