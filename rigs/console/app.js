// Routes and pages of the console. It uses two interfaces: /v1 of the gateway, and /lab/v1 where a plant is emulated.

import * as delivery from "./delivery.js";
import * as devices from "./devices.js";
import { $, element, showMessage } from "./dom.js";
import * as events from "./events.js";
import * as groups from "./groups.js";
import * as overview from "./overview.js";
import * as scenarios from "./scenarios.js";
import { choose, language, t } from "./texts.js";
import * as plant from "./plant_state.js";

// Path below #/, title, and the page: `page(root, alive)` fills the element `root` and returns `leave`, which is called
// once, when another page is shown. Work that waits looks at `alive()` before it touches `root` again; `repeat` of dom.js
// does so. A new page is a module with such a function and a row here, and its title in texts.js.
const PAGES = [
  ["", "Overview", overview.page], ["devices", "Devices", devices.page], ["events", "Events", events.page],
  ["delivery", "Delivery", delivery.page], ["groups", "Power groups", groups.page],
  ["scenarios", "Scenarios", scenarios.page],
];
const LAB_ONLY = new Set(["groups", "scenarios"]);
let visits = 0;
let leave = () => {};

function show() {
  const [, name = "", part = ""] = decodeURIComponent(location.hash.slice(1)).split("/");
  const found = PAGES.find(([path]) => path === name);
  const number = ++visits;
  const alive = () => number === visits;
  leave();
  const root = $("page");
  root.replaceChildren();
  root.className = `page-${name || "overview"}`;
  showMessage("");
  for (const link of $("pages").children) {
    if (link.dataset.page === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.title = found ? `Ridethrough: ${t(found[1])}${part ? ` ${part}` : ""}` : "Ridethrough";
  if (!found) {
    root.append(element("p", { textContent: t("No such page.") }));
    leave = () => {};
  } else if (name === "devices" && part) {
    leave = devices.device(root, alive, part);
  } else {
    leave = found[2](root, alive);
  }
}

document.documentElement.lang = language;
$("language").value = language;
$("language").addEventListener("change", (event) => choose(event.target.value));
$("link").textContent = t("connecting");
$("no").textContent = t("Cancel");
$("yes").textContent = t("Do it");
events.begin();
await plant.begin();
for (const [path, title] of PAGES.filter(([path]) => !LAB_ONLY.has(path) || plant.here())) {
  const link = element("a", { href: `#/${path}`, textContent: t(title) });
  link.dataset.page = path;
  $("pages").append(link);
}
addEventListener("hashchange", show);
show();
