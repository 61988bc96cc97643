"""A report of scenarios as one page: for each a chart with a lane for each device, and every expectation below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ridethrough.rigs.scenario.runner import Report
from ridethrough.rigs.scenario.seen import SeenState

WIDTH, LEFT, LANE, BAR = 1100, 170, 26, 14
TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 3600, 7200, 21_600, 43_200, 86_400)
MAX_TICKS = 12
COLOURS = {
    "running": "#2f7d4f",
    "on": "#2f7d4f",
    "on-line": "#2f7d4f",
    "ready": "#2f7d4f",
    "on-battery": "#c77700",
    "shutting-down": "#c77700",
    "stopping": "#c77700",
    "booting": "#3b73b9",
    "spinning-up": "#3b73b9",
    "waiting": "#8a63b8",
    "hung": "#b3261e",
}
OFF = "#9aa3ad"
STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:14px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1140px;padding:0 1em}"
    "svg{width:100%;height:auto;font:11px system-ui,sans-serif}svg text{fill:currentColor}"
    ".grid{stroke:currentColor;opacity:.15}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:3px 8px;border-bottom:1px solid #8884;"
    "vertical-align:top}.no{color:#b3261e;font-weight:600}.ok{color:#2f7d4f}td.t{white-space:nowrap}"
)


def html_of(reports: Sequence[Report]) -> str:
    """Self-contained: no script, nothing loaded."""
    failed = [report for report in reports if not report.held]
    head = f"{len(reports) - len(failed)} of {len(reports)} scenarios held"
    index = " · ".join(
        f'<a class="{_mark(report.held)}" href="#{escape(report.scenario.scenario)}">'
        f"{escape(report.scenario.scenario)}</a>"
        for report in reports
    )
    body = "".join(_section(report) for report in reports)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{head}</title><style>{STYLE}</style></head>'
        f"<body><h1>{head}</h1><p>{index}</p>{body}</body></html>\n"
    )


def _mark(held: bool) -> str:
    return "ok" if held else "no"


def _section(report: Report) -> str:
    scenario = report.scenario
    rows = "".join(
        f'<tr><td class="{_mark(verdict.held)}">{"held" if verdict.held else "failed"}</td>'
        f'<td class="t">{verdict.step.window[0]:g} to {verdict.step.window[1]:g} s</td>'
        f"<td>{escape(verdict.step.words)}</td><td>{escape(verdict.detail)}</td><td>{escape(verdict.step.section)}</td></tr>"
        for verdict in report.verdicts
    )
    return (
        f'<section><h2 id="{escape(scenario.scenario)}">{escape(scenario.scenario)}'
        f"{': ' if scenario.title else ''}{escape(scenario.title)}</h2>{_chart(report)}"
        "<table><thead><tr><th>verdict</th><th>window</th><th>expected</th><th>seen</th><th>documents</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _chart(report: Report) -> str:
    end_s = max(report.scenario.end_s, 1.0)

    def x(at_s: float) -> float:
        return LEFT + (WIDTH - LEFT - 10) * min(max(at_s, 0.0), end_s) / end_s

    lanes = _lanes(report)
    height = LANE * (len(lanes) + 2)
    step = next((tick for tick in TICKS if end_s / tick <= MAX_TICKS), TICKS[-1])
    parts = [
        f'<line class="grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="0" y2="{height - 18}"/>'
        f'<text x="{x(at):.1f}" y="{height - 4}" text-anchor="middle">{at:g} s</text>'
        for at in _multiples(step, end_s)
    ]
    for at, (name, marks, history) in enumerate(lanes):
        y = LANE * at + 6
        parts.append(f'<text x="4" y="{y + BAR - 2}">{escape(name)}</text>')
        parts += [
            f'<rect x="{x(first):.1f}" y="{y}" width="{max(1.0, x(last) - x(first)):.1f}" height="{BAR}" '
            f'fill="{COLOURS.get(word, OFF)}">'
            f"<title>{escape(name)} {escape(word)} from {first:g} to {last:g} s</title></rect>"
            for first, last, word in _spans(history, end_s)
        ]
        parts += [
            f'<circle cx="{x(mark):.1f}" cy="{y + BAR / 2}" r="4" fill="#111" stroke="#fff">'
            f"<title>{escape(words)} at {mark:g} s</title></circle>"
            for mark, words in marks
        ]
    y = LANE * len(lanes) + 6
    parts.append(f'<text x="4" y="{y + BAR - 2}">expectations</text>')
    for verdict in report.verdicts:
        first, last = verdict.step.window
        colour = "#2f7d4f" if verdict.held else "#b3261e"
        parts.append(
            f'<rect x="{x(first):.1f}" y="{y}" width="{max(3.0, x(last) - x(first)):.1f}" height="{BAR}" '
            f'fill="{colour}" fill-opacity="{0.25 if verdict.held else 0.8}"><title>{escape(verdict.step.words)}: '
            f"{escape(verdict.detail)}</title></rect>"
        )
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="timeline">{"".join(parts)}</svg>'


def _multiples(step: float, end_s: float) -> Iterable[float]:
    return (step * count for count in range(int(end_s / step) + 1))


Lane = tuple[str, list[tuple[float, str]], list[SeenState]]


def _lanes(report: Report) -> list[Lane]:
    """Devices whose state changes or that something is said of, and the controllers."""
    seen = report.seen
    marks: dict[str, list[tuple[float, str]]] = {}
    for event in seen.events:
        marks.setdefault(event.subject, []).append((event.at_s, event.type))
    for command in seen.commands:
        marks.setdefault(command.device, []).append((command.at_s, f"command {command.command} {command.state}"))
    for order in seen.orders:
        marks.setdefault(order.device, []).append((order.at_s, " ".join((order.input, *order.args))))
    for note in seen.notes:
        marks.setdefault(note.controller, []).append((note.at_s, f"{note.mark} {note.subject} {note.text}".strip()))
    history: dict[str, list[SeenState]] = {}
    for state in seen.states:
        history.setdefault(state.device, []).append(state)
    names = [name for name in history if name in marks or len({_word(item) for item in history[name]}) > 1]
    names += [name for name in marks if name not in history]
    return [(name, marks.get(name, []), history.get(name, [])) for name in names]


def _word(state: SeenState) -> str:
    """Return the word of a bar: the state, or off when the outlets are."""
    word = str(state.state.get("state", ""))
    return "off" if state.state.get("output") == "off" else word


def _spans(history: list[SeenState], end_s: float) -> Iterable[tuple[float, float, str]]:
    spans: list[tuple[float, float, str]] = []
    for at, state in enumerate(history):
        last = history[at + 1].at_s if at + 1 < len(history) else end_s
        word = _word(state)
        if spans and spans[-1][2] == word:
            spans[-1] = (spans[-1][0], last, word)
        else:
            spans.append((state.at_s, last, word))
    return spans
