"""No regular expression in a rule can keep a task busy: what is not known to be fast on every name is refused."""

from __future__ import annotations

import re
import sys

import pytest

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.rows import LONGEST_USER
from airflow_provider_okta_ure.core.rule_characters import Characters
from airflow_provider_okta_ure.core.rule_patterns import (
    LONGEST_TEXT,
    MOST_STEPS,
    UnfitPattern,
    compile_pattern,
    parse,
    steps_of,
)
from airflow_provider_okta_ure.core.rules import LONGEST_RULE, Rule
from airflow_provider_okta_ure.errors import RuleError

EVERYTHING = "".join(map(chr, range(sys.maxunicode + 1)))
CASED = [char for char in EVERYTHING if char.lower() != char or char.upper() != char]


def _odd_pairs() -> list[tuple[str, str]]:
    """Return a character of each pair that Python's matcher takes for the same, and that is no plain A and a."""
    cased, pairs, known = "".join(CASED), [], set()
    for char in CASED:
        if char in known:
            continue
        alike = re.compile(re.escape(char), re.IGNORECASE).findall(cased)
        known.update(alike)
        if len(alike) > 2 or any(len(one.lower()) > 1 or len(one.upper()) > 1 for one in alike):
            pairs += [(one, other) for one in alike for other in alike]
    return pairs


ODD_PAIRS = _odd_pairs()


def test_there_are_the_pairs_that_everybody_knows() -> None:
    known = {
        ("\u0130", "i"),
        ("\u0131", "i"),
        ("\u017f", "s"),
        ("\u212a", "k"),
        ("\u00df", "\u1e9e"),
        ("\u03c2", "\u03c3"),
    }
    assert known <= set(ODD_PAIRS)


SHAPES = {
    "one-after-the-other": "{a}+{b}+",
    "in-classes": "[{a}0]+[1{b}]+",
    "in-groups": "(?:{a}+)(?:{b}+)",
    "lazy": "{a}+?{b}*?",
    "counted": "{a}{{1,300}}{b}{{1,300}}",
    "in-alternatives": "(?:{a}|0)+(?:1|{b})+",
    "in-ranges": "[{a}-{a}]+[{b}-{b}]+",
    "optional-between": "{a}+0?{b}+0?",
}


@pytest.mark.parametrize("shape", list(SHAPES))
def test_letters_that_match_each_other_compete(shape: str) -> None:
    for one, other in ODD_PAIRS:
        pattern = SHAPES[shape].format(a=one, b=other) * 4 + "x"
        with pytest.raises(UnfitPattern):
            compile_pattern(pattern, search=False)


def test_inside_a_repeat_alternatives_that_match_each_other_are_refused() -> None:
    for one, other in ODD_PAIRS:
        for pattern in (f"(?:{one}0|{other}1)*x", f"(?:{one}0|[1{other}]2)+x"):
            if one != other:
                with pytest.raises(UnfitPattern):
                    compile_pattern(pattern, search=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param(r"[\u2100-\u2200]", r"[\u00e0-\u00f0]", id="the-angstrom-sign-inside-both-ranges"),
        pytest.param(r"\d", r"[\u0600-\u0700]", id="digits-of-another-script"),
        pytest.param(r"\s", r"[\u1fff-\u2100]", id="blanks-of-another-script"),
        pytest.param(r"\w", r"[\u4dff-\u9fff]", id="letters-without-case"),
        pytest.param(r"[^\x00-\u4dff]", r"[\u4e00-\u4e10]", id="all-but-a-range"),
        pytest.param(r"\D", "[\u00e9]", id="no-digit"),
        pytest.param(r"[^a]", "\u212a", id="all-but-one"),
        pytest.param(r"[\W_]", r"[\u2028-\u202f]", id="no-letter"),
        pytest.param(".", "\U0001f600", id="anything"),
    ],
)
def test_classes_that_share_one_character_compete(one: str, other: str) -> None:
    for pattern in (f"{one}+{other}+" * 4 + "@", f"(?:{one}0|{other}1)*@"):
        with pytest.raises(UnfitPattern):
            compile_pattern(pattern, search=False)
    for pattern in (f"{one}+@", f"{other}+@", f"(?:{other}1)*@"):
        compile_pattern(pattern, search=False)


def test_only_what_shares_no_character_does_not_compete() -> None:
    """The negative side: otherwise every pattern with two repeats could be refused."""
    for pattern in (r"[a-h]+[j-z]+" * 4 + "9", r"(?:i|j)*k", r"[\u0600-\u065f]+\d+[\u066a-\u06ef]+x"):
        compile_pattern(pattern, search=False)


