// The emulated plant, as its stream tells it; in the field there is none.

import { $, RETRY_MS } from "./dom.js";
import { ask, follow } from "./api.js";

const KEPT = 3600; // moments of each UPS
const KEPT_FIELDS = ["charge_percent", "load_percent", "input_volts", "output_volts"];
const listeners = new Set();
const histories = new Map(); // UPS -> {times, values}
let world = null;
let lab = null; // whether there is a plant; null while nobody knows

export const latest = () => world;
export const here = () => lab === true;

export function listen(hear) {
  listeners.add(hear);
  return () => listeners.delete(hear);
}

export function history(name) {
  return histories.get(name) ?? { times: [], values: Object.fromEntries(KEPT_FIELDS.map((field) => [field, []])) };
}

function remember(name, device, elapsed) {
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

function take(next) {
  world = next;
  for (const [name, device] of Object.entries(next.devices)) {
    if (device.kind === "ups") remember(name, device, next.elapsed_s);
  }
  $("rig").textContent = next.rig;
  const seconds = Math.floor(next.elapsed_s);
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => String(Math.floor(part)).padStart(2, "0"));
  $("clock").textContent = parts.join(":");
  for (const hear of listeners) hear(next);
}

// Resolves once it is known whether there is a plant.
export async function begin() {
  try {
    const answer = await ask("/lab/v1/world");
    lab = answer.status !== 404;
    if (!lab) return;
    take(await answer.json());
    follow("/lab/v1/stream", take);
  } catch {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    await begin();
  }
}
