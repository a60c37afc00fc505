"""``/api/v1/iam/assignees/users``: who has an administrator role; the next page stands in the body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError
from airflow_provider_okta_ure.sandbox.okta.paging import CursorError, decode_cursor, encode_cursor
from airflow_provider_okta_ure.sandbox.okta.parameters import page_limit

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/iam/assignees/users"
_DEFAULT, _MAX = 100, 200


class AdministratorRoutes:
    """The handler for the list of users with a role assignment."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the route."""
        router.add("GET", _PATH, self.read_all)

    def read_all(self, request: Request) -> Answer:
        """Return a page of administrators in order of the users' creation."""
        query = request.query
        limit = page_limit(query.get("limit"), _DEFAULT, _MAX)
        start = _start(query.get("after"))
        users = [
            user
            for user in self._state.users
            if user.id in self._state.administrators and user.number >= start
        ]
        org_id = "00o" + text_of(17, self._state.seed, "org")
        body: dict[str, Any] = {
            "value": [{"id": user.id, "orgId": org_id, "status": user.status} for user in users[:limit]]
        }
        if len(users) > limit:
            after = encode_cursor(_PATH, str(users[limit].number))
            href = f"{self._context.base_url()}{_PATH}?after={after}&limit={limit}"
            body["_links"] = {"next": {"href": href}}
        return Answer.json(body)


def _start(after: str | None) -> int:
    if not after:
        return 0
    try:
        return int(decode_cursor(_PATH, after))
    except CursorError as error:
        raise OktaError(400, "E0000029", causes=["Invalid cursor."]) from error
