# SPDX-License-Identifier: Apache-2.0
"""Reading the risk of many users: a few at a time, and no further once nobody's can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeAlias

from airflow_provider_okta_ure.core.models import UserRisk
from airflow_provider_okta_ure.engine.executor import BATCH_PER_WORKER, FAILURES_THAT_MEAN_AN_OUTAGE
from airflow_provider_okta_ure.engine.failures import concerns_everybody
from airflow_provider_okta_ure.errors import OktaUreError, PermissionDeniedError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.core.models import OktaUser

Reading: TypeAlias = UserRisk | OktaUreError


def read_risks(client: OktaClient, users: Sequence[OktaUser], *, workers: int) -> dict[str, Reading]:
    """
    Return the risk of each user by user id, or the error that says why it cannot be read.

    One call for each user. An org without the feature costs at most ``workers`` times eight calls.

    :param users: each user once.
    :param workers: how many at the same time.
    :raises OktaUreError: nobody's risk can be read: a feature, a scope or a permission is missing, the token
        is not accepted, the rate limit is used up, or Okta is disturbed.
    """
    readings: dict[str, Reading] = {}
    with ThreadPoolExecutor(workers, thread_name_prefix="okta") as pool:
        for batch in _batches(users, workers * BATCH_PER_WORKER):
            found = list(pool.map(lambda user: _read(client, user), batch))
            readings.update((user.user_id, one) for user, one in zip(batch, found, strict=True))
            errors = [one for one in readings.values() if isinstance(one, OktaUreError)]
            _refuse_when_pointless(errors, everybody=len(errors) == len(readings))
    return readings


def _read(client: OktaClient, user: OktaUser) -> Reading:
    try:
        return client.describe_user_risk(user.user_id)
    except OktaUreError as error:
        return error


def _refuse_when_pointless(errors: Sequence[OktaUreError], *, everybody: bool) -> None:
    for error in errors:
        if concerns_everybody(error):
            raise error
    # A role can cover some users and not others; one that covers none of them is a matter of the token.
    if everybody and errors and all(isinstance(error, PermissionDeniedError) for error in errors):
        raise errors[0]
    passing = [error for error in errors if error.retryable]
    if len(passing) >= FAILURES_THAT_MEAN_AN_OUTAGE:
        raise passing[-1]


def _batches(users: Sequence[OktaUser], size: int) -> Iterator[Sequence[OktaUser]]:
    return (users[start : start + size] for start in range(0, len(users), size))
