"""Commands of controllers: accepted once, carried out once, and remembered over restarts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import structlog

from ridethrough.gateway.api import Refusal
from ridethrough.gateway.build.devices import commanders_of
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.devices.commands import Commander, CommandError
from ridethrough.gateway.records import Command, CommandState
from ridethrough.gateway.storage.sqlite.commands import CommandLog
from ridethrough.gateway.storage.sqlite.database import Database
from ridethrough.mibs import MibTree

log = structlog.get_logger("commands")

RETRY_S = 2.0  # between attempts at a device that does not answer
MAX_DEADLINE_S = 86_400.0
ENDED = (CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED)
UNKNOWN = "the gateway stopped before the outcome was known"


class CommandService:
    """The commands of a site's devices."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        store: Database,
        unix_ms: Callable[[], int],
        on_done: Callable[[Command, Mapping[str, Any]], None],
        has_answered: Callable[[str, float], bool],
    ) -> None:
        """`on_done` gets every command that a device carried out, with its answer.

        `has_answered` is true for a device that has answered since a loop time.
        """
        self._log = CommandLog(store)
        self._on_done = on_done
        self._unix_ms = unix_ms
        self._tasks: set[asyncio.Task[None]] = set()
        self._commanders: dict[str, Commander]
        self._commanders, self._close = commanders_of(site, tree, has_answered)

    def names(self, device: str) -> tuple[str, ...]:
        """The commands that `device` takes."""
        commander = self._commanders.get(device)
        return commander.names if commander is not None else ()

    async def submit(
        self, device: str, name: str, params: dict[str, Any], key: str, deadline_s: float, by: str
    ) -> tuple[Command, bool]:
        """Accept a command and start it. Raises Refusal 409 for a key used otherwise, 422 for what can never work."""
        commander = self._commanders.get(device)
        if commander is None:
            raise Refusal(422, f"{device} takes no commands")
        if not 0 < deadline_s <= MAX_DEADLINE_S:
            raise Refusal(422, f"deadline_s {deadline_s:g} is outside 0..{MAX_DEADLINE_S:g}")
        try:
            commander.check(name, params)
        except CommandError as error:
            raise Refusal(422, str(error)) from error
        now_ms = self._unix_ms()
        command = Command(
            id=uuid4().hex,
            device=device,
            command=name,
            params=params,
            state=CommandState.PENDING,
            created_ms=now_ms,
            deadline_ms=now_ms + round(deadline_s * 1000),
            idempotency_key=key,
            by=by,
        )
        known = await self._log.add(command)
        if known is not None:
            if (known.device, known.command, known.params) != (device, name, params):
                raise Refusal(409, f"the idempotency key {key!r} belongs to another command ({known.id})")
            return known, False
        accepted = command.copy()
        self._begin(command, commander)
        return accepted, True

    async def get(self, command_id: str) -> Command:
        """The command. Raises Refusal 404."""
        command = await self._log.get(command_id)
        if command is None:
            raise Refusal(404, f"there is no command {command_id!r}")
        return command

    async def of(self, device: str, after: str, limit: int) -> list[Command]:
        """The commands of a device behind the one called `after`, oldest first. Raises Refusal 404."""
        if after:
            await self.get(after)
        return await self._log.of(device, after, limit)

    async def resume_open(self) -> None:
        """Continue or end the commands that an earlier run left open.

        A command that never began, or that may be given twice, is carried out until its deadline. Of another that had
        begun, the outcome is unknown.
        """
        for command in await self._log.open():
            commander = self._commanders.get(command.device)
            begun = command.state is CommandState.RUNNING
            in_time = self._unix_ms() < command.deadline_ms
            if commander is not None and in_time and (not begun or commander.repeatable(command.command)):
                self._begin(command, commander)
                continue
            reason = UNKNOWN if begun else "the gateway came back too late"
            await self._end(command, CommandState.EXPIRED, reason)

    async def close(self) -> None:
        """End commands under way, whose outcome stays unknown, and release what the commanders hold."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._close()

    def _begin(self, command: Command, commander: Commander) -> None:
        task = asyncio.create_task(self._carry_out(command, commander), name=f"command-{command.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry_out(self, command: Command, commander: Commander) -> None:
        try:
            async with asyncio.timeout((command.deadline_ms - self._unix_ms()) / 1000):
                result, details = await self._run_with_retries(command, commander)
        except TimeoutError:
            last = f": {command.result}" if command.result else ""
            await self._end(command, CommandState.EXPIRED, f"no outcome before the deadline{last}")
        except CommandError as error:
            await self._end(command, CommandState.FAILED, str(error))
        except Exception as error:  # a library's own exception must not leave the command running for ever
            log.exception("command broke", id=command.id)
            await self._end(command, CommandState.FAILED, f"{type(error).__name__}: {error}")
        else:
            command.details = dict(details)
            self._on_done(command, details)
            await self._end(command, CommandState.DONE, result)

    async def _run_with_retries(self, command: Command, commander: Commander) -> tuple[str, Mapping[str, Any]]:
        """Run a command, and again while the device is silent if it may be given twice. Raises CommandError."""
        while True:
            command.state = CommandState.RUNNING
            command.attempts += 1
            await self._log.save(command)
            try:
                return await commander.run(command.command, command.params)
            except CommandError as error:
                if not error.unreachable or not commander.repeatable(command.command):
                    raise
                command.result = str(error)
            await asyncio.sleep(RETRY_S)

    async def _end(self, command: Command, state: CommandState, result: str) -> None:
        command.state, command.result, command.ended_ms = state, result, self._unix_ms()
        await self._log.save(command)
        fields = {name: getattr(command, name) for name in ("id", "device", "command", "by", "attempts", "result")}
        log.info("command ended", state=state.value, **fields)
