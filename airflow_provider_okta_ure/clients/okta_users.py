# SPDX-License-Identifier: Apache-2.0
"""Okta's users: reading the directory, and finding many people in it with few calls."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from airflow_provider_okta_ure.clients.okta_errors import INVALID_SEARCH, QUERY_TOO_SLOW
from airflow_provider_okta_ure.clients.okta_wire import (
    WireGroup,
    WireRisk,
    WireUser,
    risk_body,
    segment,
    text_literal,
)
from airflow_provider_okta_ure.core.names import fold, spellings
from airflow_provider_okta_ure.errors import InvalidRequestError, PermissionDeniedError, ServerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from airflow_provider_okta_ure.clients.answers import Answer
    from airflow_provider_okta_ure.clients.http import ApiClient
    from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel, UserRisk

log = logging.getLogger(__name__)

USERS_BUCKET = "/api/v1/users"
USER_BUCKET = "/api/v1/users/{idOrLogin}"

PAGE_SIZE = 200
"""Okta: the most users in a page."""

PAGE_SIZES = (PAGE_SIZE, 50, 10)
"""Tried one after the other when Okta's own query takes too long."""

NAMES_PER_SEARCH = 25
IDS_PER_SEARCH = 50
LONGEST_QUERY = 4000
"""Okta names no limit for a search; these are what is known to be safe."""

FEW_SEARCHES = 3
"""Not worth the call that counts the directory."""

# Okta: a parameter of the content type, also without a body; it makes the answer shorter and faster.
_BRIEF = {
    "Content-Type": "application/json; "
    'okta-response="omitCredentials,omitCredentialsLinks, omitTransitioningToStatus"'
}


