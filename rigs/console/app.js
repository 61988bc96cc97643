// The console shows what two interfaces say: /lab/v1 (the emulated plant, absent in the field) and /v1 (the gateway).

import * as delivery from "./delivery.js";
import * as devices from "./devices.js";
import { $, element, say } from "./dom.js";
import * as events from "./events.js";
import * as groups from "./groups.js";
import * as overview from "./overview.js";
import * as scenarios from "./scenarios.js";
import { choose, language, t } from "./texts.js";
import * as world from "./plant_state.js";

const PAGES = [
  ["", "Overview", overview.page], ["devices", "Devices", devices.page], ["events", "Events", events.page],
  ["delivery", "Delivery", delivery.page], ["groups", "Power groups", groups.page],
  ["scenarios", "Scenarios", scenarios.page],
];
const LAB_ONLY = new Set(["groups", "scenarios"]);
let visit = 0;
let leave = () => {};

function show() {
  const [, name = "", part = ""] = decodeURIComponent(location.hash.slice(1)).split("/");
  const found = PAGES.find(([path]) => path === name);
  const number = ++visit;
  const alive = () => number === visit;
  leave();
  const root = $("page");
  root.replaceChildren();
  root.className = `page-${name || "overview"}`;
  say("");
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
await world.begin();
for (const [path, title] of PAGES.filter(([path]) => !LAB_ONLY.has(path) || world.here())) {
  const link = element("a", { href: `#/${path}`, textContent: t(title) });
  link.dataset.page = path;
  $("pages").append(link);
}
addEventListener("hashchange", show);
show();
