"""Results of benchmarks against peers: rows of figures as JSON, and a chart of all of them.

Each benchmark keeps its rows in docs/benchmarks.json; `python -m benchmarks.results` draws docs/benchmarks.svg of them.
"""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Mapping, Sequence
from html import escape
from math import log
from pathlib import Path
from typing import Any, NamedTuple

DOCS = Path(__file__).parents[1] / "docs"
FILE, CHART = DOCS / "benchmarks.json", DOCS / "benchmarks.svg"
OURS = ("ridethrough", "compiled")
COLOURS = {"ridethrough": "#1f5fbf", "compiled": "#17744a"}
WIDTH, LEFT, RIGHT, BAR, GAP, HEAD = 900, 330, 30, 13, 12, 46
TICKS = (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256)


class ResultRow(NamedTuple):
    """One path: rates a second of each contestant, round by round, and how many times a peer we want to be."""

    path: str
    rates: Mapping[str, Sequence[float]]
    targets: Mapping[str, float | None]


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def keep(benchmark: str, rows: Sequence[ResultRow]) -> None:
    """Put a benchmark's rows in the place of its last ones."""
    document: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
    document[benchmark] = {
        "day": time.strftime("%Y-%m-%d"),
        "machine": processor(),
        "python": platform.python_version(),
        "rows": [
            {
                "path": row.path,
                "per_s": {
                    name: {
                        "min": round(min(found)),
                        "median": round(statistics.median(found)),
                        "max": round(max(found)),
                    }
                    for name, found in row.rates.items()
                },
                "ratios": {
                    peer: {
                        **{name: _ratio(row, name, peer) for name in OURS if name in row.rates},
                        **({"target": target} if target else {}),
                    }
                    for peer, target in row.targets.items()
                },
            }
            for row in rows
        ],
    }
    FILE.write_text(json.dumps(dict(sorted(document.items())), indent=1) + "\n", encoding="utf-8")


def _ratio(row: ResultRow, name: str, peer: str) -> float:
    return round(statistics.median(row.rates[name]) / statistics.median(row.rates[peer]), 2)


def chart(document: Mapping[str, Any]) -> str:
    """Return a chart of our figures as multiples of each peer's, on a logarithmic axis, with the target."""
    lines = [
        (f"{row['path']} / {peer}", ratios)
        for benchmark in document.values()
        for row in benchmark["rows"]
        for peer, ratios in row["ratios"].items()
    ]
    height = HEAD + len(lines) * (2 * BAR + GAP) + 10
    low, high = TICKS[0] / 2, TICKS[-1] * 2
    parts = []
    for tick in TICKS:
        x = _x(tick, low, high)
        weight = "1.5" if tick == 1 else "0.5"
        parts.append(
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{HEAD - 6}" y2="{height}" stroke="#8888" stroke-width="{weight}"/>'
        )
        parts.append(f'<text x="{x:.0f}" y="{HEAD - 12}" text-anchor="middle">{tick:g}</text>')
    for at, (label, ratios) in enumerate(lines):
        y = HEAD + at * (2 * BAR + GAP)
        parts.append(f'<text x="{LEFT - 8}" y="{y + BAR + 4}" text-anchor="end">{escape(label)}</text>')
        for below, name in enumerate(name for name in OURS if name in ratios):
            end = _x(ratios[name], low, high)
            top = y + below * BAR
            parts.append(
                f'<rect x="{LEFT}" y="{top}" width="{end - LEFT:.0f}" height="{BAR - 2}" fill="{COLOURS[name]}"/>'
            )
            parts.append(f'<text x="{LEFT + 5}" y="{top + BAR - 3}" font-size="10" fill="#fff">{ratios[name]:g}</text>')
        if "target" in ratios:
            x = _x(ratios["target"], low, high)
            parts.append(f'<path d="M{x:.0f} {y - 3}V{y + 2 * BAR + 1}" stroke="#b3261e" stroke-width="2.5"/>')
    legend = "".join(
        f'<rect x="{LEFT + 130 * at}" y="4" width="10" height="10" fill="{COLOURS[name]}"/>'
        f'<text x="{LEFT + 14 + 130 * at}" y="13">{"checkout" if name == "ridethrough" else "compiled wheel"}</text>'
        for at, name in enumerate(OURS)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui, sans-serif" '
        f'font-size="12"><title>Rates, as multiples of each peer</title>'
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>'
        f'{legend}<text x="{LEFT + 265}" y="13" fill="#b3261e">| target</text>{"".join(parts)}</svg>\n'
    )


def _x(value: float, low: float, high: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * log(max(value, low) / low) / log(high / low)


def main() -> None:
    document = json.loads(FILE.read_text())
    CHART.write_text(chart(document), encoding="utf-8")
    for name, benchmark in document.items():
        for row in benchmark["rows"]:
            for peer, ratios in row["ratios"].items():
                ours = ", ".join(f"{who} {ratios[who]:g}" for who in OURS if who in ratios)
                print(f"{name:<9}{row['path']:<37}{peer:<11}{ours:<32}target {ratios.get('target', '-')}")


if __name__ == "__main__":
    main()
