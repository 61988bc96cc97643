"""The command table: network function, command, privilege, lengths and handler (IPMI 2.0 appendix G).

It is the same for all controllers; every handler is called with the model of the controller it acts on. The rows are
those of the modules beside this one, which are found by looking: a new module needs no entry here.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module

from ridethrough.emulators.bindings.ipmi import Table


def _table() -> Table:
    """All rows. Raises ValueError when two say what one command does."""
    table: Table = {}
    for found in pkgutil.iter_modules(__path__):
        rows: Table = getattr(import_module(f"{__name__}.{found.name}"), "ROWS", {})
        if twice := table.keys() & rows.keys():
            raise ValueError(f"two rows for {', '.join(rows[key].name for key in twice)}")
        table |= rows
    return table


TABLE = _table()
# Which numbers may change something; where one number has commands of several bodies, any of them.
CHANGES = {key[:2]: any(row.changes for other, row in TABLE.items() if other[:2] == key[:2]) for key in TABLE}
# Commands whose answers may be given again while nothing has changed.
STEADY = frozenset(key[:2] for key, row in TABLE.items() if row.steady)

__all__ = ["CHANGES", "STEADY", "TABLE"]
