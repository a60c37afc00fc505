# SPDX-License-Identifier: Apache-2.0
"""A call whose outcome several checks judge: made once, its error kept like a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from airflow_provider_okta_ure.errors import OktaUreError

ValueT = TypeVar("ValueT")


@dataclass(frozen=True)
class Attempt(Generic[ValueT]):
    """
    What a call returned or raised.

    :param error: what it raised; None = it returned.
    """

    _value: ValueT | None
    error: OktaUreError | None

    @property
    def value(self) -> ValueT:
        """
        What the call returned.

        :raises OktaUreError: what it raised instead.
        """
        if self.error is not None:
            raise self.error
        return self._value  # type: ignore[return-value]  # None only where ValueT has None


def attempt(call: Callable[[], ValueT]) -> Attempt[ValueT]:
    """Make a call and keep its outcome."""
    try:
        return Attempt(call(), None)
    except OktaUreError as error:
        return Attempt(None, error)
