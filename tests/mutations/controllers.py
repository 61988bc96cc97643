"""Rules of the requirements' sections 5 and 6, which the stand-in controllers, their plans and the checks keep."""

from __future__ import annotations

from tests.mutations.rows import Mutation, rows

AC = "rigs/controllers/esmpro_ac"
CONTROLLERS = "rigs/controllers"

CONTROLLER_RULES: tuple[Mutation, ...] = (
    # --- 5.1: Hyper-V -----------------------------------------------------------------------------------------------
    *rows(
        "5.1 H1, H2",
        f"{CONTROLLERS}/esmpro_um.py",
        (
            "the agent acts when the outage is confirmed",
            "== EventType.OUTAGE_CONFIRMED",
            "== EventType.INPUT_LOST",
            "H1",
        ),
        (
            "the agent's own server is shut down",
            "servers = [*self.config.others, self.config.server]",
            "servers = [*self.config.others]",
            "H1",
        ),
        (
            "multi-server agents are ordered to shut down",
            "servers = [*self.config.others, self.config.server]",
            "servers = [self.config.server]",
            "H2",
        ),
        (
            "the UPS is switched off",
            'if await self._notes.attempt(self.client.command(self.config.ups, "output.off", order="return")):',
            "if True:",
            "H1",
        ),
        ("the UPS is ordered after the servers", "command_s: Seconds = 5", "command_s: Seconds = 300", "H1"),
    ),
    *rows(
        "5.1 H4",
        f"{AC}/shutdown.py",
        (
            "servers in control go last",
            "self._others = [server for server in self.plan.servers if server not in own]",
            "self._others = list(self.plan.servers)",
            "H4 T10",
        ),
        (
            "servers are ordered to shut down",
            "if is_up(self._client, server):\n            await self._notes.attempt(order_shutdown(self._client, server))",
            "if is_up(self._client, server):\n            await asyncio.sleep(0)",
            "C4",
        ),
    ),
    *rows(
        "5.1 H4",
        f"{AC}/manager.py",
        (
            "guests start in the order of their ranks",
            "key=lambda name: guests[name].rank)",
            "key=lambda name: -guests[name].rank)",
            "H4-guests",
        ),
        (
            "each guest runs before the next starts",
            'lambda guest=guest: self._guest(server, guest) == "running", 600)',
            "lambda: True)",
            "H4-guests",
        ),
    ),
    *rows(
        "5.1 H5",
        f"{AC}/shutdown.py",
        ("hosts go into maintenance mode first", "await self._maintenance()", "", "H5"),
    ),
    *rows(
        "5.1 H5",
        "rigs/controllers/esmpro_ac/startup.py",
        (
            "maintenance mode ends when the host is up",
            'if await self._asked(ssc, "maintenance_off", host):',
            "if True:",
            "H5",
        ),
    ),
    *rows(
        "5.1 H5",
        "rigs/controllers/esmpro_ac/startup.py",
        ("hosts are started by request", 'if await self._asked(ssc, "start", host):', "if True:", "H5"),
    ),
    *rows(
        "5.1 H5",
        f"{CONTROLLERS}/ssc.py",
        (
            "a start request switches the host on",
            'await self.client.command(f"{host}.bmc", "power.on")',
            "pass",
            "H5",
        ),
    ),
    # --- 5.2: phases of an outage -----------------------------------------------------------------------------------
    *rows(
        "5.2",
        f"{AC}/controller.py",
        (
            "an outage has to last for its confirmation time",
            "CONFIRMED, CLEARED = EventType.OUTAGE_CONFIRMED",
            "CONFIRMED, CLEARED = EventType.INPUT_LOST",
            "C5",
        ),
        (
            "an outage that ends may come again",
            "if over:\n            self._handled.discard(ups)",
            "if False:\n            self._handled.discard(ups)",
            "C1-again",
        ),
    ),
    *rows(
        "5.2",
        f"{AC}/shutdown.py",
        (
            "the cluster is stopped first",
            "await asyncio.gather(*(self._stop_cluster(name) for name in self.plan.clusters))",
            "",
            "C1",
        ),
        ("a cluster that hangs is left after Tcs", "ended, self._config.cluster_timeout_s)", "ended)", "C3"),
        (
            "servers are shut down after Tcs all the same",
            'self._notes.note("cluster_timeout"',
            'raise RuntimeError("cluster_timeout"',
            "C3",
        ),
        (
            "a start of the shutdown that does not come is left after To",
            "order_shutdown(self._client, server))\n            if not await self._client.until(lambda: not is_up(self._client, server), self._config.order_s):",
            "order_shutdown(self._client, server))\n            if not await self._client.until(lambda: not is_up(self._client, server)):",
            "C1-deaf",
        ),
        (
            "outputs go off",
            "await self._outputs_off([ups for ups in self.plan.outputs if ups not in late])",
            "pass",
            "C1",
        ),
    ),
    *rows(
        "5.2",
        f"{AC}/config.py",
        ("Tcs is 120 s", "cluster_timeout_s: Seconds = 120", "cluster_timeout_s: Seconds = 180", "C3"),
        ("To is 60 s", "order_s: Seconds = 60", "order_s: Seconds = 20", "C1"),
        ("the order to a UPS takes 0 to 2 s", "command_s: Seconds = 2", "command_s: Seconds = 20", "C1"),
    ),
    *rows(
        "5.2",
        "rigs/topology.py",
        (
            "an outage of all servers ends the cluster",
            "all(set(topology.feeds(node)) <= lost for node in cluster.nodes)",
            "False",
            "C2",
        ),
        (
            "a server with a second supply goes on",
            "if set(topology.feeds(name)) <= lost]",
            "]",
            "C2-redundant",
        ),
        (
            "clusters are stopped only when all their nodes go",
            "if all(node in servers for node in cluster.nodes)]",
            "if any(node in servers for node in cluster.nodes)]",
            "K2",
        ),
    ),
    # --- 5.3: timelines ---------------------------------------------------------------------------------------------
    *rows(
        "5.3",
        "rigs/topology.py",
        ("the disks' outputs go off with the servers'", "(*outputs, *disks), tuple(disks)", "tuple(outputs), ()", "C1"),
        (
            "linked devices concern everybody who uses them",
            "servers = topology.users_of(ups)",
            "servers = topology.users_of(ups)[:1]",
            "C1",
        ),
    ),
    *rows(
        "5.3",
        f"{AC}/rules.py",
        (
            "outputs come back with the mains",
            'return "output.off", {"order": "return"}',
            'return "output.off", {"order": "stay_off"}',
            "C2",
        ),
        ("in form B servers' outputs restart at once", 'return "output.reboot", {"graceful": True}', "pass", "D3"),
    ),
    *rows(
        "5.3",
        "emulators/devices/ups/profiles/smart-ups-1400-100v.yaml",
        ("the OFF delay on line has two minutes more", "clients_margin_s: 120", "clients_margin_s: 0", "C1"),
    ),
    # --- 5.4: shared disks ------------------------------------------------------------------------------------------
    *rows(
        "5.4",
        "rigs/topology.py",
        ("all disks of a group go off", "disks = topology.companions_of(ups)", "disks = [ups]", "D2"),
        (
            "which side restarts is the disk's setting",
            'on_recovery == "terminal"',
            'on_recovery == "ups"',
            "D1",
        ),
        ("outages confirmed together are one plan", "(*outputs, *linked),", "(*linked, *outputs),", "C4"),
    ),
    *rows(
        "5.4",
        f"{AC}/rules.py",
        (
            "a lower rank starts first",
            "ordered = sorted(names, key=lambda name: ranks[name])",
            "ordered = sorted(names, key=lambda name: -ranks[name])",
            "D2",
        ),
        ("ranks start one after the other", "if steps and ranks[steps[-1][0]] == ranks[name]:", "if steps:", "D2"),
    ),
    *rows(
        "5.4",
        f"{AC}/startup.py",
        (
            "a missing rank blocks the higher ones",
            "await asyncio.gather(*(self._start_disk(ups) for ups in step))",
            "[asyncio.ensure_future(self._start_disk(ups)) for ups in step]",
            "D2",
        ),
        (
            "servers start when the disks are ready",
            "await self._client.until(lambda: ready() or not self._answers_for(ups))",
            "await asyncio.sleep(0)",
            "D1",
        ),
        (
            "disks whose power is there are switched on",
            "await bring_back(self._notes, ups, lambda: self._answers_for(ups))\n        disks = self._disks(ups)",
            "disks = self._disks(ups)",
            "D2",
        ),
        (
            "nothing is switched on that has not been off",
            "while self._answers_for(ups) and ups not in self._record.went_off:",
            "while False:",
            "D1-early",
        ),
        (
            "servers are started (form A)",
            "await self._await_off(ups)\n        await bring_back(self._notes, ups, lambda: self._answers_for(ups))",
            "await self._await_off(ups)",
            "D1",
        ),
    ),
    *rows(
        "5.4",
        "rigs/controllers/esmpro_ac/waiting.py",
        (
            "servers that waited reboot (form B)",
            'self._client.send_input_if_running(node, "reboot")',
            "asyncio.sleep(0)",
            "D3",
        ),
    ),
    *rows(
        "5.4",
        f"{AC}/controller.py",
        (
            "what somebody has switched off is not brought back",
            "if not record.plan.restores:\n            return",
            "if False:\n            return",
            "A1",
        ),
        (
            "a return goes on at another terminal",
            "for label in [label for label in self._startups if label not in self._working]:",
            "for label in ():",
            "D3 D4",
        ),
        ("a plan goes on at another terminal", "if at_once or cause in without_input:", "if False:", "T10-plan"),
    ),
    *rows(
        "5.4",
        f"{AC}/automation.py",
        (
            "disks lead a scheduled start by their Warm-UP time",
            "at - management.of_ups(name).warm_up_s - loop.time()",
            "at - loop.time()",
            "D7",
        ),
        (
            "a schedule begins early for its disks",
            "lead = timedelta(seconds=self._lead_s(due.turn))",
            "lead = timedelta()",
            "D7",
        ),
    ),
    # --- 5.5: mirror clusters ---------------------------------------------------------------------------------------
    *rows(
        "5.5",
        f"{CONTROLLERS}/powerchute.py",
        ("M1: one side alone does not stop the cluster", "if self._all_without_input() or", "if True or", "M1"),
        ("M2, M3: the last one stops the cluster first", "if self._all_without_input() or", "if", "M2 M3"),
        (
            "M2: a server that is down counts as dark",
            "node in self._without_input or not is_up(self.client, node)",
            "node in self._without_input",
            "M2-down",
        ),
        (
            "shutdown runs when the cluster's time is over",
            "in stopped, limit_s)",
            "in stopped)",
            "M3-timeout",
        ),
        (
            "M4: a stop registered directly stops everything",
            "        if self.config.stop_registered:\n",
            "        if False:\n",
            "M4",
        ),
        (
            "M5: the business edition has its command time",
            "self.config.command_file_s if business",
            "600 if business",
            "M5-cut",
        ),
        (
            "an outage has to last",
            "await asyncio.sleep(self.config.confirm_s)",
            "",
            "M1",
        ),
        ("an agent lets go when the power is back", "agent.cancel()", "pass", "M1-short"),
        ("each node's UPS goes off", "await self._switch_off(node)", "pass", "M1"),
    ),
    # --- 5.6: automatic running -------------------------------------------------------------------------------------
    *rows(
        "5.6",
        f"{AC}/automation.py",
        ("S1: a schedule starts", "await self.start(turn.servers, lead_s)", "pass", "S1"),
        (
            "S1: servers start together",
            "await asyncio.gather(*(self._start(server) for server in servers))",
            "for server in servers:\n            await self._start(server)\n            await asyncio.sleep(30)",
            "S1",
        ),
        (
            "S2: a schedule ends",
            'if turn.do == "off":\n            topology, idle',
            "if False:\n            topology, idle",
            "S2",
        ),
        ("S3: servers are woken over the network", '.option == "advance"', '.option == "never"', "S3-c1"),
        ("S5: what shows no life is told", 'self._host.note("not_started", server, "shows no life")', "pass", "S5"),
        (
            "S6: lines of a schedule are by themselves",
            "turn.at == due.turn.at and turn.days == due.turn.days",
            "True",
            "S2-days",
        ),
        (
            "a schedule needs a terminal",
            'self._host.master is None and (turn.do == "off"',
            'False and (turn.do == "off"',
            "S2-alone",
        ),
        (
            "L1: while clients work, servers stay",
            "idle = not await self._client.until(used, wanted.idle_s)",
            "idle = True",
            "L1",
        ),
    ),
    *rows(
        "5.6",
        "rigs/controllers/esmpro_ac/intelligent.py",
        (
            "I1: an I-UPS is told that its servers go",
            'await self._host.notes.attempt(self._client.send_input(wanted.ups, "off"))',
            "pass",
            "I1",
        ),
    ),
    *rows(
        "5.6",
        "rigs/controllers/esmpro_ac/intelligent.py",
        (
            "I1: automatic running rests in LOCAL",
            'host.client.state(wanted.ups, "switch") == "local"',
            'host.client.state(wanted.ups, "switch") == "never"',
            "I1",
        ),
    ),
    *rows(
        "5.6",
        "rigs/controllers/esmpro_ac/intelligent.py",
        ("V1: the line signal ends", 'elif turned and signal == "off":', "elif False:", "V1"),
    ),
    *rows(
        "5.6",
        "rigs/controllers/esmpro_ac/intelligent.py",
        ("V1: the line signal starts", 'elif turned and signal == "off":', "elif turned:", "V1"),
    ),
    *rows(
        "5.6",
        "rigs/controllers/esmpro_ac/intelligent.py",
        ("L2: a call of a client starts", "(wanted.lan_on and calls > old_calls)", "False", "L2"),
    ),
    *rows(
        "5.6",
        f"{AC}/calendar.py",
        ("S2: holidays are left out", "if day.isoformat() in free:", "if False:", "S2"),
        ("S2: days of the week count", "DAYS[day.weekday()] in turn.days", "True", "S2-days"),
        ("S2: clocks that change do not repeat a line", "tzinfo=zone)", "tzinfo=zone, fold=1)", "S2-clock"),
    ),
    *rows(
        "5.6",
        f"{AC}/controller.py",
        (
            "A1: an application ends servers",
            'self.begin(plan_off(self.topology, "api"',
            '(lambda *_: None)(plan_off(self.topology, "api"',
            "A1",
        ),
        (
            "T10: another terminal takes over",
            "self._abandon_plans(before)\n            if self.master is not None:",
            "self._abandon_plans(before)\n            if False:",
            "T10",
        ),
        ("the master ends with its server", "return self.client.state(terminal) in RUNNING", "return True", "T10 C6"),
        (
            "N2: policy 1 takes silence for an outage",
            '(event["type"] == SILENT and data.get("policy") == "shutdown")',
            "False",
            "N2-1",
        ),
        ("N2: policy 0 lets servers run", 'data.get("policy") == "shutdown"', "True", "N2-0"),
    ),
    *rows(
        "5.6",
        f"{AC}/shutdown.py",
        (
            "J2: jobs at the end run",
            'self._client.send_input(server, "job", job, str(seconds))',
            "asyncio.sleep(0)",
            "J2",
        ),
        (
            "J2: jobs run when the cluster has stopped",
            (
                "        await asyncio.gather(*(self._stop_cluster(name) for name in self.plan.clusters))\n"
                "        await self._finish_jobs()"
            ),
            (
                "        await self._finish_jobs()\n"
                "        await asyncio.gather(*(self._stop_cluster(name) for name in self.plan.clusters))"
            ),
            "J2",
        ),
        ("J3: jobs under way are waited for", "until(done, self._config.job_timeout_s)", "until(done, 1)", "J3"),
        ("J3: but not for ever", "until(done, self._config.job_timeout_s)", "until(done)", "J3"),
    ),
    *rows(
        "5.6",
        f"{AC}/manager.py",
        (
            "J1: jobs at the start run",
            'self._client.send_input(server, "job", job, str(seconds))',
            "self._client.conditions()",
            "J1",
        ),
        ("K1: the manager's shutdown takes the outputs along", '== "shutdown")', '== "never")', "K1"),
        ("K1: the manager's restart leaves them alone", '== "shutdown")', 'in ("shutdown", "reboot"))', "K1"),
        ("K2: so does the shutdown of one server", "self._follow(node)", "pass", "K2"),
    ),
    *rows(
        "5.6",
        "rigs/topology.py",
        (
            "K3, 4.5: an output stays on for others on it",
            "if any(ups in topology.feeds(server) for server in servers) and unused.issuperset(topology.fed_by(ups))",
            "if any(ups in topology.feeds(server) for server in servers)",
            "A1-shared",
        ),
        (
            "A1: disks stay on while others use them",
            "and unused.issuperset([*users, *topology.fed_by(name)])",
            "",
            "K2 S6",
        ),
    ),
    # --- 3.2, as 5.6 B1 names it ------------------------------------------------------------------------------------
    *rows(
        "3.2",
        f"{CONTROLLERS}/clusterpro.py",
        (
            "B1: the start of a recovery is told",
            'await self._notes.attempt(self.client.command(bmc, "recovery.start"',
            'await self._notes.attempt(self.client.command(bmc, "identify"',
            "B1",
        ),
        (
            "B1: the groups move",
            "moved = [group for name in self._named(data) for group in await self._act(server, name)]",
            "moved: list[str] = []",
            "B1",
        ),
        ("B1: its end is told", "if self.config.ends_recovery:", "if False:", "B1"),
        (
            "B3: the server that is at fault is recovered",
            'server, incident = str(data["server"]), data.get("incident")',
            'server, incident = self._nodes[0], data.get("incident")',
            "B3",
        ),
        ("B7: only where the ipmi service runs", "and server not in self.config.ipmi_service_stopped", "", "B7"),
        (
            "B5: silence of a BMC is no dead server",
            "case EventType.HEARTBEAT_LOST | EventType.HEARTBEAT_RESTORED as kind:",
            "case EventType.HEARTBEAT_LOST as kind:\n                self.spawn(self._lose(node), node)",
            "B5",
        ),
        ("B6: a competing shutdown is told", "await self.client.until(conflict)", "return", "B6"),
        ("a silent server loses its groups", "self.spawn(self._lose(node), node)", "pass", "B5"),
    ),
    *rows(
        "3.2",
        "gateway/translate/translator.py",
        ("B2: a notice only where a monitor names the server", "if monitors and not event", "if not event", "B2"),
    ),
    *rows(
        "3.4",
        f"{CONTROLLERS}/server_agent.py",
        ("B6: the agent shuts down as it is set", 'if self._after(event_id) == "shutdown":', "if True:", "B6-nothing"),
    ),
    # --- 6: times and their constraints -----------------------------------------------------------------------------
    *rows(
        "6",
        f"{AC}/rules.py",
        ("statistics are kept for one week", "WEEK = timedelta(days=7)", "WEEK = timedelta(days=9)", "U12"),
    ),
    *rows(
        "6",
        f"{AC}/statistics.py",
        ("U13: the battery's temperature is watched", "if outside and name not in self._hot:", "if False:", "U13"),
        ("U13: told once", "and name not in self._hot:", "and True:", "U13"),
    ),
    *rows(
        "6",
        "rigs/checks/outage_times.py",
        ("disk confirms before server", "if _confirm(rig, disk) >= _confirm(rig, ups):", "if False:", "X09"),
        (
            "all terminals' UPSs have one time",
            "if len({_confirm(rig, ups) for ups in terminals}) > 1:",
            "if False:",
            "X09",
        ),
        (
            "terminals' UPS > disk > linked > linked disk",
            "if _confirm(rig, a) <= _confirm(rig, b):",
            "if False:",
            "X09",
        ),
        ("a terminal lives until it has ordered everything", "and _confirm(rig, ups) <= needed:", "and False:", "C6"),
        (
            "M5: the command time covers the cluster's",
            "if item.command_file_s < item.cluster_timeout_s:",
            "if False:",
            "M5",
        ),
    ),
    *rows(
        "6",
        "rigs/checks/management.py",
        ("D8: Warm-UP times are multiples of 360 s", "if values.warm_up_s % WARM_UP_UNIT_S:", "if False:", "D8"),
        ("C9: terminals of a cluster without management terminal", "if own and len(own) != wanted:", "if False:", "C9"),
        ("labels have eight characters", "not 0 < len(label) <= LONGEST_LABEL", "False", "U08"),
    ),
    *rows(
        "6",
        "rigs/checks/communication.py",
        ("one port for the whole system", "if own.port != first.port:", "if False:", "X09"),
    ),
    *rows(
        "6",
        "rigs/power_groups.py",
        (
            "statistics are sampled every minute",
            "statistics_s: Annotated[float, Field(gt=0)] = 60",
            "statistics_s: Annotated[float, Field(gt=0)] = 90",
            "U12",
        ),
        ("a card is lost after 50 s of silence", "silence_s: Seconds = 50", "silence_s: Seconds = 30", "N1"),
        ("and not much later", "silence_s: Seconds = 50", "silence_s: Seconds = 100", "N2-1"),
    ),
    # --- what no scenario noticed until there was one ---------------------------------------------------------------
    *rows(
        "2.5",
        f"{AC}/rules.py",
        (
            "リブートしない: the output stays off",
            'if on_recovery == "none" or not plan.restores:',
            "if not plan.restores:",
            "D9-no-reboot",
        ),
    ),
    *rows(
        "5.2",
        f"{AC}/shutdown.py",
        ("the first message of a shutdown", "電源切断条件が成立しました....", "電源切断", "C4"),
    ),
    *rows(
        "6",
        f"{AC}/statistics.py",
        ("U13: the lower limit", "not low <= celsius <= high", "not celsius <= high", "U13"),
        ("U13: back within the limits", "elif not outside and name in self._hot:", "elif False:", "U13"),
    ),
    *rows(
        "5.5",
        f"{CONTROLLERS}/powerchute.py",
        (
            "the plus edition keeps its UPSオフ待機時間 in the UPSs",
            'if self.config.edition == "plus":',
            "if False:",
            "M1",
        ),
    ),
    *rows(
        "3.3",
        f"{CONTROLLERS}/failover.py",
        (
            "a group moves to the next node",
            "(*nodes[at + 1 :], *nodes[:at])",
            "(*nodes[:at], *nodes[at + 1 :])",
            "B9-next-node",
        ),
        (
            "from the last node round to the first",
            "(*nodes[at + 1 :], *nodes[:at])",
            "(*nodes[at + 1 :],)",
            "B9-next-node",
        ),
        ("past a node that is down", ' if states.get(other) == "online"', "", "B9-next-node"),
    ),
    *rows(
        "1",
        f"{CONTROLLERS}/wsfc.py",
        ("WSFC: roles leave a silent node", "self.spawn(self._move(node), node)", "pass", "WSFC"),
    ),
    *rows(
        "3.4",
        f"{CONTROLLERS}/server_agent.py",
        (
            "B6: what the agent does competes with a recovery",
            "await self._notes.attempt(order_shutdown(self.client, server))",
            "pass",
            "B6",
        ),
    ),
)
