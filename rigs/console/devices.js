// All devices in a table, and one of them with everything that it shows and takes.

import { ask, command, get, inject, send } from "./api.js";
import { RETRY_MS, button, confirmed, element, repeat, section, table, wide } from "./dom.js";
import { upsPanel } from "./ups_panel.js";
import { t } from "./texts.js";
import * as plant from "./plant_state.js";

const SERIES = [
  ["charge", "charge_percent", "%"], ["load", "load_percent", "%"], ["input", "input_volts", "V"],
  ["output", "output_volts", "V"],
];
const COLOURS = ["#17744a", "#9a5b00", "#1f5fbf", "#8a4fbf"];
const AT_ONCE_MS = 50; // the answer itself waits for news
const POWERFUL = /^(output\.(off|sleep|reboot|off_and_return)|power\.(off|cycle|reset|soft))$/;
const heard = (row) => row.heard_s_ago === null || row.heard_s_ago === undefined ? t("never") : `${Math.round(row.heard_s_ago)} ${t("seconds ago")}`;
const link = (name) => element("a", { href: `#/devices/${encodeURIComponent(name)}`, textContent: name });

export function page(root, alive) {
  const holder = element("div");
  root.append(section(t("Devices"), holder));
  let shape = "";
  repeat(async () => {
    const { devices } = await get("/v1/devices");
    const others = Object.entries(plant.latest()?.devices ?? {}).filter(([name]) => !devices.some((row) => row.id === name));
    const rows = [
      ...devices.map((row) => [row.id, row.kind, row.address, heard(row), row.groups?.join(", "), row.conditions.join(", ")]),
      ...others.map(([name, device]) => [name, device.kind, "", "", "", ""]),
    ];
    const now = rows.map((row) => row[0]).join();
    if (now !== shape) {
      shape = now;
      const heads = [t("device"), t("kind"), t("address"), t("heard"), t("group"), t("conditions")];
      holder.replaceChildren(wide(table(heads, rows.map(([name, ...rest]) => [link(name), ...rest]))));
    } else {
      holder.querySelectorAll("tbody tr").forEach((line, at) => rows[at].forEach((cell, column) => {
        if (column) line.children[column].textContent = cell ?? "";
      }));
    }
  }, RETRY_MS, alive);
  return () => {};
}

function plot(holder, name) {
  const draw = () => {
    const { times, values } = plant.history(name);
    if (times.length < 2) return;
    const data = [times, ...SERIES.map(([, field]) => values[field])];
    if (holder.uplot) {
      holder.uplot.setData(data);
      return;
    }
    const series = [{ label: "s" }, ...SERIES.map(([label, , unit], at) => ({
      label: `${t(label)} [${unit}]`, stroke: COLOURS[at], width: 2, scale: unit,
    }))];
    const ink = getComputedStyle(document.body).color;
    const axes = [{ stroke: ink }, { scale: "%", stroke: ink }, { scale: "V", side: 1, stroke: ink, grid: { show: false } }];
    const scales = { x: { time: false }, "%": { range: [0, 105] }, V: { range: (_self, _low, high) => [0, Math.max(1, high * 1.1)] } };
    holder.uplot = new uPlot({ width: Math.max(300, holder.clientWidth), height: 220, series, axes, scales }, data, holder);
  };
  draw();
  return plant.listen(draw);
}

function flat(value, before = "") {
  return Object.entries(value).flatMap(([key, part]) => {
    const name = before ? `${before}.${key}` : key;
    if (Array.isArray(part)) return [[name, part.map((item) => typeof item === "object" && item !== null ? JSON.stringify(item) : item).join(", ")]];
    return part !== null && typeof part === "object" ? flat(part, name) : [[name, part === null ? "" : String(part)]];
  });
}

function searched(title, heads, rows) {
  const body = table(heads, rows);
  const field = element("input", { type: "search", placeholder: t("search") });
  field.setAttribute("aria-label", `${t("search")}: ${title}`);
  field.addEventListener("input", () => {
    const wanted = field.value.toLowerCase();
    for (const line of body.tBodies[0].rows) line.hidden = !line.textContent.toLowerCase().includes(wanted);
  });
  return [element("p", { className: "actions" }, field), element("div", { className: "scroll", tabIndex: 0 }, body)];
}

async function showDetails(holder, name) {
  const shown = await get(`/lab/v1/devices/${encodeURIComponent(name)}/inside`);
  const parts = [];
  if (shown.objects) {
    const rows = shown.objects.map((row) => [row.name, row.oid, row.type, row.value, row.writable ? t("yes") : ""]);
    parts.push(section(t("Objects"), ...searched(t("Objects"), [t("name"), "OID", t("type"), t("value"), t("writable")], rows)));
  }
  if (shown.sensors) {
    const rows = shown.sensors.map((row) => [
      row.name, row.value === null ? `${row.states.toString(16).padStart(4, "0")}h` : `${row.value} ${row.unit}`,
      Object.entries(row.limits).map(([key, value]) => `${key} ${value}`).join(", "),
    ]);
    parts.push(section(t("Sensors"), ...searched(t("Sensors"), [t("sensor"), t("value"), t("limits")], rows)));
    const log = shown.log.toReversed().map((row) => [
      String(row.id), row.at_s === null ? "" : new Date(row.at_s * 1000).toISOString().slice(0, 19), row.sensor, row.text,
    ]);
    parts.push(section(t("Log"), ...searched(t("Log"), ["#", t("time"), t("sensor"), t("text")], log)));
  }
  holder.replaceChildren(...parts);
}

