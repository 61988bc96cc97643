// Sinks and forwards: how far they are, what went wrong, and what can be done about it.

import { get, send } from "./api.js";
import { RETRY_MS, button, element, repeat, section, table, wide } from "./dom.js";
import { t } from "./texts.js";

function actions(row, again) {
  if (row.backlog === undefined) return "";
  const act = (word) => async () => {
    await send(`/v1/destinations/${encodeURIComponent(row.name)}/${word}`, {}, `${row.name}: ${word}`);
    again();
  };
  const hold = row.paused
    ? button(t("Resume"), act("resume"), row.name)
    : button(t("Pause"), act("pause"), row.name);
  return element("span", { className: "actions" }, hold, button(t("Redeliver"), act("retry"), row.name));
}

export function page(root, alive) {
  const holder = element("div");
  root.append(section(t("Delivery"), holder));
  const show = async () => {
    const { destinations } = await get("/v1/destinations");
    if (holder.contains(document.activeElement) && destinations.map((row) => `${row.name}${row.paused}`).join() === holder.dataset.shape) {
      for (const row of destinations) {
        const cell = holder.querySelector(`[data-backlog="${CSS.escape(row.name)}"]`);
        if (cell) cell.textContent = row.backlog ?? "";
      }
      return; // what has the focus stays where it is
    }
    holder.dataset.shape = destinations.map((row) => `${row.name}${row.paused}`).join();
    const backlog = (row) => {
      const cell = element("span", { textContent: row.backlog ?? `${t("clients")}: ${row.clients}` });
      cell.dataset.backlog = row.name;
      return cell;
    };
    holder.replaceChildren(destinations.length
      ? wide(table(
        [t("sink"), t("type"), t("backlog"), t("State"), t("last error"), t("actions")],
        destinations.map((row) => [row.name, row.type, backlog(row), row.paused ? t("paused") : "", row.last_error ?? "", actions(row, show)]),
      ))
      : element("p", { textContent: t("No destinations.") }));
  };
  repeat(show, RETRY_MS, alive);
  return () => {};
}
