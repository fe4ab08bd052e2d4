"""Reading JSON: two parsers, one answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.decode.json_text import MAX_NESTING, compact, dumps, loads, read_event
from pipeline.errors import DecodeError

DISPUTED = [
    '"\\ud800"',
    '{"\\udfff": "\\ud83d\\u0041"}',
    '"\ud800"',
    "1e400",
    "-1e400",
    "NaN",
    "[Infinity, -Infinity]",
    "18446744073709551616",
    "-9223372036854775809",
    "123456789012345678901234567890",
    "1" * 4300,
    "-0",
    "-0.0",
    "1.0",
    "1E5",
    "5e-324",
    "123456789012345678901.5e3",
    '{"a": 1, "a": 2}',
    '{"a": 1, "\\u0061": 2}',
    '"\\u0000"',
    "[" * 900 + "]" * 900,
    " \t\r\n{} \n",
]


@pytest.mark.parametrize("text", DISPUTED, ids=lambda text: text[:30])
def test_what_parsers_dispute_is_read_as_the_standard_library_reads_it(text: str) -> None:
    """Value and type: `repr` tells 1 from 1.0 from True, and -0.0 from 0."""
    assert repr(loads(text)) == repr(json.loads(text))


REFUSED = [
    "",
    " ",
    "{",
    "[1,]",
    "{'a': 1}",
    "01",
    "nul",
    '"\\x"',
    '"\t"',
    "1" * 5000,
    "[" * 100_000,
    "\ufeff{}",
    "{} {}",
    "\0",
]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:30]))
def test_what_the_standard_library_refuses_is_not_json(text: str) -> None:
    """However it refuses: a syntax error, too many digits, too deep."""
    with pytest.raises(DecodeError) as caught:
        loads(text)
    assert caught.value.reason == "not JSON"


TOO_MUCH: list[tuple[str, Any]] = [
    ("1" * 4301, float("inf")),
    ("-" + "1" * 4301, float("-inf")),
    ("1" * 4300, int("1" * 4300)),
    ("[" + "1" * 5000 + ', "a"]', [float("inf"), "a"]),
]


@pytest.mark.parametrize(("value", "expected"), TOO_MUCH, ids=range(len(TOO_MUCH)))
def test_an_integer_of_too_many_digits_is_what_numbers_beyond_a_double_are(value: str, expected: Any) -> None:
    """It costs the event nothing else."""
    assert read_event(f'{{"a": {value}, "b": 1}}') == {"a": expected, "b": 1}


@pytest.mark.parametrize("depth", [MAX_NESTING + 1, 500, 5_000, 50_000])
@pytest.mark.parametrize("inner", ['{"a":1}', "[]", '"]]}"', '"\\"["', "1" * 5000, ""])
def test_an_event_that_is_nested_too_deeply_keeps_its_upper_levels(inner: str, depth: int) -> None:
    """What stands below is left out, whatever this Python could read; what stands after it is not."""
    value = read_event(
        f'{{"deep": {"[" * depth}{inner}{"]" * depth}, "also": {{"b": [{"[" * 100}{"]" * 100}]}}, "c": 1}}'
    )
    assert (list(value), value["c"]) == (["deep", "also", "c"], 1)
    levels, deep = 0, value["deep"]
    while deep and levels < depth:
        (deep,), levels = deep, levels + 1
    assert (levels, deep) == (MAX_NESTING - 1, [])
    assert len(json.dumps(value["also"])) == len('{"b": []}') + 200


@pytest.mark.parametrize("text", ["[]", "1", '"text"', "null", "true", "NaN", "1" * 5000, "[" * 5000 + "]" * 5000])
def test_an_event_is_an_object(text: str) -> None:
    """Other JSON values are no events."""
    with pytest.raises(DecodeError, match="not an object"):
        read_event(text)


COMPACTED = [
    ('{ "a" : 1 ,\n "b" : [ ] }', '{"a":1,"b":[]}'),
    ('{"a b" : "c  d\\" e" }', '{"a b":"c  d\\" e"}'),
    ("[1.000e5, 1E400, 123456789012345678901234567890]", "[1.000e5,1E400,123456789012345678901234567890]"),
    ('{"a": "\\u00e9 é", "a": 2}', '{"a":"\\u00e9 é","a":2}'),
    ('{"a": "\\ud800 x", "b": "\\\\"}', '{"a":"\\ud800 x","b":"\\\\"}'),
    ('{"a": NaN}', '{"a":NaN}'),
    ("[" * 3000 + " 1 " + "]" * 3000, "[" * 3000 + "1" + "]" * 3000),
]


@pytest.mark.parametrize(("text", "expected"), COMPACTED, ids=lambda text: text[:30])
def test_compacting_takes_out_whitespace_and_nothing_else(text: str, expected: str) -> None:
    """Numbers, escapes and repeated keys stay as they are written, also in what only the standard library reads."""
    assert compact(text) == expected


def test_compacting_an_endless_string_of_escaped_quotes_ends() -> None:
    """Text that is no JSON is scanned once, not once a quote."""
    text = '{"' + '\\"' * 500_000
    assert compact(text) == text


WRITTEN: list[tuple[Any, str]] = [
    ({"a": [1, None]}, '{"a":[1,null]}'),
    ("é", '"é"'),
    ("\ud800", '"\\ud800"'),
    ("a\udfffb", '"a\\udfffb"'),
    ('"\n', '"\\"\\n"'),
]


@pytest.mark.parametrize(("value", "expected"), WRITTEN)
def test_json_is_written_compactly_and_always_encodable(value: Any, expected: str) -> None:
    """Lone surrogates become escapes, so that the text is UTF-8."""
    assert dumps(value) == expected
    dumps(value).encode()
