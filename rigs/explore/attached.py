"""Controllers under test, as runs begin and end them: a coroutine in virtual time, or a program of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

from ridethrough.rigs.explore.carry_out import Attach
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.rigfile.yaml import FileError

Control = Callable[[str], Awaitable[None]]
"""Works against the gateway at a URL until it is cancelled."""
OUTPUT_OCTETS = 400  # of a program that ended by itself


class Attached(Protocol):
    """The source of a run's controller under test. It is pickled where runs have processes of their own."""

    def on(self, rig: RigFile) -> Attach:
        """Return what works beside a run on `rig`."""


class InProcess(NamedTuple):
    """A coroutine function, on the loop of the run: its time jumps with the rig's."""

    control: Control

    def on(self, _rig: RigFile) -> Attach:
        """Return the function itself."""
        return self.control


class ByName(NamedTuple):
    """A coroutine function by the names of its module and of itself; the module may be in the working folder."""

    module: str
    function: str

    def on(self, _rig: RigFile) -> Attach:
        """Import it. Raises FileError."""
        return self.load()

    def load(self) -> Control:
        """Import it. Raises FileError."""
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        try:
            found = getattr(import_module(self.module), self.function)
        except (ImportError, AttributeError) as error:
            raise FileError([f"--controller {self.module}:{self.function}: {error}"]) from error
        if not callable(found):
            raise FileError([f"--controller {self.module}:{self.function} cannot be called"])
        control: Control = found
        return control


class Program(NamedTuple):
    """A command, started for each run; it finds the gateway by the variable RIDETHROUGH_URL."""

    words: tuple[str, ...]

    def on(self, rig: RigFile) -> Attach:
        """Return what runs it; RIDETHROUGH_SNMP_PORT and RIDETHROUGH_IPMI_PORT are the devices' ports."""
        ports = {"RIDETHROUGH_SNMP_PORT": str(rig.ports.snmp), "RIDETHROUGH_IPMI_PORT": str(rig.ports.ipmi)}

        async def work(url: str) -> None:
            process = await asyncio.create_subprocess_exec(
                *self.words,
                env={**os.environ, **ports, "RIDETHROUGH_URL": url},
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                start_new_session=True,
            )
            try:
                output = b""
                while part := await process.stdout.read(65536) if process.stdout is not None else b"":
                    output = (output + part)[-OUTPUT_OCTETS:]
                status = await process.wait()
                raise ProgramEnded(f"status {status}: {output.decode(errors='replace').strip()}")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()

        return work


class ProgramEnded(Exception):
    """A program under test ended by itself. The text has its status and its last words."""
