// Run a scenario beside the rig, and watch its expectations come true or not.

import { button, element, get, repeat, say, section, send, table, wide } from "./dom.js";
import { ask, download } from "./api.js";
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
  const [mark, mood] = MARKS[line.held];
  row.className = mood;
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

function take(run, line) {
  if (line.kind === "scenario") expected(run, line);
  else if (line.kind === "verdict") judged(run, line);
  else if (line.kind === "passed") pass(run, line.at_s);
  else if (line.kind === "error") run.end.replaceChildren(element("pre", { className: "bad", textContent: line.text }));
  else if (line.kind !== "end") happened(run, line);
}

function finish(run, play) {
  pass(run, run.end_s);
  if (play.state === "held" || play.state === "failed") {
    const words = element("strong", { className: play.state === "held" ? "good" : "bad", textContent: t(play.state === "held" ? "Every expectation held." : "Not every expectation held.") });
    const reports = [["html", "Report"], ["xml", "JUnit"]].map(([form, label]) => button(t(label), () =>
      download(`/lab/v1/runs/${play.id}/report.${form}`, `${play.scenario}.${form}`).catch((error) => say(error.message, true)), play.scenario));
    run.end.replaceChildren(words, ...reports);
  } else if (play.state === "stopped") {
    run.end.replaceChildren(element("strong", { textContent: t("Stopped before its end.") }));
  }
}

function watch(holder, number, alive, ended) {
  const run = build(holder);
  const stop = button(t("Stop"), () => ask(`/lab/v1/runs/${number}`, { method: "DELETE" }), `${number}`);
  run.end.replaceChildren(stop);
  let over = false;
  repeat(async () => {
    const play = await get(`/lab/v1/runs/${number}?after=${run.next}`);
    run.next = play.next;
    for (const line of play.lines) take(run, line);
    if (play.state !== "running" && !over) {
      over = true;
      finish(run, play);
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
  const play = button(t("Run"), start, t("scenario"));
  root.append(section(t("Scenarios"), element("p", { className: "actions" }, choice, speed, play)), holder);

  function show(number) {
    shown = number;
    play.disabled = true;
    watch(holder, number, alive, () => { play.disabled = false; });
  }
  async function start() {
    const body = { speed: speed.value };
    const made = await send(`/lab/v1/scenarios/${encodeURIComponent(choice.value)}/runs`, body, `${choice.value}: ${t("started")}`);
    if (made) show(made.id);
  }
  (async () => {
    const { scenarios, running } = await get("/lab/v1/scenarios");
    if (!alive()) return;
    choice.replaceChildren(...scenarios.map(({ name, title }) => element("option", { value: name, textContent: title ? `${name}: ${title}` : name })));
    if (running ?? shown) show(running ?? shown);
  })().catch((error) => say(error.message, true));
  return () => {};
}
