"""What a look at a configuration finds."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

FindingSeverity = Literal["note", "warning", "error"]
"""note: good to know. warning: most likely not what is meant. error: this does not work."""


class Finding(msgspec.Struct, frozen=True):
    """One thing that is doubtful, where it stands and what to do about it."""

    code: str
    """Stable name, such as `ignore-expired`; docs/configuration.md lists them."""
    severity: FindingSeverity
    where: str
    """`file:line`."""
    message: str
    hint: str = ""
    witness: Any = None
    """A value that shows it, such as an event; None where words do."""

    def __str__(self) -> str:
        """One line as a compiler prints it."""
        return f"{self.where}: {self.severity}: {self.message} [{self.code}]"


def sarif(findings: list[Finding]) -> dict[str, Any]:
    """Write findings in SARIF 2.1.0, which code hosts show beside the lines they are about."""
    return {
        "version": "2.1.0",
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "runs": [
            {
                "tool": {
                    "driver": {"name": "trailwire", "rules": [{"id": c} for c in sorted({f.code for f in findings})]}
                },
                "results": [_result(finding) for finding in findings],
            }
        ],
    }


def _result(finding: Finding) -> dict[str, Any]:
    file, _, line = finding.where.rpartition(":")
    text = f"{finding.message}. {finding.hint}" if finding.hint else finding.message
    region = {"startLine": int(line)} if line.isdecimal() else {"startLine": 1}
    location = {"artifactLocation": {"uri": file or finding.where}, "region": region}
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": text},
        "locations": [{"physicalLocation": location}],
    }
