# SPDX-License-Identifier: Apache-2.0
"""
Scores become levels: Netskope's bands of a score, and Okta's risk level for each band.

A ``score`` and a ``score_level`` point **up to safe**; a ``risk_level`` points **up to risk**.
"""

from __future__ import annotations

import difflib
import itertools
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS, RiskLevel, Row, ScoreLevel
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError

LOWEST_SCORE = 0
"""The least safe score."""
HIGHEST_SCORE = 1000
"""The safest score."""

_BANDS = SCORE_LEVELS[:-1]
_BOUNDS_EXAMPLE = '{"critical": [0, 250], "high": [251, 500], "medium": [501, 750], "low": [751, 1000]}'
_MAPPING_EXAMPLE = '{"critical": "high", "high": "high", "medium": "medium", "low": "low", "none": "none"}'


def check_score(value: object) -> int | None:
    """
    Return a score as an int from 0 to 1000 (higher is safer), or None when there is none.

    This is the one definition of what a score is: an int, or a float without a fraction.

    >>> check_score(200.0), check_score(None)
    (200, None)
    >>> check_score("200")
    Traceback (most recent call last):
    ...
    airflow_provider_okta_ure.errors.ConfigurationError: A score is a whole number from 0 to 1000, not...

    :param value: what somebody says is a score.
    :return: the score, on Netskope's scale: higher is safer.
    :raises ConfigurationError: for everything else: fractions, booleans, text, NaN, numbers out of range.
    """
    if value is None:
        return None
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if type(whole) is int and LOWEST_SCORE <= whole <= HIGHEST_SCORE:
        return whole
    raise ConfigurationError(
        f"A score is a whole number from {LOWEST_SCORE} to {HIGHEST_SCORE}, not {_described(value)}.",
        remedy=_score_remedy(value),
    )


def _score_remedy(value: object) -> str:
    if isinstance(value, float) and math.isfinite(value) and LOWEST_SCORE <= value <= HIGHEST_SCORE:
        return "Decide how to round it before handing it over."
    if isinstance(value, str):
        return "Hand over a number, or None when there is no score."
    return "Hand over None when there is no score."


def _described(value: object) -> str:
    return f"the {type(value).__name__} {shown(value)}"


