// The plant as it is wired, from the mains to the servers, live; in the field the gateway's own list of devices.

import { command, get, inject } from "./api.js";
import { RETRY_MS, button, confirmed, element, section } from "./dom.js";
import * as events from "./events.js";
import { t } from "./texts.js";
import * as plant from "./plant_state.js";

const SHOWN_EVENTS = 200;
const MANY = 60; // devices, above which each is a line

// State of a device to the class of its card.
const SEVERITY_CLASS = {
  on: "good", "on-line": "good", running: "good", ready: "good",
  "on-battery": "warn", booting: "warn", "shutting-down": "warn", starting: "warn", "spinning-up": "warn",
  boosting: "warn", trimming: "warn", sleeping: "warn", rebooting: "warn", "waiting-for-power": "warn", unknown: "warn",
  off: "bad", failed: "bad", hung: "bad", "cut off": "bad",
};
const volts = (value) => `${Math.round(value)} V`;
const percent = (value) => `${Math.round(value)} %`;
const watts = (value) => `${Math.round(value)} W`;
const minutes = (value) => `${Math.floor(value / 60)} min`;

// What a card shows of each kind of device: label, field, and how it is written.
const holds = (link) => !link.on ? "off" : link.left_s === null ? "on" : `${link.state} ${Math.round(link.left_s)} s`;

const FIELDS = {
  mains: [["line", "volts", volts], ["load", "load_w", watts]],
  ups: [
    ["input", "input_volts", volts], ["output", "output_volts", volts], ["load", "load_percent", percent],
    ["charge", "charge_percent", percent], ["runtime", "runtime_s", minutes],
  ],
  server: [["load", "load_w", watts], ["AC-Link", "ac_link", String]],
  bmc: [
    ["log", "log_records", (count) => `${count} ${count === 1 ? "record" : "records"}`],
    ["faults", "faults", (list) => list.join(", ").replaceAll("_", " ") || "none"], ["link", "link", holds],
  ],
  disk: [["load", "load_w", watts]],
};

// --- the plant --------------------------------------------------------------------------------------------------

const cards = new Map(); // device name -> {node, state, values}
const incidents = new Map(); // BMC -> number of the last fault that it held its action for

function buildCard(name, kind, inputs) {
  const state = element("span", { className: "state" });
  const list = element("dl");
  const values = new Map();
  for (const [label, field] of FIELDS[kind] ?? []) {
    const value = element("dd");
    values.set(field, value);
    list.append(element("dt", { textContent: t(label) }), value);
  }
  const actions = element("div", { className: "actions" });
  if (kind === "mains") {
    const off = async () => { if (await confirmed(`${t("Really")}: ${name} ${t("Off")}?`)) inject(name, "off"); };
    actions.append(button(t("Off"), off, name), button(t("On"), () => inject(name, "on"), name));
  } else if (kind === "ups") {
    const off = async () => { if (await confirmed(`${t("Really")}: ${name} output.off?`)) command(name, "output.off"); };
    actions.append(
      button(t("Output off"), off, name),
      button(t("Output on"), () => command(name, "output.on"), name),
    );
  } else if (kind === "bmc") {
    const choice = element("select");
    choice.setAttribute("aria-label", `fault of ${name}`);
    for (const [input, help] of inputs) {
      choice.append(element("option", { value: input, textContent: help, title: input }));
    }
    const fault = async () => { if (await confirmed(`${t("Really")}: ${name} ${choice.value}?`)) inject(name, choice.value); };
    const recover = (step) => () => command(name, `recovery.${step}`, { incident: incidents.get(name) ?? 0 });
    actions.append(
      choice, button(t("Inject"), fault, name),
      button(t("Recovery starts"), recover("start"), name),
      button(t("Recovery ends"), recover("end"), name),
    );
  }
  const title = element("h3", {}, element("a", { href: `#/devices/${encodeURIComponent(name)}`, textContent: name }), state);
  const node = element("article", { className: "device" }, title, list);
  node.dataset.device = name;
  if (actions.childElementCount) node.append(actions);
  cards.set(name, { node, state, values, fields: FIELDS[kind] ?? [] });
  return node;
}

