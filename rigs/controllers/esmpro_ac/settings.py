"""The dialog 電源装置 of the management console: settings of a UPS, collected and written by SNMP (003 1.7.4.3(19))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ridethrough.rigs.api_client import ApiError
from ridethrough.rigs.controllers.base import Act, InputRefused
from ridethrough.rigs.controllers.esmpro_ac.host import ControllerHost

BLANK = {"model": "", "serial": "", "firmware": "", "settings": {}}


class UpsSettingsDialog:
    """Settings collected last from each UPS; where its card refused, the fields stay blank (003 1.7.4.3(19)②)."""

    def __init__(self, host: ControllerHost) -> None:
        self._host = host
        self._collected: dict[str, Mapping[str, Any]] = {}

    def inputs(self) -> Mapping[str, tuple[str, Act]]:
        """The two buttons of the dialog."""
        return {
            "collect": ("collect the settings of the UPSs named, or of all (SNMP設定情報の採取)", self._collect),
            "write": ("write settings of UPS: NAME=VALUE ... (情報の上書きをSNMPで実行)", self._write),
        }

    def row(self) -> dict[str, Any]:
        """Model, serial number, firmware and settings by UPS, as JSON has it."""
        return {ups: dict(found) for ups, found in self._collected.items()}

    def _check(self, names: list[str]) -> None:
        if self._host.master is None:
            raise InputRefused("no control terminal runs")
        known = self._host.context.plant.ups
        for name in names:
            if name not in known:
                raise InputRefused(f"there is no {name!r}; accepted: {', '.join(known) or 'none'}")

    async def _collect(self, args: list[str]) -> None:
        self._check(args)
        for ups in args or self._host.context.plant.ups:
            self._host.spawn(self._collect_one(ups), f"collect {ups}")

    async def _collect_one(self, ups: str) -> None:
        self._collected[ups] = BLANK
        try:
            self._collected[ups] = (await self._host.client.command(ups, "settings.read"))["details"]
        except ApiError as error:
            self._host.note("not_collected", ups, str(error))
        else:
            self._host.note("collected", ups)

    async def _write(self, args: list[str]) -> None:
        self._check(args[:1])
        settings = dict(word.partition("=")[::2] for word in args[1:])
        if not settings or not all(settings.values()):
            raise InputRefused("expected a UPS and at least one NAME=VALUE")
        self._host.spawn(self._write_one(args[0], settings), f"write {args[0]}")

    async def _write_one(self, ups: str, settings: Mapping[str, str]) -> None:
        try:
            ended = await self._host.client.command(ups, "settings.write", settings=settings)
        except ApiError as error:
            self._host.note("not_written", ups, str(error))
        else:
            self._host.note("written", ups, ended["result"])
