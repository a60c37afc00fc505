# SPDX-License-Identifier: Apache-2.0
"""Rows on their way between tasks: checked when they arrive, plain JSON types when they leave."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timezone
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from airflow_provider_okta_ure.core.buckets import newest_day
from airflow_provider_okta_ure.core.levels import (
    HIGHEST_SCORE,
    LOWEST_SCORE,
    LevelMapping,
    ScoreBounds,
    check_score,
    map_row,
)
from airflow_provider_okta_ure.core.models import RISK_LEVELS, SCORE_LEVELS, Row
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError, RowError

OKTA_USER_FIELDS = frozenset(("user_id", "email", "status", "risk_reason"))
"""What rows about Okta's users say besides; taken, and left out, because a row is about a login alone."""

LONGEST_USER = 320
"""The longest user name: what an e-mail address may have."""

DEEPEST = 3
"""How deep lists in lists may be: the rows of several tasks, each of them mapped, each returning a list."""

_EXAMPLE = '[{"user": "ann@corp.example", "score": 240}]'
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
_NEWEST = datetime.max.replace(tzinfo=timezone.utc)
_MIDNIGHT = "T00:00:00Z"
_DAYS = ("score_at", "previous_score_at")
_DERIVED = ("score_level", "previous_risk_level")


def to_rows(value: object) -> list[Row]:
    """
    Return checked rows from what XCom or somebody's own task hands over.

    Takes a list of dicts or of rows, or lists of such lists: what a mapped task returns, or several tasks
    together, mapped or not. Anything that can be iterated and is not one dict or one text will do. Times
    become UTC. A row with a score and a risk level that does not name its other levels has those of the
    default bounds.

    >>> to_rows([{"user": "ann@corp.example", "score": 240.0}])[0].score
    240
    >>> to_rows([{"user": "ann@corp.example", "scor": 240}])
    Traceback (most recent call last):
    ...
    airflow_provider_okta_ure.errors.RowError: Row 0 has an unknown field 'scor'. Did you mean 'score'?

    :param value: the rows.
    :raises ConfigurationError: when it is no list of rows at all.
    :raises RowError: for the first malformed row; knows its index and the field.
    """
    return [_to_row(item, index) for index, item in enumerate(flat(value))]


def is_usable_user(name: str) -> bool:
    """
    Whether a name may stand in a row: not blank, not over-long, without control characters.

    >>> is_usable_user("ann@corp.example"), is_usable_user(" ")
    (True, False)
    """
    if name.isascii() and name.isprintable():
        return bool(name.strip()) and len(name) <= LONGEST_USER
    try:
        _check_user(name, 0, "user")
    except RowError:
        return False
    return True


def from_rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """
    Return rows as plain JSON types, without what is not set; ``to_rows`` gives the same rows back.

    Levels that follow from the score and the default bounds are left out, and days are written without their
    hour, which is midnight.

    >>> from_rows([Row(user="ann", score=240, score_level="critical", risk_level="high")])
    [{'user': 'ann', 'score': 240, 'risk_level': 'high', 'previous_risk_level': None}]

    :param rows: the rows; a time without an offset is refused.
    """
    return [
        _shortest(row if _is_clean(row) else _checked(msgspec.structs.asdict(row), index))
        for index, row in enumerate(rows)
    ]


def long_rows(rows: Iterable[Row], as_of: datetime) -> list[dict[str, Any]]:
    """
    Return rows as plain JSON types with every field named, for programs that are not of this package.

    Also with what goes without saying between the tasks of a run: its time, and the day of the score.

    >>> as_of = datetime(2026, 11, 23, tzinfo=timezone.utc)
    >>> [row] = long_rows([Row(user="ann", score=240, source="netskope_default")], as_of)
    >>> row["score_at"], row["as_of"], row["risk_level"]
    ('2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z', None)

    :param as_of: the time that the run is for.
    """
    whole = []
    for row in rows:
        said = msgspec.structs.asdict(row)
        said["as_of"] = row.as_of or as_of
        if _is_of_newest_day(row):
            said["score_at"] = newest_day(said["as_of"])
        whole.append(said)
    plain: list[dict[str, Any]] = msgspec.to_builtins(whole)
    return plain