class OktaUserCalls:
    """
    Users and their risk.

    :param api: the way to the org.
    """

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def search_users(self, expression: str) -> Iterator[OktaUser]:
        """
        Yield the users that a search expression of Okta's matches, deprovisioned ones as well.

        :param expression: such as ``status eq "ACTIVE" and profile.department eq "Sales"``; values are
            compared without regard to case.
        :raises InvalidRequestError: Okta cannot run it.
        """
        params = {"search": expression, "limit": str(PAGE_SIZE)}
        yield from self._pages_of_users("/api/v1/users", USERS_BUCKET, params)

    def list_users(self) -> Iterator[OktaUser]:
        """Yield all users except the deprovisioned ones, which Okta leaves out of this list."""
        yield from self._pages_of_users("/api/v1/users", USERS_BUCKET, {"limit": str(PAGE_SIZE)})

    def get_user(self, user_id_or_login: str) -> OktaUser:
        """
        Return one user, by id or by login; an e-mail address that is not the login finds nobody.

        :raises NotFoundError: there is no such user.
        """
        name = segment(user_id_or_login, "a user's id or login")
        return self._api.call(
            "GET", f"/api/v1/users/{name}", bucket=USER_BUCKET, expect=WireUser
        ).body.to_user()

    def count_users(self) -> int | None:
        """Return how many users the org has, or None when the token may not see that."""
        try:
            everyone = self._api.call(
                "GET",
                "/api/v1/groups",
                bucket="/api/v1/groups",
                params={
                    "search": 'type eq "BUILT_IN" and profile.name eq "Everyone"',
                    "expand": "stats",
                    "limit": "1",
                },
                expect=list[WireGroup],
            ).body
        except (InvalidRequestError, PermissionDeniedError):
            return None
        counts = (group.to_group().member_count for group in everyone)
        return next((count for count in counts if count is not None), None)

    def find_users(self, names: Iterable[str]) -> Iterator[OktaUser]:
        """
        Yield every user whose login or e-mail address is one of the names, whatever its spelling; each once.

        Searches for the names in batches, or lists the whole directory where that takes fewer calls and then
        searches for the names that were not in the list, which leaves deprovisioned users out.

        :param names: logins or e-mail addresses.
        """
        wanted = _wanted(names)
        seen: set[str] = set()
        if self._listing_is_cheaper(sum(map(len, wanted.values()))):
            missing = dict(wanted)
            for user in self.list_users():
                keys = _keys_of(user) & wanted.keys()
                if keys and user.user_id not in seen:
                    seen.add(user.user_id)
                    yield user
                for key in keys:
                    missing.pop(key, None)
            wanted = missing
        searched = [one for spelled in wanted.values() for one in spelled.values()]
        for user in self._in_batches(searched, _expression, NAMES_PER_SEARCH):
            if user.user_id not in seen and _keys_of(user) & wanted.keys():
                seen.add(user.user_id)
                yield user

    def find_users_by_id(self, ids: Iterable[str]) -> Iterator[OktaUser]:
        """
        Yield the users with these ids, deprovisioned ones as well; each once, in no particular order.

        Okta's search shows a user about a second after it was created or changed.

        :param ids: Okta ids; one that nobody has is left out.
        """
        wanted = {user_id for user_id in ids if is_searchable(user_id)}
        for user in self._in_batches(sorted(wanted), _expression_of_ids, IDS_PER_SEARCH):
            if user.user_id in wanted:
                wanted.remove(user.user_id)
                yield user

    def get_user_risk(self, user_id: str) -> RiskLevel:
        """
        Return the user's risk level; up is risk, ``none`` = nothing is recorded.

        :raises NotFoundError: there is no such user.
        """
        return self.describe_user_risk(user_id).level

    def describe_user_risk(self, user_id: str) -> UserRisk:
        """
        Return the user's risk level and the reason that Okta has recorded.

        :raises NotFoundError: there is no such user.
        :raises PermissionDeniedError: the org has no Identity Threat Protection, or the credential may not.
        """
        path = f"/api/v1/users/{segment(user_id, 'a user id')}/risk"
        return self._api.call("GET", path, bucket=USERS_BUCKET, expect=WireRisk).body.to_risk()

    def put_user_risk(self, user_id: str, level: RiskLevel, reason: str = "") -> Answer:
        """
        Set the user's risk level; this overrides what Okta's risk engine found.

        :param level: ``low``, ``medium`` or ``high``; up is risk.
        :param reason: why; what Okta does not allow in it is replaced by ``-``.
        :raises ConfigurationError: the level is ``none``, which cannot be set.
        """
        path = f"/api/v1/users/{segment(user_id, 'a user id')}/risk"
        body = risk_body(level, reason)
        # Okta: 201 the first time, 200 afterwards, both with the risk as it is now.
        return self._api.call(
            "PUT", path, bucket=USERS_BUCKET, json=body, accepts=(200, 201), expect=WireRisk
        ).answer

    def _listing_is_cheaper(self, count: int) -> bool:
        searches = -(-count // NAMES_PER_SEARCH)
        if searches <= FEW_SEARCHES:
            return False
        users = self.count_users()
        return users is not None and -(-users // PAGE_SIZE) < searches

    def _in_batches(
        self, values: list[str], expression: Callable[[list[str]], str], most: int
    ) -> Iterator[OktaUser]:
        """Yield what searches for all values find, as many of them at once as Okta takes."""
        batches = deque(_batches(values, expression, most))
        while batches:
            batch = batches.popleft()
            try:
                # A list, because users must not be handed out before the whole batch is known to be readable.
                found = list(self.search_users(expression(batch)))
            except InvalidRequestError as error:
                if not _is_too_much(error) or len(batch) == 1:
                    raise
                half = len(batch) // 2
                batches.extendleft((batch[half:], batch[:half]))
            else:
                yield from found

    def _pages_of_users(self, path: str, bucket: str, params: dict[str, str]) -> Iterator[OktaUser]:
        before: set[str] = set()
        for page in self._pages(path, bucket, params):
            # A list that changes while it is read shows some on two pages, one after the other.
            users = {user.id: user for user in page}
            yield from (user.to_user() for user in users.values() if user.id not in before)
            before = set(users)

    def _pages(self, path: str, bucket: str, params: dict[str, str]) -> Iterator[list[WireUser]]:
        """Yield the pages of a list, in smaller ones if Okta cannot put the first one together in time."""
        for limit in PAGE_SIZES:
            pages = self._api.pages(
                path,
                bucket=bucket,
                params={**params, "limit": str(limit)},
                headers=_BRIEF,
                expect=list[WireUser],
            )
            try:
                first = next(pages, [])
            except ServerError as error:
                # Once a page is out, the list cannot begin anew: its end names the size of the next page.
                if error.code != QUERY_TOO_SLOW or limit == PAGE_SIZES[-1]:
                    raise
                log.info("Okta cannot list %d users at once in time; asking for fewer.", limit)
                continue
            yield first
            yield from pages
            return


def is_searchable(name: str) -> bool:
    """
    Whether anybody can be called so: what Okta takes nowhere would only spoil the search for the others.

    Those are control characters and everything beyond U+FFFF.
    """
    return bool(name.strip()) and name.isprintable() and max(name) <= "\uffff"


def _wanted(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Return what to search for, by what the names are compared by."""
    wanted: dict[str, dict[str, str]] = {}
    for name in names:
        for spelled in filter(is_searchable, spellings(name)):
            # One letter case is enough: Okta searches without regard to it.
            wanted.setdefault(fold(name), {}).setdefault(spelled.lower(), spelled)
    return wanted


def _keys_of(user: OktaUser) -> set[str]:
    return {fold(user.login), fold(user.email)}


def _expression(names: Iterable[str]) -> str:
    return " or ".join(
        f"profile.login eq {literal} or profile.email eq {literal}" for literal in map(text_literal, names)
    )


def _expression_of_ids(ids: Iterable[str]) -> str:
    return " or ".join(f"id eq {text_literal(user_id)}" for user_id in ids)


def _batches(values: Iterable[str], expression: Callable[[list[str]], str], most: int) -> Iterator[list[str]]:
    """Yield the values in groups that fit one search; one that is too long for any search is nobody's."""
    batch: list[str] = []
    length = 0
    for value in values:
        size = len(urlencode({"": f"{expression([value])} or "}))
        if size > LONGEST_QUERY:
            continue
        if batch and (len(batch) == most or length + size > LONGEST_QUERY):
            yield batch
            batch, length = [], 0
        batch.append(value)
        length += size
    if batch:
        yield batch


def _is_too_much(error: InvalidRequestError) -> bool:
    return error.status == 414 or error.code == INVALID_SEARCH
