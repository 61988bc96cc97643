"""Rules about products, versions and settings made by hand (requirements sections 1 and 4.3). Pure."""

from __future__ import annotations

from collections.abc import Iterator

from ridethrough.rigs.checks.rows import Row, Violation
from ridethrough.rigs.rigfile.schema import RigFile

FIRST_WITHOUT_BLADES = 5.4  # also the first that knows WSFC by itself
ADMINISTRATOR = "Administrator"
LOCAL_AGENTS = ("um", "pcbe", "powerchute_plus")
CLUSTERPRO_X = 9  # the internal version of X1.0
FIRST_CLUSTERPRO = 9.02


def istorage(rig: RigFile) -> Iterator[Violation]:
    """X12: no iStorage link to the control terminals' own disk."""
    topology = rig.topology()
    for index, disk in enumerate(rig.environment.istorage_links):
        ups = rig.disks[disk].power[0].partition("/")[0] if disk in rig.disks else ""
        if set(topology.users_of(ups)) & set(topology.terminals):
            yield ("environment", "istorage_links", str(index)), f"{disk} is the control terminals' own disk"


def local_agents(rig: RigFile) -> Iterator[Violation]:
    """X13: no local UPS agent beside ESMPRO/AC with SNMP cards."""
    members = rig.topology().members
    for name, software in rig.environment.servers.items():
        found = [product for product in software.products if product in LOCAL_AGENTS]
        if found and name in members:
            yield ("environment", "servers", name, "products"), f"{', '.join(found)} beside ESMPRO/AC with SNMP cards"


def blades(rig: RigFile) -> Iterator[Violation]:
    """X14: blade servers need ESMPRO/AC before 5.4."""
    for name, software in rig.environment.servers.items():
        if software.blade and software.ac_version >= FIRST_WITHOUT_BLADES:
            yield ("environment", "servers", name), "ESMPRO/AC 5.4 and later control no blade servers"


def wsfc(rig: RigFile) -> Iterator[Violation]:
    """X15: products that WSFC excludes or needs."""
    terminals = rig.topology().terminals
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        if software.cluster != "wsfc":
            continue
        if "um" in software.products:
            yield where, "ESMPRO/UPSManager does not support WSFC"
        if name in terminals and "ssc" in software.products:
            yield where, "a control terminal on WSFC cannot use SigmaSystemCenter"
        if software.ac_version < FIRST_WITHOUT_BLADES and "operation_helper" not in software.products:
            yield where, "ESMPRO/AC before 5.4 needs CLUSTERPRO X OperationHelper on WSFC"


def habits(rig: RigFile) -> Iterator[Violation]:
    """X17: functions of the products that must not be used with clusters."""
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        if software.gui_buttons:
            yield (*where, "gui_buttons"), "停止 and 開始 of the AC GUI are not for clusters"
        if software.arm30:
            yield (*where, "arm30"), "the box of ActiveRecoveryManager 3.0 stays empty"
        if software.own_schedule:
            yield (*where, "own_schedule"), "PowerChute Business Edition must not have a schedule of its own"


def distribution(rig: RigFile) -> Iterator[Violation]:
    """X19: ac_e_net.ini is the same on all servers, and services were restarted after a change."""
    first = next(iter(rig.environment.servers.values()), None)
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        if first is not None and software.configuration != first.configuration:
            yield (*where, "configuration"), "ac_e_net.ini differs: send it to every terminal"
        if not software.restarted:
            yield (*where, "restarted"), "the cluster or ESMPRO/ARC Service was not restarted after the change"


def acmode(rig: RigFile) -> Iterator[Violation]:
    """X20: clpacmode is enabled, and the cluster was restarted after it."""
    for name, software in rig.environment.servers.items():
        where = ("environment", "servers", name)
        if not software.acmode:
            yield (*where, "acmode"), "clpacmode is disabled"
        elif not software.cluster_restarted:
            yield (*where, "cluster_restarted"), "the cluster was not restarted after clpacmode enable"


def clustered_ssc(rig: RigFile) -> Iterator[Violation]:
    """X24: settings of ac_pvm for a clustered SigmaSystemCenter."""
    ssc = rig.environment.ssc
    if ssc is None:
        return
    if ssc.host == "localhost":
        yield ("environment", "ssc", "host"), "ac_pvm.exe.config names localhost instead of the floating address"
    if ssc.return_value != 0:
        yield ("environment", "ssc", "return_value"), f"ac_pvm ended with {ssc.return_value}, not Return Value : 0"
    if ssc.service_account.rpartition("\\")[2] != ADMINISTRATOR:
        words = f"「ESMPRO/ARC Service」 logs on as {ssc.service_account}, not as {ADMINISTRATOR}"
        yield ("environment", "ssc", "service_account"), words


def clusterpro(rig: RigFile) -> Iterator[Violation]:
    """X25: oldest version of CLUSTERPRO X."""
    for name, software in rig.environment.servers.items():
        version = software.clusterpro_version
        if version is not None and CLUSTERPRO_X <= version < FIRST_CLUSTERPRO:
            yield (
                ("environment", "servers", name, "clusterpro_version"),
                f"CLUSTERPRO X1.0 {version:g} is older than 9.02 (CPRO-XW010-01)",
            )


SOFTWARE_RULES: tuple[Row, ...] = (
    ("X12", False, "001 6.2(4)", istorage),
    ("X13", False, "001 11(4), 003 1.7.7(3)", local_agents),
    ("X14", False, "001 5, 11(1)", blades),
    ("X15", False, "002 2.2", wsfc),
    ("X17", False, "003 1.7.7(2), 1.9.6(4)(5)(7)", habits),
    ("X19", False, "003 (24)", distribution),
    ("X20", False, "001 7.1", acmode),
    ("X24", False, "001 5.2", clustered_ssc),
    ("X25", True, "001 12(1)", clusterpro),
)
