"""Rules of what the consoles of the documents show and ask: status table, settings, access rows, windows, statistics."""

from __future__ import annotations

from tests.mutations.rows import Mutation, rows

AC = "rigs/controllers/esmpro_ac"
LINKED = "    for ups in group.ld:\n        yield _ups(rig, live, ups, depth + 1, linked=True)\n"
DIRECT = "    yield from _subgroups(rig, topology, live, group, None, depth)\n"
SLOTS = '    for slot, servers in (("ct", group.ct), ("lt", group.lt)):\n'

CONSOLE_RULES: tuple[Mutation, ...] = (
    *rows(
        "003 1.7.4.5",
        "rigs/lab/group_status.py",
        (
            "linked devices stand before the groups that hang on the group itself",
            LINKED + DIRECT,
            DIRECT + LINKED,
            "T11 T12",
        ),
        (
            "and behind the groups in the slots",
            SLOTS,
            LINKED + SLOTS,
            "T12",
        ),
        (
            "a server in its cluster is 通常運用中(クラスタ)",
            "topology.cluster_of(name) is not None and",
            "topology.cluster_of(name) is None and",
            "T11 T13",
        ),
        ("one of a stopped cluster is not", "live.nodes.get(name, ONLINE) == ONLINE", "True", "T13"),
        (
            "descriptions are free text",
            "description = rig.power_management.of_server(name).description",
            'description = ""',
            "T1",
        ),
    ),
    *rows(
        "003 1.7.4.5",
        "rigs/power_groups.py",
        ("a group's row shows -----", 'Literal["-----", ""] = "-----"', 'Literal["-----", ""] = ""', "T11"),
    ),
    *rows(
        "003 1.7.4.5",
        "gateway/translate/readings.py",
        ("out[W] is the load", '    "upsAdvOutputLoad",\n', "", "T11"),
    ),
    *rows(
        "003 1.7.4.3",
        "gateway/devices/ups_settings.py",
        ("model, serial number and firmware are collected", "*UPS_IDENTITY.values(), *names", "*names", "U14"),
        (
            "settings are in the unit of the console",
            "divmod(value, UPS_SETTINGS[name].scale)",
            "divmod(value, 1)",
            "U14",
        ),
        ("a name is written, too", 'if name == "name":\n        text', 'if name == "no":\n        text', "U14"),
    ),
    *rows(
        "003 1.7.4.3",
        "mibs/powernet.py",
        ("buzzer timing", '"upsAdvConfigAlarm")', '"upsAdvConfigSensitivity")', "U14"),
        ("buzzer timer", '"upsAdvConfigAlarmTimer", 100', '"upsAdvConfigAlarmTimer", 1', "U14"),
        ("self-test pattern", '"upsAdvTestDiagnosticSchedule")', '"upsAdvConfigSensitivity")', "U14"),
        ("discharge time", '"upsAdvConfigBattExhaustThresh", 100', '"upsAdvConfigShutoffDelay", 100', "U14"),
        ("a UPS keeps eight characters of a name", "NAME_LENGTH: Final = 8", "NAME_LENGTH: Final = 9", "U08"),
    ),
    *rows(
        "003 1.7.4.3",
        f"{AC}/settings.py",
        ("the fields stay blank where a card refuses", "self._collected[ups] = BLANK", "pass", "U15"),
    ),
    *rows(
        "003 1.7.4.1",
        "rigs/controllers/client.py",
        ("a card is asked from the terminal's address", 'params["source"] = source', "pass", "U15"),
    ),
    *rows(
        "003 1.7.4.1",
        f"{AC}/controller.py",
        (
            "of the terminals, the master asks",
            "plant.servers[self.master].address if",
            "plant.servers[self.topology.terminals[0]].address if",
            "U16",
        ),
    ),
    *rows(
        "003 1.7.4.1",
        "gateway/devices/ups_snmp.py",
        ("requests leave from the source", "target.set_local_address((source, 0))", "target", "U15"),
    ),
    *rows(
        "003 1.7.4.1",
        "rigs/rigfile/schema.py",
        ("polls come from an address that the rows admit", "next(filter(admitted, askers), None)", "None", "U15"),
        ("control terminals may ask a card", "(*terminals, *connected.get(ups, ()))", "connected.get(ups, ())", "U14"),
    ),
    *rows(
        "001 7.2",
        f"{AC}/gui.py",
        (
            "クラスタ連携 is shown with the servers of the cluster",
            "(cluster, list(nodes)) if",
            "(cluster, []) if",
            "G1",
        ),
        ("not while the cluster is in an abnormal state", "set(nodes.values()) == {ONLINE}", "True", "G1"),
        (
            "the window of a server that is down is closed",
            "if is_up(client, server) else None",
            "if True else None",
            "G1",
        ),
        ("the next switch-on is shown", "upcoming(on, ", "upcoming(off, ", "G1"),
    ),
    *rows(
        "003 1.7.2",
        f"{AC}/statistics.py",
        ("statistics have the lowest value", "min(column) for", "column[-1] for", "U17"),
        ("and the highest", "max(column) for", "column[-1] for", "U17"),
        (
            "a silent card has no values",
            '{} if Condition.SILENCE in document["conditions"] else document["readings"]',
            'document["readings"]',
            "U17",
        ),
    ),
)
