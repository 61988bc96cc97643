// The state of the emulated plant, from the lab's stream; beside real devices there is no plant.

import { ask, follow } from "./api.js";
import { $, RETRY_MS } from "./dom.js";

const KEPT = 3600; // moments of each UPS
const KEPT_FIELDS = ["charge_percent", "load_percent", "input_volts", "output_volts"];
const listeners = new Set();
const histories = new Map(); // UPS -> {times, values}
let state = null;
let present = null; // null until it is known

export const latest = () => state;
export const here = () => present === true;

export function listen(onState) {
  listeners.add(onState);
  return () => listeners.delete(onState);
}

export function history(name) {
  return histories.get(name) ?? { times: [], values: Object.fromEntries(KEPT_FIELDS.map((field) => [field, []])) };
}

function record(name, device, elapsed) {
  const kept = history(name);
  histories.set(name, kept);
  if (kept.times.at(-1) >= elapsed) return;
  kept.times.push(elapsed);
  for (const field of KEPT_FIELDS) kept.values[field].push(device[field]);
  if (kept.times.length > KEPT) {
    kept.times.shift();
    for (const field of KEPT_FIELDS) kept.values[field].shift();
  }
}

function receive(next) {
  state = next;
  for (const [name, device] of Object.entries(next.devices)) {
    if (device.kind === "ups") record(name, device, next.elapsed_s);
  }
  $("rig").textContent = next.rig;
  const seconds = Math.floor(next.elapsed_s);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  $("clock").textContent = parts.join(":");
  for (const onState of listeners) onState(next);
}

// Resolves once it is known whether there is a plant.
export async function begin() {
  try {
    const answer = await ask("/lab/v1/world");
    present = answer.status !== 404;
    if (!present) return;
    receive(await answer.json());
    follow("/lab/v1/stream", receive);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    await begin();
  }
}
