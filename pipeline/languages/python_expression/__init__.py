"""Python expressions over the flattened event, as terraform-aws-cloudtrail-to-slack's rules have them.

docs/python-expressions.md is the specification.
"""

from __future__ import annotations

from pipeline.languages.condition import Condition
from pipeline.languages.python_expression.guard import guard_tree
from pipeline.languages.python_expression.program import PythonProgram, checked_expression, program

__all__ = ["PythonProgram", "parse", "program"]


def parse(text: str) -> Condition:
    """Compile an expression to its program and the tree of the events that it may be true for.

    Raises RuleError, with position, line and hint, for what is no expression or not in the language.
    """
    expression = checked_expression(text)
    return Condition(guard_tree(expression), PythonProgram(text, expression))
