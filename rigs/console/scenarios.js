// Run a scenario beside the rig, and watch its expectations come true or not.

import { ask, download, get, send } from "./api.js";
import { button, element, repeat, showMessage, section, table, wide } from "./dom.js";
import { t } from "./texts.js";

const AT_ONCE_MS = 50; // the answer itself waits for news
const NARROWEST = 0.7; // percent of the axis
const SPEEDS = [["max", "as fast as it can"], ["20", "20 times"], ["5", "5 times"], ["1", "as in reality"]];
const MARKS = { true: ["✓", "good"], false: ["✗", "bad"] };
let shown = null; // the run that the page comes back to

const seconds = (value) => `${Number(value.toFixed(1))} s`;

// A bar for each expectation's window on one axis of time, with what was seen below.
function build(holder) {
  const run = { next: 0, rows: [], end_s: 1 };
  run.title = element("p", { className: "title" });
  run.bar = element("progress", { max: 1, value: 0 });
  run.bar.setAttribute("aria-label", t("time"));
  run.clock = element("span");
  run.body = element("div");
  run.story = element("ol", { className: "events", id: "story" });
  run.end = element("p", { className: "actions", id: "outcome" });
  run.end.setAttribute("role", "status");
  holder.replaceChildren(
    section(t("Expectations"), run.title, element("p", { className: "actions" }, run.bar, run.clock), run.end, run.body),
    section(t("What happened"), run.story),
  );
  return run;
}

function expected(run, line) {
  run.end_s = line.end_s;
  run.title.textContent = `${line.scenario}: ${line.title}`;
  run.bar.max = line.end_s;
  const rows = line.expectations.map((item) => {
    const [first, last] = item.window_s;
    const bar = element("i", { className: "window" });
    const [from, to] = [first, last].map((mark) => 100 * Math.min(Math.max(0, mark), run.end_s) / run.end_s);
    bar.style.left = `${Math.min(from, 100 - NARROWEST)}%`;
    bar.style.width = `${Math.max(NARROWEST, to - from)}%`;
    const track = element("div", { className: "track" }, bar);
    const when = first === last ? seconds(first) : `${seconds(first)} … ${seconds(last)}`;
    return [element("span", { className: "mark", textContent: "…" }), when, item.step, track, ""];
  });
  const made = table(["", t("time"), t("expectation"), `0 … ${seconds(run.end_s)}`, t("seen")], rows);
  run.body.replaceChildren(wide(made));
  run.rows = [...made.tBodies[0].rows];
  run.judged = 0;
}

function judged(run, line) {
  const row = run.rows[run.judged++];
  if (!row) return; // a refused action has a verdict and no line of its own
  const [mark, severity] = MARKS[line.held];
  row.className = severity;
  row.querySelector(".mark").textContent = mark;
  row.querySelector(".mark").setAttribute("aria-label", t(line.held ? "held" : "failed"));
  row.lastElementChild.textContent = line.seen;
}

function pass(run, at) {
  run.bar.value = Math.max(run.bar.value, at);
  run.clock.textContent = `${seconds(run.bar.value)} / ${seconds(run.end_s)}`;
}

function happened(run, line) {
  const time = element("time", { textContent: seconds(line.at_s) });
  const item = element("li", { className: line.kind }, time, element("strong", { textContent: line.what ?? line.text }),
    element("span", { className: "text", textContent: line.what ? line.text : t("done by the scenario") }));
  run.story.append(item);
  pass(run, line.at_s);
}

function showLine(run, line) {
  if (line.kind === "scenario") expected(run, line);
  else if (line.kind === "verdict") judged(run, line);
  else if (line.kind === "passed") pass(run, line.at_s);
  else if (line.kind === "error") run.end.replaceChildren(element("pre", { className: "bad", textContent: line.text }));
  else if (line.kind !== "end") happened(run, line);
}

function finish(run, result) {
  pass(run, run.end_s);
  if (result.state === "held" || result.state === "failed") {
    const words = element("strong", { className: result.state === "held" ? "good" : "bad", textContent: t(result.state === "held" ? "Every expectation held." : "Not every expectation held.") });
    const reports = [["html", "Report"], ["xml", "JUnit"]].map(([form, label]) => button(t(label), () =>
      download(`/lab/v1/runs/${result.id}/report.${form}`, `${result.scenario}.${form}`).catch((error) => showMessage(error.message, true)), result.scenario));
    run.end.replaceChildren(words, ...reports);
  } else if (result.state === "stopped") {
    run.end.replaceChildren(element("strong", { textContent: t("Stopped before its end.") }));
  }
}

function watch(holder, number, alive, ended) {
  const run = build(holder);
  const stop = button(t("Stop"), () => ask(`/lab/v1/runs/${number}`, { method: "DELETE" }), `${number}`);
  run.end.replaceChildren(stop);
  let over = false;
  repeat(async () => {
    const result = await get(`/lab/v1/runs/${number}?after=${run.next}`);
    run.next = result.next;
    for (const line of result.lines) showLine(run, line);
    if (result.state !== "running" && !over) {
      over = true;
      finish(run, result);
      ended();
    }
  }, AT_ONCE_MS, () => alive() && !over && shown === number);
}

export function page(root, alive) {
  const holder = element("div", { id: "run" });
  const choice = element("select");
  choice.setAttribute("aria-label", t("scenario"));
  const speed = element("select", {}, ...SPEEDS.map(([value, label]) => element("option", { value, textContent: t(label) })));
  speed.setAttribute("aria-label", t("speed"));
  const start = button(t("Run"), run, t("scenario"));
  root.append(section(t("Scenarios"), element("p", { className: "actions" }, choice, speed, start)), holder);

  function show(number) {
    shown = number;
    start.disabled = true;
    watch(holder, number, alive, () => { start.disabled = false; });
  }
  async function run() {
    const body = { speed: speed.value };
    const made = await send(`/lab/v1/scenarios/${encodeURIComponent(choice.value)}/runs`, body, `${choice.value}: ${t("started")}`);
    if (made) show(made.id);
  }
  (async () => {
    const { scenarios, running } = await get("/lab/v1/scenarios");
    if (!alive()) return;
    choice.replaceChildren(...scenarios.map(({ name, title }) => element("option", { value: name, textContent: title ? `${name}: ${title}` : name })));
    if (running ?? shown) show(running ?? shown);
  })().catch((error) => showMessage(error.message, true));
  return () => {};
}
