"""``users/getuci`` and ``users/getactiveuci``: everybody's current score, page by page (higher is safer)."""

from __future__ import annotations

from array import array
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError
from airflow_provider_okta_ure.sandbox.netskope.parameters import json_object, spelled, whole_number
from airflow_provider_okta_ure.sandbox.netskope.state import NO_SCORE, NetskopeState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_okta_ure.sandbox.options import Options

_MILLISECONDS_PER_DAY = 86_400_000
#: Netskope's own ratings, lowest and highest score: not the bands that business rules use.
_RATINGS = {"poor": (0, 350), "moderate": (351, 650), "good": (651, 1000), "all": (0, 1000)}
_SORTED_BY = {"confidenceScore": "score", "uciScore": "score", "user": "user"}


class ListingRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, state: NetskopeState, options: Options) -> None:
        self._state = state
        self._options = options
        self._selected = lru_cache(maxsize=4)(self._select)

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("POST", "/api/v2/incidents/users/getuci", self.everybody)
        router.add("POST", "/api/v2/incidents/users/getactiveuci", self.active)

    def everybody(self, request: Request) -> Answer:
        """Return a page of all users who have a score today."""
        body = json_object(request)
        default = self._options.active_days_default
        active = body.get("usersActiveInLastDays", default)
        days = None if active is None else whole_number(active, "usersActiveInLastDays", 0, least=1)
        chosen, statistics = self._chosen(request, body, days)
        page = self._page(request, chosen)
        start = self._state.clock.today() * _MILLISECONDS_PER_DAY
        scores = self._today()
        results = [
            {"user": self._name(index), "start": start, "confidenceScore": scores[index]} for index in page
        ]
        return Answer.json({"totalCount": len(chosen), **statistics, "results": results})

    def active(self, request: Request) -> Answer:
        """Return a page of the users active in the last 48 hours; its fields have other names."""
        chosen, _ = self._chosen(request, json_object(request), 2)
        start = self._state.clock.today() * _MILLISECONDS_PER_DAY
        scores = self._today()
        results = [
            {"user": self._name(index), "startTime": start, "uciScore": scores[index]}
            for index in self._page(request, chosen)
        ]
        return Answer.json({"totalCount": len(chosen), "results": results})

    def _chosen(
        self, request: Request, body: dict[str, Any], active_days: int | None
    ) -> tuple[Sequence[int], dict[str, int]]:
        query = request.query
        rating = body.get("ratingRank") or "all"
        if rating not in _RATINGS:
            raise NetskopeError(400, f"ratingRank must be one of {', '.join(_RATINGS)}")
        user = body.get("user") or {}
        contains = user.get("contains", "") if isinstance(user, dict) else None
        if not isinstance(contains, str):
            raise NetskopeError(400, 'user must look like {"contains": "text"}')
        sort_by = query.get("sortby") or "confidenceScore"
        order = (query.get("sortorder") or "asc").lower()
        if sort_by not in _SORTED_BY or order not in ("asc", "desc"):
            raise NetskopeError(400, "sortby must be confidenceScore or user, sortorder asc or desc")
        day, version = self._state.clock.today(), self._state.version
        wanted = (day, version, active_days, contains.lower())
        chosen, statistics = self._selected(*wanted, rating, _SORTED_BY[sort_by])
        if order == "desc":
            chosen = chosen[::-1]
        return chosen, statistics if query.get("statistics", "").lower() == "true" else {}

    def _select(
        self, day: int, _version: int, active_days: int | None, contains: str, rating: str, sort_by: str
    ) -> tuple[Sequence[int], dict[str, int]]:
        state = self._state
        scores, chosen = state.score_order(day)
        found: Sequence[int] = chosen
        if sort_by == "user":
            found = [index for index in state.name_order() if scores[index] != NO_SCORE]
        if active_days is not None:
            found = [index for index in found if state.days_inactive(index) < active_days]
        if contains:
            found = [index for index in found if contains in state.name(index).lower()]
        counts = Counter(scores[index] for index in found)
        statistics = {
            f"{name}UserCount": sum(counts[score] for score in range(low, high + 1))
            for name, (low, high) in _RATINGS.items()
            if name != "all"
        }
        if rating != "all":
            low, high = _RATINGS[rating]
            found = [index for index in found if low <= scores[index] <= high]
        return array("l", found), statistics

    def _page(self, request: Request, chosen: Sequence[int]) -> Sequence[int]:
        query = request.query
        offset = whole_number(query.get("offset"), "offset", 0)
        limit = whole_number(query.get("limit"), "limit", 100, least=1)
        if offset and self._options.page_drift:
            # Others changed the order between two pages: rows are skipped or come twice.
            offset = max(0, offset + self._options.page_drift)
        return chosen[offset : offset + min(limit, self._options.netskope_page_limit)]

    def _today(self) -> Sequence[int]:
        return self._state.score_order(self._state.clock.today())[0]

    def _name(self, index: int) -> str:
        return spelled(self._state.name(index), self._options)
