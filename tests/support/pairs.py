"""Rows of a table in which every two values of different columns meet at least once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from itertools import combinations

Row = dict[str, str]
Pair = frozenset[tuple[str, str]]


def all_pairs(columns: Mapping[str, Sequence[str]]) -> list[Row]:
    """Few rows, not the fewest: each is the best of some random ones around a pair that is still missing."""
    chance = random.Random(0)
    missing = {
        frozenset({(one, a), (other, b)})
        for one, other in combinations(columns, 2)
        for a in columns[one]
        for b in columns[other]
    }
    rows: list[Row] = []
    while missing:
        wanted = dict(min(missing, key=sorted))
        tries = [{name: chance.choice(values) for name, values in columns.items()} | wanted for _ in range(500)]
        best = max(tries, key=lambda row: len(missing & _pairs(row)))
        missing -= _pairs(best)
        rows.append(best)
    return rows


def _pairs(row: Row) -> set[Pair]:
    return {frozenset(pair) for pair in combinations(row.items(), 2)}
