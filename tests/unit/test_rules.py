from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.rule_patterns import UnfitPattern, compile_pattern
from airflow_provider_okta_ure.core.rules import LONGEST_RULE, Rule
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError


def row(**values: Any) -> Row:
    given: dict[str, Any] = {
        "user": "Ann@Corp.example",
        "score": 312,
        "previous_score": 900,
        "source": "Netskope_EU",
        "score_level": "high",
        "risk_level": "high",
        "previous_risk_level": "low",
    }
    return Row(**{**given, **values})


@pytest.mark.parametrize(
    ("matching", "not_matching"),
    [
        ("score == 312", "score == 313"),
        ("score != 313", "score != 312"),
        ("score < 313", "score < 312"),
        ("score <= 312", "score <= 311"),
        ("score > 311", "score > 312"),
        ("score >= 312", "score >= 313"),
        ("score in [1, 312]", "score in [1, 2]"),
        ("score not in [1, 2]", "score not in [1, 312]"),
        ("score + 1 == 313", "score + 1 == 312"),
        ("previous_score - score > 500", "score - previous_score > 500"),
        ("-score < 0", "-score > 0"),
        ("score <= 500 and has_score", "score <= 500 and provisional"),
        ("provisional or has_score", "provisional or score > 500"),
        ("not provisional", "not has_score"),
        ("not (score > 500 or provisional)", "not (score < 500 or provisional)"),
        ('user == "ann@corp.example"', 'user == "ann"'),
        ('user != "ann"', 'user != "ann@corp.example"'),
        ('user in ["ann@corp.example"]', 'user in ["ann"]'),
        ('"corp" in user', '"other" in user'),
        ('user.starts_with("ann@")', 'user.starts_with("corp")'),
        ('user.ends_with("@corp.example")', 'user.ends_with("ann")'),
        ("user.length == 16", "user.length == 15"),
        ("not user.is_empty", "user.is_empty"),
        ('user =~ "ann@"', 'user =~ "corp"'),
        ('user =~~ "corp"', 'user =~~ "^corp"'),
        ('user !~ "corp"', 'user !~ "ann"'),
        ('user !~~ "^corp"', 'user !~~ "corp"'),
        ('risk_level in ["high"]', 'risk_level in ["low"]'),
        ("risk_level != previous_risk_level", "risk_level == previous_risk_level"),
        ("true", "false"),
    ],
)
def test_an_operator_is_true_and_false_where_it_should_be(matching: str, not_matching: str) -> None:
    assert Rule.parse(matching).matches(row())
    assert not Rule.parse(not_matching).matches(row())


@pytest.mark.parametrize(
    "rule",
    [
        'user == "ANN@corp.EXAMPLE"',
        'user.ends_with("@CORP.example")',
        'user =~ "ANN@"',
        'user in ["ANN@CORP.EXAMPLE"]',
        'source == "netskope_eu"',
        'risk_level == "HIGH"',
    ],
)
def test_text_is_compared_without_regard_to_case(rule: str) -> None:
    assert Rule.parse(rule).matches(row())


@pytest.mark.parametrize(
    ("missing", "rule"),
    [
        ("score", "score <= 950"),
        ("score", "not score <= 500"),
        ("score", "score != 5"),
        ("score", "not (score in [5])"),
        ("score", "true or score <= 950"),
        ("score", "not has_score or score > 5"),
        ("previous_score", "not (previous_score > 950)"),
        ("source", 'source != "other"'),
        ("source", 'not source.starts_with("other")'),
        ("source", 'source !~ "other"'),
    ],
)
def test_a_missing_value_never_matches(missing: str, rule: str) -> None:
    assert Rule.parse(rule).matches(row(score=900, source="x"))
    assert not Rule.parse(rule).matches(row(**{missing: None}))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("(score ?? 1000) > 500", True),
        ("(score ?? 0) > 500", False),
        ("not ((score ?? 0) > 500)", True),
        ("(score ?? 0) == 0 and score > 5", False),
        ("has_score", False),
        ("not has_score", True),
    ],
)
def test_a_default_or_a_question_speaks_for_a_missing_score(rule: str, expected: bool) -> None:
    assert Rule.parse(rule).matches(row(score=None)) is expected


