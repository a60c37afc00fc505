# SPDX-License-Identifier: Apache-2.0
"""Reading user risk scores from Netskope."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import conf

from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.freshness import Freshness, mark_provisional, settled_at
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.core.rows import from_rows, is_usable_user
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.operators.costs import cost_written
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.links import ActionLogLink
from airflow_provider_okta_ure.operators.readings import (
    StaleScores,
    remember_reading,
    remember_scores,
    to_percent,
)
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import failing_for_good, utc_now

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_okta_ure.core.models import Row

STRATEGIES = ("series", "list")


class NetskopeFetchScoresOperator(ServiceOperator):
    """
    Return the risk score of every user as of the time the run is for.

    A score is Netskope's User Confidence Index, 0..1000, **higher is safer**. One row per user:
    ``{"user", "score", "score_at", "previous_score", "previous_score_at", "provisional", "as_of",
    "source", ...}``. A user without a score has ``score: null``. Scores belong to UTC days; the last day
    that began before that time counts, and is ``provisional`` while it was not over.

    :param strategy: ``series`` reads daily scores and can answer for a past day; ``list`` reads what Netskope
        shows now in fewer calls, has no previous score, and is refused for a past interval. (templated)
    :param users: logins or e-mail addresses; None = all users Netskope knows. (templated)
    :param shard: ``"2/4"`` = the second of four disjoint parts of the users, for ``.expand()``. (templated)
    :param carry_days: how many days back a user's last score still counts. (templated)
    :param min_source_percent: when fewer users have a fresh score than this share (0..100) of the last
        reading, and more than 25 fewer, or none has, the source is taken for broken and the task fails: users
        who are missing have not recovered. 0 = never; not checked when ``users`` is given. (templated)
    :param max_score_age: scores older than this (``36h``, a timedelta) are not fresh, and when nobody has a
        fresh one, the task warns that scores have stopped coming. The age is counted from the start of a
        score's day to the start of the day that the run is for, so yesterday's scores are 24 hours old. Empty
        = never; not checked when ``users`` is given. (templated)
    :param stale_scores: ``warn``, or ``fail``: the task fails at once when nobody has a fresh score.
        (templated)
    :param stale_limit: when even the newest score is older than this, the task fails also with ``warn``;
        empty = never. (templated)
    :param settle_after: how long after midnight UTC the scores of the day before may still change; a run for
        that midnight waits until then if it is deferrable. Otherwise it warns, and marks them provisional.
        Empty = they do not change. (templated)
    :param netskope_conn_id: the connection to the Netskope tenant. (templated)
    :param deferrable: wait in the triggerer for scores that may still change; the default is
        ``default_deferrable`` in ``[operators]``. Without a triggerer leave it off.
    :return: the rows, as a list of dicts.
    """

    operator_extra_links: Sequence[BaseOperatorLink] = (ActionLogLink(),)
    template_fields: Sequence[str] = (
        "strategy",
        "users",
        "shard",
        "carry_days",
        "min_source_percent",
        "max_score_age",
        "stale_scores",
        "stale_limit",
        "settle_after",
        "netskope_conn_id",
    )

    def __init__(
        self,
        *,
        strategy: str = "series",
        users: Any = None,
        shard: str | None = None,
        carry_days: int | str = 7,
        min_source_percent: float | str = 80,
        max_score_age: timedelta | str | None = "36h",
        stale_scores: str = "warn",
        stale_limit: timedelta | str | None = "3d",
        settle_after: timedelta | str | None = "30m",
        netskope_conn_id: str = NetskopeHook.default_conn_name,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.strategy = strategy
        self.users = users
        self.shard = shard
        self.carry_days = carry_days
        self.min_source_percent = min_source_percent
        self.max_score_age = max_score_age
        self.stale_scores = stale_scores
        self.stale_limit = stale_limit
        self.settle_after = settle_after
        self.netskope_conn_id = netskope_conn_id
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = deferrable

    def execute(self, context: Context) -> list[dict[str, Any]]:
        return self._fetch(context, may_defer=self.deferrable)

    def execute_complete(self, context: Context, event: Any = None) -> list[dict[str, Any]]:
        """Read the scores after the wait; another wait would not be for anything new."""
        return self._fetch(context, may_defer=False)

    def _fetch(self, context: Context, *, may_defer: bool) -> list[dict[str, Any]]:
        with failing_for_good():
            run = RunIdentity.of(context)
            run.announce(self.log, only_reads=True)
            as_of = run.as_of
            min_percent = to_percent(self.min_source_percent, "min_source_percent")
            watch = StaleScores.parse(self.max_score_age, self.stale_scores, self.stale_limit)
            strategy = _strategy(self.strategy)
            part = Shard.parse(self.shard)
            warnings: list[str] = []
            is_settled = self._is_settled(as_of, warnings, may_defer=may_defer)
            hook = NetskopeHook(self.netskope_conn_id)
            client = hook.client
            users = None if self.users is None else _user_names(self.users)
            cost = cost_written(
                lambda: closing(open_action_log()),
                run,
                org=hook.base_url,
                action="fetch_scores",
                client=lambda: client,
                warnings=warnings,
            )
            with cost:
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
                if not is_settled:
                    rows = mark_provisional(rows, as_of)
                # For a time in the future, which the tasks that act refuse, nobody can have a score.
                freshness = Freshness.of(rows, min(as_of, utc_now()), watch.max_age)
                self._summarise(rows, freshness, as_of.isoformat())
                if users is None:
                    is_stale = watch.warning_for(freshness, self.netskope_conn_id)
                    has_shrunk = remember_reading(
                        run,
                        tenant=hook.base_url,
                        source=self.netskope_conn_id,
                        part=f"{strategy} {part}",
                        users=len(rows),
                        freshness=freshness,
                        min_percent=min_percent,
                    )
                    for warning in filter(None, (is_stale, has_shrunk)):
                        warnings.append(warning)
                        self.log.warning("%s", warning)
                remember_scores(run, self.netskope_conn_id, rows)
            return from_rows(rows)

    def _is_settled(self, as_of: datetime, warnings: list[str], *, may_defer: bool) -> bool:
        """Wait for scores that may still change if that blocks no worker; otherwise say that it did not."""
        until = settled_at(as_of, to_span(self.settle_after, "settle_after"))
        if until is None or utc_now() >= until:
            return True
        if may_defer:
            self.log.info(
                "The scores of the day before may change until %s UTC; waiting in the triggerer until then.",
                f"{until:%Y-%m-%d %H:%M}",
            )
            self.defer(trigger=DateTimeTrigger(moment=until), method_name="execute_complete")
        warning = (
            f"The scores of the day before may still change until {until:%Y-%m-%d %H:%M} UTC, and this task "
            "did not wait: its rows are provisional. deferrable=True waits, and needs a triggerer."
        )
        self.log.warning("%s", warning)
        warnings.append(warning)
        return False

    def _usable(self, rows: list[Row]) -> list[Row]:
        usable = [row for row in rows if is_usable_user(row.user)]
        if len(usable) < len(rows):
            # One odd name in the tenant must not stop everybody else in the next task.
            self.log.warning(
                "Left out %d names that are over-long or have control characters.", len(rows) - len(usable)
            )
        return usable

    def _summarise(self, rows: Sequence[Row], freshness: Freshness, as_of: str) -> None:
        self.log.info(
            "%d users as of %s: %d with a score (%d of them provisional, %d carried over), %d without.",
            len(rows),
            as_of,
            freshness.scored,
            sum(1 for row in rows if row.provisional),
            freshness.scored - freshness.fresh,
            len(rows) - freshness.scored,
        )


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
        number, slash, count = as_text(text).partition("/")
        if (
            slash
            and number.strip().isdecimal()
            and count.strip().isdecimal()
            and 1 <= int(number) <= int(count)
        ):
            return cls(int(number), int(count))
        raise ConfigurationError(
            f"shard is {shown(text)}.", remedy='Write it as "2/4": the second of four parts.'
        )

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, user: str) -> bool:
        """Whether the user belongs to this part."""
        # Not hash(): that differs from process to process.
        return zlib.crc32(fold(user).encode()) % self.count == self.number - 1


def _strategy(value: str) -> Any:
    if value in STRATEGIES:
        return value
    raise ConfigurationError(f"strategy is {shown(value)}.", remedy='Use "series" or "list".')


def _days(value: int | str) -> int:
    if not isinstance(value, bool) and as_text(value).strip().isdecimal() and 1 <= int(value) <= 90:
        return int(value)
    raise ConfigurationError(f"carry_days is {shown(value)}.", remedy="Use a number of days from 1 to 90.")


def _user_names(value: Any) -> list[str]:
    names = to_names(value, "users", keep_odd_items=True)
    if not names and isinstance(value, str):
        raise ConfigurationError(
            f"users is {shown(value)}.",
            remedy="Use None for everybody, and [] for nobody.",
            topic="list-of-names",
        )
    return names
