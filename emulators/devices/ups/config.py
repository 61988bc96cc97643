"""The section `ups` of a rig file: the UPS, its settings, and who may use its card."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ridethrough.emulators.bindings.snmp import ANYBODY
from ridethrough.emulators.config.base import Address, Name, RigModel
from ridethrough.emulators.devices.ups.profile import AccessRow
from ridethrough.mibs.powernet import NAME_LENGTH, UPS_SETTINGS
from ridethrough.wire.snmp.usm import Auth, Priv


class TrapReceiver(RigModel):
    """A row of the card's trap receiver table."""

    receiver: Address
    community: str = Field(default="public", min_length=1, max_length=15)
    version: Literal[1, "2c", 3] = 1
    inform: bool = False
    """Ask for an acknowledgement and repeat until it comes; not in version 1."""
    user: str | None = None
    """User of version 3, one of the card's."""
    generation: bool = True
    """False keeps the row and sends it nothing."""
    authentication: bool = True
    """True sends it traps of failed authentication, too."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.inform and self.version == 1:
            raise ValueError("there are no informs in version 1; accepted: version: 2c, version: 3")
        if (self.version == 3) != (self.user is not None):
            raise ValueError("version: 3 goes with a user")
        return self


class UpsSettings(RigModel):
    """Settings stored in the UPS; a value the model does not permit is corrected as the UPS would do."""

    shutoff_delay_s: int | None = Field(default=None, ge=0)
    return_delay_s: int | None = Field(default=None, ge=0)
    low_battery_s: int | None = Field(default=None, ge=0)
    sleep_s: int | None = Field(default=None, ge=0)
    high_transfer_v: int | None = Field(default=None, gt=0)
    low_transfer_v: int | None = Field(default=None, gt=0)
    min_return_percent: int | None = Field(default=None, ge=0, le=100)
    sensitivity: Literal[2, 3, 4] | None = None
    buzzer: Literal[1, 2, 3] | None = None
    """異常発生時のブザータイミング: 1 power failure, 2 low battery, 3 never."""
    buzzer_timer_s: int | None = Field(default=None, ge=0)
    """異常検出時のブザータイマ."""
    self_test: int | None = Field(default=None, ge=2, le=12)
    """自動バッテリーテストパターン: 2 every two weeks, 3 weekly, 4 when switched on, 5 never; newer cards have more."""
    discharge_s: int | None = Field(default=None, ge=0)
    """UPS停止後のバッテリー放電時間."""
    name: str | None = Field(default=None, pattern=rf"^[ -~]{{1,{NAME_LENGTH}}}$")
    """名称, at most eight half-width characters."""

    def objects(self) -> dict[str, int]:
        """Object names to values in the object's unit, for those that are set."""
        given = {key: getattr(self, key) for key in UPS_SETTINGS}
        return {
            UPS_SETTINGS[key].object: value * UPS_SETTINGS[key].scale
            for key, value in given.items()
            if value is not None
        }


class V3User(RigModel):
    """A version 3 user of a card; the passphrases have 15 to 32 characters, as cards want them."""

    type: Literal["read", "write"] = "read"
    auth: Auth | None = None
    auth_key: str | None = Field(default=None, min_length=15, max_length=32, repr=False)
    priv: Priv | None = None
    priv_key: str | None = Field(default=None, min_length=15, max_length=32, repr=False)
    view: tuple[Annotated[str, Field(pattern=r"^\d+(\.\d+)+$")], ...] = ()
    """Subtrees that the user sees; all when left out."""
    manager: str = Field(default=ANYBODY, pattern=r"^(any|\d{1,3}(\.\d{1,3}){3})$")
    """From where the user may ask: `any`, or an address with 255 for any octet."""

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.auth is None) != (self.auth_key is None) or (self.priv is None) != (self.priv_key is None):
            raise ValueError("auth goes with auth_key, and priv with priv_key")
        if self.priv is not None and self.auth is None:
            raise ValueError("there is no privacy without authentication")
        return self


class UpsConfig(RigModel):
    """A UPS with its network card."""

    profile: str = "smart-ups-1400-100v"
    mains: Name
    address: Address
    settings: UpsSettings = UpsSettings()
    access: tuple[AccessRow, ...] = Field(default=(), max_length=4)
    """Access rows of the card; without any, the factory rows of the profile."""
    users: dict[Annotated[str, Field(min_length=1, max_length=32)], V3User] = Field(default_factory=dict, max_length=4)
    """Version 3 users; without any, version 3 is off."""
    traps: tuple[TrapReceiver, ...] | None = Field(default=None, max_length=4)
    """Trap receivers; when left out, the gateway of the rig."""
    configured: bool = True
    """False for a new card: with BOOTP on it is not on the LAN before its first set-up (003 section 1.7.4.1)."""
    serial: str | None = None
    """Path of the card's serial port, a link to a pseudo-terminal."""

    @model_validator(mode="after")
    def _known_users(self) -> Self:
        for row in self.traps or ():
            if row.user is not None and row.user not in self.users:
                accepted = ", ".join(self.users) or "none"
                raise ValueError(f"traps: there is no user {row.user!r}; accepted: {accepted}")
        return self
