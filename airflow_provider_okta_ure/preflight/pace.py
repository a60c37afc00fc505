# SPDX-License-Identifier: Apache-2.0
"""How fast the work can go within our share of the rate limits that answers described."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.netskope import PER_SECOND
from airflow_provider_okta_ure.clients.netskope_series import USERS_PER_CALL
from airflow_provider_okta_ure.clients.okta_groups import GROUPS_BUCKET
from airflow_provider_okta_ure.clients.okta_users import NAMES_PER_SEARCH, USERS_BUCKET
from airflow_provider_okta_ure.preflight.report import Verdict, ok, skipped, warning

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.wanted import ActionKind, Wanted

_CALLED = {USERS_BUCKET: "user", GROUPS_BUCKET: "group"}


def okta_pace(
    limits: Mapping[str, int], share: float, wanted: Wanted, actions: tuple[ActionKind, ...]
) -> Verdict:
    """
    Return whether the work fits into our share of Okta's limits.

    Okta publishes no limit for risk signals, so the time to send them is not counted.

    :param limits: requests per minute that our credential has, by bucket.
    :param share: how much of each we use, above 0, at most 1.
    """
    rates = {bucket: ours(limits[bucket], share) for bucket in _CALLED if bucket in limits}
    if not rates:
        return skipped("Okta did not say what its limits are.")
    listed = " and ".join(f"{rate} {_CALLED[bucket]} calls" for bucket, rate in rates.items())
    said = f"Our share of {share:.0%} is {listed} a minute"
    if wanted.users is None:
        return ok(f"{said}.")
    calls = okta_calls(wanted.users, actions)
    minutes = sum(calls[bucket] / rate for bucket, rate in rates.items())
    return _judged(said, minutes, wanted)


def netskope_pace(limit: int | None, share: float, wanted: Wanted) -> Verdict:
    """
    Return whether reading fits into our share of Netskope's limit.

    :param limit: requests per second that the tenant allows; None = it did not say.
    :param share: how much of it we use, above 0, at most 1.
    """
    rate = PER_SECOND if limit is None else min(PER_SECOND, ours(limit, share))
    said = f"At most {rate:g} calls a second are made"
    if wanted.users is None or wanted.strategy != "series":
        return ok(f"{said}.")
    minutes = math.ceil(wanted.users / USERS_PER_CALL) / rate / 60
    return _judged(said, minutes, wanted)


def okta_calls(users: int, actions: tuple[ActionKind, ...]) -> dict[str, int]:
    """
    Return how many calls the work with so many users takes at most, by bucket.

    >>> okta_calls(1000, ("groups",)) == {"/api/v1/users": 40, "/api/v1/groups": 1000}
    True
    """
    lookups = math.ceil(users / NAMES_PER_SEARCH) * len(actions)
    # Setting a user's risk reads the level that he has before.
    risk = 2 * users if "upsert" in actions else 0
    return {USERS_BUCKET: lookups + risk, GROUPS_BUCKET: users if "groups" in actions else 0}


def ours(limit: int, share: float) -> int:
    """Return how many requests of a window are ours; at least one, as in :mod:`clients.limits`."""
    return max(1, int(limit * share))


def _judged(said: str, minutes: float, wanted: Wanted) -> Verdict:
    shown = f"at most {math.ceil(minutes)} minutes" if minutes > 1 else "less than a minute"
    text = f"{said}; {wanted.users} users take {shown}"
    if minutes <= wanted.max_minutes:
        return ok(f"{text}.")
    return warning(
        f"{text}, more than {wanted.max_minutes:g}.",
        "Raise `rate_limit_share` in the connection, raise the token's own limit in Okta, or do with fewer "
        "users at a time.",
    )
