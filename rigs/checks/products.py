"""Rules about which products a server needs for its part (000 2, 001 5, 002 2, 003 1.7.7(4)). Pure.

A server without any product in `environment.servers` is not judged: the file does not say what is installed there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from ridethrough.rigs.checks.rows import Row, Violation, is_mixed
from ridethrough.rigs.controllers.powerchute import PowerChuteConfig
from ridethrough.rigs.rigfile.environment import TITLES, Product, ServerSoftware
from ridethrough.rigs.rigfile.schema import RigFile
from ridethrough.rigs.topology import Topology

Products = frozenset[Product]

AC_ON_WINDOWS: Products = frozenset(
    ("ac", "ac_enterprise", "ac_advance", "ac_lite", "ac_mscs", "ac_enterprise_multi", "ac_advance_multi")
)
AC_ON_LINUX: Products = frozenset(
    ("ac_linux", "ac_advance_linux", "ac_enterprise_multi_linux", "ac_advance_multi_linux")
)
WSFC: Products = frozenset(("ac", "ac_enterprise", "ac_mscs"))
SSC: Products = frozenset(("ssc",))
SSC_LICENCE: Products = frozenset(("ssc_licence",))


class Part(NamedTuple):
    """Facts that decide about a server's products."""

    terminal: bool
    system: str
    mixed: bool = False
    """A control terminal of a tree with and without UPSs."""
    node: bool = False
    """A linked terminal that is a node of CLUSTERPRO."""
    advance: bool = False
    """A linked terminal with the Advance option."""

    def __str__(self) -> str:
        words = "a control terminal" if self.terminal else "a linked terminal"
        words += {"windows": " on Windows", "linux": " on Linux"}[self.system]
        words += (
            " of the mixed mode" * self.mixed + " in a cluster" * self.node + " with the Advance option" * self.advance
        )
        return words


# Sets of products of which one is enough.
NEEDED: dict[Part, tuple[Products, ...]] = {
    Part(terminal=True, system="windows"): (frozenset(("ac", "ac_enterprise")), SSC),
    Part(terminal=True, system="windows", mixed=True): (frozenset(("ac", "ac_enterprise", "ac_advance")),),
    Part(terminal=True, system="linux"): (frozenset(("ac_linux",)),),
    Part(terminal=True, system="linux", mixed=True): (frozenset(("ac_linux", "ac_advance_linux")),),
    Part(terminal=False, system="windows", node=True): (frozenset(("ac", "ac_enterprise")), SSC_LICENCE),
    Part(terminal=False, system="windows"): (frozenset(("ac_enterprise_multi",)), SSC_LICENCE),
    Part(terminal=False, system="windows", advance=True): (frozenset(("ac_advance_multi",)),),
    Part(terminal=False, system="linux"): (frozenset(("ac_enterprise_multi_linux",)), SSC_LICENCE),
    Part(terminal=False, system="linux", advance=True): (frozenset(("ac_advance_multi_linux",)),),
}
# 002 2.1: with one control terminal and one UPS these do, too.
ALONE: tuple[Products, ...] = (frozenset(("ac_lite",)), frozenset(("um",)))
BLADE_TERMINAL: Products = frozenset(("ac", "ac_enterprise", "ac_blade"))  # 001 5.1
BLADE: Products = frozenset(("ac_blade_multi",))  # 001 5.3


def products(rig: RigFile) -> Iterator[Violation]:
    """X31: a terminal has the products of its part, in the variant of its operating system."""
    topology = rig.topology()
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name, "products")
        if name not in topology.members or not software.products:
            continue
        installed = frozenset(software.products)
        foreign = installed & (AC_ON_LINUX if software.system == "windows" else AC_ON_WINDOWS)
        if foreign:
            system = {"windows": "Windows", "linux": "Linux"}[software.system]
            yield where, f"{_titles(foreign)} on {system}: there is a variant for each operating system"
            continue
        part, alternatives = _needed(rig, topology, name, software)
        if alternatives and not any(needed <= installed for needed in alternatives):
            wanted = ", or ".join(_titles(needed) for needed in alternatives)
            yield where, f"{part} needs {wanted}; {name} has {_titles(installed)}"


def _needed(rig: RigFile, topology: Topology, name: str, software: ServerSoftware) -> tuple[str, tuple[Products, ...]]:
    """Return the part of a server in words, and the sets of which it needs one; none where no document says."""
    if software.cluster == "wsfc" or not _by_cards(rig, name):
        return "", ()
    if name in topology.terminals:
        if any(rig.environment.servers[other].blade for other in topology.linked if other in rig.environment.servers):
            return "a control terminal of blade servers", (BLADE_TERMINAL,)
        part = Part(terminal=True, system=software.system, mixed=is_mixed(rig, topology))
        alone = topology.members == [name] and len(topology.power_devices) + len(topology.linked_devices) == 1
        return str(part), NEEDED[part] + (ALONE if alone and software.system == "windows" else ())
    if software.blade:
        return "a linked blade server", (BLADE,)
    if topology.cluster_of(name) is not None:
        part = Part(terminal=False, system=software.system, node=True)
        return str(part), NEEDED.get(part, ())
    part = Part(
        terminal=False,
        system=software.system,
        advance=topology.management.of_server(name).option == "advance",
    )
    return str(part), NEEDED[part]


def _by_cards(rig: RigFile, name: str) -> bool:
    """Return False for servers on an I-UPS or with an agent of their own, which are other products' (003 1.6, 1.8)."""
    agents = {node for item in rig.controllers if isinstance(item, PowerChuteConfig) for node in item.ups}
    return name not in agents and not any(feed in rig.intelligent_ups for feed in rig.servers[name].power)


def _titles(names: Products) -> str:
    return " + ".join(title for product, title in TITLES.items() if product in names)


def mscs(rig: RigFile) -> Iterator[Violation]:
    """X32: a server of ESMPRO/AC on WSFC has the MSCS option, terminal or linked."""
    terminals = rig.topology().terminals
    for name, software in rig.environment.servers.items():
        installed = frozenset(software.products)
        managed = name not in terminals and installed >= SSC_LICENCE
        if software.cluster == "wsfc" and installed and "um" not in installed and not managed and not installed >= WSFC:
            words = f"on WSFC ESMPRO/AC needs {_titles(WSFC - installed)} besides"
            yield ("environment", "servers", name, "products"), words


PRODUCT_RULES: tuple[Row, ...] = (
    ("X31", False, "000 2, 001 5, 002 2, 003 1.7.7(4)", products),
    ("X32", False, "002 2.2", mscs),
)
