// The front panel of a UPS: its lamps, its two bar graphs, its two buttons.

import { inject } from "./api.js";
import { button, confirmed, element } from "./dom.js";
import { t } from "./texts.js";

const LAMPS = [
  ["on-line", "on line", "good"], ["boost", "boost", "warn"], ["trim", "trim", "warn"], ["on-battery", "on battery", "warn"],
  ["overload", "overload", "bad"], ["replace-battery", "replace battery", "bad"],
];
const STEPS = 5;

function graph(label) {
  const lamps = Array.from({ length: STEPS }, () => element("i"));
  const value = element("span");
  const node = element("div", { className: "graph" }, element("span", { textContent: label }), element("span", { className: "lamps" }, ...lamps), value);
  return {
    node,
    show(percent) {
      value.textContent = `${Math.round(percent)} %`;
      lamps.forEach((lamp, at) => { lamp.className = percent > (100 * at) / STEPS ? "lit" : ""; });
    },
  };
}

// Draws the panel into `holder`; returns a function that shows a state of the UPS.
export function upsPanel(holder, name) {
  const lamps = new Map(LAMPS.map(([key, label, severity]) => {
    const lamp = element("li", { textContent: t(label) });
    lamp.dataset.lamp = key;
    return [key, { lamp, severity }];
  }));
  const [load, charge] = [graph(t("load")), graph(t("charge"))];
  const off = async () => { if (await confirmed(`${t("Really")}: ${name} ${t("Off")}?`)) inject(name, "button_off"); };
  const list = element("ul", {}, ...[...lamps.values()].map(({ lamp }) => lamp));
  list.setAttribute("aria-label", `${t("lamps")}: ${name}`);
  holder.className = "front";
  holder.replaceChildren(list, load.node, charge.node,
    element("p", { className: "actions" }, button(t("On"), () => inject(name, "button_on"), name), button(t("Off"), off, name)));
  return (device) => {
    for (const [key, { lamp, severity }] of lamps) {
      const lit = device.lamps.includes(key);
      lamp.className = lit ? `lit ${severity}` : "";
      lamp.setAttribute("aria-label", `${lamp.textContent}: ${t(lit ? "lit" : "dark")}`);
    }
    load.show(device.load_percent);
    charge.show(device.charge_percent);
  };
}