// The server's serial port, as a SOL session shows it; what is typed goes there with the return key.
function serial(holder, name, alive) {
  const path = `/lab/v1/devices/${encodeURIComponent(name)}/console`;
  const screen = element("pre", { tabIndex: 0 });
  screen.setAttribute("role", "log");
  screen.setAttribute("aria-label", `${t("Serial console")}: ${name}`);
  const field = element("input", { type: "text", autocomplete: "off", spellcheck: false });
  field.setAttribute("aria-label", `${t("Serial console")}, ${t("Input")}: ${name}`);
  const form = element("form", { className: "actions" }, field, element("button", { textContent: t("Send") }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(path, { text: `${field.value}\r` }, `${name}: ${t("sent")}`);
    field.value = "";
  });
  holder.replaceChildren(section(t("Serial console"), screen, form));
  let next = 0;
  repeat(async () => {
    const more = await get(`${path}?after=${next}`);
    next = more.next;
    let text = screen.textContent;
    for (const letter of more.text.replaceAll("\r", "")) text = letter === "\b" ? text.slice(0, -1) : text + letter;
    screen.textContent = text;
    screen.scrollTop = screen.scrollHeight;
  }, AT_ONCE_MS, alive);
}

function controlsOf(name, commands, inputs) {
  const parts = [];
  if (commands.length) {
    const choice = element("select", {}, ...commands.map((value) => element("option", { value, textContent: value })));
    choice.setAttribute("aria-label", `${t("Command")}: ${name}`);
    const act = async () => {
      if (!POWERFUL.test(choice.value) || await confirmed(`${t("Really")}: ${name} ${choice.value}?`)) command(name, choice.value);
    };
    parts.push(element("p", { className: "actions" }, choice, button(t("Send"), act, name)));
  }
  const words = Object.entries(inputs);
  if (words.length) {
    const choice = element("select", {}, ...words.map(([value, help]) => element("option", { value, textContent: `${value}: ${help}` })));
    choice.setAttribute("aria-label", `${t("Input")}: ${name}`);
    const args = element("input", { type: "text", placeholder: t("arguments") });
    args.setAttribute("aria-label", `${t("arguments")}: ${name}`);
    const act = async () => {
      const said = args.value.split(" ").filter(Boolean);
      if (await confirmed(`${t("Really")}: ${name} ${[choice.value, ...said].join(" ")}?`)) inject(name, choice.value, said);
    };
    parts.push(element("p", { className: "actions" }, choice, args, button(t("Inject"), act, name)));
  }
  return parts;
}

export function device(root, alive, name) {
  const panel = element("div");
  let showPanel = null;
  const state = element("div", { id: "state" });
  const readings = element("div");
  const chart = element("div", { className: "chart" });
  const inner = element("div", { id: "inside" });
  const terminal = element("div", { id: "terminal" });
  const controls = element("div");
  const title = element("h2", { id: "device", textContent: name });
  root.append(element("section", {}, title, panel, controls, state, readings), element("section", {}, chart, terminal, inner));
  let stopChart = () => {};

  const facts = (rows) => element("dl", {}, ...rows.flatMap(([key, value]) => [
    element("dt", { textContent: key.replaceAll("_", " ") }), element("dd", { textContent: value }),
  ]));
  const shown = () => {
    const lab = plant.latest()?.devices[name];
    if (!lab) return;
    state.replaceChildren(facts(flat(lab)));
    if (lab.kind === "ups") (showPanel ??= upsPanel(panel, name))(lab);
  };
  const stop = plant.listen(shown);
  shown();
  (async () => {
    const known = await get("/v1/devices").then(({ devices }) => devices.find((row) => row.id === name));
    let inputs = {};
    if (plant.here()) {
      const lab = await ask(`/lab/v1/devices/${encodeURIComponent(name)}/inputs`);
      if (lab.ok) inputs = (await lab.json()).inputs;
      else if (!known) throw new Error(`${name}: 404`);
    }
    if (!alive()) return;
    controls.replaceChildren(...controlsOf(name, known?.commands ?? [], inputs));
    if (plant.latest()?.devices[name]?.kind === "ups") stopChart = plot(chart, name);
    if (known) {
      repeat(async () => {
        const row = await get(`/v1/devices/${encodeURIComponent(name)}`);
        const rows = [[t("address"), row.address], [t("heard"), heard(row)], [t("conditions"), row.conditions.join(", ") || t("no condition")],
          ...Object.entries(row.readings).map(([key, value]) => [key, String(value)])];
        readings.replaceChildren(element("h3", { textContent: t("Readings") }), facts(rows));
      }, RETRY_MS, alive);
    }
    if (plant.latest()?.devices[name]?.kind === "bmc") serial(terminal, name, alive);
    if (plant.here()) await showDetails(inner, name);
  })().catch((error) => alive() && root.append(element("p", { className: "bad", textContent: error.message })));
  return () => {
    stop();
    stopChart();
    chart.uplot?.destroy();
  };
}