function showCard(name, device) {
  const card = cards.get(name);
  if (!card) return;
  const part = card.node.classList.contains("part") ? " part" : "";
  card.node.className = `device ${SEVERITY_CLASS[device.state] ?? ""}${part}`;
  card.state.textContent = device.state;
  if (device.link?.incident) incidents.set(name, device.link.incident);
  for (const [, field, write] of card.fields) {
    card.values.get(field).textContent = write(device[field]);
  }
}

// Where there are many devices a card is one line, with what hangs on it inside; its page has the rest.
function buildLine(name, className) {
  const state = element("span", { className: "state" });
  const link = element("a", { href: `#/devices/${encodeURIComponent(name)}`, textContent: name });
  const node = element("article", { className }, element("h3", {}, link, state));
  node.dataset.device = name;
  cards.set(name, { node, state, values: new Map(), fields: [] });
  return node;
}

function buildTiles(columnsNode, shown) {
  const names = Object.keys(shown.devices).filter((name) => !["psu", "hub"].includes(shown.devices[name].kind));
  const fed = new Map(shown.wiring.map(([from, to]) => [to, from])); // the last feed of several
  cards.clear();
  for (const name of names) buildLine(name, fed.has(name) || name.endsWith(".bmc") ? "device part" : "device");
  const tiles = [];
  for (const name of names) {
    const card = cards.get(name).node;
    const above = cards.get(name.endsWith(".bmc") ? name.slice(0, -4) : fed.get(name));
    const kind = shown.devices[name].kind;
    if (kind !== "ups" && above && shown.devices[above.node.dataset.device].kind !== "mains") above.node.append(card);
    else tiles.push(card);
  }
  columnsNode.className = "tiles";
  columnsNode.replaceChildren(...tiles);
}

// Columns of the plant, from the wiring alone: feeds by how far they are from the mains, consumers last.
function columnsOf({ devices, wiring }) {
  const fed = new Set(wiring.map(([, to]) => to));
  const feeds = new Set(wiring.map(([from]) => from));
  const depth = new Map();
  const depthOf = (name) => {
    if (!depth.has(name)) {
      depth.set(name, 0);
      depth.set(name, Math.max(0, ...wiring.filter(([, to]) => to === name).map(([from]) => depthOf(from) + 1)));
    }
    return depth.get(name);
  };
  const columns = [];
  const consumers = [];
  for (const name of Object.keys(devices)) {
    if (feeds.has(name) || devices[name].kind === "mains") {
      (columns[depthOf(name)] ??= []).push(name);
    } else if (fed.has(name)) consumers.push(name);
  }
  return [...columns, consumers];
}

async function buildPlant(columnsNode, shown) {
  const devices = shown.devices;
  columnsNode.className = "";
  const names = Object.keys(devices);
  const inputs = {};
  await Promise.all(names.filter((name) => devices[name].kind === "bmc").map(async (name) => {
    const known = await get(`/lab/v1/devices/${encodeURIComponent(name)}/inputs`);
    inputs[name] = known.plain.map((input) => [input, known.inputs[input]]);
  }));
  cards.clear();
  const columns = columnsOf(shown).map((members) => {
    const column = element("div", { className: "column" });
    for (const name of members) {
      const holder = element("div", {}, buildCard(name, devices[name].kind, []));
      if (devices[`${name}.bmc`]) {
        const bmc = buildCard(`${name}.bmc`, "bmc", inputs[`${name}.bmc`]);
        bmc.classList.add("part");
        holder.append(bmc);
      }
      column.append(holder);
    }
    return column;
  });
  columnsNode.replaceChildren(...columns);
}

