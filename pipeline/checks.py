"""The checks a predicate tree's leaf can make of one JSON value.

A check is a small frozen value with one question, `passes(value)`. Values are what the standard library's JSON reader
makes of an event: str, int, float, bool, None, list, dict. No check raises, whatever the value.

Checks of text look at strings; with `numbers=True` they also look at the text of a number, as CloudWatch Logs filter
patterns do. With `fold=True` they ignore case (Unicode case folding). Booleans are never numbers.
"""

from __future__ import annotations

import ipaddress
import math
from abc import abstractmethod
from decimal import Decimal
from functools import lru_cache
from typing import Any, Literal

import msgspec

TypeName = Literal["string", "number", "boolean", "null", "array", "object"]

_TYPES: dict[type, TypeName] = {
    str: "string",
    int: "number",
    float: "number",
    bool: "boolean",
    type(None): "null",
    list: "array",
    dict: "object",
}


class Check(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, tag_field="check"):
    """What all checks share: a question about one value."""

    @abstractmethod
    def passes(self, value: Any) -> bool:
        """Tell whether the value satisfies this check."""


class Exists(Check, frozen=True, tag="exists"):
    """Any value at all, null included."""

    def passes(self, value: Any) -> bool:
        return True


class IsType(Check, frozen=True, tag="type"):
    """A value of one of these JSON types."""

    types: frozenset[TypeName]

    def passes(self, value: Any) -> bool:
        return type_name(value) in self.types


class Is(Check, frozen=True, tag="is"):
    """Exactly null, true or false."""

    value: bool | None

    def passes(self, value: Any) -> bool:
        return value is self.value


class InRange(Check, frozen=True, tag="range"):
    """A number between two bounds, each open or closed or absent. `low == high` is equality.

    Compared as exact decimals, so large integers are not rounded. A number that overflowed a double has no order:
    it satisfies nothing (CloudWatch Logs, recorded).
    """

    low: Decimal | None = None
    high: Decimal | None = None
    low_open: bool = False
    high_open: bool = False

    def passes(self, value: Any) -> bool:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        if isinstance(value, float) and not math.isfinite(value):
            return False
        number = Decimal(repr(value)) if isinstance(value, float) else value
        if self.low is not None and (number <= self.low if self.low_open else number < self.low):
            return False
        return self.high is None or not (number >= self.high if self.high_open else number > self.high)


