"""The life of an entry: which status replaces which, and the same meaning in SQL and in Python."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from itertools import product
from typing import Any, get_args

import pytest
from sqlalchemy import select, text

from airflow_provider_okta_ure.action_log import lifecycle
from airflow_provider_okta_ure.action_log.entries import Entry, LogAction, LogStatus
from airflow_provider_okta_ure.action_log.locks import Waiting
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.action_log.tables import actions

NOW = datetime(2026, 11, 20, tzinfo=timezone.utc)
STATUSES: tuple[LogStatus, ...] = get_args(LogStatus)
MEANINGS = {name: one for name, one in vars(lifecycle).items() if isinstance(one, lifecycle.Meaning)}


@pytest.fixture
def log(log_url: str) -> Iterator[ActionLog]:
    opened = ActionLog.open(log_url, Waiting(seconds=0))
    yield opened
    opened.close()


def entry(number: int, **fields: Any) -> Entry:
    known: dict[str, Any] = {
        "org": "https://acme.okta.com",
        "action": "add_to_group",
        "user_key": f"00u{number}",
        "as_of": NOW,
        "started_at": NOW + timedelta(seconds=number),
        "recorded_at": NOW,
        "status": "done",
    }
    return Entry(**{**known, **fields})


# What a first status and one written over it end as: what was done, or may have been, is never hidden.
STAYS = {
    ("done", "unchanged"),
    ("done", "skipped"),
    ("done", "failed"),
    ("done", "planned"),
    ("done", "started"),
    ("started", "unchanged"),
    ("started", "skipped"),
    ("started", "planned"),
    ("unchanged", "planned"),
    ("skipped", "planned"),
    ("failed", "planned"),
}


def test_which_status_replaces_which(log: ActionLog) -> None:
    pairs = list(product(STATUSES, repeat=2))
    for step in (0, 1):
        some = [entry(number, status=pair[step]) for number, pair in enumerate(pairs)]
        log.begin([one for one in some if one.status == "started"])
        log.finish([one for one in some if one.status != "started"])
    ended = {one.user_key: one.status for one in log.iterate(Filter())}
    assert ended == {
        f"00u{number}": old if (old, new) in STAYS else new for number, (old, new) in enumerate(pairs)
    }


def test_sql_and_python_agree_about_every_meaning(log: ActionLog) -> None:
    reasons = ("", "expired", "already_member", "held_by_others", "not_attempted", "reverted_not_ours")
    some = [
        entry(number, action=action, status=status, reason=reason, http_status=http, confirmation=said)
        for number, (action, status, reason, (http, said)) in enumerate(
            product(
                get_args(LogAction),
                STATUSES,
                reasons,
                ((None, ""), (499, ""), (500, "missing"), (204, "confirmed")),
            )
        )
    ]
    with log.database.writing() as connection:
        connection.execute(actions.insert(), [one.to_row() for one in some])
        for name, meaning in MEANINGS.items():
            keys = select(actions.c.user_key)
            found = set(connection.execute(keys.where(meaning.in_sql(actions.c))).scalars())
            assert found == {one.user_key for one in some if one in meaning}, name
            assert found, name
            assert found == set(connection.execute(keys.where(text(meaning.in_words))).scalars()), name


def test_what_no_answer_tells_is_in_doubt_and_a_refusal_is_not() -> None:
    assert entry(1, status="failed", http_status=500) in lifecycle.IN_DOUBT
    assert entry(1, status="failed", http_status=499) not in lifecycle.IN_DOUBT
    assert entry(1, status="done") not in lifecycle.IN_DOUBT
    assert entry(1, status="done") in lifecycle.MAY_HAVE_ARRIVED


def test_the_examples_in_the_table_are_right() -> None:
    assert doctest.testmod(lifecycle).failed == 0
    assert doctest.testmod(lifecycle).attempted > 0
