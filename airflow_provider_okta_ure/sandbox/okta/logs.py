"""``/api/v1/logs``: the System Log, polled or read between two moments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import SECONDS_PER_DAY, iso_milliseconds, parse_iso
from airflow_provider_okta_ure.sandbox.expression import (
    OPERATORS,
    Dialect,
    ExpressionError,
    evaluate,
    parse,
)
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError, invalid
from airflow_provider_okta_ure.sandbox.okta.paging import CursorError, decode_cursor, encode_cursor, link

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/logs"
_KEPT_DAYS = 90
_OLDEST_SINCE_DAYS = 180
_SINCE_DAYS = 7
_WITHOUT_CONTAINS = frozenset(("debugContext.debugData.url", "debugContext.debugData.requestUri"))


class LogRoutes:
    """The handler; it runs under the state's lock."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the route."""
        router.add("GET", _PATH, self.read_all)

    def read_all(self, request: Request) -> Answer:
        """Return a page: a polling one (ascending, without ``until``) always says where to go on."""
        query = request.query
        limit = _limit(query.get("limit"))
        order = query.get("sortOrder", "ASCENDING").upper()
        if order not in ("ASCENDING", "DESCENDING"):
            raise invalid("sortOrder", "sortOrder: Not one of the allowed values.")
        wanted = self._wanted(query)
        if order == "ASCENDING" and not query.get("until"):
            return self._polled(query, limit, wanted)
        return self._between(query, limit, order, wanted)

    def _polled(self, query: dict[str, str], limit: int, wanted: Any) -> Answer:
        """Return events in the order they were written, from the cursor on."""
        since, start = self._since(query, self._state.clock.timestamp()), 0
        if query.get("after"):
            start, since = _position(query, "poll")
        log = self._state.log
        fresh = [place for place in log.visible() if place >= start and log.times[place] >= since]
        found = [place for place in fresh if wanted(log.events[place])]
        page = [log.events[place] for place in found[:limit]]
        if len(found) > limit:
            start = found[limit]
        elif fresh:
            start = fresh[-1] + 1
        cursor = encode_cursor(_purpose(query, "poll"), f"{start}|{since}")
        return self._page(query, page, {"limit": query.get("limit", "100")}, cursor)

    def _between(self, query: dict[str, str], limit: int, order: str, wanted: Any) -> Answer:
        """Return events in the order they were published, between two moments; the pages come to an end."""
        now = self._state.clock.timestamp()
        until = _time(query["until"], "until") if query.get("until") else now
        since, start = self._since(query, until), 0
        if query.get("after"):
            start, since = _position(query, "between")
        log = self._state.log
        found = [
            place
            for place in log.visible()
            if since <= log.times[place] <= until and wanted(log.events[place])
        ]
        found.sort(key=lambda place: (log.times[place], place), reverse=order == "DESCENDING")
        page = [log.events[place] for place in found[start : start + limit]]
        cursor = None
        if len(found) > start + limit:
            cursor = encode_cursor(_purpose(query, "between"), f"{start + limit}|{since}")
        repeated = {"until": iso_milliseconds(until), "limit": query.get("limit", "100")}
        return self._page(query, page, repeated, cursor)

    def _page(
        self,
        query: dict[str, str],
        page: list[dict[str, Any]],
        repeated: Mapping[str, str | None],
        cursor: str | None,
    ) -> Answer:
        base = self._context.base_url()
        kept = {**repeated, **{name: query.get(name) for name in ("filter", "q", "sortOrder")}}
        started = {"after": query.get("after")} if query.get("after") else {"since": query.get("since")}
        answer = Answer.json(page)
        answer.headers.append(link(base, _PATH, {**started, **kept}, "self"))
        if cursor:
            answer.headers.append(link(base, _PATH, {"after": cursor, **kept}, "next"))
        return answer

    def _since(self, query: dict[str, str], until: float) -> float:
        now = self._state.clock.timestamp()
        if not query.get("since"):
            return until - _SINCE_DAYS * SECONDS_PER_DAY
        since = _time(query["since"], "since")
        if since < now - _OLDEST_SINCE_DAYS * SECONDS_PER_DAY:
            text = "Invalid parameter: The since parameter is over 180 days prior to the current day."
            raise OktaError(400, "E0000053", text)
        return max(since, now - _KEPT_DAYS * SECONDS_PER_DAY)

    def _wanted(self, query: dict[str, str]) -> Any:
        """Return a function that says whether an event fits ``filter`` and ``q``."""
        words = _keywords(query.get("q", ""))
        text = query.get("filter", "")
        dialect = Dialect(_operators_of, allows_not=True)
        try:
            node = parse(text, dialect) if text else None
        except ExpressionError as error:
            raise OktaError(400, "E0000053", f"Invalid filter '{text}': {error}") from error

        def fits(event: dict[str, Any]) -> bool:
            if node is not None and not evaluate(
                node, dialect, lambda path: _values_of(event, path.split("."))
            ):
                return False
            return not words or all(word in _all_text(event) for word in words)

        return fits


def _operators_of(attribute: str) -> frozenset[str]:
    if attribute == "published" or attribute.split(".")[0] not in _TOP_LEVEL:
        return frozenset()
    return OPERATORS - {"co"} if attribute in _WITHOUT_CONTAINS else OPERATORS


_EVENT = """
uuid eventType version severity legacyEventType displayMessage actor client authenticationContext
outcome securityContext debugContext transaction request target
"""
_TOP_LEVEL = frozenset(_EVENT.split())


def _values_of(value: Any, path: list[str]) -> list[Any]:
    """Return everything a dotted path leads to; of an array each element counts."""
    if isinstance(value, list):
        return [found for part in value for found in _values_of(part, path)]
    if not path:
        return [value]
    return _values_of(value[path[0]], path[1:]) if isinstance(value, dict) and path[0] in value else []


def _all_text(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_all_text(part) for part in value.values())
    if isinstance(value, list):
        return " ".join(_all_text(part) for part in value)
    return str(value).lower()


def _keywords(text: str) -> list[str]:
    words = text.lower().split()
    if len(words) > 10 or any(len(word) > 40 for word in words):
        raise invalid("q", "q: At most 10 keywords of at most 40 characters are supported")
    return words


def _limit(text: str | None) -> int:
    if text is None or text == "":
        return 100
    if not text.isdecimal() or int(text) > 1000:
        raise invalid("limit", "limit: must be between 0 and 1000")
    return int(text)


def _time(text: str, name: str) -> float:
    try:
        return parse_iso(text)
    except ValueError as error:
        raise invalid(name, f"{name}: '{text}' is not a valid date") from error


def _position(query: dict[str, str], way: str) -> tuple[int, float]:
    try:
        place, since = decode_cursor(_purpose(query, way), query["after"]).split("|")
    except CursorError as error:
        raise OktaError(400, "E0000031", causes=["Invalid cursor."]) from error
    return int(place), float(since)


def _purpose(query: dict[str, str], way: str) -> str:
    return "|".join(["logs", way, query.get("filter", ""), query.get("q", "")])
