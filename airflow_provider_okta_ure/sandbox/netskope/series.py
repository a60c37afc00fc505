"""``uba/getuci`` and ``user/uci``: the daily scores of named users (higher is safer)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError
from airflow_provider_okta_ure.sandbox.netskope.parameters import json_object, spelled, whole_number

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.netskope.state import NetskopeState
    from airflow_provider_okta_ure.sandbox.options import Options

_DEFAULT_CAP = 7
_MILLISECONDS_PER_DAY = 86_400_000
_SMALL = 100_000_000_000


class SeriesRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, state: NetskopeState, options: Options) -> None:
        self._state = state
        self._options = options

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("POST", "/api/v2/incidents/uba/getuci", self.many)
        router.add("POST", "/api/v2/ubadatasvc/user/uci", self.one)

    def many(self, request: Request) -> Answer:
        """Return the newest ``capPerUser`` daily scores since ``fromTime`` of several users."""
        body = json_object(request)
        users = body.get("users")
        if not isinstance(users, list) or not users or not all(isinstance(user, str) for user in users):
            raise NetskopeError(400, "users must be a non-empty list of user names")
        if len(users) > self._options.uci_max_users:
            raise NetskopeError(400, f"users must not contain more than {self._options.uci_max_users} items")
        if "fromTime" not in body:
            raise NetskopeError(400, "fromTime is required with users")
        since = self._seconds(body["fromTime"])
        cap = whole_number(body.get("capPerUser"), "capPerUser", _DEFAULT_CAP, least=1)
        found = [self._shown(user, since, cap) for user in users]
        return Answer.json({"usersUci": [shown for shown in found if shown is not None]})

    def one(self, request: Request) -> Answer:
        """Return the daily scores of one user, named as ``user`` or ``username``."""
        body = json_object(request)
        user = body.get("user", body.get("username"))
        if not isinstance(user, str) or not user:
            raise NetskopeError(400, "user is required")
        since = self._seconds(body.get("fromTime", 0))
        shown = self._shown(user, since, self._state.days)
        return Answer.json(shown or {"userId": user, "confidences": []})

    def _shown(self, user: str, since: float, cap: int) -> dict[str, Any] | None:
        index = self._state.index_of(user)
        if index is None:
            return {"userId": user, "confidences": []} if self._options.uci_unknown_users == "empty" else None
        confidences = [
            {"start": day * _MILLISECONDS_PER_DAY, "confidenceScore": score}
            for day, score in self._state.series(index, since)[-cap:]
        ]
        if self._options.uci_order == "descending":
            confidences.reverse()
        elif self._options.uci_order == "random":
            confidences = self._state.shuffled(confidences, "order", index)
        return {"userId": spelled(self._state.name(index), self._options), "confidences": confidences}

    def _seconds(self, from_time: Any) -> float:
        number = whole_number(from_time, "fromTime", 0)
        if self._options.uci_from_time_unit == "seconds_if_small" and number < _SMALL:
            return float(number)
        return number / 1000
