"""Python expressions: what is refused and where, what fails, what is undecided, what guard trees look like."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.errors import ProgramFailed, ProgramUndecided, RuleError
from pipeline.languages.python_expression import parse, program
from pipeline.languages.python_expression.flat_event import flatten
from pipeline.languages.python_expression.operations import MAX_TEXT, LimitReached
from pipeline.languages.python_expression.syntax import MAX_DEPTH, MAX_LENGTH
from pipeline.printer import show

EVENT: dict[str, Any] = {
    "eventName": "ConsoleLogin",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/alice"},
    "errorCode": None,
    "count": 3,
    "items": [{"id": "x"}, {"id": "y"}],
    "empty": {},
}


@pytest.mark.parametrize(
    ("text", "position", "line", "hint"),
    [
        ('event["a"] = 1', 11, 1, "compare with =="),
        ('event["a"] == 1 && event["b"] == 2', 17, 1, "write and, or"),
        ("eventName == 'x'", 0, 1, 'event["eventName"]'),
        ("event.eventName == 'x'", 0, 1, 'event["userIdentity.type"]'),
        ("evnt['a'] == 'x'", 0, 1, "did you mean event?"),
        ("  event['a'] == x", 16, 1, 'event["x"]'),
        ("event['é'] == 'ü' and x", 22, 1, 'event["x"]'),
        ("event['a'] == 1\n and event['b'] == x", 35, 2, 'event["x"]'),
        ("event['a'] is 'x'", 0, 1, "compare with =="),
        ("event['a'] & True", 0, 1, "write and, or, not"),
        ("lambda: True", 0, 1, "write the expression itself"),
        ("event['a'].startwith('x')", 0, 1, "did you mean .startswith()?"),
        ("re.match('a', event['x'])", 0, 1, "use filter_pattern, sigma or jq"),
        ("event['a'] == 'x', event['b'] == 'y'", 0, 1, "write a [[rule]] for each"),
        ("event['a'] == 'x',\nevent['b'] == 'y'", 0, 1, "write a [[rule]] for each"),
        ("event['a'] == 'x' and", 21, 1, ""),
        ("event['a'] == “x”", 14, 1, "quote texts with"),
        ("event['a'] == true", 14, 1, "did you mean True?"),
        ("event['a'] == null", 14, 1, "did you mean None?"),
        ("match('a', event['x'])", 0, 1, "use filter_pattern, sigma or jq"),
        ("len == 3", 0, 1, "write len(...)"),
        ("", 0, 1, "StopLogging"),
        ("event['a'] == 'x' or 'a' * 10 ** 9 == 'b'", 21, 1, ""),
    ],
)
def test_a_mistake_is_reported_where_it_stands(text: str, position: int, line: int, hint: str) -> None:
    """Position counts characters of the author's text; the hint says how to mend the usual mistakes."""
    with pytest.raises(RuleError) as caught:
        parse(text)
    assert (caught.value.position, caught.value.line) == (position, line)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "text",
    [
        '__import__("os").system("id")',
        '__import__("os")',
        'eval("1")',
        'exec("x=1")',
        'open("/etc/passwd").read()',
        "globals()",
        'getattr(event, "keys")()',
        "().__class__.__bases__[0].__subclasses__()",
        'event.__class__.__init__.__globals__["__builtins__"]',
        'event["eventName"].__str__()',
        "event.keys",
        '"{0.__class__}".format(event)',
        '"{x}".format_map(event)',
        'f"{event.__class__}"',
        'f"{1:>1000000000}"',
        'f"{event!r}"',
        "[str][0]('x')",
        '{"f": len}["f"]("abc")',
        "sorted(event, key=len)",
        "(lambda: 1)()",
        "(x := 1) == 1",
        "[*event]",
        "{**event}",
        "len(*event)",
        "dict(**event)",
        "[x for x in event for y in event]",
        "{k: v for k, v in event.items()}",
        "any(event for event in [1])",
        "any(__x for __x in [1])",
        "any(x.y for x in [1])",
        "any(1 for x.y in [1])",
        "1 if True else (yield)",
        "await event",
        "event['a'] @ 1",
        "1 << 1000000000",
        "~1",
        "b'x' == event['a']",
        "1j",
        "...",
        "9 ** 9 ** 9 == 1",
        "'a' * 10 ** 9 == 'b'",
        "event['a'].ljust(10 ** 9)",
        "event['a'].zfill(10 ** 9)",
        "event['a'].center(10 ** 9)",
        "event['a'].expandtabs(10 ** 9)",
        "event['a'].encode()",
        "event['a'].translate({})",
        "event.update({})",
        "event.pop('a')",
        "range(10 ** 9)",
        "1; 2",
        "import os",
        "x = 1",
        "print('x')",
        "1" * 5000,
        "(" * 1000 + ")" * 1000,
        "not " * (MAX_DEPTH + 1) + "True",
        "not " * 15_000 + "True",
        "-" * 60_000 + "1",
        "event" + "['a']" * 10_000,
        "event['a'] == '" + "x" * MAX_LENGTH + "'",
        "event['\ud800'] == 'x'",
        "event['a'] == 'x'\x00",
    ],
)
def test_what_is_not_allowed_is_refused(text: str) -> None:
    """No attribute, call, name or bomb beyond the lists gets through, and no text breaks the parser."""
    with pytest.raises(RuleError):
        parse(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("event['nope'] == 'x'", "there is no 'nope'"),
        ("event['userIdentity'] == 'x'", "there is no 'userIdentity'"),
        ("event.get('nope').startswith('x')", "AttributeError"),
        ("event['errorCode'].lower() == 'x'", "AttributeError"),
        ("'x' in event['errorCode']", "TypeError"),
        ("event['count'] > 'x'", "TypeError"),
        ("event['count'] / 0 > 1", "ZeroDivisionError"),
        ("'%s' % event['eventName'] == 'x'", "TypeError"),
        ("[event['eventName']] * 3 == []", "TypeError"),
        ("event['eventName'].split('x', 'y') == []", "TypeError"),
        ("event['eventName'][99] == 'x'", "IndexError"),
        ("{}['x'] == 1", "there is no 'x'"),
        ("event[[]] == 1", "TypeError"),
        ("event.get() == 1", "TypeError"),
        ("int(event['eventName']) == 1", "ValueError"),
        ("any(a == b for a, b in ['x'])", "ValueError"),
        ("sum([event['eventName']]) == 1", "TypeError"),
        ("round(event['count'], -(10 ** 9)) == 0", "ValueError"),
        ("False or event['nope']", "there is no 'nope'"),
    ],
)
def test_an_ordinary_failure_is_no_match(text: str, reason: str) -> None:
    """What Python would raise is a ProgramFailed that says what went wrong, and the rule does not match."""
    condition = parse(text)
    assert condition.program is not None
    with pytest.raises(ProgramFailed) as caught:
        condition.program.run(EVENT, "")
    assert reason in str(caught.value)
    assert not condition.matches(EVENT)


