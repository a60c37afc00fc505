"""``scim/Users`` and ``users/getusers``: who there is, without scores."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.hashing import uuid_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.netskope.errors import NetskopeError
from airflow_provider_okta_ure.sandbox.netskope.parameters import json_object, spelled, whole_number

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.netskope.state import NetskopeState
    from airflow_provider_okta_ure.sandbox.options import Options

_FILTER = re.compile(r'\s*userName\s+eq\s+"((?:[^"\\]|\\.)*)"\s*', re.IGNORECASE)
_MEDIA_TYPE = "application/scim+json;charset=utf-8"


class IdentityRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, state: NetskopeState, options: Options) -> None:
        self._state = state
        self._options = options

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", "/api/v2/scim/Users", self.scim)
        router.add("POST", "/api/v2/users/getusers", self.listed)

    def scim(self, request: Request) -> Answer:
        """Return a page as a SCIM ListResponse; ``startIndex`` counts from one."""
        query = request.query
        # RFC 7644: a startIndex below one is read as one, a negative count as zero.
        start = max(1, whole_number(query.get("startIndex"), "startIndex", 1, least=-1_000_000))
        count = max(0, whole_number(query.get("count"), "count", 100, least=-1_000_000))
        count = min(count, self._options.scim_page_limit)
        if query.get("filter"):
            indices = self._filtered(query["filter"])
            total, page = len(indices), indices[start - 1 : start - 1 + count]
        else:
            total, page = self._state.count, self._state.indices(start - 1, count)
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
            "totalResults": total,
            "itemsPerPage": len(page),
            "startIndex": start,
            "Resources": [self._resource(index) for index in page],
        }
        return Answer.json(body, media_type=_MEDIA_TYPE)

    def listed(self, request: Request) -> Answer:
        """Return a page in the shape of the users list that is not SCIM."""
        query = json_object(request).get("query", {})
        paging = query.get("paging", {}) if isinstance(query, dict) else None
        if not isinstance(paging, dict):
            raise NetskopeError(400, "query.paging must be an object")
        offset = whole_number(paging.get("offset"), "offset", 0)
        limit = min(
            whole_number(paging.get("limit"), "limit", 100, least=1), self._options.netskope_page_limit
        )
        indices = self._state.indices(offset, limit)
        data = [
            {
                "id": self._id(index),
                "userName": self._name(index),
                "emails": [self._name(index)],
                "accounts": [],
            }
            for index in indices
        ]
        return Answer.json({"counts": self._state.count, "data": data})

    def _filtered(self, text: str) -> list[int]:
        match = _FILTER.fullmatch(text)
        if match is None:
            raise NetskopeError(400, 'Only a filter of the form userName eq "..." is supported')
        index = self._state.index_of(re.sub(r"\\(.)", r"\1", match[1]))
        return [] if index is None else [index]

    def _resource(self, index: int) -> dict[str, Any]:
        name, known_as = self._name(index), self._id(index)
        given, family = "Test", "Person"
        if index < self._state.generated:
            given, family = self._state.people.names_of(index)
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": known_as,
            "userName": name,
            "externalId": known_as,
            "active": True,
            "name": {"givenName": given, "familyName": family},
            "emails": [{"value": name, "primary": True}],
            "meta": {"resourceType": "User"},
        }

    def _id(self, index: int) -> str:
        return uuid_of(self._state.people.seed, "scim", index)

    def _name(self, index: int) -> str:
        return spelled(self._state.name(index), self._options)