function drawWires(plantNode, shown) {
  const frame = plantNode.getBoundingClientRect();
  const paths = shown.wiring.map(([from, to]) => {
    const source = cards.get(from)?.node.getBoundingClientRect();
    const sink = cards.get(to)?.node.getBoundingClientRect();
    if (!source || !sink) return null;
    const [x1, y1] = [source.right - frame.left, source.top + source.height / 2 - frame.top];
    const [x2, y2] = [sink.left - frame.left, sink.top + sink.height / 2 - frame.top];
    const middle = (x1 + x2) / 2;
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${x1},${y1} C${middle},${y1} ${middle},${y2} ${x2},${y2}`);
    const device = shown.devices[from];
    if ((device.output_volts ?? device.volts) > 0) path.classList.add("live");
    return path;
  });
  plantNode.querySelector("#wires").replaceChildren(...paths.filter(Boolean));
}

// In the field there is no plant: the gateway's own list of devices takes its place.
async function showField(columnsNode) {
  const { devices } = await get("/v1/devices");
  const column = element("div", { className: "column" });
  for (const device of devices) {
    const severity = device.conditions.length ? "warn" : "good";
    const heard = device.heard_s_ago === null ? t("never") : `${Math.round(device.heard_s_ago)} ${t("seconds ago")}`;
    const state = element("span", { className: "state", textContent: device.conditions.join(", ") || t("no condition") });
    const list = element("dl", {},
      element("dt", { textContent: t("address") }), element("dd", { textContent: device.address }),
      element("dt", { textContent: t("heard") }), element("dd", { textContent: heard }));
    const link = element("a", { href: `#/devices/${encodeURIComponent(device.id)}`, textContent: device.id });
    column.append(element("article", { className: `device ${severity}` }, element("h3", {}, link, state), list));
  }
  if (!devices.length) column.append(element("p", { textContent: t("The site file names no devices.") }));
  columnsNode.replaceChildren(column);
}

function eventList(root) {
  const none = element("p", { id: "none", textContent: t("Nothing has happened yet.") });
  const list = element("ol", { id: "events", className: "events", reversed: true, tabIndex: 0 });
  list.setAttribute("aria-live", "polite");
  const add = (event) => {
    none.hidden = true;
    list.prepend(events.line(event));
    while (list.childElementCount > SHOWN_EVENTS) list.lastElementChild.remove();
  };
  events.latest(SHOWN_EVENTS).forEach(add);
  root.append(section(t("Events"), none, list));
  return events.listen((event) => event === null ? list.replaceChildren() : add(event));
}

export function page(root, alive) {
  const wires = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  wires.id = "wires";
  wires.setAttribute("aria-hidden", "true");
  const columnsNode = element("div", { id: "columns" });
  const plantNode = element("div", { id: "plant" }, wires, columnsNode);
  const power = section(t(plant.here() ? "Power" : "Devices"), plantNode);
  power.firstElementChild.id = "power-title";
  root.append(power);
  const stopEvents = eventList(root);
  if (!plant.here()) {
    const turn = async () => {
      if (!alive()) return;
      await showField(columnsNode).catch(() => {}); // the word beside the title says that nobody answers
      setTimeout(turn, RETRY_MS);
    };
    turn();
    return stopEvents;
  }
  let shape = "";
  const redraw = () => {
    if (columnsNode.className === "") drawWires(plantNode, plant.latest());
    else wires.replaceChildren();
  };
  const show = async (shown) => {
    const now = Object.keys(shown.devices).join();
    if (now !== shape) {
      shape = now;
      if (Object.keys(shown.devices).length > MANY) buildTiles(columnsNode, shown);
      else await buildPlant(columnsNode, shown);
    }
    if (!alive()) return;
    for (const [name, device] of Object.entries(shown.devices)) showCard(name, device);
    redraw();
  };
  const stopPlant = plant.listen(show);
  show(plant.latest());
  addEventListener("resize", redraw);
  return () => {
    stopEvents();
    stopPlant();
    removeEventListener("resize", redraw);
  };
}