@pytest.mark.parametrize(
    "text",
    [
        "event['text'] * event['many'] == 'x'",
        "event['many'] ** event['many'] == 1",
        "event['text'].replace('', event['text']) == 'x'",
        "event['text'].join(event['text']) == 'x'",
        "event['text'].replace('a', event['text']) == 'x'",
        "any(all(a == b for b in event['text']) for a in event['text'])",
        "str([event['text']] + [event['text']] + [event['text']]) + event['text'] * 50 == ''",
    ],
)
def test_what_an_event_blows_up_is_undecided(text: str) -> None:
    """A limit is told apart from a failure: somebody may have crafted the event."""
    event = {"text": "a" * 100_000, "many": 100_000}
    with pytest.raises(ProgramUndecided):
        program(text).run(event, "")


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("event['eventName'] == 'ConsoleLogin'", True),
        ("event['eventName']", False),
        ("1", False),
        ("1 == 1", True),
        ("bool(event['eventName'])", True),
        ("event['eventName'] and True", True),
        ("True and event['eventName']", False),
        ("event['count'] == 3.0", True),
        ("1 < event['count'] <= 3", True),
        ("event['errorCode'] is None", True),
        ("event.get('errorCode', 'x') is None", True),
        ("event.get('nope', 'x') == 'x'", True),
        ("'empty' in event", False),
        ("'userIdentity' in event", False),
        ("'errorCode' in event", True),
        ("event['items.1.id'] == 'y'", True),
        ("'items.2.id' in event", False),
        ("event['userIdentity.arn'].split('/')[-1] == 'alice'", True),
        ("event['userIdentity.arn'][:12] == 'arn:aws:iam:'", True),
        ("event['userIdentity.type'].lower() in {'iamuser', 'root'}", True),
        ("any(k.startswith('items.') and v == 'y' for k, v in event.items())", True),
        ("any(x in event['userIdentity.arn'] for x in ['bob', 'alice'])", True),
        ("all(x in event['userIdentity.arn'] for x in ['bob', 'alice'])", False),
        ("any(any(x == y for y in 'ab') for x in 'xb')", True),
        ("[x for x in 'abc' if x != 'b'] == ['a', 'c']", True),
        ("{x.upper() for x in 'aba'} == {'A', 'B'}", True),
        ("any(x == 'a' and all(x == x for x in 'q') and x == 'a' for x in 'a')", True),
        ("f'{event[\"eventName\"]}:{event[\"count\"]}' == 'ConsoleLogin:3'", True),
        ("'alice' in str(event)", True),
        ("len(event) == 7", True),
        ("sorted(event)[0] == 'count'", True),
        ("','.join(sorted(['b', 'a'])) == 'a,b'", True),
        ("max([1, event['count']], default=0) == 3", True),
        ("'x' if event['count'] > 5 else True", True),
        ("{'a': True}.get('a')", True),
        ("{'a': 1}['a'] == 1 and 'a' in {'a': 1}", True),
        ("event == {}", False),
        ("event.get('count') == event['count']", True),
        ("True or event['nope']", True),
        ("False and event['nope']", False),
        ("event['count'] * 2 + 1 - 3 == 4 and event['count'] % 2 == 1 and 7 // 2 == 3 and 2 ** 3 == 8", True),
        ("'a' * 3 == 'aaa' and -event['count'] == -3 and +1 == 1 and 3 / 2 == 1.5", True),
        ("event['count'] == 3  # a remark", True),
        ("event['eventName'] == 'ConsoleLogin'\nand event['count'] == 3", True),
        ("\n    event['count'] == 3\n", True),
    ],
)
def test_a_rule_means_what_python_means(text: str, matches: bool) -> None:
    """Only the result True itself matches."""
    assert parse(text).matches(EVENT) == matches


