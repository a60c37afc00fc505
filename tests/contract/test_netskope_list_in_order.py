# SPDX-License-Identifier: Apache-2.0
"""The list by rising score: no further than a bound, nobody left out, and to its end when it is not in order."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.errors import ConfigurationError, UnexpectedAnswerError
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.client_support import NOW, netskope_of
from tests.unit.http_script import Clock, Said, Script

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY = datetime(2026, 11, 23, tzinfo=timezone.utc)
START = int(TODAY.timestamp()) * 1000


def at_or_below(sandbox: Sandbox, bound: int) -> set[str]:
    """Return who is listed with such a score, as the whole list says it."""
    rows = netskope_of(sandbox).scores(NOW, strategy="list")
    return {row.user for row in rows if row.score is not None and row.score <= bound}


@pytest.mark.parametrize("bound", [-1, 0, 250, 500, 900])
def test_the_list_is_read_no_further_than_the_bound(bound: int) -> None:
    with Sandbox(users=0, netskope_users=9000, now=NOW, frozen=True) as big:
        wanted = at_or_below(big, bound)
        before = len(big.requests)
        listed = netskope_of(big).listed_scores(NOW, until=bound)
        found = {row.user for row in listed.rows() if row.score is not None and row.score <= bound}
        assert found == wanted
        assert len(big.requests) - before <= max(2, -(-len(wanted) // 1000) + 1)
        assert (listed.is_to_the_end, listed.names.is_whole) == (False, True)
        assert listed.total == len(list(netskope_of(big).scores(NOW, strategy="list")))


@pytest.mark.parametrize("drift", [-30, -1, 1, 30, 300])
@pytest.mark.parametrize("page", [1000, 400])
def test_a_list_that_changes_while_it_is_read_hides_nobody_below_the_bound(drift: int, page: int) -> None:
    with Sandbox(users=0, netskope_users=9000, now=NOW, frozen=True) as big:
        wanted = at_or_below(big, 800)
        assert len(wanted) > 2000
        big.options.netskope_page_limit = page
        big.options.page_drift = drift
        listed = netskope_of(big).listed_scores(NOW, until=800)
        assert wanted <= {row.user for row in listed.rows()}


def test_without_a_bound_it_is_read_to_its_end() -> None:
    with Sandbox(users=0, netskope_users=2500, now=NOW, frozen=True) as big:
        listed = netskope_of(big).listed_scores(NOW)
        assert listed.is_to_the_end
        assert len(listed.names) == listed.total


def test_a_past_day_is_refused_before_anything_is_sent() -> None:
    with Sandbox(users=0, netskope_users=10, now=NOW, frozen=True) as small:
        with pytest.raises(ConfigurationError, match="strategy='series'"):
            netskope_of(small).listed_scores(TODAY, until=500)
        assert small.requests == []


# --- services that do otherwise


class Lists:
    """A service that lists scores as somebody wants it to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.offsets: list[int] = []
        self._monkeypatch = monkeypatch

    def client(self, page_at: Callable[[int, str], list[Any]], total: int | None) -> NetskopeClient:
        script = Script()

        def send(_adapter: Any, request: Any, **settings: Any) -> Any:
            query = dict(part.split("=") for part in request.url.partition("?")[2].split("&"))
            self.offsets.append(int(query["offset"]))
            results = page_at(int(query["offset"]), query["sortorder"])
            script.steps.append(Said(200, {"totalCount": total, "results": results}))
            return script.send(_adapter, request, **settings)

        self._monkeypatch.setattr(HTTPAdapter, "send", send)
        return NetskopeClient.connect(
            "https://acme.goskope.com", NetskopeTokenAuth("token"), timing=Clock().timing
        )


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> Lists:
    return Lists(monkeypatch)


def entry(number: int, score: Any) -> dict[str, Any]:
    return {"user": f"u{number}@x.example", "start": START, "confidenceScore": score}


