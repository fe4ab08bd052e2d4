"""Imports run one way: each layer imports only from those above it, and the core touches nothing of the world."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PIPELINE = Path(__file__).parents[2] / "pipeline"

LAYERS = (
    ("errors",),
    ("checks",),
    ("text_pairs",),
    ("predicate",),
    ("printer",),
    ("decode",),
    ("event",),  # below decode, with whose reader it reads the policies that lie in events as text
    ("languages",),
    ("rules",),
    ("state",),
    ("alerts",),
    ("render",),
    ("tuning",),
    # ---- the rim ----
    ("aws",),
    ("destinations",),  # below aws, with whose clients it calls SNS and SES
    ("runtime",),
    ("testing",),  # above local, whose simulation is made of what it builds
    ("local", "bench"),
    ("cli",),
)
RIM = frozenset({"aws", "destinations", "runtime", "testing", "local", "bench", "cli"})
WORLD = frozenset(
    {
        *("boto3", "botocore", "urllib3", "requests", "socket", "http", "ssl", "slack_sdk", "moto", "click"),
        *("os", "io", "pathlib", "shutil", "tempfile", "time", "random", "subprocess", "signal", "logging"),
    }
)
"""What only the rim may import: AWS, HTTP, the environment, the disk, the clock, chance."""

ALLOWED = {
    # libjq knows no time limit: a process that can be ended is the only way to bound it
    "languages/jq/engine.py": {"os", "pathlib", "signal", "subprocess"},
    "languages/jq/worker.py": {"os", "signal", "time"},
    "rules/ruleset.py": {"pathlib"},  # `load` is the wrapper around `parse`, which is pure
}
WORLDLY_CALL = re.compile(r"open|print|input|.+\.(now|utcnow|today)")
"""Built-in functions, and how datetime and date are asked for the time."""

MODULES = sorted(path.relative_to(PIPELINE).as_posix() for path in PIPELINE.rglob("*.py"))


def rank(module: str) -> int:
    """The place of a module's layer, from 0."""
    name = module.split("/", maxsplit=1)[0].removesuffix(".py")
    return next((i for i, layer in enumerate(LAYERS) if name in layer), -1)


def imports(module: str) -> Iterator[str]:
    """Every module that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse((PIPELINE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "a module is imported by its whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(module: str) -> Iterator[str]:
    """The name of everything that a file calls, as it is written."""
    for node in ast.walk(ast.parse((PIPELINE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


@pytest.mark.parametrize("module", [module for module in MODULES if module != "__init__.py"])
def test_a_module_imports_only_from_its_own_layer_and_those_above(module: str) -> None:
    assert rank(module) >= 0, f"{module} belongs to no layer"
    inner = [name.removeprefix("pipeline.").split(".")[0] for name in imports(module) if name.startswith("pipeline.")]
    assert [name for name in inner if rank(name) > rank(module)] == []


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.split("/")[0].removesuffix(".py") not in RIM]
)
def test_the_core_touches_nothing_of_the_world(module: str) -> None:
    assert {name.split(".")[0] for name in imports(module)} & WORLD == ALLOWED.get(module, set())
    assert not [name for name in calls(module) if WORLDLY_CALL.fullmatch(name)]


@pytest.mark.parametrize("module", [m for m in MODULES if m.startswith(("runtime", "aws", "destinations", "decode"))])
def test_lambda_imports_nothing_that_is_not_shipped(module: str) -> None:
    assert {name.split(".")[0] for name in imports(module)} & {
        "moto",
        "click",
        "sigma",
        "yaml",
        "awslambdaric",
    } == set()


BROAD_EXCEPTS = {
    "cli/main.py",  # the command line's edge
    "languages/condition.py",  # around a rule's program
    "local/functions.py",  # stands in for Lambda, whose runtime takes whatever a handler raises
    "local/simulation/timeline.py",  # carries whatever a simulated invocation raises to whoever started it
}


@pytest.mark.parametrize("module", MODULES)
def test_only_the_edges_catch_everything(module: str) -> None:
    handlers = [
        node
        for node in ast.walk(ast.parse((PIPELINE / module).read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
    ]
    assert all(node.type is not None for node in handlers), "an except clause names what it takes"
    caught = {ast.unparse(part) for node in handlers if node.type for part in ast.walk(node.type)}
    assert (module in BROAD_EXCEPTS) == bool({"Exception", "BaseException"} & caught)