class ScoreBounds(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which scores make which score level; both ends are included, **higher is safer**.

    >>> ScoreBounds().level_of(250), ScoreBounds().level_of(251), ScoreBounds().level_of(None)
    ('critical', 'high', 'none')

    :param critical: from 0 to the highest score that is critical.
    :param high: the next band.
    :param medium: the next band.
    :param low: from the lowest score that is low to 1000, the safest.
    """

    critical: tuple[int, int] = (0, 250)
    high: tuple[int, int] = (251, 500)
    medium: tuple[int, int] = (501, 750)
    low: tuple[int, int] = (751, 1000)

    def __post_init__(self) -> None:
        expected = LOWEST_SCORE
        for level in _BANDS:
            expected = _check_band(level, getattr(self, level), expected) + 1
        if expected <= HIGHEST_SCORE:
            raise _bounds_error(
                f"scores from {expected} to {HIGHEST_SCORE} have no level",
                f'End "low" at {HIGHEST_SCORE}, the safest score.',
            )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | str) -> ScoreBounds:
        """
        Build the bounds from a mapping, or from the same as JSON text.

        >>> text = '{"critical": [0, 99], "high": [100, 499], "medium": [500, 799], "low": [800, 1000]}'
        >>> ScoreBounds.from_dict(text).level_of(100)
        'high'

        :param value: a pair of scores for each of ``critical``, ``high``, ``medium``, ``low``.
        :raises ConfigurationError: when a score belongs to no level or to two, or the order is wrong.
        """
        given = _named_levels(value, "score bounds", _BANDS, _BOUNDS_EXAMPLE)
        return cls(**{level: _pair(level, given[level]) for level in _BANDS})

    def level_of(self, score: int | None) -> ScoreLevel:
        """
        Return the level of a score.

        :param score: 0..1000, higher is safer; None = there is none.
        :return: from ``critical`` (least safe) to ``low`` (safest); ``none`` when there is no score.
        """
        checked = check_score(score)
        if checked is None:
            return "none"
        if checked <= self.high[1]:
            return "critical" if checked <= self.critical[1] else "high"
        return "medium" if checked <= self.medium[1] else "low"


def _check_band(level: str, band: tuple[int, int], expected: int) -> int:
    """Return the last score of the band; ``expected`` is where it has to start."""
    first, last = band
    for score in band:
        if type(score) is not int or not LOWEST_SCORE <= score <= HIGHEST_SCORE:
            raise _bounds_error(
                f'"{level}" goes from {first!r} to {last!r}',
                f"Use whole numbers from {LOWEST_SCORE} to {HIGHEST_SCORE}.",
            )
    if first > last:
        raise _bounds_error(f'"{level}" goes from {first} down to {last}', f"Write [{last}, {first}].")
    if first > expected:
        raise _bounds_error(
            f"scores from {expected} to {first - 1} have no level", f'Start "{level}" at {expected}.'
        )
    if first < expected:
        raise _bounds_error(
            f'"{level}" starts at {first}, but scores below {expected} belong to a less safe level',
            f'Start "{level}" at {expected}; the order is critical, high, medium, low.',
        )
    return last


def _pair(level: str, value: object) -> tuple[int, int]:
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return value[0], value[1]
    raise _bounds_error(
        f'"{level}" is {_described(value)}', f"Write a first and a last score: {_BOUNDS_EXAMPLE}."
    )


def _bounds_error(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"The score bounds cannot be used: {what}.", remedy=remedy)


class LevelMapping(msgspec.Struct, frozen=True, kw_only=True):
    """
    Which risk level Okta is told for which score level.

    The keys point **up to safe**, the values point **up to risk**: a safer score never has a higher risk.

    >>> LevelMapping().risk_of("critical"), LevelMapping().risk_of("low")
    ('high', 'low')

    :param critical: the risk of the least safe scores.
    :param high: the risk of the next band.
    :param medium: the risk of the next band.
    :param low: the risk of the safest scores.
    :param none: always ``none``: a missing score is neither safe nor risky.
    """

    critical: RiskLevel = "high"
    high: RiskLevel = "high"
    medium: RiskLevel = "medium"
    low: RiskLevel = "low"
    none: RiskLevel = "none"

    def __post_init__(self) -> None:
        for level in SCORE_LEVELS:
            _check_risk(level, getattr(self, level))
        for worse, safer in itertools.pairwise(_BANDS):
            _check_direction(worse, self.risk_of(worse), safer, self.risk_of(safer))
        if self.none != "none":
            raise _mapping_error(
                f'"none" means that there is no score, and it is mapped to "{self.none}"',
                'Map "none" to "none": a missing score says nothing about a user.',
            )

    @classmethod
    def from_dict(cls, value: Mapping[str, Any] | str) -> LevelMapping:
        """
        Build the mapping from a dict, or from the same as JSON text; every score level must be named.

        :param value: a risk level for each of ``critical``, ``high``, ``medium``, ``low``, ``none``.
        :raises ConfigurationError: when a level is missing or unknown, or the direction is wrong.
        """
        return cls(**_named_levels(value, "level mapping", SCORE_LEVELS, _MAPPING_EXAMPLE))

    def risk_of(self, score_level: ScoreLevel) -> RiskLevel:
        """
        Return Okta's risk level (up is risk) for a score level (up is safe).

        :param score_level: the band of a score.
        """
        risk: RiskLevel = getattr(self, score_level)
        return risk


def _check_risk(level: str, risk: object) -> None:
    if risk not in RISK_LEVELS:
        raise _mapping_error(
            f'"{level}" is mapped to {_described(risk)}',
            f"Okta's levels are {', '.join(RISK_LEVELS)}.{_did_you_mean(risk, RISK_LEVELS)}",
        )


def _check_direction(worse: str, risk: RiskLevel, safer: str, risk_of_safer: RiskLevel) -> None:
    if RISK_LEVELS.index(risk_of_safer) > RISK_LEVELS.index(risk):
        raise _mapping_error(
            f'"{safer}" is safer than "{worse}", but its risk "{risk_of_safer}" is higher than "{risk}"',
            "A score level points up to safe, a risk level points up to risk; "
            f"the default is {_MAPPING_EXAMPLE}.",
        )


def _mapping_error(what: str, remedy: str) -> ConfigurationError:
    return ConfigurationError(f"The level mapping cannot be used: {what}.", remedy=remedy)


def _named_levels(value: object, what: str, names: tuple[str, ...], example: str) -> dict[str, Any]:
    """Return a dict with exactly the given names, from a mapping or from its JSON text."""
    given = _decoded(value) if isinstance(value, str) else value
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"The {what} must name each level, and came as {_described(value)}.", remedy=f"Write {example}."
        )
    for name in given:
        if name not in names:
            raise ConfigurationError(
                f"The {what} cannot be used: {_described(name)} is no level.",
                remedy=f"The levels are {', '.join(names)}.{_did_you_mean(name, names)}",
            )
    missing = [name for name in names if name not in given]
    if missing:
        raise ConfigurationError(
            f"The {what} cannot be used: {', '.join(missing)} missing.", remedy=f"Write all of {example}."
        )
    return dict(given)


def _decoded(text: str) -> object:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text


def _did_you_mean(word: object, words: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(as_text(word).strip().lower(), words, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def map_row(row: Row, bounds: ScoreBounds, mapping: LevelMapping) -> Row:
    """
    Return the row with its levels.

    >>> mapped = map_row(Row(user="ann", score=200, previous_score=900), ScoreBounds(), LevelMapping())
    >>> mapped.score_level, mapped.risk_level, mapped.previous_risk_level
    ('critical', 'high', 'low')

    :param row: a row with or without scores; a ``previous_risk_level`` it has already is kept.
    :param bounds: which scores make which score level.
    :param mapping: which score level makes which risk level.
    """
    score_level = bounds.level_of(row.score)
    previous = row.previous_risk_level or mapping.risk_of(bounds.level_of(row.previous_score))
    mapped: Row = msgspec.structs.replace(
        row,
        score_level=score_level,
        risk_level=mapping.risk_of(score_level),
        previous_risk_level=previous,
    )
    return mapped
