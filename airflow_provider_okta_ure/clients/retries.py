# SPDX-License-Identifier: Apache-2.0
"""When a request is repeated, how long to wait before, and when to give up."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")

WORTH_SAYING = 1.0
"""Waits longer than this many seconds are logged."""


@dataclass(frozen=True)
class Timing:
    """
    Where time and chance come from.

    :param sleep: waits for so many seconds.
    :param monotonic: seconds of a clock that never goes back.
    :param now: seconds since 1970 by the clock on the wall; never used to decide how long to wait.
    :param random: a number from 0 to 1, to keep clients from repeating in step.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    random: Callable[[], float] = random.random


@dataclass(frozen=True)
class RetryPolicy:
    """
    How patient one call is.

    :param attempts: the most times a request is sent.
    :param first_wait: seconds before the second attempt when the service names no time; doubles from then on.
    :param longest_wait: the longest single wait; a window of a rate limit lasts a minute.
    :param total_wait: all waits of one call together.
    """

    attempts: int = 5
    first_wait: float = 1.0
    longest_wait: float = 90.0
    total_wait: float = 300.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or min(self.first_wait, self.longest_wait, self.total_wait) < 0:
            raise ConfigurationError(
                f"The retry policy cannot be used: {self}.",
                remedy="Use at least one attempt, and no negative waits.",
            )

    def back_off(self, attempt: int, chance: float) -> float:
        """
        Return the wait after an attempt when the service names no time.

        :param attempt: the number of the attempt that failed, from 1.
        :param chance: from 0 to 1; takes up to half of the wait away.
        """
        # The exponent is bounded because 2.0**5000 does not fit a float.
        doubled = self.first_wait * 2.0 ** min(attempt - 1, 30)
        return min(doubled, self.longest_wait) * (0.5 + chance / 2)


BRIEF = RetryPolicy(attempts=3, first_wait=0.5, longest_wait=2.0, total_wait=5.0)
"""Somebody waits for the answer. Netskope's limits are per second, so it is worth asking again soon."""


class Patience:
    """
    What is left of the waiting that one call may do.

    :param policy: the limits.
    :param too_long: makes the error to raise when a wait would go beyond them.
    """

    def __init__(self, policy: RetryPolicy, too_long: Callable[[float], OktaUreError]) -> None:
        self._policy = policy
        self._too_long = too_long
        self._spent = 0.0

    def allows(self, seconds: float) -> bool:
        """Whether a wait is within the limits."""
        return seconds <= self._policy.longest_wait and self._spent + seconds <= self._policy.total_wait

    def spend(self, seconds: float) -> None:
        """
        Count a wait that is about to begin.

        :raises OktaUreError: it would take longer than allowed.
        """
        if not self.allows(seconds):
            raise self._too_long(seconds)
        self._spent += seconds


class Again(Exception):  # noqa: N818  # a signal to the loop below, not an error that anybody sees
    """
    An attempt failed in a way that another one may not.

    :param error: what to raise when there is no other attempt.
    :param wait: seconds that the service asked us to wait; None = it named none.
    """

    def __init__(self, error: OktaUreError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def repeat(
    attempt: Callable[[], ResultT], title: str, policy: RetryPolicy, patience: Patience, timing: Timing
) -> ResultT:
    """
    Return what ``attempt`` returns, calling it again while it raises :class:`Again` and the policy allows.

    :param title: what is being tried, for the log.
    :raises OktaUreError: the error of the last attempt.
    """
    number = 0
    while True:
        number += 1
        result = _tried(attempt)
        if not isinstance(result, Again):
            return result
        seconds = policy.back_off(number, timing.random()) if result.wait is None else result.wait
        if number >= policy.attempts or not patience.allows(seconds):
            # The cause is told in the error's own words: its text can hold names of people.
            raise result.error from None
        patience.spend(seconds)
        if seconds > WORTH_SAYING:
            log.info("%s: trying again in %.0f s", title, seconds)
        timing.sleep(seconds)


def _tried(attempt: Callable[[], ResultT]) -> ResultT | Again:
    try:
        return attempt()
    except Again as again:
        return again
