"""The tests that docs/testing-rules.md shows rule authors are run as it prints them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs/testing-rules.md").read_text(encoding="utf-8")
DESTINATION = """
[[route]]
destinations = ["security"]
[[destination]]
id = "security"
type = "slack"
channel = "C0123456789"
token = "env:SLACK_BOT_TOKEN"
"""


def test_the_documented_tests_pass(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "test_rules.py").write_text(code, encoding="utf-8")
    (tmp_path / "trailwire.toml").write_text(_first_rule() + DESTINATION, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_rules.py"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert "2 passed" in run.stdout


def _first_rule() -> str:
    """Return the rule, with its tests, that the page begins with."""
    block = re.search(r"(?:^    .*\n)+", PAGE, re.MULTILINE)
    assert block is not None
    return re.sub(r"^    ", "", block.group(), flags=re.MULTILINE)
