"""Rules of the emulated devices: the card and its UPS (2), the BMC and its link (3), the plant around them (4, 7)."""

from __future__ import annotations

from tests.mutations.rows import Mutation, rows

UPS = "emulators/devices/ups"
CARD = f"{UPS}/card"
BMC = "emulators/devices/bmc"
DEVICES = "emulators/devices"

DEVICE_RULES: tuple[Mutation, ...] = (
    # --- 2.1, 2.2: the first set-up, and the pages ------------------------------------------------------------------
    *rows(
        "2.1",
        "emulators/faces/card_menu.py",
        (
            "no address is asked for while BOOTP is on",
            "if self._card.accounts.next_tcpip.bootp:",
            "if False:",
            "U01",
        ),
    ),
    *rows(
        "2.1",
        f"{CARD}/accounts.py",
        (
            "with BOOTP the address is not the manager's",
            "wanted = replace(wanted, address=self.tcpip.address) if wanted.bootp else wanted",
            "wanted = replace(wanted)",
            "U01",
        ),
        ("settings take effect at log-out", "self._move(self.tcpip.address)", "pass", "U01"),
    ),
    *rows(
        "2.2",
        f"{CARD}/accounts.py",
        (
            "a changed account takes the old one's place",
            'self.name, self._password = name, password\n        return ""',
            'return ""',
            "U10",
        ),
    ),
    *rows(
        "2.2",
        "emulators/faces/card_pages.py",
        (
            "without contact to the UPS the model's name is blank",
            'return card.profile.text("upsBasicIdentModel") if card.link_up() else ""',
            'return card.profile.text("upsBasicIdentModel")',
            "U09",
        ),
    ),
    *rows(
        "2.2",
        f"{CARD}/card.py",
        (
            "a reset gives the factory's rows",
            "self.set_access(self.profile.access, now)\n        self.receivers",
            "self.receivers",
            "U09",
        ),
        (
            "a reset gives the factory's account",
            "self.accounts = self._new_accounts()\n        self.clock.reset(now)",
            "self.clock.reset(now)",
            "U09",
        ),
    ),
    *rows(
        "2.2",
        f"{CARD}/clock.py",
        ("the clock goes on from what it was set to", "self._at, self._since = moment, now", "pass", "U10"),
    ),
    *rows(
        "2.2",
        f"{UPS}/profile.py",
        (
            "a session ends by itself",
            "logon_s: float = Field(default=180,",
            "logon_s: float = Field(default=900,",
            "U14-logged-on",
        ),
    ),
    # --- 2.3: access and traps --------------------------------------------------------------------------------------
    *rows(
        "2.3",
        f"{CARD}/card.py",
        (
            "rows of the type read do not write",
            'if row.type == "write+" or (row.type == "write" and not self.accounts.logged_on):',
            "if True:",
            "U03",
        ),
        (
            "rows of the type write only read while somebody is logged on",
            '(row.type == "write" and not self.accounts.logged_on)',
            'row.type == "write"',
            "U14-logged-on",
        ),
        ("an address that is not registered gets no answer", " or not row.admits(manager)", "", "U02"),
        (
            "a refused request is told by a trap",
            "if self.authentication_traps:\n            self._generic",
            "if False:\n            self._generic",
            "U02",
        ),
        ("a receiver whose generation is off gets nothing", "if row.enabled and row.address", "if row.address", "U11"),
        (
            "an agent that starts anew is silent until it is back",
            "return not self.muted and self._back_at is None",
            "return not self.muted",
            "U18-restart",
        ),
    ),
    # --- 2.4, 2.6: settings -----------------------------------------------------------------------------------------
    *rows(
        "2.6",
        f"{UPS}/settings.py",
        (
            "a look right after a write shows the old value",
            "after(now, steps * self._profile.card.setting_step_s)",
            "now",
            "U05",
        ),
        (
            "an upper limit is corrected upwards",
            "return min((item for item in permitted if item >= value), default=max(permitted))",
            "return value",
            "U06",
        ),
        (
            "a lower limit is corrected downwards",
            "return max((item for item in permitted if item <= value), default=min(permitted))",
            "return value",
            "U06",
        ),
    ),
    *rows(
        "2.4",
        f"{UPS}/line.py",
        ("beyond the upper limit the load moves", "if supply.volts > high:", "if False:", "U16-line"),
        ("below the lower limit the load moves", "if supply.volts < low:", "if supply.volts < 50:", "U16-line"),
        (
            "only a sensitive UPS leaves a noisy line",
            "(supply.noisy and sensitivity >= self._limits.noise_sensitivity)",
            "supply.noisy",
            "U16-line",
        ),
    ),
    *rows(
        "2.4",
        f"{UPS}/switching.py",
        (
            "outputs wait for the least charge",
            " and charge >= self._settings.min_return_capacity",
            "",
            "U15-charge",
        ),
        (
            "outputs come back after the return delay",
            "max(self._settings.return_delay_s, rest_s, 0)",
            "max(rest_s, 0)",
            "C2",
        ),
        (
            "outputs go off after the shutoff delay",
            "delay_s = self._settings.shutoff_delay_s if mode.graceful else 0",
            "delay_s = 0",
            "C2",
        ),
    ),
    # --- decisions 4 and 5: the orders of the card ------------------------------------------------------------------
    *rows(
        "decision 4",
        f"{UPS}/shutdown_modes.py",
        (
            "outputs that conserve the battery return with the input",
            "    returns=ReturnOn.INPUT,",
            "    returns=ReturnOn.COMMAND,",
            "C2",
        ),
        (
            "outputs that reboot return by themselves",
            "OutputStatus.REBOOTING, ReturnOn.INPUT",
            "OutputStatus.REBOOTING, ReturnOn.COMMAND",
            "D3",
        ),
    ),
    *rows(
        "decision 4",
        f"{UPS}/controls.py",
        (
            "the order that ends with an outage is refused without one",
            "_off(CONSERVE)._replace(refuse=_not_on_battery)",
            "_off(CONSERVE)",
            "U16-line",
        ),
    ),
    *rows(
        "decision 5",
        f"{UPS}/model.py",
        (
            "a self test is told by no trap of an outage",
            "return self.on_battery and (not self.line.good or pretended)",
            "return self.on_battery",
            "U17-self-test",
        ),
        (
            "a simulated failure is told like a real one",
            "(not self.line.good or pretended)",
            "not self.line.good",
            "U17-self-test",
        ),
        ("an empty battery switches the outputs off", "self.switching.exhaust(now)", "pass", "C8"),
    ),
    *rows(
        "decision 5",
        f"{UPS}/battery.py",
        (
            "a low battery is told",
            "if not self.low and discharging and runtime_s <= low_s:",
            "if False:",
            "C8",
        ),
    ),
    # --- 2.7, 4: the plant ------------------------------------------------------------------------------------------
    *rows(
        "2.7",
        f"{DEVICES}/server/model.py",
        (
            "AC-LINK on: a server starts with its outlet",
            "elif self.policy.value is AcLink.ON:",
            "elif False:",
            "AC-LINK",
        ),
        (
            "AC-LINK last: only one that had been on",
            "AcLink.LAST and self._lost_while_on:",
            "AcLink.LAST:",
            "AC-LINK",
        ),
        (
            "AC-LINK off: never",
            "elif self.policy.value is AcLink.LAST and",
            "elif",
            "AC-LINK",
        ),
        ("a cut under a running system is seen", "self.cuts += self.on_lan", "pass", "C8"),
        (
            "one supply of two carries a server",
            "fed = any(port.value for port in self.dc)",
            "fed = all(port.value for port in self.dc)",
            "C2-redundant",
        ),
        (
            "a server without Wake-on-LAN is not woken",
            "if not self._mac or mac != self._mac or",
            "if",
            "S5",
        ),
        (
            "a host goes down when its guests have",
            " and self._shutdown_done is None and self.guests.stopped:",
            " and self._shutdown_done is None:",
            "H1",
        ),
        (
            "a system that hangs does not answer on its network",
            "return self.os in (OsState.RUNNING, OsState.SHUTTING_DOWN)",
            "return self.os in (OsState.RUNNING, OsState.SHUTTING_DOWN, OsState.HUNG)",
            "B5",
        ),
    ),
    *rows(
        "4.1",
        f"{DEVICES}/server/guests.py",
        (
            "guests that start last go down first",
            "last = max(guest.rank for guest in running)",
            "last = min(guest.rank for guest in running)",
            "H4-guests",
        ),
    ),
    *rows(
        "5.4",
        f"{DEVICES}/cluster/model.py",
        (
            "a node that starts without its disks waits",
            "self.nodes[node] = Node.ONLINE if ready else Node.WAITING",
            "self.nodes[node] = Node.ONLINE",
            "D4",
        ),
        (
            "a node that leaves in order gives its groups away",
            "self.groups[group] = next(iter(self._in(Node.ONLINE)), None)",
            "pass",
            "K2",
        ),
    ),
    *rows(
        "5.4",
        f"{DEVICES}/disk/model.py",
        ("a disk takes its time to spin up", "after(now, self._spin_up_s)", "after(now, 0)", "D1"),
    ),
    *rows(
        "2.7",
        f"{DEVICES}/hub/model.py",
        (
            "a hub without power passes nothing",
            "self.inlet.supply.value.live and not self.broken",
            "not self.broken",
            "HUB",
        ),
        (
            "a broken hub passes nothing",
            "self.inlet.supply.value.live and not self.broken",
            "self.inlet.supply.value.live",
            "HUB",
        ),
    ),
    *rows(
        "5.6",
        f"{DEVICES}/intelligent_ups/model.py",
        ("I1: in LOCAL the outputs stay on", "(self._wanted or not self.automatic)", "self._wanted", "I1"),
        ("L2: a call needs the LAN board", "if not self.lan_board:", "if False:", "L2-no-board"),
        ("V1: the line signal needs its board", "if not self.line_board:", "if False:", "L2-no-board"),
    ),
    # --- 7: receivers -----------------------------------------------------------------------------------------------
    *rows(
        "7",
        f"{DEVICES}/manager/model.py",
        (
            "R1: the address of one node is deaf after a failover",
            "if address not in (self.floating, self.nodes[self.active]) or",
            "if",
            "R1",
        ),
        (
            "R2: a sender that is not known is an unknown server",
            "self._hosts.get(device, UNKNOWN_SERVER)",
            'self._hosts.get(device, "UPS1")',
            "R2",
        ),
        ("R3: out-of-band reports are not supported", 'if means == "out-of-band":', "if False:", "R3"),
        (
            "R4: a changed mode waits for the restart",
            "self._wanted = mode\n",
            "self.mode = self._wanted = mode\n",
            "R4",
        ),
    ),
    # --- 3: the BMC and the recovery link ---------------------------------------------------------------------------
    *rows(
        "3.2",
        f"{BMC}/events.py",
        ("hardware protection is never held", " or pef.never_held(event)", "", "B11-protection"),
    ),
    *rows(
        "3.2",
        f"{BMC}/recovery_hold.py",
        ("without the link the BMC acts at once", "return bool(self.flags & HoldFlags.ON)", "return True", "B2"),
        (
            "however often it is extended, the wait has a ceiling",
            "self.due = soonest(after(now, seconds), self.ceiling)",
            "self.due = after(now, seconds)",
            "B10-hold",
        ),
        (
            "a start that is told again extends the wait",
            "self._enter(HoldState.HELD)\n        self._wait(now, want_s or self.end_s)",
            "if self.state is not HoldState.HELD:\n            self._wait(now, want_s or self.end_s)\n        self._enter(HoldState.HELD)",
            "B10-hold",
        ),
        (
            "another node's recovery is refused",
            "if self.node is not None and self.node != node:",
            "if False:",
            "B10-hold",
        ),
        (
            "who ends a recovery too late is refused",
            "if incident.result is result else HoldRefusal.TOO_LATE",
            "if True else HoldRefusal.TOO_LATE",
            "B10-hold",
        ),
        (
            "there is no end without a start",
            "if self.state is not HoldState.HELD:\n            return HoldRefusal.NOT_STARTED",
            "if False:\n            return HoldRefusal.NOT_STARTED",
            "B10-hold",
        ),
        ("cancel leaves the server alone", "cancelled=result is RecoveryResult.CANCEL", "cancelled=False", "B10-hold"),
        (
            "nobody in time: the BMC acts by itself",
            "cancelled=not self.flags & HoldFlags.ACTS_ON_TIMEOUT",
            "cancelled=True",
            "B8",
        ),
    ),
    *rows(
        "3.2",
        f"{BMC}/config.py",
        (
            "B8: a start is waited for 10 s",
            "start_s: int = Field(default=10,",
            "start_s: int = Field(default=20,",
            "B8",
        ),
        ("B8: an end is waited for 120 s", "end_s: int = Field(default=120,", "end_s: int = Field(default=60,", "B8"),
    ),
    *rows(
        "3.5",
        f"{BMC}/device.py",
        ("a BMC whose network is cut does not answer", " and not life.cut_off", "", "B5"),
    ),
    *rows(
        "3.5",
        f"{BMC}/model.py",
        ("a BMC dies with its outlet", "self.lifecycle.lose_power()", "pass", "B12-standby"),
    ),
)