@pytest.mark.parametrize(
    ("rule", "message", "at", "suggestion"),
    [
        ("", "is empty", None, None),
        ("  ", "is empty", None, None),
        ("x" * (LONGEST_RULE + 1), "at most 2000", None, None),
        ("score <=", "cannot be read from here", 8, None),
        ("score <= 500 score", "cannot be read from here", 13, None),
        ("scor <= 500", "scor is not a field", 0, "score"),
        ('score <= 500 and usr == "a"', "usr is not a field", 17, "user"),
        ("SCORE <= 5", "SCORE is not a field", 0, "score"),
        ('user.endswith("x")', "endswith is not something that a text", 5, "ends_with"),
        ("score.length == 3", "a number can do", 6, None),
        ('user.as_lower == "x"', "may not use as_lower", 5, None),
        ('score == "500"', 'score is a number and "500" is a text', 9, None),
        ("score == '500'", "score is a number", 9, None),
        ('score > "500"', 'score is a number and "500" is a text', 8, None),
        ("score <= 5 and user == 5", "user is a text and 5 is a number", 23, None),
        ('user in ["a", 5]', "user is a text and 5 is a number", 14, None),
        ("score == true", "score is a number and true is true or false", 9, None),
        ('risk_level == "critical"', "not a value of risk_level", 14, None),
        ('risk_level in ["hgh"]', "not a value of risk_level", 15, "high"),
        ('risk_level >= "medium"', "ordered by the alphabet", 0, None),
        ("score", "is a number, not true or false", None, None),
        ("user.is_empty and score", "and needs true or false", 18, None),
        ("not user", "not needs true or false", 4, None),
        ('-user == "x"', "which has no negative", 1, None),
        ('user - "a" == "x"', "data type mismatch", 0, None),
        ('"a" + 5 == "x"', "data type mismatch", 6, None),
        ("true + 5 == 3", "data type mismatch", 0, None),
        ('score =~ "a"', "data type mismatch", 0, None),
        ("user.starts_with(5)", "data type mismatch", 17, None),
        ("score > 5 and user.ends_with(score)", "data type mismatch", 29, None),
        ('user.length + user == "x"', "data type mismatch", 14, None),
        ("score == null", "may not use null", 9, None),
        ("score == inf", "not finite", 9, None),
        ("score < nan", "not finite", 8, None),
        ("score = 5", "has no '='", 6, "=="),
        ("score =< 5", "has no '=<'", 6, "<="),
        ("has_score && true", "has no '&&'", 10, "and"),
        ("has_score AND true", "has no 'AND'", 10, "and"),
        ("!has_score", "has no '!'", 0, "not"),
        ("score * 2 > 5", "arithmetic beyond", 6, None),
        ("2 ** 99999999 > 1", "arithmetic beyond", 2, None),
        ("1 << 99999999999 > 1", "arithmetic on bits", 2, None),
        ("score ? true : false", "a choice", 6, None),
        ("[x for x in [1]] == [1]", "a loop", 3, None),
        ("[1for x in [1]] == [1]", "a loop", 2, None),
        ("user in {'a'}", "a set", 8, None),
        ('d"2026-01-01" < d"2026-01-02"', "a date", 0, None),
        ("$today == 5", "may not use $today", 0, None),
        ('user[0] == "a"', "an index", None, None),
        ("user =~ source", "must be written in the rule", 8, None),
        ('user =~ ("a")', "must be written in the rule", 8, None),
        ('user =~ "(a+" + ")+b"', "must be written in the rule", 8, None),
        ('user =~ "(a+)+b"', "repeats something that repeats", 9, None),
        (f'"{"a" * 40}" =~ "(a+)+b"', "repeats something that repeats", 47, None),
        (r'user =~ "\u0028a+)+b"', "repeats something that repeats", 9, None),
        ('user =~ "ab["', "is not a regular expression", 11, None),
        ('user =~ "(?=a)"', "looks ahead", 9, None),
        ("not " * 45 + "has_score", "nested deeper", None, None),
    ],
)
def test_a_refused_rule_says_what_and_where(
    rule: str, message: str, at: int | None, suggestion: str | None
) -> None:
    with pytest.raises(RuleError) as caught:
        Rule.parse(rule)
    assert message in caught.value.message
    assert (caught.value.position, caught.value.suggestion) == (at, suggestion)


def test_a_long_chain_is_not_a_deep_rule() -> None:
    assert Rule.parse(" or ".join(f"score == {number}" for number in range(300, 400))).matches(row())


def test_a_hash_in_a_text_is_not_a_comment() -> None:
    assert Rule.parse('user != "a#b" # nobody').matches(row())


def test_a_level_that_was_not_mapped_is_an_error_and_not_a_mismatch() -> None:
    with pytest.raises(ConfigurationError, match=r"names risk_level.*RiskMapLevelsOperator"):
        Rule.parse('risk_level == "high"').matches(Row(user="ann"))


ACCEPTED = [
    "a+b",
    r".+@(.+\.)?corp\.example",
    ".*@corp",
    "[a-z]+[0-9]+@",
    "(ab)+c",
    "svc-\\d+",
    "a.*b",
    "(a|b)+c",
    "a{1,9}b",
    "^a*$",
]


@pytest.mark.parametrize("pattern", ACCEPTED)
def test_an_accepted_pattern_is_fast_on_a_hostile_name(pattern: str) -> None:
    compiled = compile_pattern(pattern, search=False)
    for piece in ("a", "ab", "aA", "a1", "1", "-", "a@", "svc-1"):
        text = (piece * 320)[:319] + "!"
        for _ in range(20):
            compiled.match(text)  # an exponential one never comes back


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a|a)*b", "(a*)*b", "(a|ab)*c", ".*.*.*.*=", r"(a)\1", "a" * 201]
)
def test_a_pattern_that_could_be_slow_is_refused(pattern: str) -> None:
    with pytest.raises(UnfitPattern):
        compile_pattern(pattern, search=True)


