"""The output of a rig or a gateway that has started: addresses, and commands to try."""

from __future__ import annotations

import shutil
import sys
from typing import Any, NamedTuple

from ridethrough.emulators.bindings.device_types import ServiceAddress
from ridethrough.gateway.config.http import Api
from ridethrough.gateway.config.site import Site
from ridethrough.rigs.rigfile.schema import RigFile

NAME, KIND = 12, 13  # widths
HTTP, TELNET = 80, 23  # ports that clients take by themselves


class StartupBanner(NamedTuple):
    """A start, as text for people and as a document for programs."""

    text: str
    document: dict[str, Any]


def site_banner(site: Site) -> StartupBanner:
    """Return the banner of a gateway alone; it has no text, because the log names the addresses."""
    return StartupBanner("", {"site": site.name, "traps": _traps(site), "http": site.api.url})


def _traps(site: Site) -> list[str]:
    return [f"{listen.address}:{listen.port}" for listen in site.listen]


def rig_banner(rig: RigFile, api: Api, site: Site | None = None) -> StartupBanner:
    """Return the banner of a rig; without `site` only its devices run."""
    interfaces = list(rig.interfaces())
    devices = {
        item.name: {"kind": item.kind, **{service.protocol: _reached_at(service) for service in item.services}}
        for item in interfaces
    }
    document: dict[str, Any] = {"rig": rig.rig, "devices": devices, "http": api.url}
    lines = [f"rig {rig.rig} is running", ""]
    for item in interfaces:
        places = [f"{_reached_at(service)}{'' if service.stream else '/udp'}" for service in item.services]
        lines.append(_line(item.name, item.title, "   ".join(places)))
    if site is not None:
        document["traps"] = _traps(site)
        lines += [_line("gateway", "traps", f"{place}/udp") for place in _traps(site)]
        lines.append(_line("console", "web", f"{api.url}/"))
    else:
        lines.append(_line("lab", "HTTP", f"{api.url}/lab/v1/world"))
    lines += ["", "try:", *_tries(rig, api, gateway=site is not None), "", "Ctrl-C stops it.", ""]
    return StartupBanner("\n".join(lines), document)


def _line(name: str, kind: str, rest: str) -> str:
    return f"  {name:<{NAME}} {kind:<{KIND}} {rest}".rstrip()


def _reached_at(service: ServiceAddress) -> str:
    """Return what a person types to get there: an address, a link or a command."""
    address, port = service.address, service.port
    if service.protocol == "http":
        return f"http://{address}{'' if port == HTTP else f':{port}'}/"
    if service.protocol == "telnet":
        return f"telnet {address}{'' if port == TELNET else f' {port}'}"
    return f"{address}:{port}"


def _tries(rig: RigFile, api: Api, *, gateway: bool) -> list[str]:
    """Commands to paste."""
    ports = rig.ports
    bmcs = {f"{name}.bmc": server.bmc for name, server in rig.servers.items() if server.bmc is not None}
    command = "ridethrough" if shutil.which("ridethrough") else sys.argv[0]
    lines = []
    if api.bind != "127.0.0.1:8080":
        lines.append(f"  export RIDETHROUGH_URL={api.url}")
    for name, ups in list(rig.ups.items())[:1]:
        community = next(iter(row.community for row in ups.access), "public")
        place = ups.address if ports.snmp == 161 else f"{ups.address}:{ports.snmp}"
        lines.append(f"  snmpget -v1 -c {community} {place} 1.3.6.1.4.1.318.1.1.1.4.1.1.0    # {name} output status")
        lines.append(f"  snmpwalk -v2c -c {community} {place} 1.3.6.1.4.1.318.1.1.1")
    for bmc in list(bmcs.values())[:1]:
        user, secret = next(iter(bmc.users.items()))
        port = "" if ports.ipmi == 623 else f" -p {ports.ipmi}"
        login = f"-H {bmc.address}{port} -U {user} -P {secret.password}"
        lines.append(f"  ipmitool -I lanplus {login} chassis status")
    if gateway:
        lines.append(f"  curl -N {api.url}/v1/events/stream")
    lines += [f"  {command} inject {name} off" for name in list(rig.mains)[:1]]
    lines += [f"  {command} inject {name} memory_uncorrectable" for name in list(bmcs)[:1]]
    return lines
