"""A compiled rule, as conditions carry it."""

from __future__ import annotations

import ast
from typing import Any

from pipeline.errors import ProgramFailed, ProgramUndecided
from pipeline.languages.condition import Verdict
from pipeline.languages.python_expression.evaluation import Run, Scope, compiled
from pipeline.languages.python_expression.operations import LimitReached
from pipeline.languages.python_expression.syntax import read_expression

MAX_REASON = 200
"""Characters of an error's text that are passed on; it may quote the event."""


class PythonProgram:
    """An expression that has been checked; it matches when its result is True itself, not merely true."""

    __slots__ = ("_run", "source")

    language = "python_expression"

    def __init__(self, source: str, expression: ast.expr) -> None:
        self.source = source
        self._run: Run = compiled(expression)

    def run(self, event: dict[str, Any], raw: str) -> Verdict:  # noqa: ARG002 - the protocol's; only jq and patterns look at it
        """Decide one event. Raises ProgramFailed as Python would raise, ProgramUndecided at a limit, nothing else."""
        try:
            return Verdict(matched=self._run(Scope(event)) is True)
        except KeyError as error:
            raise ProgramFailed(f"there is no {_shown(error)}") from error
        except (LimitReached, RecursionError, MemoryError) as error:
            raise ProgramUndecided(_shown(error) or type(error).__name__) from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ProgramFailed(f"{type(error).__name__}: {_shown(error)}") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PythonProgram) and other.source == self.source

    def __hash__(self) -> int:
        return hash((self.language, self.source))

    def __repr__(self) -> str:
        return f"PythonProgram({self.source!r})"


def program(source: str) -> PythonProgram:
    """Rebuild a program from its source; raises RuleError."""
    return PythonProgram(source, checked_expression(source))


def checked_expression(text: str) -> ast.expr:
    """Return the syntax tree of a rule that is allowed, and whose constants are no bombs; raises RuleError."""
    expression, source = read_expression(text)
    for node in ast.walk(expression):
        if isinstance(node, ast.BinOp) and not any(isinstance(each, ast.Name) for each in ast.walk(node)):
            try:
                PythonProgram(text, node).run({}, "")
            except ProgramUndecided as error:
                raise source.error(node, f"this computes {error}") from error
            except ProgramFailed:
                continue  # it may stand where it is never reached
    return expression


def _shown(error: BaseException) -> str:
    text = str(error)
    return text if len(text) <= MAX_REASON else f"{text[:MAX_REASON]}..."
