"""Commands of controllers: accepted once, carried out once, and remembered."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

import msgspec
import structlog

from gateway.api import Refusal
from gateway.assembly import password_of
from gateway.config import BmcDevice, Site, UpsDevice
from gateway.devices.bmc_commands import BmcCommander, new_pool
from gateway.devices.commands import Commander, CommandError
from gateway.devices.ups_commands import SharedEngine, UpsCommander
from gateway.records import Command, CommandState, encode_json
from gateway.store import Store
from mibs import MibTree

log = structlog.get_logger("commands")

ENDED = (CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED)


class Commands:
    """The commands of a site's devices."""

    def __init__(
        self,
        site: Site,
        tree: MibTree,
        store: Store,
        unix_ms: Callable[[], int],
        done: Callable[[Command, Mapping[str, Any]], None],
    ) -> None:
        """`done` hears of every command that a device carried out, and what the device said."""
        self._store = store
        self._done = done
        self._unix_ms = unix_ms
        self._pool = new_pool()
        self._engine = SharedEngine()
        self._tasks: set[asyncio.Task[None]] = set()
        self._commanders: dict[str, Commander] = {}
        for name, device in site.devices.items():
            if isinstance(device, BmcDevice):
                self._commanders[name] = BmcCommander(
                    device.address, device.port, device.user, password_of(device), self._pool
                )
            elif isinstance(device, UpsDevice):
                snmp = device.snmp
                self._commanders[name] = UpsCommander(
                    tree, device.address, snmp.port, snmp.version, snmp.community, self._engine
                )

    def names(self, device: str) -> tuple[str, ...]:
        """The commands that `device` takes."""
        commander = self._commanders.get(device)
        return commander.names if commander is not None else ()

    async def submit(self, device: str, name: str, params: dict[str, Any], key: str) -> tuple[Command, bool]:
        """Accept a command and start it. Raises Refusal 409 for a key used otherwise, 422 for what can never work."""
        commander = self._commanders.get(device)
        if commander is None:
            raise Refusal(422, f"{device} takes no commands")
        try:
            commander.check(name, params)
        except CommandError as error:
            raise Refusal(422, str(error)) from error
        command = Command(uuid4().hex, device, name, params, CommandState.PENDING, self._unix_ms(), idempotency_key=key)
        known = await self._store.write(lambda connection: _insert(connection, command))
        if known is not None:
            if (known.device, known.command, known.params) != (device, name, params):
                raise Refusal(409, f"the idempotency key {key!r} belongs to another command ({known.id})")
            return known, False
        task = asyncio.create_task(self._carry_out(command, commander), name=f"command-{command.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return msgspec.structs.replace(command), True

    async def get(self, command_id: str) -> Command:
        """The command. Raises Refusal 404."""

        def work(connection: sqlite3.Connection) -> bytes | None:
            row = connection.execute("SELECT body FROM commands WHERE id = ?", (command_id,)).fetchone()
            return row[0] if row else None

        body = await self._store.read(work)
        if body is None:
            raise Refusal(404, f"there is no command {command_id!r}")
        return msgspec.json.decode(body, type=Command)

    async def expire_left_over(self) -> None:
        """Commands that an earlier run did not end have an outcome nobody knows: they expire."""

        def work(connection: sqlite3.Connection) -> None:
            for command_id, body in connection.execute("SELECT id, body FROM commands").fetchall():
                command = msgspec.json.decode(body, type=Command)
                if command.state not in ENDED:
                    command.state = CommandState.EXPIRED
                    command.result = "the gateway stopped before the outcome was known"
                    connection.execute("UPDATE commands SET body = ? WHERE id = ?", (encode_json(command), command_id))

        await self._store.write(work)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._engine.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _carry_out(self, command: Command, commander: Commander) -> None:
        command.state = CommandState.RUNNING
        await self._save(command)
        try:
            command.result, details = await commander.run(command.command, command.params)
            command.state = CommandState.DONE
            self._done(command, details)
        except CommandError as error:
            command.result = str(error)
            command.state = CommandState.FAILED
        except Exception as error:  # a library's own exception must not leave the command running for ever
            log.exception("command broke", id=command.id)
            command.result = f"{type(error).__name__}: {error}"
            command.state = CommandState.FAILED
        command.ended_ms = self._unix_ms()
        await self._save(command)
        log.info(
            "command ended",
            id=command.id,
            device=command.device,
            command=command.command,
            state=command.state.value,
            result=command.result,
        )

    async def _save(self, command: Command) -> None:
        body = encode_json(command)
        await self._store.write(
            lambda connection: connection.execute("UPDATE commands SET body = ? WHERE id = ?", (body, command.id))
        )


def _insert(connection: sqlite3.Connection, command: Command) -> Command | None:
    """Store a new command; the one that already has its idempotency key, if there is one."""
    if command.idempotency_key:
        row = connection.execute(
            "SELECT body FROM commands WHERE idempotency_key = ?", (command.idempotency_key,)
        ).fetchone()
        if row:
            return msgspec.json.decode(row[0], type=Command)
    connection.execute(
        "INSERT INTO commands VALUES (?, ?, ?, ?)",
        (command.id, command.idempotency_key, encode_json(command), command.created_ms),
    )
    return None
