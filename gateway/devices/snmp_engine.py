"""The pysnmp engine behind the commands to cards: how it is made, and made ready for the next gateway of a process."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, simplefilter

with catch_warnings():
    # At its import pysnmp calls old names of pysmi, which is no fault of a program that makes errors of warnings.
    simplefilter("ignore", DeprecationWarning)
    from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
    from pysnmp.error import PySnmpError
    from pysnmp.hlapi.v3arch.asyncio import SnmpEngine
    from pysnmp.hlapi.v3arch.asyncio.lcd import CommandGeneratorLcdConfigurator

TICK_S = 0.5  # at which pysnmp looks for answers that are late; a tenth unless told, for as long as the engine lives

_idle: list[SnmpEngine] = []


class NoCompiler:
    """Stands where pysnmp would put its compiler of MIB texts: that takes a second to build, on the loop, and no name
    is looked up here.
    """

    def compile(self, *_names: str, **_options: Any) -> dict[str, str]:
        """Nothing was compiled."""
        return {}


def engine_for_loop() -> SnmpEngine:
    """An engine for the running loop: one that an earlier gateway of this process gave back, or a new one.

    A new one takes a third of a second, on the loop.
    """
    if _idle:
        engine = _idle.pop()
    else:
        engine = SnmpEngine()
        with TemporaryDirectory() as nowhere:
            engine.get_mib_builder().set_mib_compiler(NoCompiler(), nowhere)
    engine.register_transport_dispatcher(AsyncioDispatcher(timeout=TICK_S))
    return engine


def give_back(engine: SnmpEngine) -> None:
    """Close the sockets of an engine and forget its cards; what cannot forget them is not used again."""
    try:
        CommandGeneratorLcdConfigurator().unconfigure(engine)
    except PySnmpError:
        engine.close_dispatcher()
        return
    engine.close_dispatcher()
    if not _idle:
        _idle.append(engine)
