"""What `explain` says of a pattern, and which traps it finds."""

from __future__ import annotations

import pytest

from pipeline.errors import PatternError
from pipeline.languages.filter_pattern import explain, parse

TRAPS = [
    # terms
    ("ERROR", []),
    ("ERROR -timeout", []),
    ("?a ?b", []),
    ("?a b", ["optional-ignored"]),
    ('?"a" "b" ?"c"', ["optional-ignored"]),
    ("?a -b", ["optional-ignored"]),
    ('" "', ["quoted-blank"]),
    ("a-b", ["hyphen-splits"]),
    ('"a-b"', []),
    (r'"x\"-y"', []),
    ("a?b", ["question-splits", "optional-ignored"]),
    ('"ERR*"', ["literal-star"]),
    ("ERROR AND WARN", ["word-operator"]),
    ('"{ $.a = 1 }"', ["quoted-pattern"]),
    ("", []),
    ("é" * 600, ["long-in-bytes"]),
    # regexes
    ("%a%", ["regex-quota"]),
    ("%a*%", ["regex-matches-all", "regex-quota"]),
    ("%a b%", ["regex-blank", "regex-quota"]),
    ("{ $.eventName = %a|% }", ["regex-matches-all", "regex-quota"]),
    # != and what is not there
    ('{ $.eventName != "x" }', []),
    ('{ $.userIdentity.type != "x" }', []),
    ('{ $.userIdentity.invokedBy != "x" }', ["ne-absent"]),
    ('{ $.x NOT EXISTS || $.x != "v" }', []),
    ('{ ($.x NOT EXISTS) || ($.x != "v" && $.eventName = a) }', []),
    ('{ $.x = "a*" && $.x != "ab" }', []),
    ('{ $.y NOT EXISTS || $.x != "v" }', ["ne-absent", "or-not-equal"]),
    ('{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }', ["ne-absent"]),
    ("{ $.eventName != * }", ["never"]),
    # booleans, texts, null
    ("{ $.readOnly = false }", ["boolean-as-text"]),
    ('{ $.readOnly = "false" }', ["boolean-as-text"]),
    ("{ $.x.deleted = true }", ["boolean-as-text"]),
    ("{ $.readOnly IS FALSE }", []),
    ("{ $.userIdentity.sessionContext.attributes.mfaAuthenticated = true }", []),
    ("{ $.userIdentity.sessionContext.attributes.mfaAuthenticated IS TRUE }", ["text-as-boolean"]),
    ("{ $.responseElements NOT EXISTS }", ["null-exists"]),
    ("{ $.responseElements IS NULL }", []),
    ("{ $.errorCode IS NULL }", ["null-not-absent"]),
    ("{ $.errorCode NOT EXISTS }", []),
    ("{ $.errorCode = * }", ["star-exists"]),
    # numbers and addresses
    ("{ $.recipientAccountId = 123456789012 }", ["account-as-number"]),
    ("{ $.recipientAccountId > 1 }", ["account-as-number"]),
    ('{ $.recipientAccountId = "123456789012" }', []),
    ("{ $.sourceIPAddress != 10.* }", ["address-is-text"]),
    # wildcards
    ('{ $.a = "x*y" }', ["inner-star"]),
    ('{ $.a = "arn:*:x*" }', ["inner-star"]),
    ('{ $.a = "**x" }', ["double-star"]),
    ('{ $.a = "x**" }', ["double-star"]),
    (r'{ $.a = "x\*" }', ["escaped-star"]),
    ('{ $.eventName = "SecurityGroup*" }', ["missing-star"]),
    ('{ $.eventName = "*SecurityGroup*" }', []),
    ('{ $.eventName = "Delete*" }', []),
    ('{ $.errorMessage = "Failedauthentication" }', ["lost-blanks"]),
    ('{ $.errorMessage = "Failed authentication" }', []),
    ('{ $.errorCode = "AccessDenied*" }', []),
    ("{ $.a[*] != 1 }", ["wildcard-not-equal"]),
    ("{ $.a[*] NOT EXISTS }", ["wildcard-not-exists"]),
    ("{ $.requestParameters.ipPermissions.items.fromPort = 22 }", ["array-skipped"]),
    ("{ $.requestParameters.ipPermissions.items[*].fromPort = 22 }", []),
    # joining
    ("{ $.a = 1 || $.b = 1 && $.c = 1 }", ["mixed-and-or"]),
    ("{ $.a = 1 || ($.b = 1 && $.c = 1) }", []),
    ("{ ($.a = 1 || $.b = 1) && $.c = 1 }", []),
    ("{ (($.a = 1 || $.b = 1 && $.c = 1)) && $.d = 1 }", ["mixed-and-or"]),
    ("{ $.sourceIPAddress != a || $.sourceIPAddress != b }", ["always-true"]),
    ('{ $.errorCode = "x" || $.eventName != "HeadBucket" }', ["or-not-equal"]),
    ("{ $.eventName = a && $.eventName = b }", ["never"]),
    # space-delimited
    ("[a=1, b]", []),
    ("[a, b]", ["no-condition"]),
    ("[ERROR]", ["no-condition"]),
    ("[]", []),
    ("[a=ERROR]", ["last-takes-rest"]),
    ("[a, b=ERROR]", ["last-takes-rest"]),
    ("[..., b=ERROR]", []),
    ("[a=x*y, b]", ["inner-star"]),
    ("[a=%x%, b]", ["regex-quota"]),
]


