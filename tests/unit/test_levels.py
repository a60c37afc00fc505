from __future__ import annotations

import json
import math
from typing import Any

import pytest

from airflow_provider_okta_ure.core.levels import LevelMapping, ScoreBounds, check_score, map_row
from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.errors import ConfigurationError

BOUNDS: dict[str, Any] = {"critical": [0, 99], "high": [100, 499], "medium": [500, 799], "low": [800, 1000]}
MAPPING: dict[str, Any] = {
    "critical": "high",
    "high": "medium",
    "medium": "low",
    "low": "none",
    "none": "none",
}


@pytest.mark.parametrize(
    ("score", "level", "risk"),
    [
        (0, "critical", "high"),
        (250, "critical", "high"),
        (251, "high", "high"),
        (500, "high", "high"),
        (501, "medium", "medium"),
        (750, "medium", "medium"),
        (751, "low", "low"),
        (1000, "low", "low"),
        (None, "none", "none"),
    ],
)
def test_each_edge_of_a_band_has_its_level_and_its_risk(score: int | None, level: str, risk: str) -> None:
    mapped = map_row(Row(user="ann", score=score), ScoreBounds(), LevelMapping())
    assert (mapped.score_level, mapped.risk_level) == (level, risk)


@pytest.mark.parametrize(("value", "score"), [(0, 0), (1000, 1000), (200.0, 200), (-0.0, 0), (None, None)])
def test_a_whole_number_is_a_score(value: object, score: int | None) -> None:
    result = check_score(value)
    assert (result, type(result)) == (score, type(score))


@pytest.mark.parametrize(
    "value", [-1, 1001, 200.5, 1e300, math.nan, math.inf, -math.inf, True, False, "200", "", b"2", [], {}]
)
def test_anything_else_is_no_score(value: object) -> None:
    with pytest.raises(ConfigurationError, match="whole number from 0 to 1000"):
        check_score(value)
    with pytest.raises(ConfigurationError):
        ScoreBounds().level_of(value)  # type: ignore[arg-type]


def test_bounds_can_be_set_by_a_dict_or_by_json() -> None:
    for given in (BOUNDS, json.dumps(BOUNDS)):
        bounds = ScoreBounds.from_dict(given)
        assert [bounds.level_of(score) for score in (99, 100, 799, 800)] == [
            "critical",
            "high",
            "medium",
            "low",
        ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"high": [101, 499]}, "from 100 to 100 have no level", id="gap"),
        pytest.param({"high": [99, 499]}, "below 100 belong to a less safe level", id="overlap"),
        pytest.param({"low": [800, 999]}, "from 1000 to 1000 have no level", id="gap-at-the-end"),
        pytest.param({"critical": [1, 99]}, "from 0 to 0 have no level", id="gap-at-the-start"),
        pytest.param({"critical": [800, 1000], "low": [0, 99]}, "have no level", id="wrong-order"),
        pytest.param({"high": [499, 100]}, "from 499 down to 100", id="backwards"),
        pytest.param({"low": [800, 1001]}, '"low" goes from 800 to 1001', id="too-high"),
        pytest.param({"critical": [-1, 99]}, '"critical" goes from -1', id="negative"),
        pytest.param({"critical": [False, 99]}, '"critical" goes from False', id="boolean"),
        pytest.param({"critical": [0, 99.5]}, "to 99.5", id="fraction"),
        pytest.param({"critical": [0]}, '"critical" is the list', id="one-score"),
        pytest.param({"critical": "0-99"}, '"critical" is the str', id="text"),
        pytest.param({"hgh": [1, 2]}, "'hgh' is no level.*Did you mean 'high'", id="unknown"),
    ],
)
def test_bounds_that_leave_a_score_without_one_level_are_refused(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        ScoreBounds.from_dict({**BOUNDS, **change})


@pytest.mark.parametrize("value", ["", "nonsense", "[1]", [], 5])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="must name each level"):
        ScoreBounds.from_dict(value)
    with pytest.raises(ConfigurationError, match="must name each level"):
        LevelMapping.from_dict(value)


def test_every_level_must_be_named() -> None:
    with pytest.raises(ConfigurationError, match="low missing"):
        ScoreBounds.from_dict({name: band for name, band in BOUNDS.items() if name != "low"})
    with pytest.raises(ConfigurationError, match="none missing"):
        LevelMapping.from_dict({name: risk for name, risk in MAPPING.items() if name != "none"})


def test_a_mapping_can_be_set() -> None:
    mapping = LevelMapping.from_dict(json.dumps(MAPPING))
    assert [mapping.risk_of(level) for level in ("critical", "high", "medium", "low")] == [
        "high",
        "medium",
        "low",
        "none",
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({"low": "high"}, '"low" is safer than "medium"', id="wrong-direction"),
        pytest.param({"none": "low"}, '"none" means that there is no score', id="missing-is-not-risky"),
        pytest.param({"high": "critical"}, '"high" is mapped to', id="no-risk-level"),
        pytest.param({"high": "HIGH"}, "Did you mean 'high'", id="case"),
        pytest.param({"high": None}, '"high" is mapped to', id="null"),
    ],
)
def test_a_mapping_that_turns_safety_around_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        LevelMapping.from_dict({**MAPPING, **change})


def test_the_level_before_comes_from_the_row_or_from_the_score_before() -> None:
    fresh = map_row(Row(user="ann", score=1, previous_score=900), ScoreBounds(), LevelMapping())
    known = map_row(
        Row(user="ann", score=1, previous_score=900, previous_risk_level="medium"),
        ScoreBounds(),
        LevelMapping(),
    )
    first = map_row(Row(user="ann", score=1), ScoreBounds(), LevelMapping())
    assert [one.previous_risk_level for one in (fresh, known, first)] == ["low", "medium", "none"]