def _shortest(row: Row) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(row)
    for name in _DAYS:
        moment = plain.get(name)
        if moment is not None and moment.endswith(_MIDNIGHT):
            plain[name] = moment.removesuffix(_MIDNIGHT)
    if _has_derived_levels(row):
        mapped = _with_default_levels(row.score, row.previous_score)
        for name in _DERIVED:
            level = getattr(row, name)
            if level == getattr(mapped, name):
                plain.pop(name, None)
            elif level is None:
                # It is not set, and nobody is to derive it.
                plain[name] = None
    return plain


def _has_derived_levels(row: Row) -> bool:
    """Say whether the levels that a row does not name follow from its score, because a task has mapped it."""
    return row.risk_level is not None and row.score is not None


@lru_cache(maxsize=4096)
def _with_default_levels(score: int | None, previous_score: int | None) -> Row:
    row = Row(user="nobody", score=score, previous_score=previous_score)
    return map_row(row, ScoreBounds(), LevelMapping())


def deduplicate(rows: Iterable[Row]) -> list[Row]:
    """
    Return one row per user and source, in the order in which the users first appear.

    The row with the newest ``score_at`` stays. Where two are equally new, the lower (less safe) score stays,
    and a score stays before a missing one. Names are compared without regard to case.

    >>> [row.score for row in deduplicate([Row(user="ann", score=900), Row(user="ANN", score=300)])]
    [300]

    :param rows: rows of any number of users and sources.
    """
    best: dict[tuple[str, str | None], Row] = {}
    for row in rows:
        key = (row.key, row.source)
        held = best.get(key)
        if held is None or _precedence(row) > _precedence(held):
            best[key] = row
    return list(best.values())


def _precedence(row: Row) -> tuple[datetime, float]:
    day = _NEWEST if _is_of_newest_day(row) else row.score_at or _LONG_AGO
    return day, -HIGHEST_SCORE - 1 if row.score is None else -row.score


def _is_of_newest_day(row: Row) -> bool:
    """Say whether a row comes from a source that leaves the day out because it is the usual one."""
    return row.score_at is None and row.score is not None and row.source is not None


def flat(value: object) -> Iterator[object]:
    """
    Yield the single items of a list, or of lists in it: what mapped tasks, or several tasks, return.

    >>> list(flat([["ann"], [["bob"], ["eve"]]]))
    ['ann', 'bob', 'eve']
    """
    return _flat(_iterable(value), DEEPEST)


def _flat(items: Iterable[object], depth: int) -> Iterator[object]:
    for item in items:
        if depth == 0 or isinstance(item, (Row, Mapping, str, bytes)) or not isinstance(item, Iterable):
            yield item
        else:
            yield from _flat(item, depth - 1)


def _iterable(value: object) -> Iterable[object]:
    if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping)):
        return value
    came = "one dict" if isinstance(value, Mapping) else _told(value)
    raise ConfigurationError(
        f"Rows must come as a list of dicts, and came as {came}.",
        remedy=_remedy_for(value),
    )


def _remedy_for(value: object) -> str:
    if value is None:
        return "Check that the task before this one returns its rows, and that it ran."
    if isinstance(value, Mapping):
        return "Put the dict into a list."
    if isinstance(value, str):
        return (
            "A template is text unless the DAG has render_template_as_native_obj=True: hand over the task's "
            f"output itself, such as rows=fetch.output. Rows look like this: {_EXAMPLE}."
        )
    return f"Rows look like this: {_EXAMPLE}."


