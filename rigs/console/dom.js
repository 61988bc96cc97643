// Small helpers that every page uses.

import { ask } from "./api.js";
import { t } from "./texts.js";

export const RETRY_MS = 2000;
export const $ = (id) => document.getElementById(id);

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Its name says what it is for, too: `UPS1 Output off`.
export function button(label, act, whose) {
  const node = element("button", { type: "button", textContent: label });
  node.setAttribute("aria-label", `${whose} ${label}`);
  node.addEventListener("click", act);
  return node;
}

export function table(heads, rows) {
  const head = element("tr", {}, ...heads.map((text) => element("th", { scope: "col", textContent: text })));
  const body = rows.map((cells) => element("tr", {}, ...cells.map((cell) =>
    cell instanceof Node ? element("td", {}, cell) : element("td", { textContent: cell ?? "" }))));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...body));
}

// A table that may be wider than its place scrolls in it, by keyboard, too.
export const wide = (node) => element("div", { className: "wide", tabIndex: 0 }, node);

export function section(title, ...children) {
  const node = element("section", {}, element("h2", { textContent: title }), ...children);
  node.setAttribute("aria-label", title);
  return node;
}

export async function get(path) {
  const answer = await ask(path);
  const document_ = await answer.json();
  if (!answer.ok) throw new Error(document_.detail ?? `${answer.status}`);
  return document_;
}

export function say(words, bad = false) {
  $("told").className = bad ? "bad" : "";
  $("told").textContent = words;
}

export async function send(path, body, words) {
  try {
    const answer = await ask(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const document_ = await answer.json();
    say(answer.ok ? words : document_.detail, !answer.ok);
    return answer.ok ? document_ : null;
  } catch (error) {
    say(`${words}: ${t("no answer")} (${error.message})`, true);
    return null;
  }
}

export const inject = (place, input, args = []) =>
  send(`/lab/v1/devices/${encodeURIComponent(place)}/inputs`, { input, args }, `${place}: ${[input, ...args].join(" ")}`);
export const command = (device, name, params = {}) =>
  send(`/v1/devices/${encodeURIComponent(device)}/commands`, { command: name, params }, `${device}: ${name} ${t("sent")}`);

// Ask before something that takes power away from somebody.
export function confirmed(question) {
  const dialog = $("confirm");
  $("question").textContent = question;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Repeat `work` until the page changes; a failure is shown, and it goes on.
export function repeat(work, everyMs, alive) {
  const turn = async () => {
    if (!alive()) return;
    try {
      await work();
    } catch (error) {
      if (alive()) say(error.message, true);
    }
    if (alive()) setTimeout(turn, everyMs);
  };
  return turn();
}
