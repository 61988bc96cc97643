// Elements of pages, messages and questions to the person. It knows neither the gateway nor any page.

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

// Shows one line below the page; with `bad` as an error.
export function showMessage(words, bad = false) {
  $("message").className = bad ? "bad" : "";
  $("message").textContent = words;
}

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
      if (alive()) showMessage(error.message, true);
    }
    if (alive()) setTimeout(turn, everyMs);
  };
  return turn();
}
