// Requests to the gateway (/v1) and to the emulated plant (/lab/v1), with a token where the gateway wants one, which is
// kept as long as the browser's tab.

import { $, RETRY_MS, element, showMessage } from "./dom.js";
import { t } from "./texts.js";

let token = sessionStorage.getItem("token") ?? "";
let asking = null; // the dialog that is open, for all who wait for it

function login() {
  asking ??= new Promise((resolve) => {
    const dialog = $("login");
    const field = element("input", { type: "password", autocomplete: "off", id: "token" });
    const label = element("label", { htmlFor: "token", textContent: t("Token of the gateway") });
    const enter = element("button", { textContent: t("Send") });
    dialog.replaceChildren(element("form", { method: "dialog" }, label, field, enter));
    dialog.oncancel = (event) => event.preventDefault(); // without one there is nothing to see
    dialog.onclose = () => {
      token = field.value.trim();
      sessionStorage.setItem("token", token);
      asking = null;
      resolve();
    };
    dialog.showModal();
  });
  return asking;
}

// As fetch; asks the person for a token, again and again, while the gateway refuses.
export async function ask(path, options = {}) {
  for (;;) {
    const used = token;
    const headers = { ...options.headers, ...(used ? { Authorization: `Bearer ${used}` } : {}) };
    const answer = await fetch(path, { ...options, headers });
    if (answer.status !== 401) return answer;
    if (used === token) await login();
  }
}

// The document at `path`. Throws an Error with the refusal's text.
export async function get(path) {
  const answer = await ask(path);
  const document_ = await answer.json();
  if (!answer.ok) throw new Error(document_.detail ?? `${answer.status}`);
  return document_;
}

// Posts `body` and shows `words`, or the refusal; returns the answer's document, or null.
export async function send(path, body, words) {
  try {
    const answer = await ask(path, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
    });
    const document_ = await answer.json();
    showMessage(answer.ok ? words : document_.detail, !answer.ok);
    return answer.ok ? document_ : null;
  } catch (error) {
    showMessage(`${words}: ${t("no answer")} (${error.message})`, true);
    return null;
  }
}

export const inject = (place, input, args = []) =>
  send(`/lab/v1/devices/${encodeURIComponent(place)}/inputs`, { input, args }, `${place}: ${[input, ...args].join(" ")}`);
export const command = (device, name, params = {}) =>
  send(`/v1/devices/${encodeURIComponent(device)}/commands`, { command: name, params }, `${device}: ${name} ${t("sent")}`);

// Server-sent events; EventSource cannot show a token. `onDocument` gets every document, `onLink` true or false as the
// connection begins and ends, and `onLost` is called when the server no longer has the event after which to go on.
export async function follow(path, onDocument, { onLink = () => {}, onLost = null } = {}) {
  let last = "";
  for (;;) {
    try {
      const answer = await ask(path, { headers: last ? { "Last-Event-ID": last } : {}, cache: "no-store" });
      if (!answer.ok && onLost && answer.status < 500) {
        onLink(false);
        onLost();
        return;
      }
      if (answer.ok) {
        onLink(true);
        last = await read(answer.body.pipeThrough(new TextDecoderStream()).getReader(), onDocument, last);
      }
    } catch {
      // no connection; the word beside the title says so
    }
    onLink(false);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

async function read(reader, onDocument, last) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read().catch(() => ({ done: true }));
    if (done) return last;
    const parts = (rest + value).split(/\r?\n\r?\n/);
    rest = parts.pop();
    for (const part of parts) {
      const data = [];
      for (const line of part.split(/\r?\n/)) {
        if (line.startsWith("id:")) last = line.slice(3).trim();
        else if (line.startsWith("data:")) data.push(line.slice(5));
      }
      if (data.length) onDocument(JSON.parse(data.join("\n")));
    }
  }
}

// Hand a file of the gateway to the browser, as if it had been a link.
export async function download(path, name) {
  const answer = await ask(path);
  if (!answer.ok) throw new Error((await answer.json()).detail);
  const link = element("a", { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  URL.revokeObjectURL(link.href);
}
