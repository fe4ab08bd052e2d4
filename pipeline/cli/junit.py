"""JUnit XML, which build servers show: a suite for each rule, a case for each of its tests."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from xml.etree import ElementTree as ET

from pipeline.cli.output import visible
from pipeline.rules.testing import RuleTestResult

Timed = tuple[RuleTestResult, float, list[str]]
"""A result, the seconds it took, and what there is to say about it where it failed."""


def junit(results: Iterable[Timed]) -> str:
    """Write results as JUnit XML. Characters that XML cannot hold are written as escapes."""
    suites = [_suite(name, list(group)) for name, group in groupby(results, key=lambda each: each[0].rule.name)]
    root = ET.Element("testsuites", _counts([case for suite in suites for case in suite]))
    root.set("name", "trailwire")
    root.extend(suites)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _suite(name: str, results: list[Timed]) -> ET.Element:
    cases = [_case(*result) for result in results]
    suite = ET.Element("testsuite", {"name": visible(name), **_counts(cases)})
    suite.set("time", f"{sum(seconds for _, seconds, _ in results):.3f}")
    suite.extend(cases)
    return suite


def _case(result: RuleTestResult, seconds: float, told: list[str]) -> ET.Element:
    file, _, line = result.test.where.rpartition(":")
    case = ET.Element("testcase", {"classname": visible(result.rule.name), "name": visible(result.name)})
    case.set("file", visible(file))
    case.set("line", visible(line))
    case.set("time", f"{seconds:.3f}")
    if result.outcome != "passed":
        tag = "failure" if result.outcome == "failed" else "error"
        ET.SubElement(case, tag, {"message": visible(result.reason)}).text = "\n".join(map(visible, told))
    return case


def _counts(cases: list[ET.Element]) -> dict[str, str]:
    tags = [child.tag for case in cases for child in case]
    return {"tests": str(len(cases)), "failures": str(tags.count("failure")), "errors": str(tags.count("error"))}