def users_below(listed: Any, bound: int) -> set[str]:
    return {row.user for row in listed.rows() if row.score is not None and row.score <= bound}


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(lambda one: one["user"], id="by-name"),
        pytest.param(lambda one: -one["confidenceScore"], id="always-descending"),
        pytest.param(lambda one: hash(one["user"]) % 7, id="any-order"),
    ],
)
def test_a_list_in_another_order_is_read_to_its_end(lists: Lists, key: Any) -> None:
    everybody = sorted((entry(number, (number * 7) % 1001) for number in range(3000)), key=key)
    client = lists.client(lambda offset, _order: everybody[offset : offset + 1000], 3000)
    listed = client.listed_scores(NOW, until=300, now=NOW)
    assert listed.is_to_the_end
    assert len(users_below(listed, 300)) == sum(1 for one in everybody if one["confidenceScore"] <= 300)


def test_pages_that_are_sorted_each_by_itself_are_no_list_in_order(lists: Lists) -> None:
    everybody = [entry(number, (number * 7) % 1001) for number in range(3000)]

    def page(offset: int, _order: str) -> list[Any]:
        return sorted(everybody[offset : offset + 1000], key=lambda one: one["confidenceScore"])

    listed = lists.client(page, 3000).listed_scores(NOW, until=990, now=NOW)
    assert len(users_below(listed, 1000)) == 3000


def test_without_a_total_it_is_read_to_its_end_because_an_outage_could_not_be_seen(lists: Lists) -> None:
    everybody = [entry(number, min(1000, number)) for number in range(2500)]
    client = lists.client(lambda offset, _order: everybody[offset : offset + 1000], None)
    listed = client.listed_scores(NOW, until=10, now=NOW)
    assert listed.is_to_the_end
    assert len(listed.names) == 2500


def test_somebody_who_falls_into_a_page_already_read_is_found_by_reading_again(lists: Lists) -> None:
    everybody = [entry(number, number // 4) for number in range(4000)]
    fallen = entry(3500, 0)

    def page(offset: int, _order: str) -> list[Any]:
        if offset and fallen not in everybody:
            everybody.remove(entry(3500, 875))
            everybody.insert(0, fallen)
        return everybody[offset : offset + 1000]

    listed = lists.client(page, 4000).listed_scores(NOW, until=400, now=NOW)
    assert "u3500@x.example" in users_below(listed, 400)
    assert len(lists.offsets) <= 6


def test_whoever_slips_when_somebody_rises_is_found_by_going_back(lists: Lists) -> None:
    everybody = [entry(number, number // 4) for number in range(4000)]

    def page(offset: int, _order: str) -> list[Any]:
        if offset and len(everybody) == 4000:
            del everybody[5:15]
        return everybody[offset : offset + 1000]

    listed = lists.client(page, 4000).listed_scores(NOW, until=400, now=NOW)
    assert len(users_below(listed, 400)) == 1604


@pytest.mark.parametrize("odd", [None, "400", True, 4.5])
def test_entries_whose_score_makes_no_sense_do_not_end_the_reading(lists: Lists, odd: Any) -> None:
    everybody = [entry(number, odd if number in (0, 999) else number // 4) for number in range(4000)]
    client = lists.client(lambda offset, _order: everybody[offset : offset + 1000], 4000)
    listed = client.listed_scores(NOW, until=400, now=NOW)
    assert len(users_below(listed, 400)) == 1602
    assert not listed.is_to_the_end


def test_the_same_page_again_and_again_is_a_list_without_end(lists: Lists) -> None:
    client = lists.client(lambda _offset, _order: [entry(number, 1) for number in range(1000)], 5000)
    with pytest.raises(UnexpectedAnswerError, match="no end"):
        client.listed_scores(NOW, until=500, now=NOW)


def test_a_short_list_is_read_once(lists: Lists) -> None:
    everybody = [entry(number, number) for number in range(3)]
    client = lists.client(lambda offset, _order: everybody[offset : offset + 1000], 3)
    listed = client.listed_scores(NOW, until=1, now=NOW)
    assert (lists.offsets, listed.is_to_the_end) == ([0], True)