def test_a_long_list_of_names_fits() -> None:
    """Rules generated from long lists of event names are rules."""
    names = [f"SomeLongishEventName{i}" for i in range(1500)]
    condition = parse(f'"eventName" in event and event["eventName"] in {names!r}')
    assert condition.matches({"eventName": names[-1]})
    assert not condition.matches({"eventName": "Other"})


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('event["a"] == "x"', 'a is "x"'),
        ('event["a"] in ["x", "y"]', 'a is one of "x", "y"'),
        ('event["a"].startswith(("x", "y"))', 'a begins with "x" or a begins with "y"'),
        ('event["a"].lower().endswith("x")', 'a ends with "x" (any case)'),
        ('"x" in event["a"]', 'a contains "x"'),
        ('not event["a"].startswith("x")', 'some a with (a is of type string and not (a begins with "x"))'),
        ('event["a.b"] == "x"', 'a.b is "x" or ["a.b"] is "x"'),
        ('event["a.0"] == "x"', 'a["0"] is "x" or a[0] is "x" or ["a.0"] is "x"'),
        ('event["a"] == 1', "a is the number 1 or a is true"),
        ('event["a"] is None', "a is null"),
        ('event.get("a") is None', "a is null or not (a is a plain value)"),
        ('event["a"] != "x"', 'some a with (a is a plain value and not (a is "x"))'),
        ('any([event["a"] == "x", event["b"] == "y"])', 'a is "x" or b is "y"'),
        ('"a" in event', "a is a plain value"),
        ("len(event) > 3", "always"),
        ('event["a.b.c.d.e.f.g"] == "x"', "always"),
        ('event["a"] == "x" and len(event) > 3', 'a is "x"'),
        ("False", "never"),
    ],
)
def test_guard_trees_say_what_is_known(text: str, tree: str) -> None:
    """The tree is as tight as the expression's form allows."""
    assert show(parse(text).tree).replace("(it ", "(a ") == tree


def test_a_guard_tree_stays_small() -> None:
    """Conditions inside conditions are cut off before their trees explode."""
    text = 'event["a"] == 1'
    for level in range(18):
        text = f'(event["a"] == {level} if {text} else event["b"] == {level})'
    condition = parse(text)
    assert len(show(condition.tree)) < 1_000_000


def test_a_program_can_be_rebuilt_from_its_source() -> None:
    """A compiled rule set keeps the source only."""
    condition = parse("  event['count'] == 3")
    assert condition.program is not None
    again = program(condition.program.source)
    assert again == condition.program
    assert again.language == "python_expression"
    assert hash(again) == hash(condition.program)
    assert again.run(EVENT, "").matched


def test_the_event_is_not_changed() -> None:
    """Whatever a rule does to its flattened event, the event stays as it was."""
    before = repr(EVENT)
    parse("sorted(event.items(), reverse=True) == [] or len(list(event.values())) > 0").matches(EVENT)
    assert repr(EVENT) == before


def test_deep_and_wide_events_are_bounded() -> None:
    """Deep nesting never recurses, and keys that would take too much room are a limit."""
    deep: Any = "x"
    for _ in range(5_000):
        deep = {"k" * 50: deep, "l": 1}
    assert program("'nope' in event").run(deep, "").matched is False
    assert program("event['l'] == 1").run(deep, "").matched
    with pytest.raises(LimitReached):
        flatten(deep)
    with pytest.raises(ProgramUndecided):
        program("len(event) > 0").run(deep, "")
    assert not program("event.get(event['k'], False)").run({"k": "." * MAX_TEXT}, "").matched


@pytest.mark.parametrize("odd", [[], {}, "x", 1, None, True, [[[]]], {"b": [1]}, "\ud800", float("nan"), 10**400])
def test_odd_types_raise_program_errors_only(odd: Any) -> None:
    """Whatever stands under a key, the rule matches, does not match or fails."""
    rules = [
        "event['a'] == 'x'",
        "event['a'].lower() == 'x'",
        "'x' in event['a']",
        "event['a'] > 1",
        "str(event) == ''",
    ]
    for rule in rules:
        assert parse(rule).matches({"a": odd}) in (True, False)