def _to_row(item: object, index: int) -> Row:
    if type(item) is dict:
        row = _quickly(item)
        return row if row is not None and _is_clean(row) else _checked(item, index)
    if isinstance(item, Row):
        return _checked(msgspec.structs.asdict(item), index)
    if isinstance(item, Mapping):
        return _checked(dict(item), index)
    raise RowError(
        f"Row {index} is {_told(item)} and not a dict.",
        index=index,
        remedy=f"Rows look like this: {_EXAMPLE}.",
    )


def _quickly(item: dict[Any, Any]) -> Row | None:
    # A function of its own, so that what is said of a malformed row has no cause, whose words hold values.
    for name in _DAYS:
        if (day := _day(item.get(name))) is not None:
            item = {**item, name: day}
    try:
        row = msgspec.convert(item, Row)
    except msgspec.ValidationError:
        return None
    return _with_derived_levels(row, item)


def _with_derived_levels(row: Row, item: Mapping[Any, Any]) -> Row:
    """Return a row with the levels that its dict does not name and that follow from its scores."""
    if not _has_derived_levels(row) or all(name in item for name in _DERIVED):
        return row
    mapped = _with_default_levels(row.score, row.previous_score)
    missing = {name: getattr(mapped, name) for name in _DERIVED if name not in item}
    return msgspec.structs.replace(row, **missing)


@lru_cache(maxsize=1024)
def _midnight(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=timezone.utc)
    except ValueError:
        return None


def _day(value: object) -> datetime | None:
    """Return the start of a day that is written as a date alone; None = it is not."""
    return _midnight(value) if isinstance(value, str) and len(value) == len("2026-11-23") else None


def _is_clean(row: Row) -> bool:
    """Say whether a row of the right types also has the right values; the fast way through."""
    return (
        _is_utc(row.score_at)
        and _is_utc(row.previous_score_at)
        and _is_utc(row.as_of)
        and (row.score is None or LOWEST_SCORE <= row.score <= HIGHEST_SCORE)
        and (row.previous_score is None or LOWEST_SCORE <= row.previous_score <= HIGHEST_SCORE)
        and 0 < len(row.user) <= LONGEST_USER
        and row.user.isprintable()
        and not row.user.isspace()
    )


def _is_utc(moment: datetime | None) -> bool:
    return moment is None or (type(moment) is datetime and moment.tzinfo is timezone.utc)


def _checked(item: Mapping[Any, Any], index: int) -> Row:
    """Check field by field: returns a row whose values only had to be rewritten, or says what is wrong."""
    for name in item:
        if name not in _CHECKS and name not in OKTA_USER_FIELDS:
            close = difflib.get_close_matches(as_text(name), _CHECKS, n=1)
            raise RowError(
                f"Row {index} has an unknown field{'' if '@' in as_text(name) else f' {shown(name)}'}.",
                index=index,
                field=as_text(name),
                remedy=f"Did you mean {close[0]!r}?" if close else f"The fields are {', '.join(_CHECKS)}.",
            )
    if "user" not in item:
        raise RowError(
            f"Row {index} has no user.",
            index=index,
            field="user",
            remedy='Each row needs a "user": a login or an e-mail address.',
        )
    row = Row(
        **{
            name: _CHECKS[name](value, index, name)
            for name, value in item.items()
            if name not in OKTA_USER_FIELDS
        }
    )
    return _with_derived_levels(row, item)


def _refuse(index: int, field: str, value: object, expected: str, remedy: str = "") -> NoReturn:
    raise RowError(
        f"Row {index}, field {field!r}: expected {expected}, not {_told(value, field)}.",
        index=index,
        field=field,
        remedy=remedy,
    )


def _told(value: object, field: str = "") -> str:
    """
    Return a value in words that never hold a name of a person: this becomes a message in a task log.

    The number of the row and the field are enough to find it.
    """
    if value is None:
        return "None"
    kind = type(value).__name__
    if isinstance(value, (bool, int, float, datetime)):
        return f"the {kind} {shown(value)}"
    if isinstance(value, str):
        return (
            f"the text {value[:30]!r}" if _may_be_told(value, field) else f"a text of {len(value)} characters"
        )
    return f"a {kind}"