def test_an_explanation_gives_the_truth_and_the_values_of_each_part() -> None:
    rule = Rule.parse('score <= 500 and (user.ends_with("@other.example") or not provisional)')
    assert rule.explain(row()) == (
        'score <= 500 (score = 312): true; user.ends_with("@other.example") (user = "Ann@Corp.example"): false; '
        "not provisional (provisional = false): true"
    )


def test_an_explanation_names_what_is_missing() -> None:
    assert Rule.parse("score <= 500").explain(row(score=None)) == "no match, because the row has no score"


def test_a_rule_knows_its_fields() -> None:
    assert Rule.parse("score <= 500 and has_score").fields == {"score", "has_score"}


@pytest.mark.parametrize(
    "rule",
    [
        "score_level == risk_level",
        "previous_risk_level != score_level",
        "risk_level == user",
        "source == risk_level",
    ],
)
def test_a_level_is_not_compared_with_what_is_on_another_scale(rule: str) -> None:
    with pytest.raises(RuleError, match="not on the same scale"):
        Rule.parse(rule)


def test_levels_of_the_same_scale_may_be_compared() -> None:
    row = Row(user="ann@x.example", score=100, risk_level="high", previous_risk_level="low")
    assert Rule.parse("risk_level != previous_risk_level").matches(row)
    assert not Rule.parse("risk_level == previous_risk_level").matches(row)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        pytest.param(r"user == 'CORP\bob'", 13, id="backspace"),
        pytest.param(r'user == "CORP\nina"', 13, id="line-end"),
        pytest.param(r"user == 'CORP\tom'", 13, id="tab"),
        pytest.param(r"user == 'CORP\anna'", 13, id="bell"),
        pytest.param(r"user in ['ann', 'CORP\fred']", 21, id="form-feed-in-a-list"),
        pytest.param(r"user.ends_with('CORP\roger')", 20, id="carriage-return"),
        pytest.param(r"user == 'CORP\victor'", 13, id="vertical-tab"),
        pytest.param(r"user == 'CORP\0815'", 13, id="nul"),
        pytest.param(r"user == 'CORP\101'", 13, id="octal"),
        pytest.param(r"user == 'CORP\x08ob'", 13, id="hexadecimal"),
        pytest.param(r"user == 'CORP\u0008ob'", 13, id="unicode"),
        pytest.param(r"user =~ '\bann'", 9, id="pattern"),
        pytest.param(r"user == '\\\bob'", 11, id="after-a-backslash"),
        pytest.param("user == 'CORP\bob'", 13, id="a-backspace-that-python-made"),
    ],
)
def test_a_backslash_that_makes_another_character_is_an_error_at_its_place(text, at):
    with pytest.raises(RuleError) as caught:
        Rule.parse(text)
    assert caught.value.position == at
    assert r"CORP\\bob" in caught.value.remedy


@pytest.mark.parametrize("text", [r"user == 'CORP\\bob'", r"user == r'CORP\bob'", r"user =~ r'corp\\bob\b'"])
def test_a_backslash_that_is_meant_is_one(text):
    assert Rule.parse(text).matches(Row(user=r"CORP\bob", score=1))
    assert not Rule.parse(text).matches(Row(user="CORP\x08ob", score=1))


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ('risk_level == "none" and previous_risk_level == risk_level and score_level == risk_level', 78),
        ("score >= 5 and true and score", 24),
        ('user.ends_with("user.uper") and user.uper()', 37),
        ("not score", 4),
        ("(score) and score > 5", 1),
    ],
)
def test_the_position_is_of_the_part_that_is_wrong_and_not_of_its_like(text, at):
    with pytest.raises(RuleError) as caught:
        Rule.parse(text)
    assert caught.value.position == at


@pytest.mark.parametrize(
    ("unless", "said"),
    [
        pytest.param("", "unless: The rule is empty. Leave unless out, or set it to None", id="empty"),
        pytest.param("# only a comment", "unless: The rule is empty. Leave unless out", id="comment"),
        pytest.param(False, "unless: The rule is no text. Write it as text", id="false"),
        pytest.param(0, "unless: The rule is no text.", id="zero"),
        pytest.param([], "unless: The rule is no text.", id="list"),
    ],
)
def test_what_is_no_exception_says_what_to_do(unless: Any, said: str) -> None:
    with pytest.raises(RuleError) as caught:
        Selection.parse("score > 600", unless)
    assert said in str(caught.value)


def test_a_rule_that_is_only_a_comment_is_empty() -> None:
    with pytest.raises(RuleError, match=r"The rule is empty\. Write true to match every row"):
        Rule.parse(" # score > 600\n")
