"""Rules of the gateway: what it makes of traps and polls, and how it carries out commands; and those of `check`."""

from __future__ import annotations

from tests.mutations.rows import Mutation, rows

CORRELATE = "gateway/correlate"
CHECKS = "rigs/checks"

GATEWAY_RULES: tuple[Mutation, ...] = (
    # --- 5.2, 4.2: outages and lost communication -------------------------------------------------------------------
    *rows(
        "5.2",
        f"{CORRELATE}/outages.py",
        (
            "an input that returns ends the confirmation",
            "self._state.confirm_at_ms.pop(device, None)",
            "pass",
            "C5",
        ),
        (
            "an outage is told for the group of its UPS",
            'for group in self._policies[device].groups or ("",):',
            'for group in ("",):',
            "C2",
        ),
        (
            "an outage that ends is told",
            'self._end(batch, device, OUTAGE, CLEARED, f"the outage of {device} is over")',
            "pass",
            "C2",
        ),
    ),
    *rows(
        "4.2",
        f"{CORRELATE}/outages.py",
        (
            "N3: silence without an outage is none of communication",
            "if INPUT not in known or COMMUNICATION in known:",
            "if COMMUNICATION in known:",
            "N3",
        ),
        (
            "a UPS that is heard again is told",
            "if COMMUNICATION not in known or SILENCE in known or LINK in known:",
            "if True:",
            "N2-0",
        ),
    ),
    # --- one event for one fact -------------------------------------------------------------------------------------
    *rows(
        "design 6",
        f"{CORRELATE}/correlator.py",
        (
            "what is said again is told once",
            "known[condition].said += 1\n            return  # the same fact said again",
            "known[condition].said += 1",
            "U11",
        ),
        (
            "a recovery that does not come in time is told",
            "for device, expired in self._recoveries.expired(at_ms):",
            "for device, expired in ():",
            "B7",
        ),
    ),
    *rows(
        "design 6",
        f"{CORRELATE}/recoveries.py",
        ("the end of a recovery ends the wait for it", "self._held.pop(signal.device, None)", "pass", "B1"),
    ),
    *rows(
        "design 6",
        f"{CORRELATE}/segments.py",
        ("devices behind a dead hub are one event", "SMALLEST = 2 ", "SMALLEST = 99 ", "HUB"),
    ),
    *rows(
        "design 6",
        f"{CORRELATE}/flaps.py",
        ("changes of inputs are never held back", "        Condition.INPUT,\n", "", "FLAPS"),
        ("what flaps is summed up", "if len(flap.opened) >= policy.opens:", "if False:", "FLAPS"),
    ),
    # --- what traps and polls show ----------------------------------------------------------------------------------
    *rows(
        "2.6",
        "gateway/translate/readings.py",
        (
            "a self test that a poll sees is no lost input",
            "return None if values.get(FAIL_CAUSE) == SELF_TEST else True",
            "return True",
            "U17-self-test",
        ),
        (
            "a UPS that is off shows by its line whether the input is back",
            "return values[LINE_VOLTAGE] < DEAD_VOLTS",
            "return None",
            "U15-charge",
        ),
    ),
    *rows(
        "2.6",
        "gateway/config/site.py",
        (
            "UPSs are asked every 8 s",
            "poll_s: Annotated[float, Field(gt=0, le=8)] = 8",
            "poll_s: Annotated[float, Field(gt=0, le=8)] = 4",
            "U11",
        ),
        ("3.5: a BMC is lost after 90 s", "timeout_s: Seconds = 90", "timeout_s: Seconds = 60", "B12-standby B5"),
    ),
    *rows(
        "2.6",
        "gateway/translate/trap_rules.csv",
        (
            "the trap of a lost input is evidence",
            "upsOnBattery,ups.input.lost,warning,input,opens",
            "upsOnBattery,ups.notice,warning,,",
            "U11",
        ),
        (
            "decision 9: trap 8 at a start of the card is no news",
            "communicationEstablished,ups.link.restored,info,link,is clear",
            "communicationEstablished,ups.link.restored,info,link,clears",
            "U18-restart",
        ),
    ),
    # --- commands ---------------------------------------------------------------------------------------------------
    *rows(
        "decision 4",
        "gateway/devices/ups_commands.py",
        (
            "output.off on battery ends with the outage",
            "if await card.number(OUTPUT_STATUS) == ON_BATTERY:",
            "if False:",
            "C2",
        ),
    ),
    # --- 8: rules about configurations ------------------------------------------------------------------------------
    *rows(
        "8",
        f"{CHECKS}/outage_times.py",
        (
            "X09: at its limit a terminal's time is too short",
            "_confirm(rig, ups) <= needed:",
            "_confirm(rig, ups) < needed:",
            "C6",
        ),
        ("X09: the order to each UPS takes 2 s", "COMMAND_S * len(others)", "COMMAND_S", "C6"),
        ("X09: a poll takes up to 8 s", "needed = longest + POLL_S +", "needed = longest +", "C6"),
    ),
    *rows(
        "8",
        f"{CHECKS}/management.py",
        (
            "X10: the CT disk's mode",
            'if mode == "ups" and form_b and',
            "if False and",
            "X10",
        ),
        ("X10: the mode beside a terminal", 'if mode == "terminal" and not form_b:', "if False:", "X10"),
        (
            "X10: one mode for a group",
            "if any(topology.management.of_ups(other).on_recovery != mode for other in companions):",
            "if False:",
            "X10",
        ),
        ("X26: a label belongs to one UPS", "if label in shown:", "if False:", "U08"),
        ("K3: a stranger on a node's UPS", "if ups in topology.power_devices and strangers:", "if False:", "K3"),
    ),
    *rows(
        "8",
        f"{CHECKS}/mixed.py",
        (
            "S4: each server without UPS has a schedule",
            "if ac.schedule and missing and len(missing) < len(alone):",
            "if False:",
            "S4",
        ),
    ),
    *rows(
        "8",
        f"{CHECKS}/devices.py",
        ("X18: no hub on the disk array's UPS", "if feed in linked:", "if False:", "X18"),
        ("X18: a hub needs a UPS", "elif feed in rig.mains:", "elif False:", "X18"),
        ("X22: forwards go to the floating address", "if host in physical:", "if False:", "R1"),
        (
            "L2: power-on over the network and its board",
            "elif wanted.lan_on and (config.nodes > PAIR or not config.lan_board):",
            "elif wanted.lan_on and config.nodes > PAIR:",
            "L2-no-board",
        ),
        (
            "L2: with three nodes only Client監視",
            "elif wanted.lan_on and (config.nodes > PAIR or not config.lan_board):",
            "elif wanted.lan_on and not config.lan_board:",
            "L2",
        ),
        (
            "V1: the line signal and its board",
            "config is not None and (config.nodes > PAIR or not config.line_board)",
            "config is not None and config.nodes > PAIR",
            "L2-no-board",
        ),
        (
            "V1: two nodes only",
            "config is not None and (config.nodes > PAIR or not config.line_board)",
            "config is not None and not config.line_board",
            "V1",
        ),
        ("X16: three nodes need AC Enterprise", "if config.nodes > PAIR and not any(", "if False and not any(", "L2"),
    ),
)
