// The power-control groups as the management console of the documents shows them.

import { get } from "./api.js";
import { RETRY_MS, element, repeat, section, table, wide } from "./dom.js";
import { language, t } from "./texts.js";

export function page(root, alive) {
  const status = element("div");
  const views = element("div", { id: "views" });
  const tree = element("ul", { id: "tree" });
  root.append(section(t("Status"), status), views, section(t("Tree"), tree));
  repeat(async () => {
    const shown = await get(`/lab/v1/groups?language=${language}`);
    if (!shown.rows.length) {
      status.replaceChildren(element("p", { textContent: t("This rig has no power-control groups.") }));
    } else {
      const rows = table(shown.columns, shown.rows.map((row) => row.cells));
      rows.querySelectorAll("tbody tr").forEach((line, at) => line.firstElementChild.classList.add(`depth${Math.min(shown.rows[at].depth, 6)}`));
      status.replaceChildren(wide(rows));
    }
    views.replaceChildren(...shown.views.map((view) => section(view.title, wide(table(view.columns, view.rows)))));
    tree.replaceChildren(...shown.tree.map((item) => element("li", { className: `depth${Math.min(item.depth, 6)}`, textContent: item.text })));
  }, RETRY_MS, alive);
  return () => {};
}
