"""A report of scenarios as JUnit XML, for whatever shows the results of a build."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from ridethrough.rigs.scenario.runner import Report


def junit_of(reports: Sequence[Report]) -> str:
    """One suite for each scenario, one case for each expectation. Times of the machine are left out on purpose."""
    root = ET.Element("testsuites")
    for report in reports:
        failed = sum(not verdict.held for verdict in report.verdicts)
        suite = ET.SubElement(
            root,
            "testsuite",
            {
                "name": report.scenario.scenario,
                "tests": str(len(report.verdicts)),
                "failures": str(failed),
                "time": f"{report.scenario.end_s:g}",
            },
        )
        for index, verdict in enumerate(report.verdicts, 1):
            first, last = verdict.step.window
            name = f"{index}. {verdict.step.words} [{first:g}..{last:g} s]"
            case = ET.SubElement(suite, "testcase", {"classname": report.scenario.scenario, "name": name})
            if not verdict.held:
                ET.SubElement(case, "failure", {"message": verdict.detail})
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
