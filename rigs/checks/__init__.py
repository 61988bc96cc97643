"""Every rule of the documents about configurations (requirements, section 8), as a table. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml.comments import CommentedMap

from ridethrough.rigs.checks.cards import CARD_RULES
from ridethrough.rigs.checks.communication import COMMUNICATION_RULES
from ridethrough.rigs.checks.companions import COMPANION_RULES
from ridethrough.rigs.checks.devices import DEVICE_RULES
from ridethrough.rigs.checks.management import MANAGEMENT_RULES
from ridethrough.rigs.checks.mixed import MIXED_RULES
from ridethrough.rigs.checks.outage_times import TIME_RULES
from ridethrough.rigs.checks.products import PRODUCT_RULES
from ridethrough.rigs.checks.rows import Violation
from ridethrough.rigs.checks.software import SOFTWARE_RULES
from ridethrough.rigs.rigfile.schema import RigFile, load_rig
from ridethrough.rigs.rigfile.yaml import FileError, line_of, merged, read_yaml


class DocumentRule(NamedTuple):
    """One row: its name in the requirements, whether it is only a warning, where the documents say so."""

    name: str
    warning: bool
    source: str
    find: Callable[[RigFile], Iterator[Violation]]


class Finding(NamedTuple):
    """A rule that a file breaks. `text` has file, line, key, rule, and what the document says."""

    rule: str
    warning: bool
    text: str


RULES: tuple[DocumentRule, ...] = tuple(
    DocumentRule(*row)
    for row in (
        *MIXED_RULES,
        *MANAGEMENT_RULES,
        *COMMUNICATION_RULES,
        *TIME_RULES,
        *DEVICE_RULES,
        *CARD_RULES,
        *SOFTWARE_RULES,
        *PRODUCT_RULES,
        *COMPANION_RULES,
    )
)

# What the schema itself refuses, by its words, and the rule behind it.
SCHEMA_RULES: tuple[tuple[str, str, str], ...] = (
    (r"monitors\.\d+\.category", "X03", "004"),
    (r"monitors\.\d+\.keyword", "X04", "004"),
    (r"groups: the name", "X21", "003 (B)(4)"),
    (r"clusters\.[^.]+\.nodes", "C9", "003 1.7.1"),
)


def check_rig(path: Path, patch: Mapping[str, Any] | None = None) -> list[Finding]:
    """Every rule that a rig file breaks, errors first. Raises FileError for a file that is none."""
    try:
        rig = load_rig(path, patch=patch)
    except FileError as error:
        if (tagged := [_tagged(problem) for problem in error.problems]) and all(tagged):
            return [finding for finding in tagged if finding is not None]
        raise
    document = read_yaml(path)
    if patch:
        document = CommentedMap(merged(document, patch))
    findings = [
        Finding(rule.name, rule.warning, _text(path, document, rule, keys, words))
        for rule in RULES
        for keys, words in rule.find(rig)
    ]
    return sorted(findings, key=lambda finding: finding.warning)


def _text(path: Path, document: CommentedMap, rule: DocumentRule, keys: tuple[str, ...], words: str) -> str:
    kind = "warning" if rule.warning else "error"
    return f"{path}:{line_of(document, keys)}: {'.'.join(keys)}: {kind} {rule.name}: {words} ({rule.source})"


def _tagged(problem: str) -> Finding | None:
    for pattern, name, source in SCHEMA_RULES:
        if re.search(pattern, problem):
            return Finding(name, False, f"{problem} [{name}, {source}]")
    return None
