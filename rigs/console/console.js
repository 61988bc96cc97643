"use strict";

// The console shows what two interfaces say: /lab/v1 (the emulated plant, absent in the field) and /v1 (the gateway).

const KEPT_EVENTS = 200;
const RETRY_MS = 2000;
const $ = (id) => document.getElementById(id);

// State words to how worried a person should be.
const MOOD = {
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

function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

async function send(path, body, words) {
  const told = $("told");
  try {
    const answer = await fetch(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const document_ = await answer.json();
    told.className = answer.ok ? "" : "bad";
    told.textContent = answer.ok ? words : document_.detail;
  } catch (error) {
    told.className = "bad";
    told.textContent = `${words}: no answer (${error.message})`;
  }
}

const inject = (place, input) =>
  send(`/lab/v1/devices/${encodeURIComponent(place)}/inputs`, { input }, `${place}: ${input}`);
const command = (device, name, params = {}) =>
  send(`/v1/devices/${encodeURIComponent(device)}/commands`, { command: name, params }, `${device}: ${name} sent`);

function button(label, act, describe) {
  const node = element("button", { type: "button", textContent: label });
  node.setAttribute("aria-label", describe);
  node.addEventListener("click", act);
  return node;
}

// --- the plant --------------------------------------------------------------------------------------------------

const cards = new Map(); // device name -> {node, state, values}
const incidents = new Map(); // BMC -> number of the last fault that it held its action for
let shape = "";

function buildCard(name, kind, inputs) {
  const state = element("span", { className: "state" });
  const list = element("dl");
  const values = new Map();
  for (const [label, field] of FIELDS[kind] ?? []) {
    const value = element("dd");
    values.set(field, value);
    list.append(element("dt", { textContent: label }), value);
  }
  const actions = element("div", { className: "actions" });
  if (kind === "mains") {
    actions.append(button("Off", () => inject(name, "off"), `${name} off`), button("On", () => inject(name, "on"), `${name} on`));
  } else if (kind === "ups") {
    actions.append(
      button("Output off", () => command(name, "output.off"), `${name} output off`),
      button("Output on", () => command(name, "output.on"), `${name} output on`),
    );
  } else if (kind === "bmc") {
    const choice = element("select");
    choice.setAttribute("aria-label", `fault of ${name}`);
    for (const [input, help] of inputs) {
      choice.append(element("option", { value: input, textContent: help, title: input }));
    }
    const recover = (step) => () => command(name, `recovery.${step}`, { incident: incidents.get(name) ?? 0 });
    actions.append(
      choice, button("Inject", () => inject(name, choice.value), `inject into ${name}`),
      button("Recovery starts", recover("start"), `${name} recovery starts`),
      button("Recovery ends", recover("end"), `${name} recovery ends`),
    );
  }
  const title = element("h3", {}, element("span", { textContent: name }), state);
  const node = element("article", { className: "device" }, title, list);
  node.dataset.device = name;
  if (actions.childElementCount) node.append(actions);
  cards.set(name, { node, state, values, kind });
  return node;
}

function showCard(name, device) {
  const card = cards.get(name);
  if (!card) return;
  const part = card.node.classList.contains("part") ? " part" : "";
  card.node.className = `device ${MOOD[device.state] ?? ""}${part}`;
  card.state.textContent = device.state;
  if (device.link?.incident) incidents.set(name, device.link.incident);
  for (const [label, field, write] of FIELDS[card.kind] ?? []) {
    card.values.get(field).textContent = write(device[field]);
  }
}

async function buildPlant(world) {
  const devices = world.devices;
  const names = Object.keys(devices);
  const inputs = {};
  await Promise.all(names.filter((name) => devices[name].kind === "bmc").map(async (name) => {
    const answer = await fetch(`/lab/v1/devices/${encodeURIComponent(name)}/inputs`);
    const known = await answer.json();
    inputs[name] = known.plain.map((input) => [input, known.inputs[input]]);
  }));
  cards.clear();
  const columns = [["mains"], ["ups"], ["server", "disk"]].map((kinds) => {
    const column = element("div", { className: "column" });
    for (const name of names.filter((item) => kinds.includes(devices[item].kind))) {
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
  $("columns").replaceChildren(...columns);
}

function drawWires(world) {
  const frame = $("plant").getBoundingClientRect();
  const paths = world.wiring.map(([from, to]) => {
    const source = cards.get(from)?.node.getBoundingClientRect();
    const sink = cards.get(to)?.node.getBoundingClientRect();
    if (!source || !sink) return null;
    const [x1, y1] = [source.right - frame.left, source.top + source.height / 2 - frame.top];
    const [x2, y2] = [sink.left - frame.left, sink.top + sink.height / 2 - frame.top];
    const middle = (x1 + x2) / 2;
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", `M${x1},${y1} C${middle},${y1} ${middle},${y2} ${x2},${y2}`);
    const device = world.devices[from];
    if ((device.output_volts ?? device.volts) > 0) path.classList.add("live");
    return path;
  });
  $("wires").replaceChildren(...paths.filter(Boolean));
}

let lastWorld = null;

async function showWorld(world) {
  lastWorld = world;
  $("rig").textContent = world.rig;
  const seconds = Math.floor(world.elapsed_s);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  $("clock").textContent = parts.join(":");
  const now = Object.keys(world.devices).join();
  if (now !== shape) {
    shape = now;
    await buildPlant(world);
  }
  for (const [name, device] of Object.entries(world.devices)) showCard(name, device);
  drawWires(world);
}

// In the field there is no plant: the gateway's own list of devices takes its place.
async function showField() {
  const { devices } = await (await fetch("/v1/devices")).json();
  const column = element("div", { className: "column" });
  for (const device of devices) {
    const mood = device.conditions.length ? "warn" : "good";
    const heard = device.heard_s_ago === null ? "never" : `${Math.round(device.heard_s_ago)} s ago`;
    const state = element("span", { className: "state", textContent: device.conditions.join(", ") || "no condition" });
    const list = element("dl", {},
      element("dt", { textContent: "address" }), element("dd", { textContent: device.address }),
      element("dt", { textContent: "heard" }), element("dd", { textContent: heard }));
    const title = element("h3", {}, element("span", { textContent: device.id }), state);
    column.append(element("article", { className: `device ${mood}` }, title, list));
  }
  if (!devices.length) column.append(element("p", { textContent: "The site file names no devices." }));
  $("columns").replaceChildren(column);
  setTimeout(showField, RETRY_MS);
}

async function followPlant() {
  const probe = await fetch("/lab/v1/world");
  if (probe.status === 404) {
    document.getElementById("power-title").textContent = "Devices";
    return showField();
  }
  await showWorld(await probe.json());
  const stream = new EventSource("/lab/v1/stream");
  stream.onmessage = (message) => showWorld(JSON.parse(message.data));
}

// --- events -----------------------------------------------------------------------------------------------------

function showEvent(event) {
  const list = $("events");
  $("none").hidden = true;
  const time = element("time", { dateTime: event.time, textContent: event.time.slice(11, 23) });
  const group = event.data.group ? ` [${event.data.group}]` : "";
  const line = element("span", {}, element("strong", { textContent: event.type }), ` ${event.subject}${group}`);
  const item = element("li", { className: event.data.severity }, time, line,
    element("span", { className: "text", textContent: event.data.text }));
  item.dataset.type = event.type;
  list.prepend(item);
  while (list.childElementCount > KEPT_EVENTS) list.lastElementChild.remove();
}

function showLink(up) {
  $("link").className = up ? "up" : "down";
  $("link").textContent = up ? "connected" : "no connection, trying again";
}

async function followEvents() {
  const { events } = await (await fetch(`/v1/events?last=${KEPT_EVENTS}`)).json();
  events.forEach(showEvent);
  const after = events.length ? `?after=${encodeURIComponent(events.at(-1).id)}` : "";
  const stream = new EventSource(`/v1/events/stream${after}`);
  stream.onopen = () => showLink(true);
  stream.onerror = () => {
    showLink(false);
    if (stream.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
    // The gateway no longer knows our place: it was restarted without a journal on disk. Begin anew.
    $("events").replaceChildren();
    setTimeout(() => keepTrying(followEvents), RETRY_MS);
  };
  stream.onmessage = (message) => showEvent(JSON.parse(message.data));
}

function keepTrying(start) {
  start().catch(() => {
    showLink(false);
    setTimeout(() => keepTrying(start), RETRY_MS);
  });
}

addEventListener("resize", () => lastWorld && drawWires(lastWorld));
keepTrying(followPlant);
keepTrying(followEvents);
