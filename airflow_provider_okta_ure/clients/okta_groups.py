# SPDX-License-Identifier: Apache-2.0
"""Okta's groups and who is in them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta_errors import VALIDATION_FAILED
from airflow_provider_okta_ure.clients.okta_users import PAGE_SIZE, OktaUserCalls, is_searchable
from airflow_provider_okta_ure.clients.okta_wire import WireGroup, group_body, segment, text_literal
from airflow_provider_okta_ure.core.names import spellings
from airflow_provider_okta_ure.errors import GroupError, InvalidRequestError, OktaUreError, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from airflow_provider_okta_ure.clients.answers import Answer
    from airflow_provider_okta_ure.core.models import OktaGroup, OktaUser

GROUPS_BUCKET = "/api/v1/groups"
GROUP_BUCKET = "/api/v1/groups/{id}"

LOOKS_FOR_A_NEW_GROUP = 5
"""How often a group that must exist by now is looked for; Okta's search index lags by about a second."""


class OktaGroupCalls(OktaUserCalls):
    """Groups and their members."""

    def list_groups(self, *, search: str = "", stats: bool = False) -> Iterator[OktaGroup]:
        """
        Yield groups.

        :param search: an Okta search expression; empty = all groups that the token may see.
        :param stats: also ask for the number of members.
        """
        params = {"limit": str(PAGE_SIZE)}
        if search:
            params["search"] = search
        if stats:
            params["expand"] = "stats"
        seen: set[str] = set()
        for page in self._api.pages(
            "/api/v1/groups", bucket=GROUPS_BUCKET, params=params, expect=list[WireGroup]
        ):
            for group in page:
                # A list that changes while it is read shows some on two pages.
                if group.id not in seen:
                    seen.add(group.id)
                    yield group.to_group()

    def find_group(self, name: str) -> OktaGroup | None:
        """
        Return the group with exactly this name, or None.

        Letter case counts; how accents are composed does not, unless two groups differ in that alone.

        :raises GroupError: several groups have it: an imported group may share the name of one of Okta's own.
        """
        searched = [one for one in spellings(name) if is_searchable(one)]
        if not searched:
            return None
        terms = (f"profile.name eq {text_literal(one)}" for one in searched)
        return _the_one(name, self.list_groups(search=" or ".join(terms)))

    def get_group(self, group_id: str) -> OktaGroup:
        """
        Return the group with this id.

        :raises NotFoundError: there is none.
        """
        path = f"/api/v1/groups/{segment(group_id, 'a group id')}"
        return self._api.call("GET", path, bucket=GROUP_BUCKET, expect=WireGroup).body.to_group()

    def create_group(self, name: str, description: str = "") -> OktaGroup:
        """
        Create a group and return it.

        :raises InvalidRequestError: the name is taken or not allowed.
        """
        body = group_body(name, description)
        reply = self._api.call("POST", "/api/v1/groups", bucket=GROUPS_BUCKET, json=body, expect=WireGroup)
        return reply.body.to_group()

    def ensure_group(self, name: str, description: str = "") -> OktaGroup:
        """
        Return the group with this name, creating it if there is none, also while somebody else does.

        :raises GroupError: several groups have the name, or Okta says it is taken but does not show by whom.
        """
        group = self.find_group(name)
        if group is not None:
            return group
        try:
            return self.create_group(name, description)
        except InvalidRequestError as error:
            if not _is_taken(error):
                raise
            return self._find_taken(name, error)
        except TransportError as error:
            # The answer is lost, not necessarily the group.
            return self._find_taken(name, error)

    def list_members(self, group_id: str) -> Iterator[OktaUser]:
        """Yield the group's members, deprovisioned ones as well if Okta still has them there."""
        path = f"/api/v1/groups/{segment(group_id, 'a group id')}/users"
        return self._pages_of_users(path, GROUPS_BUCKET, {"limit": str(PAGE_SIZE)})

    def add_member(self, group_id: str, user_id: str) -> Answer:
        """
        Put a user into a group; one who is in it already stays in it.

        :raises NotFoundError: with ``resource`` ``User`` or ``UserGroup``, whichever does not exist.
        :raises PermissionDeniedError: the group cannot be written, or not by this token.
        """
        path = _membership(group_id, user_id)
        return self._api.call("PUT", path, bucket=GROUPS_BUCKET, accepts=(204,)).answer

    def remove_member(self, group_id: str, user_id: str) -> Answer:
        """
        Take a user out of a group; one who is not in it stays out.

        :raises NotFoundError: with ``resource`` ``User`` or ``UserGroup``, whichever does not exist.
        :raises PermissionDeniedError: the group cannot be written, or not by this token.
        """
        path = _membership(group_id, user_id)
        return self._api.call("DELETE", path, bucket=GROUPS_BUCKET, accepts=(204,)).answer

    def _find_taken(self, name: str, error: OktaUreError) -> OktaGroup:
        timing = self._api.timing
        for look in range(LOOKS_FOR_A_NEW_GROUP):
            group = self._find_by_prefix(name) or self.find_group(name)
            if group is not None:
                return group
            if look < LOOKS_FOR_A_NEW_GROUP - 1:
                timing.sleep(0.5 * 2**look)
        if isinstance(error, TransportError):
            raise error
        raise GroupError(
            f"Okta says that the name {name!r} is taken, but shows no group that is called exactly so.",
            reason="group_not_found",
            remedy="Look for a group whose name differs in case, or that the token may not see.",
        ) from error

    def _find_by_prefix(self, name: str) -> OktaGroup | None:
        """Return the group by the older way of asking, which does not wait for the search index."""
        if not is_searchable(name):
            return None
        params = {"q": name, "limit": str(PAGE_SIZE)}
        reply = self._api.call(
            "GET", "/api/v1/groups", bucket=GROUPS_BUCKET, params=params, expect=list[WireGroup]
        )
        return _the_one(name, (group.to_group() for group in reply.body))


def _membership(group_id: str, user_id: str) -> str:
    return f"/api/v1/groups/{segment(group_id, 'a group id')}/users/{segment(user_id, 'a user id')}"


def _the_one(name: str, groups: Iterable[OktaGroup]) -> OktaGroup | None:
    """Return the one of the groups that has the name; spelled just so, if there is such a one."""
    ours = {group.group_id: group for group in groups if _composed(group.name) == _composed(name)}
    found = [group for group in ours.values() if group.name == name] or list(ours.values())
    if len(found) > 1:
        listed = ", ".join(f"{group.group_id} ({group.type})" for group in found[:5])
        raise GroupError(
            f"{len(found)} groups are called {name!r}: {listed}.",
            reason="ambiguous_group",
        )
    return found[0] if found else None


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_taken(error: InvalidRequestError) -> bool:
    return error.code == VALIDATION_FAILED and "already exists" in error.summary.lower()
