"""The view of a card that its agent shows.

The instances are those of the profile, of every engine, of who may ask, and of the active alarms. They are built when
they are asked for after the access rows of the card or the alarms have changed.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache, lru_cache

from ridethrough.emulators.bindings.engine_rows import Member, access_rows, engine_rows, members_of
from ridethrough.emulators.bindings.snmp import MAX_SHARED_ANSWERS, Instance, Instances
from ridethrough.emulators.devices.ups.card.card import APC, Card
from ridethrough.emulators.devices.ups.model import Ups
from ridethrough.emulators.devices.ups.profile import Profile
from ridethrough.emulators.devices.ups.snmp.objects import instances_of
from ridethrough.emulators.devices.ups.snmp.rows import constant
from ridethrough.emulators.devices.ups.snmp.source import Source
from ridethrough.emulators.kernel.instant import Instant
from ridethrough.mibs import Oid

UPS_BRANCH = APC.child(1, 1, 1)
UPS_MIB = Oid.parse("1.3.6.1.2.1.33")
SYS_DESCR, SYS_OBJECT_ID = Oid.parse("1.3.6.1.2.1.1.1.0"), Oid.parse("1.3.6.1.2.1.1.2.0")
BARE_DESCR = b"APC SNMP Agent"  # of a card whose UPS application did not start
OUTDATED = -1


class UpsView:
    """The view of one card. Implements `SnmpView`."""

    def __init__(self, ups: Ups, card: Card) -> None:
        self.engine = card
        self.source = Source(ups, card)
        self._application = True
        self._frozen = False
        self._revision = OUTDATED  # of the card, at which the instances were built
        self._instances = Instances(())

    @property
    def instances(self) -> Instances:
        """Everything that can be read now."""
        if self._revision != self.engine.revision:
            self._revision = self.engine.revision
            if not self._frozen:
                self._instances = self._build()
        return self._instances

    def _build(self) -> Instances:
        members, alarms = members_of(self.engine), self.source.alarms.instances()
        base = _with_engine(self.engine.profile)
        shown = Instances([*access_rows(members), *alarms], base) if alarms else _of_members(base, members)
        return shown if self._application else _without_application(shown)

    def resting(self, now: Instant) -> bool:
        """Return whether time alone changes none of the steady rows."""
        return self.source.ups.battery.resting(now)

    def update_alarms(self, now: Instant) -> None:
        """Let the table of alarms follow the state of the UPS."""
        if self.source.alarms.update(self.source.ups, self.engine.uptime_ticks(now)):
            self._revision = OUTDATED

    def freeze(self, now: Instant) -> None:
        """Let every measurement read from now on as it does now."""
        self._instances = Instances(
            replace(row, get=constant(row.get(self.source, now))) if row.measured else row for row in self.instances
        )
        self._frozen = True

    def thaw(self) -> None:
        """Let measurements move again."""
        self._frozen = False
        self._revision = OUTDATED

    def set_application(self, *, running: bool) -> None:
        """Start or end the program of the card that knows the UPS; it ends after a spoilt update."""
        self._application = running
        self.thaw()


@cache
def _with_engine(profile: Profile) -> Instances:
    """Return the instances of a profile and those of every engine, made once for all its cards."""
    return Instances(engine_rows(), instances_of(profile), MAX_SHARED_ANSWERS)


@lru_cache(maxsize=256)
def _of_members(base: Instances, members: tuple[Member, ...]) -> Instances:
    """Return the same for all cards of a profile with the same access tables."""
    return Instances(access_rows(members), base, MAX_SHARED_ANSWERS)


def _without_application(shown: Instances) -> Instances:
    rows: list[Instance] = []
    for row in shown:
        if row.oid == SYS_DESCR:
            row = replace(row, get=constant(BARE_DESCR))
        elif row.oid == SYS_OBJECT_ID:
            row = replace(row, get=constant(APC))
        if not UPS_BRANCH.covers(row.oid) and not UPS_MIB.covers(row.oid):
            rows.append(row)
    return Instances(rows)
