"""Which event of the System Log proves which push, and why one may be missing."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_okta_ure.catalogue import entry_for_reason
from airflow_provider_okta_ure.core.deliveries import Push, Senders, Sighting, match
from airflow_provider_okta_ure.core.missing import Evidence, explain

T0 = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
ISSUER = "https://risk.corp.example"
NAME = "Netskope User Risk (Airflow)"
OURS = Senders()


def push(number: int, seconds: float = 0, user: str = "ann", **more: str) -> Push:
    return Push(
        number=number,
        user_id=user,
        issuer=more.pop("issuer", ISSUER),
        at=T0 + timedelta(seconds=seconds),
        **more,
    )


def event(name: str, seconds: float = 0, user: str = "ann", sender: str = ISSUER) -> Sighting:
    return Sighting(
        event_id=name,
        published=T0 + timedelta(seconds=seconds),
        user_ids=(user,),
        senders=frozenset({"sse1", sender}),
    )


def matched(pushes: list[Push], events: list[Sighting], whose: Senders = OURS) -> dict[int, str]:
    return {number: one.event_id for number, one in match(pushes, events, whose).items()}


def test_an_event_after_the_push_about_the_same_user_proves_it():
    assert matched([push(1), push(2, user="bob")], [event("a", 0.4)]) == {1: "a"}


@pytest.mark.parametrize(
    ("seconds", "proves"),
    [
        pytest.param(-61, False, id="too-early"),
        pytest.param(-59, True, id="clocks-differ"),
        pytest.param(0, True, id="at-once"),
        pytest.param(3600, True, id="late"),
    ],
)
def test_an_event_from_long_before_the_push_proves_nothing(seconds, proves):
    assert bool(matched([push(1)], [event("a", seconds)])) is proves


def test_events_are_counted_so_that_one_never_proves_two_pushes():
    pushes = [push(1, 0), push(2, 10), push(3, 20)]
    assert len(matched(pushes, [event("a", 0.5)])) == 1
    assert len(matched(pushes, [event("a", 0.5), event("b", 20.5)])) == 2
    assert matched(pushes, [event("a", 0.5), event("b", 10.5), event("c", 20.5)]) == {1: "a", 2: "b", 3: "c"}


def test_of_two_pushes_the_later_one_has_the_event_that_came_after_it():
    assert matched([push(1, 0), push(2, 30)], [event("b", 30.5)]) == {2: "b"}
    assert matched([push(1, 0), push(2, 30)], [event("a", 0.5)]) == {1: "a"}


@pytest.mark.parametrize("seen", [0, 1, 2, 5])
@pytest.mark.parametrize("apart", [0, 0.4, 1, 2])
def test_of_two_pushes_that_clocks_cannot_tell_apart_one_event_never_proves_the_newer(apart, seen):
    """Okta may know only the level of the older one; a signal that is sent once more does no harm."""
    assert matched([push(1), push(2, apart)], [event("a", seen)]) == {1: "a"}
    both = matched([push(1), push(2, apart)], [event("a", seen), event("b", seen)])
    assert both == {1: "a", 2: "b"}


def test_of_pushes_that_are_far_enough_apart_an_old_one_does_not_take_the_event_of_a_new_one():
    """Otherwise one signal that never arrived would leave the newest one unproven for ever."""
    assert matched([push(1), push(2, 3), push(3, 4)], [event("a", 4)]) == {2: "a"}


def test_an_event_that_proves_another_push_already_is_not_used_again():
    pushes = [push(1, 0, event_id="a"), push(2, 5)]
    assert matched(pushes, [event("a", 5.5)]) == {}
    assert matched(pushes, [event("a", 0.5), event("b", 5.5)]) == {2: "b"}


def test_the_same_event_read_twice_counts_once():
    assert len(matched([push(1), push(2)], [event("a", 1), event("a", 1)])) == 1


@pytest.mark.parametrize(
    ("sender", "whose", "proves"),
    [
        pytest.param(ISSUER, OURS, True, id="issuer"),
        pytest.param(NAME, OURS, False, id="a-name-that-is-not-ours"),
        pytest.param(NAME, Senders(also_known_as=NAME), True, id="our-name"),
        pytest.param("https://other.example", Senders(also_known_as=NAME), False, id="somebody-else"),
        pytest.param("https://other.example", Senders(anybody=True), True, id="anybody"),
    ],
)
def test_who_sent_it_counts_unless_it_is_switched_off(sender, whose, proves):
    assert bool(matched([push(1)], [event("a", 1, sender=sender)], whose)) is proves


def test_two_issuers_are_kept_apart():
    pushes = [push(1), push(2, issuer="https://second.example")]
    assert matched(pushes, [event("a", 1, sender="https://second.example")]) == {2: "a"}


@given(
    st.lists(st.integers(0, 200), max_size=6),
    st.lists(st.integers(-100, 400), max_size=6),
)
def test_as_many_pushes_are_proven_as_can_be_and_each_by_an_event_of_its_own(tried, seen):
    pushes = [push(number, seconds) for number, seconds in enumerate(tried)]
    events = [event(str(number), seconds) for number, seconds in enumerate(seen)]
    found = match(pushes, events, OURS)
    assert len({one.event_id for one in found.values()}) == len(found)
    for number, one in found.items():
        assert one.published >= pushes[number].at - timedelta(seconds=60)
    # Every event may prove every push that began before it, so counting from the first on is the most that
    # clocks which agree allow; clocks that differ can only add to it.
    possible, left = 0, sorted(tried)
    for moment in sorted(seen):
        if left and left[0] - 2 <= moment:
            left.pop(0)
            possible += 1
    assert len(found) >= possible


CASES = [
    pytest.param({"provider": "inactive", "user": "gone"}, "provider_inactive", "is not active", id="inactive"),
    pytest.param({"provider": "gone"}, "provider_inactive", "does not exist", id="provider-gone"),
    pytest.param({"provider": "active", "user": "gone"}, "user_not_in_okta", "any more", id="user-gone"),
    pytest.param({"user": "deprovisioned"}, "user_deprovisioned", "deprovisioned", id="deprovisioned"),
    pytest.param({"is_old_news": True, "login": "ann"}, "repeated_jti", "earlier time", id="repeated"),
    pytest.param({"other_sender": "https://x.example"}, "other_sender", "'https://x.example'", id="sender"),
    pytest.param({"login": "ann"}, "unknown_login", "no e-mail address", id="login"),
    pytest.param({"login": "ann@corp.example", "user": "there"}, "not_in_log", "yet", id="late"),
    pytest.param({}, "not_in_log", "yet", id="nothing-known"),
]  # fmt: skip


@pytest.mark.parametrize(("evidence", "reason", "says"), CASES)
def test_the_likeliest_reason_is_given_and_explained(evidence, reason, says):
    why = explain(Evidence(**evidence))
    assert why.reason == reason
    assert says in why.message
    assert entry_for_reason(reason) is not None
