# SPDX-License-Identifier: Apache-2.0
"""Reading user risk scores from Netskope."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.core.rows import from_rows, is_usable_user
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import as_of_run, failing_for_good

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.core.models import Row

STRATEGIES = ("series", "list")


class NetskopeFetchScoresOperator(ServiceOperator):
    """
    Return the risk score of every user as of the end of the run's data interval.

    A score is Netskope's User Confidence Index, 0..1000, **higher is safer**. One row per user:
    ``{"user", "score", "score_at", "previous_score", "previous_score_at", "provisional", "as_of",
    "source", ...}``. A user without a score has ``score: null``. Scores belong to UTC days; the last day
    that began before the run's moment counts, and is ``provisional`` while it was not over.

    :param strategy: ``series`` reads daily scores and can answer for a past day; ``list`` reads what Netskope
        shows now in fewer calls, has no previous score, and is refused for a past interval. (templated)
    :param users: logins or e-mail addresses; None = all users Netskope knows. (templated)
    :param shard: ``"2/4"`` = the second of four disjoint parts of the users, for ``.expand()``. (templated)
    :param carry_days: how many days back a user's last score still counts. (templated)
    :param netskope_conn_id: the connection to the Netskope tenant. (templated)
    :return: the rows, as a list of dicts.
    """

    template_fields: Sequence[str] = ("strategy", "users", "shard", "carry_days", "netskope_conn_id")

    def __init__(
        self,
        *,
        strategy: str = "series",
        users: Any = None,
        shard: str | None = None,
        carry_days: int | str = 7,
        netskope_conn_id: str = NetskopeHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.strategy = strategy
        self.users = users
        self.shard = shard
        self.carry_days = carry_days
        self.netskope_conn_id = netskope_conn_id

    def execute(self, context: Context) -> list[dict[str, Any]]:
        with failing_for_good():
            as_of = as_of_run(context)
            strategy = _strategy(self.strategy)
            part = Shard.parse(self.shard)
            client = NetskopeHook(self.netskope_conn_id).client
            users = None if self.users is None else _user_names(self.users)
            if strategy == "series":
                names = [
                    name for name in (client.list_users() if users is None else users) if part.holds(name)
                ]
                scores = client.scores(
                    as_of, strategy=strategy, users=names, carry_days=_days(self.carry_days)
                )
            else:
                scores = client.scores(as_of, strategy=strategy, users=users)
            rows = [
                msgspec.structs.replace(row, source=self.netskope_conn_id)
                for row in scores
                if part.holds(row.user)
            ]
            rows = self._usable(rows)
            self._summarise(rows, as_of.isoformat())
            return from_rows(rows)

    def _usable(self, rows: list[Row]) -> list[Row]:
        usable = [row for row in rows if is_usable_user(row.user)]
        if len(usable) < len(rows):
            # One odd name in the tenant must not stop everybody else in the next task.
            self.log.warning(
                "Left out %d names that are over-long or have control characters.", len(rows) - len(usable)
            )
        return usable

    def _summarise(self, rows: Sequence[Any], as_of: str) -> None:
        unscored = sum(1 for row in rows if row.score is None)
        provisional = sum(1 for row in rows if row.provisional)
        self.log.info(
            "%d users as of %s: %d with a score (%d of them provisional, the day is not over), %d without.",
            len(rows),
            as_of,
            len(rows) - unscored,
            provisional,
            unscored,
        )
        if not rows:
            self.log.warning("Netskope returned no user at all: an outage looks like this, too.")


class Shard(msgspec.Struct, frozen=True):
    """
    One of ``count`` disjoint parts of all users, the same part for the same user everywhere.

    :param number: which part, counted from 1.
    """

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: object) -> Shard:
        """
        Return what ``"2/4"`` means; None is everybody.

        :raises ConfigurationError: it is not of this form.
        """
        if text is None:
            return cls()
        number, slash, count = str(text).partition("/")
        if (
            slash
            and number.strip().isdecimal()
            and count.strip().isdecimal()
            and 1 <= int(number) <= int(count)
        ):
            return cls(int(number), int(count))
        raise ConfigurationError(f"shard is {text!r}.", remedy='Write it as "2/4": the second of four parts.')

    def holds(self, user: str) -> bool:
        """Whether the user belongs to this part."""
        # Not hash(): that differs from process to process.
        return zlib.crc32(user.casefold().encode()) % self.count == self.number - 1


def _strategy(value: str) -> Any:
    if value in STRATEGIES:
        return value
    raise ConfigurationError(f"strategy is {value!r}.", remedy='Use "series" or "list".')


def _days(value: int | str) -> int:
    if not isinstance(value, bool) and str(value).strip().isdecimal() and 1 <= int(value) <= 90:
        return int(value)
    raise ConfigurationError(f"carry_days is {value!r}.", remedy="Use a number of days from 1 to 90.")


def _user_names(value: Any) -> list[str]:
    if isinstance(value, str) or not all(isinstance(name, str) and name.strip() for name in value):
        raise ConfigurationError(
            "users is not a list of names.",
            remedy='Use a list such as ["ann@corp.example", "bob@corp.example"].',
        )
    return list(value)
