"""All rules that are broken one by one, in the order of docs/mutations.md."""

from __future__ import annotations

from tests.mutations.checks import CHECK_RULES
from tests.mutations.consoles import CONSOLE_RULES
from tests.mutations.controllers import CONTROLLER_RULES
from tests.mutations.devices import DEVICE_RULES
from tests.mutations.gateway import GATEWAY_RULES
from tests.mutations.rows import Mutation

MUTATIONS: tuple[Mutation, ...] = (
    *CONTROLLER_RULES,
    *CONSOLE_RULES,
    *DEVICE_RULES,
    *GATEWAY_RULES,
    *CHECK_RULES,
)
