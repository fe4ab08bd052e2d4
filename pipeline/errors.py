"""Everything that can go wrong, by whose fault it is and what happens next.

    TrailwireError
      AuthorError                 the author's mistake: reported with file, line and hint; exit 2; a deploy stops
        ConfigError               one or more problems of a configuration, all reported at once
        RuleError                 a rule's text cannot be compiled
          PatternError            a CloudWatch Logs filter pattern is not one
      ProgramError                a rule's program went wrong on one event; the batch and the other rules go on
        ProgramFailed             an ordinary failure (missing key, wrong type): no match, told once a window
        ProgramUndecided          a resource limit or an engine failure: told as "could not be decided"
      DecodeError                 the data's fault: quarantined whole, counted, the batch goes on
      DeliveryError               a destination did not take a message
        RateLimited               it said when to come back
        Unavailable               it may come back by itself; `ambiguous` if the message may have arrived
        Rejected                  it will not take this message, or none at all, until somebody mends something
      StateError                  the state store did not answer: fail towards telling, better twice than never

Return or raise, never log and go on.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class TrailwireError(Exception):
    """Everything this package raises on purpose."""


class Problem(msgspec.Struct, frozen=True):
    """One mistake an author made, where it stands and how to mend it."""

    where: str
    """`file:line`, or whatever locates the mistake best."""
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """One line as a compiler prints it."""
        return f"{self.where}: {self.message}" + (f" (hint: {self.hint})" if self.hint else "")


def did_you_mean(word: str, known: Iterable[str], *, cutoff: float = 0.6) -> str:
    """Guess what was meant, as a hint: `did you mean "..."?`, or nothing where no known word is close enough."""
    import difflib  # only mistakes need it, and cold starts are billed

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=cutoff)
    return f'did you mean "{close[0]}"?' if close else ""


class AuthorError(TrailwireError):
    """The author's mistake."""


class ConfigError(AuthorError):
    """A configuration that cannot be used; carries every problem found, in file order."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class RuleError(AuthorError):
    """A rule's text cannot be compiled.

    `position` counts characters from 0 into the rule's own text, `line` counts lines from 1; either may be unknown.
    """

    def __init__(self, message: str, *, position: int | None = None, line: int | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.line = line
        self.hint = hint

    def __str__(self) -> str:
        """Message, place and hint in one line."""
        place = f" at position {self.position}" if self.position is not None else ""
        return f"{self.message}{place}" + (f" (hint: {self.hint})" if self.hint else "")


class PatternError(RuleError):
    """A CloudWatch Logs filter pattern that AWS would reject, or that cannot be trusted to mean what it seems to."""


class ProgramError(TrailwireError):
    """A rule's program went wrong on one event."""


class ProgramFailed(ProgramError):
    """An ordinary failure, such as a missing key: the rule does not match this event."""


class ProgramUndecided(ProgramError):
    """A resource limit or an engine failure: nobody knows, and someone may have crafted the event, so it is told."""


class DecodeError(TrailwireError):
    """Input that cannot be read. `reason` is a short stable phrase that metrics count by."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DeliveryError(TrailwireError):
    """A destination did not take a message."""


class RateLimited(DeliveryError):
    """The destination said when to come back."""

    def __init__(self, retry_after_s: float, scope: str = "") -> None:
        super().__init__(f"rate limited, retry after {retry_after_s:g} s" + (f" ({scope})" if scope else ""))
        self.retry_after_s = retry_after_s
        self.scope = scope


class Unavailable(DeliveryError):
    """The destination may come back by itself. `ambiguous` says that the message may have arrived all the same."""

    def __init__(self, reason: str, *, ambiguous: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.ambiguous = ambiguous


class Fault(StrEnum):
    """What a rejection is about, and so what it spoils."""

    MESSAGE = "message"  # this message only: say it in plain text, once
    DESTINATION = "destination"  # every message to this channel, topic or address
    CREDENTIAL = "credential"  # every message sent with this token: refetch the secret, once


class Rejected(DeliveryError):
    """The destination will not take this, however often it is asked."""

    def __init__(self, reason: str, fault: Fault) -> None:
        super().__init__(f"{reason} ({fault})")
        self.reason = reason
        self.fault = fault


class StateError(TrailwireError):
    """The state store did not answer, or not in time."""
