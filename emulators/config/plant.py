"""The plant of a rig file: a section for each type of device, and the names with which they refer to one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, create_model, model_validator

from ridethrough.emulators.bindings.device_types import Among, DeviceType, Interface, Reference
from ridethrough.emulators.bindings.profile_files import ProfileError
from ridethrough.emulators.config.base import Name, RigModel
from ridethrough.emulators.config.ports import Ports
from ridethrough.emulators.device_types import DEVICE_TYPES


class _Header(RigModel):
    """The head of a rig file."""

    rig: Annotated[str, Field(min_length=1, max_length=64)]
    seed: int = 1


if TYPE_CHECKING:
    from ridethrough.emulators.config.sections import Sections
else:
    Sections = create_model(
        "Sections",
        __base__=_Header,
        **{found.key: (dict[Name, found.config], Field(default_factory=dict)) for found in DEVICE_TYPES},
    )


class Plant(Sections):
    """Everything emulated."""

    ports: Ports = Ports()

    def section(self, key: str) -> dict[str, Any]:
        """The configurations of a type, by name."""
        section: dict[str, Any] = getattr(self, key)
        return section

    def references(self) -> Iterator[tuple[DeviceType[Any], str, Reference]]:
        """Every name by which a device refers to another, with the type and the name of the one that does."""
        for found in DEVICE_TYPES:
            for name, config in self.section(found.key).items():
                for reference in found.references(config):
                    yield found, name, reference

    def addresses(self) -> Iterator[str]:
        """The addresses of all devices, BMCs behind their servers."""
        for found in DEVICE_TYPES:
            for config in self.section(found.key).values():
                yield from found.addresses(config)

    def interfaces(self) -> Iterator[Interface]:
        """Everything that answers on the network."""
        for found in DEVICE_TYPES:
            for name, config in self.section(found.key).items():
                yield from found.interfaces(name, config, self.ports)

    @model_validator(mode="after")
    def _wiring(self) -> Self:
        names = [name for found in DEVICE_TYPES for name in self.section(found.key)]
        twice = {name for name, count in Counter(names).items() if count > 1}
        if twice:
            raise ValueError(f"names must differ across the whole rig: {', '.join(sorted(twice))}")
        accepted: dict[Among | str, Collection[str]] = {
            **{found.key: self.section(found.key) for found in DEVICE_TYPES},
            Among.FEEDS: [name for found in DEVICE_TYPES if found.is_feed for name in self.section(found.key)],
            Among.REACHABLE: self._reachable(),
        }
        # Feeds first, so that what is wrong with one is not reported of all that hangs on it.
        for found, name, reference in sorted(self.references(), key=lambda row: not row[0].is_feed):
            if reference.device not in accepted[reference.among]:
                known = ", ".join(accepted[reference.among]) or "none"
                raise ValueError(
                    f"{found.key}.{name}.{reference.key}: there is no {reference.device!r}; accepted: {known}"
                )
        return self

    @model_validator(mode="after")
    def _profiles(self) -> Self:
        for found in DEVICE_TYPES:
            if (key := found.profile) is None:
                continue
            for name, config in self.section(found.key).items():
                *path, last = key.path
                for step in path:
                    config = config and getattr(config, step)
                if config is None:
                    continue
                try:
                    key.load(getattr(config, last))
                except ProfileError as error:
                    raise ValueError(f"{found.key}.{name}.{'.'.join(key.path)}: {error}") from error
        return self

    @model_validator(mode="after")
    def _outlet_groups(self) -> Self:
        groups = {
            name: found.outlet_groups(config)
            for found in DEVICE_TYPES
            for name, config in self.section(found.key).items()
            if found.is_feed
        }
        for found, name, reference in self.references():
            feed, _, group = reference.name.partition("/")
            if reference.feeds and group and int(group) not in groups[feed]:
                accepted = ", ".join(f"{feed}/{index}" for index in groups[feed]) or "none"
                raise ValueError(
                    f"{found.key}.{name}.{reference.key}: there is no outlet group {reference.name!r};"
                    f" accepted: {accepted}"
                )
        return self

    def _reachable(self) -> list[str]:
        """Names of everything with an address, devices before the BMCs on their boards."""
        names = [
            reachable
            for found in DEVICE_TYPES
            for name, config in self.section(found.key).items()
            for reachable in found.reachable(name, config)
        ]
        return sorted(names, key=lambda name: "." in name)
