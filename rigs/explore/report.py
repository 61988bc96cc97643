"""Reports of a search, for programs and for builds. Nothing of the machine and its time is in it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ridethrough.rigs.explore.explorer import Result
from ridethrough.rigs.explore.invariants import INVARIANTS
from ridethrough.rigs.explore.runner import Reduced


def document(rig: str, seed: int, result: Result, files: Sequence[str]) -> dict[str, Any]:
    """Return the result as JSON has it; `files` are the scenarios, one for each finding, or none."""
    written: Sequence[str | None] = files or [None] * len(result.findings)
    return {
        "rig": rig,
        "seed": seed,
        "runs": result.runs,
        "finished": result.finished,
        "findings": [
            {**_finding(found), "scenario": file} for found, file in zip(result.findings, written, strict=True)
        ],
    }


def _finding(found: Reduced) -> dict[str, Any]:
    violation = found.violation
    return {
        **violation._asdict(),
        "timeline": [action._asdict() for action in found.plan.timeline],
        "patch": dict(found.plan.patch),
        "also": [list(item.key) for item in found.others],
        "shown_again": found.run is not None,
    }


def junit_of(rig: str, result: Result) -> str:
    """Return a JUnit report: a case for each invariant, failed with the first of its violations."""
    first: Mapping[str, Reduced] = {found.violation.invariant: found for found in reversed(result.findings)}
    root = ET.Element("testsuites")
    tests, failures = str(len(INVARIANTS)), str(len(first))
    suite = ET.SubElement(root, "testsuite", {"name": f"explore {rig}", "tests": tests, "failures": failures})
    for invariant in INVARIANTS:
        case = ET.SubElement(suite, "testcase", {"classname": f"explore.{rig}", "name": invariant.name})
        for found in result.findings:
            if found.violation.invariant == invariant.name:
                failure = ET.SubElement(case, "failure", {"message": found.violation.text})
                failure.text = "\n".join(line_of(found))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def line_of(found: Reduced) -> list[str]:
    """Return the timeline of a finding, a line for each action."""
    lines = [f"{action.at_s:>8g} s  {action.words}" for action in found.plan.timeline]
    return [*lines, *([f"          on a rig with {dict(found.plan.patch)}"] if found.plan.patch else [])]


def told(result: Result) -> str:
    """Return what was found as a message: each violation, and its timeline as lines of a scenario."""
    parts = []
    for found in result.findings:
        lines = [f"{found.violation.invariant}: {found.violation.text}"]
        lines += [f"  - {{at: {action.at_s:g}, do: {action.words}}}" for action in found.plan.timeline]
        lines += [f"  patch: {dict(found.plan.patch)}"] if found.plan.patch else []
        lines += [f"  also: {', '.join(' of '.join(item.key) for item in found.others)}"] if found.others else []
        parts.append("\n".join(lines))
    return "\n".join([f"{len(result.findings)} found in {result.runs} runs", *parts])
