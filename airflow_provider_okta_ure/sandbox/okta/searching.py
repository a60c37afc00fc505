"""Finds users and groups by ``search``, ``filter`` and ``q``, with indexes for the common look-ups."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from airflow_provider_okta_ure.sandbox.expression import (
    Compare,
    Dialect,
    Every,
    ExpressionError,
    Negated,
    Node,
    evaluate,
    parse,
)
from airflow_provider_okta_ure.sandbox.okta.errors import OktaError
from airflow_provider_okta_ure.sandbox.okta.models import (
    GROUP_ATTRIBUTES,
    PROFILE_ATTRIBUTES,
    USER_TOP_LEVEL,
    OktaGroup,
    OktaUser,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow_provider_okta_ure.sandbox.okta.state import OktaState

_Thing = TypeVar("_Thing", OktaUser, OktaGroup)

_DATES = frozenset(("created", "activated", "statusChanged", "lastUpdated", "lastMembershipUpdated"))
_EQUAL = frozenset(("eq",))
_ORDER = frozenset(("eq", "gt", "ge", "lt", "le"))
_SEARCH = frozenset(("eq", "sw", "pr", "gt", "ge", "lt", "le"))
_CONTAINS = _SEARCH | {"co"}
_NOTHING: frozenset[str] = frozenset()


def search_users(state: OktaState, text: str) -> list[OktaUser]:
    """Return the users that match a ``search``; values are compared without letter case."""
    dialect = Dialect(_user_search, dates=_DATES, max_terms=state.options.search_max_terms)
    try:
        return _matching_users(state, parse(text, dialect), dialect)
    except ExpressionError as error:
        raise _bad_search() from error


def filter_users(state: OktaState, text: str) -> list[OktaUser]:
    """Return the users that match a ``filter``; values are compared with letter case."""
    dialect = Dialect(_user_filter, case_sensitive=True, dates=_DATES)
    try:
        return _matching_users(state, parse(text, dialect), dialect)
    except ExpressionError as error:
        raise _bad_filter(text, error) from error


def quick_users(state: OktaState, text: str) -> list[OktaUser]:
    """Return the users whose first name, last name or e-mail starts with the text; no DEPROVISIONED ones."""
    start = text.lower()
    return [
        user
        for user in state.users
        if user.status != "DEPROVISIONED"
        and any(value.lower().startswith(start) for value in (user.first_name, user.last_name, user.email))
    ]


def search_groups(state: OktaState, text: str) -> list[OktaGroup]:
    """Return the groups that match a ``search``; values are compared without letter case."""
    dialect = Dialect(_group_search, dates=_DATES, max_terms=state.options.search_max_terms)
    try:
        return _matching_groups(state, parse(text, dialect), dialect)
    except ExpressionError as error:
        raise _bad_search() from error


def filter_groups(state: OktaState, text: str) -> list[OktaGroup]:
    """Return the groups that match a ``filter``; values are compared with letter case."""
    dialect = Dialect(_group_filter, case_sensitive=True, dates=_DATES)
    try:
        return _matching_groups(state, parse(text, dialect), dialect)
    except ExpressionError as error:
        raise _bad_filter(text, error) from error


def _user_search(attribute: str) -> frozenset[str]:
    if attribute in ("profile.firstName", "profile.lastName", "profile.email", "profile.login"):
        return _CONTAINS
    if attribute in USER_TOP_LEVEL or attribute == "type.id":
        return _SEARCH
    return _SEARCH if attribute[8:] in PROFILE_ATTRIBUTES and attribute.startswith("profile.") else _NOTHING


def _user_filter(attribute: str) -> frozenset[str]:
    if attribute == "lastUpdated":
        return _ORDER
    names = ("status", "id", "profile.login", "profile.email", "profile.firstName", "profile.lastName")
    return _EQUAL if attribute in names else _NOTHING


def _group_search(attribute: str) -> frozenset[str]:
    if attribute in ("profile.name", "profile.description"):
        return _CONTAINS
    return _SEARCH if attribute in GROUP_ATTRIBUTES else _NOTHING


def _group_filter(attribute: str) -> frozenset[str]:
    if attribute in ("lastUpdated", "lastMembershipUpdated"):
        return _ORDER
    return _EQUAL if attribute in ("id", "type") else _NOTHING


def _matching_users(state: OktaState, node: Node, dialect: Dialect) -> list[OktaUser]:
    stale = _still_stale(state.stale_users, state.clock.timestamp())
    numbers = _candidates(state, node)
    found: Iterable[OktaUser] = state.users
    if numbers is not None:
        found = (state.users[number] for number in sorted(numbers | stale.keys()))
    as_indexed = (stale[user.number][1] if user.number in stale else user for user in found)
    return [user for user in as_indexed if user and evaluate(node, dialect, user.values_of)]


def _matching_groups(state: OktaState, node: Node, dialect: Dialect) -> list[OktaGroup]:
    stale = _still_stale(state.stale_groups, state.clock.timestamp())
    return [
        group
        for group in state.groups
        if group.number not in stale and evaluate(node, dialect, group.values_of)
    ]


def _candidates(state: OktaState, node: Node) -> set[int] | None:
    """Return the numbers of all users that could match, or None when only trying them all can tell."""
    if isinstance(node, Compare):
        return _indexed(state, node)
    if isinstance(node, Negated):
        return None
    found = [_candidates(state, part) for part in node.parts]
    if isinstance(node, Every):
        known = [numbers for numbers in found if numbers is not None]
        return min(known, key=len) if known else None
    return None if None in found else set().union(*(numbers for numbers in found if numbers))


def _indexed(state: OktaState, node: Compare) -> set[int] | None:
    if node.operator != "eq" or not isinstance(node.value, str):
        return None
    if node.attribute == "profile.login":
        user = state.find_user(node.value)
        return {user.number} if user else set()
    if node.attribute == "profile.email":
        return {user.number for user in state.users_with_email(node.value)}
    if node.attribute == "id":
        # Searching ignores letter case, ids do not: one in the wrong case is looked for the slow way.
        user = state.find_user_by_id(node.value)
        return {user.number} if user else None
    return None


def _still_stale(
    stale: dict[int, tuple[float, _Thing | None]], now: float
) -> dict[int, tuple[float, _Thing | None]]:
    for number in [number for number, (visible_at, _) in stale.items() if visible_at <= now]:
        del stale[number]
    return stale


def _bad_search() -> OktaError:
    return OktaError(400, "E0000031", causes=["Invalid search query."])


def _bad_filter(text: str, error: ExpressionError) -> OktaError:
    return OktaError(400, "E0000053", f"Invalid filter '{text}': {error}")
