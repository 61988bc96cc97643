"""A row of the table of mutations."""

from __future__ import annotations

from typing import NamedTuple


class Mutation(NamedTuple):
    """A rule, where it stands, and how it is broken.

    `scenarios` are those that are expected to mind; when none of them does, all others are tried.
    """

    section: str
    rule: str
    file: str
    old: str
    new: str
    scenarios: tuple[str, ...]


def rows(section: str, file: str, *rules: tuple[str, str, str, str]) -> tuple[Mutation, ...]:
    """Rows of a rule, its text, the broken text, and the scenarios expected to mind."""
    return tuple(Mutation(section, rule, file, old, new, tuple(names.split())) for rule, old, new, names in rules)
