"""Applies a changed site file to what runs, and finds what needs a restart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ridethrough.gateway.build.destinations import forwards_of, sinks_of
from ridethrough.gateway.config.site import Site
from ridethrough.gateway.deliver.dispatcher import Dispatcher, SinkSpec
from ridethrough.gateway.deliver.forward import Forwarder
from ridethrough.gateway.deliver.forward_target import ForwardTarget

# Changes of these take effect while the gateway runs; every other one needs a restart.
HOT_KEYS = ("rules", "monitors", "sinks", "forwards")
HOT_ACCESS_KEYS = ("communities", "users", "trusted_relays")


class Changes(NamedTuple):
    """Destinations that end, and those that begin; one that was changed is among both."""

    sinks_gone: list[str]
    sinks_new: dict[str, SinkSpec]
    forwards_gone: list[str]
    forwards_new: dict[str, ForwardTarget]


def changes(old: Site, new: Site, unix_ms: Callable[[], int]) -> Changes:
    """Destinations that a changed file ends and begins. Raises SecretError."""
    sinks, forwards = sinks_of(new, lambda: unix_ms() // 1000), forwards_of(new, unix_ms)
    return Changes(
        [name for name in _gone(old.sinks, new.sinks) if old.sinks[name].type != "sse"],
        {name: sinks[name] for name in _new(old.sinks, new.sinks) if name in sinks},
        _gone(old.forwards, new.forwards),
        {name: forwards[name] for name in _new(old.forwards, new.forwards)},
    )


async def apply(what: Changes, dispatcher: Dispatcher, forwarder: Forwarder, position: int) -> None:
    """End and begin destinations; new forwards begin behind `position`. Raises StoreError."""
    await dispatcher.change(what.sinks_gone, what.sinks_new)
    await forwarder.change(what.forwards_gone, what.forwards_new, position)


def needs_restart(old: Site, new: Site) -> list[str]:
    """Keys whose change needs a restart, without those that the command line may have given."""
    before, after = old.model_dump(), new.model_dump()
    keys = [key for key in after if key not in (*HOT_KEYS, "access", "api", "journal") and after[key] != before[key]]
    keys += [f"access.{key}" for key in after["access"] if key not in HOT_ACCESS_KEYS and _differs(before, after, key)]
    return sorted(keys)


def _differs(before: Mapping[str, Any], after: Mapping[str, Any], key: str) -> bool:
    return bool(before["access"][key] != after["access"][key])


def _gone(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name, item in old.items() if new.get(name) != item]


def _new(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [name for name, item in new.items() if old.get(name) != item]