class Text(Check, frozen=True):
    """What the checks of text share."""

    fold: bool = False
    numbers: bool = False

    def passes(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.passes_text(value.casefold() if self.fold else value)
        return self.numbers and type_name(value) == "number" and self.passes_text(number_text(value))

    @abstractmethod
    def passes_text(self, text: str) -> bool:
        """Tell whether this text, already folded if the check folds, satisfies the check."""


class OneOf(Text, frozen=True, tag="one_of", kw_only=True):
    """Equal to one of these texts."""

    texts: frozenset[str]

    def __post_init__(self) -> None:
        if self.fold:
            msgspec.structs.force_setattr(self, "texts", frozenset(text.casefold() for text in self.texts))

    def passes_text(self, text: str) -> bool:
        return text in self.texts


class Prefix(Text, frozen=True, tag="prefix", kw_only=True):
    """Begins with this text."""

    text: str

    def __post_init__(self) -> None:
        _fold_text(self)

    def passes_text(self, text: str) -> bool:
        return text.startswith(self.text)


class Suffix(Text, frozen=True, tag="suffix", kw_only=True):
    """Ends with this text."""

    text: str

    def __post_init__(self) -> None:
        _fold_text(self)

    def passes_text(self, text: str) -> bool:
        return text.endswith(self.text)


class Contains(Text, frozen=True, tag="contains", kw_only=True):
    """Has this text somewhere."""

    text: str

    def __post_init__(self) -> None:
        _fold_text(self)

    def passes_text(self, text: str) -> bool:
        return self.text in text


class Glob(Text, frozen=True, tag="glob", kw_only=True):
    """Literal pieces in order with anything between: `("a", "b", "")` is `a*b*`; the first and last are anchored.

    Matching takes the leftmost place for each piece, which never backtracks.
    """

    pieces: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.fold:
            msgspec.structs.force_setattr(self, "pieces", tuple(piece.casefold() for piece in self.pieces))

    def passes_text(self, text: str) -> bool:
        if len(self.pieces) == 1:
            return text == self.pieces[0]
        first, *middle, last = self.pieces
        if len(text) < len(first) + len(last) or not (text.startswith(first) and text.endswith(last)):
            return False
        start, end = len(first), len(text) - len(last)
        for piece in middle:
            place = text.find(piece, start, end)
            if place < 0:
                return False
            start = place + len(piece)
        return True


class Regex(Text, frozen=True, tag="regex", kw_only=True):
    """An unanchored search by google-re2: linear time on any text. Build it with `regex`, which checks the pattern.

    `fold` is the pattern's own case-insensitivity here; the text is searched as it is.
    """

    pattern: str

    def passes(self, value: Any) -> bool:
        if isinstance(value, str):
            return self.passes_text(value)
        return self.numbers and type_name(value) == "number" and self.passes_text(number_text(value))

    def passes_text(self, text: str) -> bool:
        return _compiled(self.pattern, self.fold).search(scrub(text)) is not None


class Cidr(Check, frozen=True, tag="cidr"):
    """A string that is an IP address inside this network. Build it with `cidr`, which checks the network."""

    network: str

    def passes(self, value: Any) -> bool:
        if not isinstance(value, str):
            return False
        address = address_of(value)
        network = _network(self.network)
        return address is not None and address.version == network.version and address in network


AnyCheck = Exists | IsType | Is | InRange | OneOf | Prefix | Suffix | Contains | Glob | Regex | Cidr
"""Every check, for reading compiled rule sets."""


def one_of(*texts: str, fold: bool = False, numbers: bool = False) -> OneOf:
    """Build a check for one of these texts."""
    return OneOf(texts=frozenset(texts), fold=fold, numbers=numbers)


def like(*pieces: str, fold: bool = False, numbers: bool = False) -> OneOf | Prefix | Suffix | Contains | Glob:
    """Build the simplest check for literal pieces with anything between, as in `Glob`: `like("a", "")` is a prefix."""
    last = len(pieces) - 1
    match tuple(piece for i, piece in enumerate(pieces) if piece or i in (0, last)):  # twice anything is anything
        case (text,):
            return one_of(text, fold=fold, numbers=numbers)
        case (text, "") if text:
            return Prefix(text=text, fold=fold, numbers=numbers)
        case ("", text) if text:
            return Suffix(text=text, fold=fold, numbers=numbers)
        case ("", text, ""):
            return Contains(text=text, fold=fold, numbers=numbers)
        case kept:
            return Glob(pieces=kept, fold=fold, numbers=numbers)


def equals_number(number: Decimal | int) -> InRange:
    """Build a check for a number of exactly this value."""
    value = Decimal(number)
    return InRange(low=value, high=value)


def regex(pattern: str, *, fold: bool = False, numbers: bool = False) -> Regex:
    """Build a regex check; raises `re2.error`'s text as ValueError where google-re2 refuses the pattern."""
    import re2

    try:
        _compiled(pattern, fold)
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
    return Regex(pattern=pattern, fold=fold, numbers=numbers)


def cidr(network: str) -> Cidr:
    """Build a network check; raises ValueError if it is not a network. Host bits may be set."""
    return Cidr(network=str(ipaddress.ip_network(network, strict=False)))


def type_name(value: Any) -> TypeName:
    """Name a value's JSON type."""
    return _TYPES[type(value)]


def number_text(value: float) -> str:
    """Write a number as CloudWatch Logs compares it: 1 is `1`, 1.0 is `1.0`, 1e3 is `1000.0` (recorded)."""
    if isinstance(value, int):
        # int's own str refuses beyond sys.int_max_str_digits; Decimal's does not
        return str(value) if value.bit_length() < 4096 else format(Decimal(value), "f")  # noqa: PLR2004
    if not math.isfinite(value):
        return repr(value)
    text = format(Decimal(repr(value)), "f")
    return text if "." in text else f"{text}.0"


def scrub(text: str) -> str:
    """Replace lone surrogates by U+FFFD: google-re2, libjq, SQS and UTF-8 itself refuse them."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _fold_text(check: Prefix | Suffix | Contains) -> None:
    """Fold a check's own text once, so that comparing folds only the value."""
    if check.fold:
        msgspec.structs.force_setattr(check, "text", check.text.casefold())


@lru_cache(maxsize=4096)
def _compiled(pattern: str, fold: bool) -> Any:
    import re2

    options = re2.Options()
    options.case_sensitive = not fold
    options.log_errors = False
    return re2.compile(pattern, options)


@lru_cache(maxsize=1024)
def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    return ipaddress.ip_network(text)


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an IP address of either version; None for text that is none. Octal and shortened forms are none."""
    # The longest address is an IPv4-mapped IPv6 one (45) with a scope; longer text is never parsed.
    if len(text) > 64:  # noqa: PLR2004
        return None
    try:
        if ":" in text:
            return ipaddress.IPv6Address(text)
        return ipaddress.IPv4Address(text) if text[-1:].isdigit() else None
    except ValueError:
        return None