def test_of_each_kind_of_character_one_is_looked_at() -> None:
    """So a class that takes any character at all takes one of those that are looked at."""
    (anything,) = parse(r"[\s\S]")
    seen = Characters(()).taken_by(anything)
    assert set(CASED) <= seen
    kinds = [re.compile(one) for one in (r"\d", r"\s", r"\w", r"\n")]
    last: object = None
    for char in EVERYTHING:
        kind = tuple(bool(one.match(char)) for one in kinds)
        assert kind == last or char in seen
        last = kind


@pytest.mark.parametrize(
    "pattern",
    [
        pytest.param(r"(?:(?:(?:\b){3000}){3000}a)*x", id="counted-nothing"),
        pytest.param(r"(?:(?:\b){60000}a)+", id="counted-nothing-in-a-repeat"),
        pytest.param(r"(?:a(?:^){60000})*", id="counted-beginning"),
        pytest.param(r".*.*[a-z]{200}x", id="a-long-count-after-each-way"),
        pytest.param(r"(?!)a", id="never"),
        pytest.param(r"(?i:a)", id="flags"),
        pytest.param(r"(?:a?){300}b", id="optional-in-a-count"),
        pytest.param(r"(?:a|b|ab)*c", id="overlapping-alternatives"),
        pytest.param(r"(?:[ab]{2})+(?:a|b){3,}" * 3 + "c", id="groups-that-compete"),
        pytest.param("a?" * 60 + "a" * 60, id="many-optional"),
        pytest.param("(?:ab|abc?)" * 25 + "b", id="many-alternatives"),
        pytest.param("(?:ab|Ab)" * 25 + "b", id="many-alternatives-of-two-cases"),
    ],
)
@pytest.mark.parametrize("search", [False, True])
def test_other_ways_to_keep_the_matcher_busy_are_refused(pattern: str, search: bool) -> None:
    with pytest.raises(UnfitPattern):
        compile_pattern(pattern, search=search)


# --- the text that is matched is short, and all patterns together are cheap


def test_the_longest_text_is_the_longest_name() -> None:
    assert LONGEST_TEXT == LONGEST_USER


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param("user" + " + user" * 30 + ' =~ ".*.*x"', id="a-sum"),
        pytest.param("(user" + " + user" * 30 + ') =~ ".*.*x"', id="a-sum-in-brackets"),
        pytest.param(f'"{"a" * 1500}" =~ ".*.*x"', id="a-text"),
        pytest.param(f'("{"a" * 700}" + "{"a" * 700}") =~ ".*.*x"', id="two-texts"),
        pytest.param(f'(source ?? "{"a" * 1500}") =~ ".*.*x"', id="a-default"),
        pytest.param('(source ?? user + user) =~ ".*.*x"', id="a-sum-as-default"),
        pytest.param('source ?? "" =~ ".*.*x"', id="a-default-without-brackets"),
        pytest.param('("a" in user) =~ "x"', id="a-comparison"),
    ],
)
def test_only_a_field_is_matched(rule: str) -> None:
    with pytest.raises(RuleError, match="matched against a field"):
        Rule.parse(rule)


@pytest.mark.parametrize(
    "rule", ['user =~ "a"', '(user) =~ "a"', '(source ?? "lab") =~ "l"', 'not user !~ "a"']
)
def test_a_field_can_be_matched(rule: str) -> None:
    assert Rule.parse(rule).matches(Row(user="ann", score=1))


def test_many_patterns_together_are_refused() -> None:
    assert steps_of(".*.*x", search=False) < MOST_STEPS
    assert Rule.parse('user =~ ".*.*x"')
    with pytest.raises(RuleError, match="together take too long"):
        Rule.parse(" or ".join(['user =~ ".*.*x"'] * (LONGEST_RULE // 25)))


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        (Row(user="\u0130" * LONGEST_USER, score=1), 'user =~ ".*"'),
        (Row(user="ann", source="s" * 5_000, score=1), 'source =~ ".*"'),
        (Row(user="ann", source="s" * 5_000, score=1), 'source !~ "x"'),
    ],
)
def test_a_text_that_became_too_long_costs_only_its_row(row: Row, rule: str) -> None:
    assert Rule.parse(rule).matches(row) is False
    assert "characters" in Rule.parse(rule).explain(row)
