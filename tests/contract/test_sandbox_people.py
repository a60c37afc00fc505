"""The pretend people: the same for a seed, special ones certain, scores plausible and cheap."""

from __future__ import annotations

from collections import Counter

import pytest

from airflow_provider_okta_ure.sandbox.people import ONCE, People
from airflow_provider_okta_ure.sandbox.scores import days_inactive, score_on, scores_from, scores_on
from tests.contract.sandbox_support import group_id, make_sandbox

DAY = 20_780


def test_one_seed_gives_one_world_and_another_another():
    def world(seed: int) -> tuple[object, ...]:
        sandbox = make_sandbox(users=80, seed=seed)
        users = [(user.id, user.login, user.status) for user in sandbox.okta.users]
        scores = [sandbox.netskope.score(name) for name in sandbox.netskope.names()]
        groups = [(group.id, group.name, sorted(group.members)) for group in sandbox.okta.groups]
        return users, scores, groups, sandbox.okta_token, sandbox.netskope_token

    assert world(7) == world(7)
    assert all(mine != other for mine, other in zip(world(7), world(8), strict=True))


def test_a_larger_world_begins_with_the_same_people():
    assert (
        list(make_sandbox(users=50).netskope.names()) == list(make_sandbox(users=500).netskope.names())[:50]
    )


@pytest.mark.parametrize("seed", range(5))
def test_fifty_people_have_one_of_every_peculiarity_and_the_first_ten_none(seed):
    people = People(seed)
    counts = Counter(people.peculiarity(index) for index in range(50))
    assert counts.pop("plain") == 50 - len(ONCE)
    assert counts == dict.fromkeys(ONCE, 1)
    assert {people.peculiarity(index) for index in range(10)} == {"plain"}


def test_a_directory_of_fifty_has_every_difference_to_netskope():
    sandbox = make_sandbox(users=50)
    okta, netskope = sandbox.okta, sandbox.netskope
    names = list(netskope.names())
    assert {user.status for user in okta.users} >= {
        "DEPROVISIONED",
        "SUSPENDED",
        "STAGED",
        "LOCKED_OUT",
        "ACTIVE",
    }
    assert any(not okta.find_user(name) and not okta.users_with_email(name) for name in names), (
        "missing in Okta"
    )
    assert any(len(okta.users_with_email(name)) == 2 for name in names), "ambiguous"
    assert any(not okta.find_user(name) and len(okta.users_with_email(name)) == 1 for name in names), (
        "by e-mail"
    )
    logins = {user.login for user in okta.users}
    assert any(okta.find_user(name) and name not in logins for name in names), "other letter case"
    assert any(name != name.lower() for name in names)
    assert any(netskope.score(name) is None for name in names)
    assert any(netskope.index_of(user.email) is None for user in okta.users), "unknown to Netskope"


def test_shares_of_the_peculiar_in_a_large_world():
    people = People(7)
    counts = Counter(people.peculiarity(index) for index in range(20_000))
    assert counts["missing_in_okta"] == 400
    assert counts["no_score"] == 200
    assert counts["deprovisioned"] == 200
    assert counts["okta_case"] + counts["netskope_case"] == 1000
    assert 80 <= counts["suspended"] <= 120


def test_groups_of_a_directory():
    sandbox = make_sandbox(users=2000)
    by_type = Counter(group.type for group in sandbox.okta.groups)
    assert by_type["BUILT_IN"] == by_type["APP_GROUP"] == 1
    assert by_type["OKTA_GROUP"] >= 4
    assert len(sandbox.okta.members(group_id(sandbox, "All Staff"))) > 1000
    (rule,) = sandbox.okta.rules
    contractors = sandbox.okta.members(rule.group_id)
    assert contractors
    assert all(sandbox.okta.user(user).attributes["department"] == "Contractors" for user in contractors)


def test_addresses_lead_back_to_their_person_without_a_search():
    people = People(7)
    for index in (*range(300), 15_755, 15_756, 999_999, 12_345_678):
        assert people.index_of(people.address(index).upper()) == index
    for wrong in (
        "ada.lovelace0042@corp.example",
        "x@corp.example",
        "",
        people.address(5).replace("0005", "00005"),
    ):
        assert people.index_of(wrong) is None
    assert people.index_of(people.address(5).replace("0005", "0006")) is None
    assert people.index_of(people.outsider(3).address) is None


def test_the_list_without_scores_is_right_and_so_is_the_alphabet():
    people = People(7)
    assert sorted(people.without_score(3000)) == [
        index for index in range(3000) if people.peculiarity(index) == "no_score"
    ]
    addresses = [people.address(index) for index in people.by_name(3000)]
    assert addresses == sorted(addresses)
    assert len(addresses) == 3000


@pytest.mark.parametrize("day", [DAY, DAY + 17, 5, 29, 30])
@pytest.mark.parametrize("one_in", [1, 2, 7, 0])
def test_scores_in_bulk_are_the_same_as_one_by_one(day, one_in):
    one_by_one = [score_on(7, index, day, one_in) for index in range(5000)]
    assert list(scores_on(7, 5000, day, one_in)) == one_by_one


@pytest.mark.parametrize("one_in", [1, 2, 0])
def test_scores_of_many_days_are_the_same_as_one_by_one(one_in):
    for index in range(500):
        days = range(DAY, DAY + 70)
        one_by_one = [score_on(7, index, day, one_in) for day in days]
        assert scores_from(7, index, days[0], days[-1], one_in) == one_by_one


def test_fewer_people_have_episodes_when_asked_for():
    count = 50_000
    below = {one_in: sum(score < 500 for score in scores_on(7, count, DAY, one_in)) for one_in in (1, 2, 0)}
    assert 0.015 < below[2] / count < 0.025 < below[1] / count
    assert below[0] == 0


def test_scores_look_like_a_company():
    count = 50_000
    scores = scores_on(7, count, DAY)
    assert min(scores) >= 0
    assert max(scores) <= 1000
    below, critical = sum(score < 500 for score in scores), sum(score < 250 for score in scores)
    assert 0.03 < below / count < 0.05
    assert 0.008 < critical / count < 0.02
    assert sum(score >= 700 for score in scores) / count > 0.85


def test_about_as_many_enter_as_leave_each_day():
    count = 50_000
    for day in range(DAY, DAY + 5):
        before, after = scores_on(7, count, day), scores_on(7, count, day + 1)
        entered = sum(now < 500 <= then for then, now in zip(before, after, strict=True)) / count
        left = sum(then < 500 <= now for then, now in zip(before, after, strict=True)) / count
        assert 0.004 < entered < 0.01
        assert 0.004 < left < 0.01


def test_an_episode_lasts_two_to_ten_days():
    lengths: Counter[int] = Counter()
    for index in range(2000):
        risky = "".join("x" if score_on(7, index, day) < 500 else "." for day in range(DAY, DAY + 200))
        lengths.update(len(run) for run in risky.strip("x").split(".") if run)
    assert set(lengths) <= set(range(2, 11))
    assert len(lengths) >= 8


def test_few_people_are_inactive():
    inactive = [days_inactive(7, index) for index in range(20_000)]
    assert 0.03 < sum(days > 0 for days in inactive) / 20_000 < 0.08
    assert max(inactive) == 60
    assert inactive[:10] == [0] * 10
