"""``/api/v1/users``: list, search and read users."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError, invalid, not_found
from airflow_provider_okta_ure.sandbox.okta.models import PROFILE_ATTRIBUTES, USER_TOP_LEVEL, OktaUser
from airflow_provider_okta_ure.sandbox.okta.paging import CursorError, decode_cursor, encode_cursor, link
from airflow_provider_okta_ure.sandbox.okta.parameters import omitted_parts, page_limit, requested_fields
from airflow_provider_okta_ure.sandbox.okta.searching import filter_users, quick_users, search_users
from airflow_provider_okta_ure.sandbox.okta.wire import projected, single_user_json, user_bytes, user_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/users"
_MAX = 200


class UserRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", _PATH, self.read_all)
        router.add("GET", "/api/v1/users/{id}", self.read)

    def read_all(self, request: Request) -> Answer:
        """Return a page of users."""
        query = request.query
        if query.get("q"):
            found = quick_users(self._state, query["q"])[: page_limit(query.get("limit"), 10, _MAX)]
            return self._page(
                request, found, [self._link({"q": query["q"], "limit": query.get("limit")}, "self")]
            )
        limit = page_limit(query.get("limit"), _MAX, _MAX)
        if query.get("search"):
            return self._searched(request, query, limit)
        return self._plain(request, query, limit)

    def read(self, request: Request) -> Answer:
        """Return one user by id, login or the part of the login before the @."""
        name = request.arguments[0]
        # A service app is nobody, so there is no "me" for it.
        is_nobody = name == "me" and request.extra["caller"].scopes is not None
        user = None if is_nobody else self._resolve(name)
        if user is None:
            raise not_found(name, "User")
        omit = omitted_parts(request.headers.get("content-type", ""))
        return Answer.json(single_user_json(user, self._context.base_url(), omit))

    def _resolve(self, name: str) -> OktaUser | None:
        if name == "me":
            return next((user for user in self._state.users if user.status == "ACTIVE"), None)
        found = self._state.find_user_by_id(name) or self._state.find_user(name)
        if found is None and "@" not in name:
            short = self._state.users_with_short_name(name)
            found = short[0] if len(short) == 1 else None
        return found

    def _plain(self, request: Request, query: dict[str, str], limit: int) -> Answer:
        """Return a page in order of creation, with or without a filter."""
        after = self._cursor(query, "E0000029")
        start = int(after) + 1 if after else 0
        users: Iterable[OktaUser]
        if query.get("filter"):
            users = (user for user in filter_users(self._state, query["filter"]) if user.number >= start)
        else:
            users = (user for user in self._state.users[start:] if user.status != "DEPROVISIONED")
        page = [user for user, _ in zip(users, range(limit + 1), strict=False)]
        repeated = {"limit": query.get("limit", str(_MAX)), "filter": query.get("filter")}
        return self._paged(request, page, limit, query, repeated, lambda user: str(user.number))

    def _searched(self, request: Request, query: dict[str, str], limit: int) -> Answer:
        """Return a page of a search, in the order that sortBy asks for."""
        after = self._cursor(query, "E0000031")
        sort_by = query.get("sortBy")
        found = search_users(self._state, query["search"])
        order = query.get("sortOrder", "asc").lower()
        if order not in ("asc", "desc", "ascending", "descending"):
            raise OktaError(400, "E0000031", causes=["Invalid sort order."])
        descending = bool(sort_by) and order.startswith("desc")
        if sort_by:
            found.sort(key=lambda user: _sort_key(user, sort_by), reverse=descending)
        if after:
            place = tuple(json.loads(after))
            found = [user for user in found if _follows(_sort_key(user, sort_by), place, descending)]
        page = found[: limit + 1]
        repeated = {
            "limit": query.get("limit", str(_MAX)),
            "search": query["search"],
            "sortBy": sort_by,
            "sortOrder": query.get("sortOrder") if sort_by else None,
        }
        return self._paged(
            request, page, limit, query, repeated, lambda user: json.dumps(_sort_key(user, sort_by))
        )

    def _cursor(self, query: dict[str, str], code: str) -> str | None:
        if not query.get("after"):
            return None
        try:
            return decode_cursor(_purpose(query), query["after"])
        except CursorError as error:
            raise OktaError(400, code, causes=["Invalid cursor."]) from error

    def _paged(
        self,
        request: Request,
        page: list[OktaUser],
        limit: int,
        query: dict[str, str],
        repeated: dict[str, str | None],
        position: Any,
    ) -> Answer:
        kept = {**repeated, "fields": query.get("fields")}
        links = [self._link({"after": query.get("after"), **kept}, "self")]
        if len(page) > limit:
            after = encode_cursor(_purpose(query), position(page[limit - 1]))
            links.append(self._link({"after": after, **kept}, "next"))
        return self._page(request, page[:limit], links)

    def _page(self, request: Request, users: list[OktaUser], links: list[tuple[str, str]]) -> Answer:
        query = request.query
        body = users_body(users, self._context.base_url(), request, query.get("fields"))
        return Answer(200, body, [("Content-Type", "application/json"), *links])

    def _link(self, parameters: dict[str, str | None], relation: str) -> tuple[str, str]:
        return link(self._context.base_url(), _PATH, parameters, relation)


def users_body(users: list[OktaUser], base: str, request: Request, fields: str | None = None) -> bytes:
    """Return users as a JSON array, less what the request asked to leave out."""
    omit = omitted_parts(request.headers.get("content-type", ""))
    if not omit and not fields:
        return b"[" + b",".join([user_bytes(user, base) for user in users]) + b"]"
    shown = [user_json(user, base, omit) for user in users]
    if fields:
        wanted, profile = requested_fields(fields)
        shown = [projected(user, wanted, profile) for user in shown]
    return msgspec.json.encode(shown)


def _purpose(query: dict[str, str]) -> str:
    """Return what binds a cursor to its list: the same words searched for in the same order."""
    return "|".join(["users", *(query.get(name, "") for name in ("search", "filter", "sortBy", "sortOrder"))])


def _sort_key(user: OktaUser, sort_by: str | None) -> tuple[str, int]:
    if not sort_by:
        return ("", user.number)
    known = sort_by in USER_TOP_LEVEL or (
        sort_by.startswith("profile.") and sort_by[8:] in PROFILE_ATTRIBUTES
    )
    if not known:
        raise invalid("sortBy", f"sortBy: '{sort_by}' is not supported")
    return (str(user.values_of(sort_by)[0] or "").lower(), user.number)


def _follows(key: tuple[str, int], place: tuple[Any, ...], descending: bool) -> bool:
    return key < place if descending else key > place
