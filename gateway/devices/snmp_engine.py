"""The pysnmp engine behind the commands to cards: how it is made, and made ready for the next gateway of a process."""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any
from warnings import catch_warnings, simplefilter

with catch_warnings():
    # At its import pysnmp calls old names of pysmi, which is no fault of a program that makes errors of warnings.
    simplefilter("ignore", DeprecationWarning)
    from pysnmp.carrier.asyncio.dispatch import AsyncioDispatcher
    from pysnmp.entity import config
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
    """Close the sockets of an engine and forget its cards; another gateway of this process may have it then."""
    engine.close_dispatcher()
    known = engine.get_user_context(CommandGeneratorLcdConfigurator.__name__) or {}
    # pysnmp's own `unconfigure` counts uses, and leaves what was used more than once.
    for name, _uses in known.get("addr", {}).values():
        config.delete_target_address(engine, name)
    for name, _uses in known.get("parm", {}).values():
        config.delete_target_parameters(engine, name)
    for index in known.get("auth", {}):
        config.delete_v1_system(engine, index)
    for rows in known.values():
        rows.clear()
    if not _idle:
        _idle.append(engine)