@pytest.mark.parametrize(("text", "codes"), TRAPS)
def test_explain_finds_the_traps_of_a_pattern_and_no_others(text: str, codes: list[str]) -> None:
    """Each pattern has exactly these traps."""
    assert sorted(trap.code for trap in explain(text).traps) == sorted(codes)


UNAUTHORIZED = (
    '{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*")'
    ' || ($.sourceIPAddress!="delivery.logs.amazonaws.com") || ($.eventName!="HeadBucket") }'
)
WILD = {
    "the alternatives with != make it match nearly everything": (UNAUTHORIZED, "or-not-equal"),
    "the address differs from at least one of the prefixes": (
        "{ ($.eventName=Authenticate) && (($.sourceIPAddress != 10.10.10.*) || ($.sourceIPAddress != 10.10.*)) }",
        "always-true",
    ),
    "the exclusion covers only the second error": (
        '{ (($.errorCode = "*Operation") || ($.errorCode ="AccessDenied*") && ($.userIdentity.principalId != "*x")) }',
        "mixed-and-or",
    ),
    "readOnly is a boolean": ('{($.eventName = "*Secret*") && ($.readOnly = false)}', "boolean-as-text"),
}


@pytest.mark.parametrize(("text", "code"), WILD.values(), ids=WILD)
def test_explain_finds_what_was_wrong_with_a_published_pattern(text: str, code: str) -> None:
    """The mistakes of published patterns are warned of."""
    assert code in {trap.code for trap in explain(text).traps if trap.severity == "warning"}


def test_every_trap_says_what_happens() -> None:
    """Every trap has a message, and every warning a hint."""
    for text, _ in TRAPS:
        for trap in explain(text).traps:
            assert trap.message
            assert trap.severity in ("warning", "note")
            assert trap.hint or trap.severity == "note"


MEANINGS = [
    ("", "terms", "Matches every message."),
    (
        "a b -c",
        "terms",
        'Matches a message that contains "a" and "b" and does not contain "c", in this case of letters.',
    ),
    ("?a ?b", "terms", 'Matches a message that contains "a" or "b", in this case of letters.'),
    ("%x%", "regex", "Matches a message in which the regex /x/ is found, in this case of letters."),
    ("[]", "space-delimited", "Matches every message."),
]


@pytest.mark.parametrize(("text", "form", "meaning"), MEANINGS)
def test_a_simple_pattern_is_one_sentence(text: str, form: str, meaning: str) -> None:
    """A pattern without conditions is told in a sentence."""
    assert (explain(text).form, explain(text).meaning) == (form, meaning)


def test_conditions_on_json_are_told_one_a_line() -> None:
    """Every kind of condition has its words."""
    text = (
        '{ $.a = "x*" && ($.b != 5 || $.c[*].d IS NULL) && $.e[*] != "y" && $.f NOT EXISTS && $.g IS TRUE'
        " && $.h >= 2 && $.i = %r% && $.j = * && $.k IS NULL && $.l = *m && $.n = *o* }"
    )
    assert explain(text).form == "json"
    assert explain(text).meaning.split("\n") == [
        "Matches a message that is one JSON object and nothing else, in which",
        "  all of these hold:",
        '    - $.a begins with "x"',
        "    at least one of these holds:",
        '      - $.b is there as a string or number, and it is not so that it is the number 5 or the text "5"',
        "      - some $.c.*.d is null",
        '    - $.e is there, and no $.e.* is "y"',
        "    - $.f is absent (null is not absent)",
        "    - $.g is the JSON boolean true",
        "    - $.h is a number at least 2",
        "    - $.i has a match of the regex /r/",
        "    - $.j is any string or number",
        "    - $.k is null, or an array with a null in it",
        '    - $.l ends with "m"',
        '    - $.n contains "o"',
    ]


def test_fields_are_told_one_a_line() -> None:
    """Every kind of field has its words."""
    assert explain("[ip, , status=4* && (status!=404 || status<405), rest]").meaning.split("\n") == [
        "Matches a line whose fields, separated by blanks, are",
        '  - "ip": anything',
        "  - anything",
        '  - "status", for which',
        "    all of these hold:",
        '      - it begins with "4"',
        "      at least one of these holds:",
        '        - it is not so that it is the number 404 or the text "404"',
        "        - it is a number less than 405",
        '  - "rest": anything',
        "The last of them takes the whole rest of the line.",
    ]
    assert "any number of fields" in explain("[a=1, ...]").meaning


def test_an_explanation_prints_as_text_with_its_traps() -> None:
    """An explanation prints its traps and hints below the meaning."""
    printed = str(explain("{ $.readOnly = false }"))
    assert "warning: $.readOnly is compared with the text" in printed
    assert "  hint: write $.readOnly IS FALSE" in printed


def test_a_parsed_pattern_is_explained_like_its_text() -> None:
    """It makes no difference whether the text or the parsed pattern is explained."""
    text = "{ $.a = 1 || $.b = 1 && $.c = 1 }"
    assert explain(parse(text)) == explain(text)
    assert explain(text).canonical == str(parse(text))


def test_what_is_no_pattern_cannot_be_explained() -> None:
    """Explaining a broken pattern raises its error."""
    with pytest.raises(PatternError):
        explain("{ $.a == 1 }")