def _may_be_told(text: str, field: str) -> bool:
    # Of a text in the wrong place it is not known what it is, unless it is as short as a level or a number.
    return field not in ("", "user") and len(text) <= 30 and "@" not in text


def _check_user(value: object, index: int, field: str) -> str:
    if not isinstance(value, str):
        _refuse(index, field, value, "a login or an e-mail address as text")
    if not value.strip():
        _refuse(index, field, value, "a login or an e-mail address", "Leave out rows without a user.")
    if len(value) > LONGEST_USER:
        _refuse(index, field, value, f"at most {LONGEST_USER} characters and not {len(value)}")
    for position, char in enumerate(value):
        if unicodedata.category(char) in _UNPRINTABLE or char in _BIDI_CONTROLS:
            _refuse(
                index,
                field,
                value,
                f"no control characters (there is U+{ord(char):04X} at position {position})",
                "Clean the name where it comes from; a name that looks like another one is not trusted.",
            )
    return value


def _check_score_field(value: object, index: int, field: str) -> int | None:
    if isinstance(value, str) and not _may_be_told(value, field):
        _refuse(index, field, value, f"a whole number from {LOWEST_SCORE} to {HIGHEST_SCORE}")
    try:
        return check_score(value)
    except ConfigurationError as error:
        raise RowError(
            f"Row {index}, field {field!r}: {error.message}", index=index, field=field, remedy=error.remedy
        ) from None


def _check_time(value: object, index: int, field: str) -> datetime | None:
    if value is None:
        return None
    if field in _DAYS and (day := _day(value)) is not None:
        return day
    try:
        moment = msgspec.convert(value, datetime) if isinstance(value, str) else value
    except msgspec.ValidationError:
        moment = value
    if not isinstance(moment, datetime):
        _refuse(index, field, value, "a time such as 2026-11-23T00:00:00Z")
    if moment.utcoffset() is None:
        _refuse(
            index,
            field,
            value,
            "a time with a UTC offset",
            "Write 2026-11-23T00:00:00Z, or use an aware datetime.",
        )
    try:
        utc = moment.astimezone(timezone.utc)
    except OverflowError:
        _refuse(index, field, value, "a time between the years 1 and 9999")
    # Subclasses (pendulum's, for one) become plain datetimes, which every encoder knows.
    return datetime.combine(utc.date(), utc.time(), tzinfo=timezone.utc)


def _check_flag(value: object, index: int, field: str) -> bool:
    if not isinstance(value, bool):
        _refuse(index, field, value, "true or false")
    return value


def _check_source(value: object, index: int, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        _refuse(index, field, value, "the id of an Airflow connection, or None")
    return value


def _check_rule(value: object, index: int, field: str) -> str | None:
    if value is not None and not isinstance(value, str):
        _refuse(index, field, value, "the text of a business rule, or None")
    return value


def _level_check(levels: tuple[str, ...]) -> Callable[[object, int, str], str | None]:
    def check(value: object, index: int, field: str) -> str | None:
        if value is not None and value not in levels:
            close = difflib.get_close_matches(as_text(value).lower(), levels, n=1)
            _refuse(
                index,
                field,
                value,
                f"one of {', '.join(levels)}",
                f"Did you mean {close[0]!r}?" if close else "",
            )
        return str(value) if value is not None else None

    return check


_CHECKS: dict[str, Callable[[object, int, str], Any]] = {
    "user": _check_user,
    "score": _check_score_field,
    "score_at": _check_time,
    "previous_score": _check_score_field,
    "previous_score_at": _check_time,
    "provisional": _check_flag,
    "as_of": _check_time,
    "source": _check_source,
    "score_level": _level_check(SCORE_LEVELS),
    "risk_level": _level_check(RISK_LEVELS),
    "previous_risk_level": _level_check(RISK_LEVELS),
    "rule": _check_rule,
    "unless": _check_rule,
}
