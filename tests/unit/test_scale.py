"""Work grows with the number of users, not with users times users; counted in comparisons, not in seconds."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.core.decisions.adding import decide_additions
from airflow_provider_okta_ure.core.decisions.facts import GroupFacts, RunFacts
from airflow_provider_okta_ure.core.decisions.removing import RemovalPolicy, decide_removals
from airflow_provider_okta_ure.core.matching import Directory, resolve
from airflow_provider_okta_ure.core.models import OktaUser, Row
from demo.keys import new_signing_key


class CountedName(str):
    """A name that counts how often it is compared."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        CountedName.comparisons += 1
        return str.__eq__(self, str(other))

    def lower(self) -> CountedName:
        return CountedName(str.lower(self))


def _people(number: int) -> tuple[list[Row], list[OktaUser]]:
    names = [f"user{index}@x.example" for index in range(number)]
    rows = [Row(user=CountedName(name)) for name in names]
    users = [
        OktaUser(
            user_id=CountedName(f"id{index}"),
            login=CountedName(name),
            email=CountedName(name),
            status="ACTIVE",
        )
        for index, name in enumerate(names)
    ]
    return rows, users


def _facts(users: list[OktaUser]) -> GroupFacts:
    members = {user.user_id: user for user in users[::2]}
    run = RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc))
    return GroupFacts(run=run, members=members, directory=Directory(users), ours=members.keys())


@pytest.mark.parametrize(
    "decide",
    [
        pytest.param(lambda rows, users: resolve(rows, Directory(users)), id="matching"),
        pytest.param(lambda rows, users: decide_additions(rows, _facts(users)), id="adding"),
        pytest.param(
            lambda rows, users: decide_removals(rows, _facts(users), RemovalPolicy(dag_id="sync")),
            id="removing",
        ),
    ],
)
def test_ten_times_the_users_are_ten_times_the_comparisons(decide):
    counts = []
    for number in (200, 2_000):
        rows, users = _people(number)
        CountedName.comparisons = 0
        assert len(decide(rows, users)) == number
        counts.append(CountedName.comparisons)
    assert 0 < counts[1] <= 12 * counts[0]


def test_the_signing_key_is_parsed_once_for_many_tokens(monkeypatch):
    loads = []

    def counted(*arguments, **named):
        loads.append(1)
        return load_pem_private_key(*arguments, **named)

    monkeypatch.setattr("airflow_provider_okta_ure.clients.keys.serialization.load_pem_private_key", counted)
    key = SigningKey.load(new_signing_key().pem)
    parsed = len(loads)
    for number in range(50):
        key.sign(b'{"number": %d}' % number, typ="secevent+jwt")
    assert parsed >= 1
    assert len(loads) == parsed
