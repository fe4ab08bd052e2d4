"""CloudWatch Logs filter patterns: the language of metric filters, subscription filters and log searches.

    parse(text) -> FilterPattern          a Condition; raises PatternError
    FilterPattern.matches(message)        for a raw log message, JSON or not, or an event
    str(pattern)                          the canonical form; parse(str(pattern)) == pattern
    explain(text or pattern)              what it means in plain words, and its traps
    program(source)                       the program of a space-delimited pattern, rebuilt from its text

`docs/filter-patterns.md` is the specification.
"""

from pipeline.languages.filter_pattern.explanation import Explanation, explain
from pipeline.languages.filter_pattern.pattern import MAX_LENGTH, FilterPattern, parse, program
from pipeline.languages.filter_pattern.traps import Trap

__all__ = ["MAX_LENGTH", "Explanation", "FilterPattern", "Trap", "explain", "parse", "program"]
