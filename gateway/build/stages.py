"""The configuration of decoding, translating and correlating, from a site file."""

from __future__ import annotations

from ridethrough.gateway.config.secrets import read_passphrase
from ridethrough.gateway.config.site import BmcDeviceConfig, ServerDeviceConfig, Site, UpsDeviceConfig, keyword_address
from ridethrough.gateway.correlate import BmcPolicy, FlapPolicy, SitePolicy, StormPolicy, UpsPolicy
from ridethrough.gateway.decode import TrapUser
from ridethrough.gateway.pipeline.stages import StageConfig
from ridethrough.gateway.translate import Inventory, KnownDevice, Match, UserRule


def users_of(site: Site) -> list[TrapUser]:
    """Users that may send by version 3, with their passphrases. Raises SecretError."""
    return [
        TrapUser(
            (user.name or row).encode(),
            user.auth,
            read_passphrase(f"access.users.{row}", "auth", user.auth_key, user.auth_key_file),
            user.priv,
            read_passphrase(f"access.users.{row}", "priv", user.priv_key, user.priv_key_file),
            user.sources,
        )
        for row, user in site.access.users.items()
    ]


def rules_of(site: Site) -> list[UserRule]:
    """The site's own rules, in their order."""
    rules = []
    for rule in site.rules:
        wanted = tuple((name, str(value)) for name, value in rule.match.variables.items())
        match = Match(rule.match.trap or "", rule.match.sources, rule.match.device or "", wanted)
        condition = rule.opens or rule.clears or ""
        rules.append(
            UserRule.for_event(match, rule.event, rule.severity, rule.text, condition, opens=rule.opens is not None)
            if rule.event
            else UserRule(match)
        )
    return rules


def devices_of(site: Site) -> list[KnownDevice]:
    """The devices as the translation needs them."""
    result = []
    for name, device in site.devices.items():
        server = device.server or "" if isinstance(device, BmcDeviceConfig) else ""
        keywords: dict[str, tuple[str, ...]] = {}
        for monitor in site.monitors if server else ():
            text = monitor.keyword.get(server)
            if text is not None:
                place = keyword_address(text)
                keywords[place] = (*keywords.get(place, ()), monitor.name)
        engine = "" if isinstance(device, ServerDeviceConfig) else device.engine_id or ""
        result.append(KnownDevice(name, device.kind, device.address, server, keywords, engine.lower()))
    return result


def ups_policies_of(site: Site) -> dict[str, UpsPolicy]:
    """Confirmation and silence times of each UPS, and the groups that its outages concern."""
    return {
        name: UpsPolicy(
            round(device.confirm_s * 1000),
            device.groups,
            round(device.silence_s * 1000),
            device.on_silence == "shutdown",
        )
        for name, device in site.devices.items()
        if isinstance(device, UpsDeviceConfig)
    }


def bmc_policies_of(site: Site) -> dict[str, BmcPolicy]:
    """Times that each BMC waits for the start and the end of a recovery."""
    return {
        name: BmcPolicy(round(device.recovery.start_s * 1000), round(device.recovery.end_s * 1000))
        for name, device in site.devices.items()
        if isinstance(device, BmcDeviceConfig)
    }


def site_policy_of(site: Site) -> SitePolicy:
    """Limits that hold for all devices: storms, flapping, segments."""
    storms, flaps = site.correlate.storms, site.correlate.flaps
    return SitePolicy(
        storm=None if storms is None else StormPolicy(storms.per_s, storms.burst),
        flap=None if flaps is None else FlapPolicy(flaps.opens, *_ms(flaps.window_s, flaps.settle_s)),
        behind={name: device.behind for name, device in site.devices.items() if device.behind},
        segment_wait_ms=round(site.correlate.segment_wait_s * 1000),
    )


def _ms(*seconds: float) -> tuple[int, ...]:
    return tuple(round(item * 1000) for item in seconds)


def stage_config(site: Site) -> StageConfig:
    """The whole configuration of the stages. Raises SecretError."""
    return StageConfig(
        source=f"/ridethrough/{site.name}",
        inventory=Inventory(devices_of(site)),
        rules=rules_of(site),
        users=users_of(site),
        communities=frozenset(text.encode() for text in site.access.communities),
        relays=site.access.trusted_relays,
        ups_policies=ups_policies_of(site),
        bmc_policies=bmc_policies_of(site),
        site_policy=site_policy_of(site),
    )
