// Events: kept while the console is open, and shown with filters, evidence and what is open now.

import { follow, get } from "./api.js";
import { $, RETRY_MS, element, repeat, section, table, wide } from "./dom.js";
import { t } from "./texts.js";

const KEPT = 500;
const CLEARED = 20; // shown
const SEVERITIES = ["info", "warning", "critical"];
const events = []; // the oldest first
const listeners = new Set();

export const latest = (count) => events.slice(-count);

// Calls `onEvent(event)` for each new event and `onEvent(null)` when all are forgotten; returns what ends that.
export function listen(onEvent) {
  listeners.add(onEvent);
  return () => listeners.delete(onEvent);
}

function receive(event) {
  events.push(event);
  if (events.length > KEPT) events.shift();
  for (const onEvent of listeners) onEvent(event);
}

function showLink(up) {
  $("link").className = up ? "up" : "down";
  $("link").textContent = t(up ? "connected" : "no connection, trying again");
}

async function load() {
  const past = await get(`/v1/events?last=${KEPT}`);
  past.events.forEach(receive);
  const after = past.events.length ? `?after=${encodeURIComponent(past.events.at(-1).id)}` : "";
  // The gateway no longer knows our place when it was restarted without a journal on disk. Begin anew.
  const onLost = () => {
    events.length = 0;
    for (const onEvent of listeners) onEvent(null);
    setTimeout(begin, RETRY_MS);
  };
  follow(`/v1/events/stream${after}`, receive, { onLink: showLink, onLost });
}

export function begin() {
  load().catch(() => {
    showLink(false);
    setTimeout(begin, RETRY_MS);
  });
}

export function line(event) {
  const time = element("time", { dateTime: event.time, textContent: event.time.slice(11, 23) });
  const group = event.data.group ? ` [${event.data.group}]` : "";
  const head = element("span", {}, element("strong", { textContent: event.type }), ` ${event.subject}${group}`);
  const item = element("li", { className: event.data.severity }, time, head,
    element("span", { className: "text", textContent: event.data.text }));
  item.dataset.type = event.type;
  return item;
}

function facts(value) {
  if (Array.isArray(value)) return element("ol", {}, ...value.map((item) => element("li", {}, facts(item))));
  if (value === null || typeof value !== "object") return document.createTextNode(String(value));
  return element("dl", {}, ...Object.entries(value).flatMap(([key, part]) => [
    element("dt", { textContent: key }), element("dd", {}, facts(part)),
  ]));
}

function detailed(event) {
  const item = line(event);
  const { evidence, ...data } = event.data;
  const details = element("details", {}, element("summary", { textContent: t("evidence") }), facts({ id: event.id, ...data, ...evidence }));
  if (evidence?.position) details.addEventListener("toggle", () => showRecord(details, evidence.position), { once: true });
  item.append(details);
  return item;
}

// What was heard, octet by octet, as the journal has it.
async function showRecord(holder, position) {
  const record = await get(`/v1/journal/${position}`).catch((error) => ({ fields: [], text: error.message, octets: "" }));
  const rows = record.fields.map((field) => [String(field.at), String(field.octets), field.name, field.type, field.value]);
  const shown = rows.length ? table([t("octet"), t("octets"), t("name"), t("type"), t("value")], rows) : element("pre", { textContent: record.text });
  if (rows.length) {
    shown.querySelectorAll("tbody tr").forEach((line, at) => line.children[2].classList.add(`depth${Math.min(record.fields[at].depth, 6)}`));
  }
  const place = element("p", { textContent: `${t("journal")} ${position}${record.source ? `: ${record.source}:${record.port} > ${record.listener}` : ""}` });
  holder.append(element("div", { className: "record" }, place, wide(shown), element("pre", { textContent: record.octets })));
}

// Conditions that were cleared, the latest first: what cleared each, and since when it had been open, as far as that is kept.
function clearedRows() {
  const opened = new Map(events.map((event) => [event.id, event.time.slice(0, 19)]));
  return events.filter((event) => event.data.clears).slice(-CLEARED).reverse().map((event) => [
    event.subject, event.data.condition ?? "", opened.get(event.data.opened_by) ?? "", event.time.slice(0, 19), event.data.text,
  ]);
}

export function page(root, alive) {
  const text = element("input", { type: "search", placeholder: t("search") });
  text.setAttribute("aria-label", t("search"));
  const severity = element("select", {}, ...["all", ...SEVERITIES].map((value) => element("option", { value, textContent: t(value) })));
  severity.setAttribute("aria-label", t("severity"));
  const list = element("ol", { id: "stream", className: "events", reversed: true });
  const open = element("div", { id: "open" });
  const cleared = element("div", { id: "cleared" });
  const fits = (event) => (severity.value === "all" || event.data.severity === severity.value)
    && `${event.type} ${event.subject} ${event.data.group ?? ""} ${event.data.text}`.toLowerCase().includes(text.value.toLowerCase());
  const fill = () => list.replaceChildren(...events.filter(fits).reverse().map(detailed));
  const heads = [t("device"), t("conditions"), t("since"), t("cleared"), t("text")];
  const clear = () => {
    const past = clearedRows();
    cleared.replaceChildren(past.length ? wide(table(heads, past)) : element("p", { textContent: t("nothing") }));
  };
  text.addEventListener("input", fill);
  severity.addEventListener("change", fill);
  root.append(
    section(t("Open conditions"), open),
    section(t("Cleared conditions"), cleared),
    section(t("Events"), element("p", { className: "actions" }, text, severity), list),
  );
  fill();
  clear();
  repeat(async () => {
    const { conditions } = await get("/v1/conditions");
    open.replaceChildren(conditions.length
      ? wide(table([t("device"), t("conditions"), t("since"), t("text")], conditions.map((row) => [row.device, row.condition, new Date(row.since_ms).toISOString().slice(0, 19), row.text])))
      : element("p", { textContent: t("no condition") }));
  }, RETRY_MS, alive);
  return listen((event) => {
    if (event === null || event.data.clears) clear();
    if (event === null) list.replaceChildren();
    else if (fits(event)) list.prepend(detailed(event));
  });
}
