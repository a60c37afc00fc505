"""``/api/v1/groups``: list, search, read and create groups; list and change their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import iso_milliseconds
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError, invalid, malformed, not_found
from airflow_provider_okta_ure.sandbox.okta.models import GROUP_ATTRIBUTES, OktaGroup, OktaUser
from airflow_provider_okta_ure.sandbox.okta.paging import CursorError, decode_cursor, encode_cursor, link
from airflow_provider_okta_ure.sandbox.okta.parameters import json_object, page_limit
from airflow_provider_okta_ure.sandbox.okta.searching import filter_groups, search_groups
from airflow_provider_okta_ure.sandbox.okta.system_log import group_target, user_target
from airflow_provider_okta_ure.sandbox.okta.users import users_body
from airflow_provider_okta_ure.sandbox.okta.wire import group_json

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/groups"
_NAME_TAKEN = "name: An object with this field already exists in the current organization"


class GroupRoutes:
    """The handlers; all of them run under the state's lock."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", _PATH, self.read_all)
        router.add("POST", _PATH, self.create)
        router.add("GET", "/api/v1/groups/{id}", self.read)
        router.add("GET", "/api/v1/groups/{id}/users", self.list_members)
        router.add("PUT", "/api/v1/groups/{id}/users/{userId}", self.add_member)
        router.add("DELETE", "/api/v1/groups/{id}/users/{userId}", self.remove_member)

    def read_all(self, request: Request) -> Answer:
        """Return a page of groups."""
        query = request.query
        stats = "stats" in query.get("expand", "").split(",")
        if query.get("q"):
            start = query["q"].lower()
            found = [group for group in self._state.groups if group.name.lower().startswith(start)]
            # An answer to q has no Link header at all, because it cannot be paged.
            return Answer.json(self._shown(found[: page_limit(query.get("limit"), 300, 10_000)], stats))
        return self._listed(query, page_limit(query.get("limit"), 200, 10_000), stats)

    def read(self, request: Request) -> Answer:
        """Return one group."""
        return Answer.json(group_json(self._group(request.arguments[0]), self._context.base_url()))

    def create(self, request: Request) -> Answer:
        """Create an OKTA_GROUP; Okta answers 200, not 201."""
        profile = json_object(request).get("profile")
        if not isinstance(profile, dict):
            raise invalid("profile", "profile: The field cannot be left blank")
        name, description = _checked_profile(profile)
        if any(group.name.lower() == name.lower() for group in self._state.groups):
            raise invalid("profile", _NAME_TAKEN)
        group = self._state.add_group(name, description=description)
        self._write("group.lifecycle.create", request, [group_target(group)])
        return Answer.json(group_json(group, self._context.base_url()))

    def list_members(self, request: Request) -> Answer:
        """Return a page of a group's members."""
        group = self._group(request.arguments[0])
        query = request.query
        limit = page_limit(query.get("limit"), 1000, 1000)
        purpose = f"members|{group.id}"
        start = int(_decoded(purpose, query.get("after"), "E0000029") or -1)
        numbers = [number for number in self._state.member_numbers(group) if number > start]
        page = [self._state.users[number] for number in numbers[:limit]]
        path, size = f"{_PATH}/{group.id}/users", query.get("limit", "1000")
        links = [self._link(path, {"after": query.get("after"), "limit": size}, "self")]
        if len(numbers) > limit:
            after = encode_cursor(purpose, str(page[-1].number))
            links.append(self._link(path, {"after": after, "limit": size}, "next"))
        body = users_body(page, self._context.base_url(), request)
        return Answer(200, body, [("Content-Type", "application/json"), *links])

    def add_member(self, request: Request) -> Answer:
        """Put a user into a group; doing it again changes nothing and is not logged."""
        group, user = self._writable(request)
        if user.status == "DEPROVISIONED" and not self._context.options.deprovisioned_member_allowed:
            raise OktaError(403, "E0000038")
        if user.number not in group.members:
            group.members.add(user.number)
            self._touch(group)
            targets = [user_target(user), group_target(group)]
            self._write("group.user_membership.add", request, targets)
        return Answer(204)

    def remove_member(self, request: Request) -> Answer:
        """Take a user out of a group; a rule that put him there will not do so again."""
        group, user = self._writable(request)
        if user.number in group.members:
            group.members.discard(user.number)
            self._touch(group)
            targets = [user_target(user), group_target(group)]
            self._write("group.user_membership.remove", request, targets)
            self._exclude(group, user, request)
        return Answer(204)

    def _exclude(self, group: OktaGroup, user: OktaUser, request: Request) -> None:
        for rule in self._state.rules:
            if rule.group_id == group.id and user.attributes.get("department") == rule.department:
                rule.excluded.add(user.number)
                targets = [user_target(user), _rule_target(rule.id, rule.name)]
                self._write("group.user_membership.rule.add_exclusion", request, targets)

    def _writable(self, request: Request) -> tuple[OktaGroup, OktaUser]:
        group = self._group(request.arguments[0])
        user = self._state.find_user_by_id(request.arguments[1])
        if user is None:
            raise not_found(request.arguments[1], "User")
        if group.type == "BUILT_IN" and self._context.options.built_in_group_refusal_501:
            raise OktaError(501, "E0000060")
        if group.type != "OKTA_GROUP":
            raise OktaError(403, "E0000006")
        return group, user

    def _listed(self, query: dict[str, str], limit: int, stats: bool) -> Answer:
        purpose = "|".join(
            ["groups", *(query.get(name, "") for name in ("search", "filter", "sortBy", "sortOrder"))]
        )
        code = "E0000031" if query.get("search") else "E0000029"
        start = int(_decoded(purpose, query.get("after"), code) or 0)
        found = self._found(query)
        repeated = {
            "limit": query.get("limit", "200"),
            "search": query.get("search"),
            "filter": None if query.get("search") else query.get("filter"),
            "expand": query.get("expand"),
            "sortBy": query.get("sortBy") if query.get("search") else None,
            "sortOrder": query.get("sortOrder") if query.get("search") else None,
        }
        links = [self._link(_PATH, {"after": query.get("after"), **repeated}, "self")]
        if len(found) > start + limit:
            after = encode_cursor(purpose, str(start + limit))
            links.append(self._link(_PATH, {"after": after, **repeated}, "next"))
        answer = Answer.json(self._shown(found[start : start + limit], stats))
        answer.headers += links
        return answer

    def _found(self, query: dict[str, str]) -> list[OktaGroup]:
        if query.get("search"):
            found = search_groups(self._state, query["search"])
            sort_by = query.get("sortBy")
            if sort_by:
                if sort_by not in GROUP_ATTRIBUTES:
                    raise invalid("sortBy", f"sortBy: '{sort_by}' is not supported")
                descending = query.get("sortOrder", "asc").lower().startswith("desc")
                found.sort(key=lambda group: str(group.values_of(sort_by)[0]).lower(), reverse=descending)
            return found
        if query.get("filter"):
            return filter_groups(self._state, query["filter"])
        return list(self._state.groups)

    def _shown(self, groups: list[OktaGroup], stats: bool) -> list[dict[str, Any]]:
        base = self._context.base_url()
        return [
            group_json(group, base, len(self._state.member_numbers(group)) if stats else None)
            for group in groups
        ]

    def _group(self, group_id: str) -> OktaGroup:
        group = self._state.find_group_by_id(group_id)
        if group is None:
            raise not_found(group_id, "UserGroup")
        return group

    def _touch(self, group: OktaGroup) -> None:
        group.last_membership_updated = iso_milliseconds(self._state.clock.timestamp())

    def _write(self, event_type: str, request: Request, targets: list[dict[str, Any]]) -> None:
        self._state.log.write(
            event_type,
            targets,
            client_host=request.client_host,
            request_id=request.request_id,
            request_uri=request.path,
        )

    def _link(self, path: str, parameters: dict[str, str | None], relation: str) -> tuple[str, str]:
        return link(self._context.base_url(), path, parameters, relation)


def _checked_profile(profile: dict[str, Any]) -> tuple[str, str | None]:
    name, description = profile.get("name"), profile.get("description")
    if name is None or name == "":
        raise invalid("name", "name: The field cannot be left blank")
    if not isinstance(name, str) or not isinstance(description, str | None):
        raise malformed()
    if len(name) > 255:
        raise invalid("name", "name: The field is too long. The maximum length is 255.")
    if len(description or "") > 1024:
        raise invalid("description", "description: The field is too long. The maximum length is 1024.")
    return name, description


def _decoded(purpose: str, after: str | None, code: str) -> str | None:
    if not after:
        return None
    try:
        return decode_cursor(purpose, after)
    except CursorError as error:
        raise OktaError(400, code, causes=["Invalid cursor."]) from error


def _rule_target(rule_id: str, name: str) -> dict[str, Any]:
    return {"id": rule_id, "type": "GroupRule", "alternateId": "unknown", "displayName": name}
