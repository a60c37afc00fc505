"""The writes that move scores: impacts, allowed anomalies, resets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError
from airflow_provider_okta_ure.sandbox.netskope.parameters import json_object, spelled, whole_number

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.netskope.state import NetskopeState
    from airflow_provider_okta_ure.sandbox.options import Options

_START, _MOST_ROWS = 1000, 10_000


class ChangeRoutes:
    """The handlers; only today's score ever changes. All of them run under the state's lock."""

    def __init__(self, state: NetskopeState, options: Options) -> None:
        self._state = state
        self._options = options

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("POST", "/api/v2/incidents/user/uciimpact", self.impact)
        router.add("POST", "/api/v2/incidents/users/uci/reset", self.reset)
        router.add("POST", "/api/v2/incidents/users/getanomalies", self.list_anomalies)
        router.add("POST", "/api/v2/incidents/anomalies/{id}/allow", self.allow)

    def impact(self, request: Request) -> Answer:
        """Lower (or raise) today's score by an amount and return the anomaly this makes."""
        body = json_object(request)
        index = self._index(body.get("user"))
        points = body.get("score")
        if not isinstance(points, int) or isinstance(points, bool):
            raise NetskopeError(400, "score must be an integer")
        self._move(index, -points)
        number = len(self._state.anomalies)
        anomaly = {
            "id": text_of(24, self._state.people.seed, "anomaly", number),
            "user": spelled(self._state.name(index), self._options),
            "timestamp": whole_number(body.get("timestamp"), "timestamp", int(request.at * 1000)),
            "source": str(body.get("source", "")),
            "reason": str(body.get("reason", "")),
            "score": points,
            "allowed": False,
            "index": index,
        }
        self._state.anomalies.append(anomaly)
        return Answer.json({"id": anomaly["id"]})

    def allow(self, request: Request) -> Answer:
        """Take an anomaly's effect on today's score back; doing it again changes nothing."""
        for anomaly in self._state.anomalies:
            if anomaly["id"] == request.arguments[0]:
                if not anomaly["allowed"]:
                    anomaly["allowed"] = True
                    self._move(anomaly["index"], anomaly["score"])
                return Answer.json({"id": anomaly["id"], "status": "allowed"})
        raise NetskopeError(404, "Anomaly not found")

    def list_anomalies(self, request: Request) -> Answer:
        """Return anomalies, newest first."""
        body = json_object(request)
        limit = whole_number(body.get("limit"), "limit", 100, least=1)
        days = whole_number(body.get("timeframe"), "timeframe", 90, least=1)
        if limit > _MOST_ROWS or days > 90:
            raise NetskopeError(400, "limit must be at most 10000, timeframe at most 90")
        since = (request.at - days * 86_400) * 1000
        found = [anomaly for anomaly in reversed(self._state.anomalies) if anomaly["timestamp"] >= since]
        return Answer.json(
            {"totalCount": len(found), "results": [_shown(anomaly) for anomaly in found[:limit]]}
        )

    def reset(self, request: Request) -> Answer:
        """Put the scores of the users back to 1000, or of nobody when one of them has none."""
        users = json_object(request).get("users")
        if not isinstance(users, list) or not users:
            raise NetskopeError(400, "users must be a non-empty list of user names")
        indices = [self._state.index_of(user) if isinstance(user, str) else None for user in users]
        today = self._state.clock.today()
        if any(index is None or self._state.score_of(index, today) is None for index in indices):
            raise NetskopeError(400, "Some of the provided users' UCI not found")
        for index in indices:
            if index is not None:
                self._state.set_score(self._state.name(index), None, _START)
        return Answer.json({"status": "success"})

    def _move(self, index: int, points: int) -> None:
        score = self._state.score_of(index, self._state.clock.today())
        moved = max(0, min(1000, (_START if score is None else score) + points))
        self._state.set_score(self._state.name(index), None, moved)

    def _index(self, user: Any) -> int:
        index = self._state.index_of(user) if isinstance(user, str) else None
        if index is None:
            raise NetskopeError(400, "user is unknown")
        return index


def _shown(anomaly: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in anomaly.items() if name != "index"}
