"""Rules of `check` from X27 on (requirements 9.11), and those to whom a linked device without a shared disk matters."""

from __future__ import annotations

from tests.mutations.rows import Mutation, rows

CHECKS = "rigs/checks"

CHECK_RULES: tuple[Mutation, ...] = (
    *rows(
        "9.11",
        f"{CHECKS}/devices.py",
        ("X27: AC-LINK on a UPS", "server.ac_link is not AcLink.ON and", "False and", "X27"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/mixed.py",
        ("X28: a group for each server of the mixed mode", "if len(servers) > 1:", "if False:", "X27"),
        ("X29: Enterprise with a UPS", '== "enterprise" and not backed(rig, name)', '== "none"', "X27"),
        ("X30: Wake-on-LAN without a UPS", "(config is None or not config.supported)", "config is None", "X27"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/products.py",
        ("X31: products of a part", "if alternatives and not any(", "if False and not any(", "X27"),
        ("X32: the MSCS option on WSFC", 'if software.cluster == "wsfc" and installed', "if False", "X27"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/communication.py",
        ("X33: the local broadcast", "if given not in _networks(rig, server)]:", "if False]:", "X27"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/cards.py",
        ("X34: the community is on the card", "if all(row.community != card.community", "if False and all(row", "X27"),
        (
            "X35: rows may write",
            'if rows and not any(row.type.startswith("write")',
            "if False and not any(row.type",
            "X27",
        ),
        ("X36: terminals are on the card", "if known and not _rows_for(card, address):", "if False:", "X27"),
        ("X37: traps are enabled", "            if off:", "            if False:", "X27"),
        ("X37: there is a receiver", "if receivers == ():", "if False:", "C6"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/outage_times.py",
        ("X38: the battery lasts for all three", "if has_s < needed_s:", "if False:", "X27"),
        ("X39: the cluster stops in its time", "rig.clusters[name].shutdown_s > limit_s:", "False:", "X27"),
        ("X40: shutdown before the output goes", "if takes_s >= outage.off_s:", "if takes_s > outage.off_s:", "X27"),
    ),
    *rows(
        "9.11",
        f"{CHECKS}/companions.py",
        ("X41: ServerAgent's action, event by event", '.get(event, "shutdown") ==', '.get(event, "nothing") ==', "X27"),
        ("X42: the ipmi service", "if name in linked and not software.ipmi_service:", "if False:", "X27"),
        ("X43: ServerAgent's version", "and agent < FIRST_FOR_NEW:", "and False:", "X27"),
        ("X44: beside ServerAgent", 'if "server_agent" in software.products and found:', "if False:", "X27"),
        (
            "X45: the manager in the stop script",
            "<= has and not software.stop_script_stops_manager:",
            "<= set():",
            "X27",
        ),
    ),
    *rows(
        "9.7",
        "rigs/topology.py",
        (
            "a UPS among the linked devices concerns whom it feeds",
            "return members if shared or not fed else fed",
            "return members",
            "AC-LINK-c3",
        ),
    ),
)
