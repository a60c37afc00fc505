# SPDX-License-Identifier: Apache-2.0
"""Reading user risk scores from Netskope."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import conf

from airflow_provider_okta_ure.action_log.tasks import Silent
from airflow_provider_okta_ure.clients.scopes import USERS_READ
from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.freshness import Freshness, settled_at
from airflow_provider_okta_ure.core.keeping import Keep
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.core.readings import Reading
from airflow_provider_okta_ure.core.rows import from_rows
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.costs import cost_written
from airflow_provider_okta_ure.operators.fetching import Fetch, People
from airflow_provider_okta_ure.operators.identities import Names
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
    from collections.abc import Iterable

    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.models import OktaUser
    from airflow_provider_okta_ure.operators.costs import TaskResult

STRATEGIES = ("series", "list")

MANY_ROWS = 10_000
"""From here on, rows are better kept outside of Airflow's database."""


class NetskopeFetchScoresOperator(ServiceOperator):
    """
    Return the risk score of every user, or of those who are asked for, as of the time the run is for.

    A score is Netskope's User Confidence Index, 0..1000, **higher is safer**. One row per user, with only
    what is set: ``{"user", "score", "score_at", "previous_score", "provisional", "source", ...}``. Scores
    belong to UTC days; the last day that began before that time counts, and is ``provisional`` while it was
    not over.

    :param keep: a rule, or a list of rules, in the language of :class:`RiskFilterOperator`: returned are the
        rows that one of them matches, and those of every tracked user: who is in a group because of us, or
        whose last delivered risk level is above ``low``. Every rule further down that concerns other people
        has to be among them. None = everybody. (templated)
    :param strategy: ``series`` reads daily scores and can answer for a past day; ``list`` reads what Netskope
        shows now in fewer calls, has no previous score, and is refused for a past interval. With ``keep`` it
        reads by rising score, no further than one of the rules can match. (templated)
    :param users: logins or e-mail addresses; None = all users Netskope knows. (templated)
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
    :param okta_conn_id: the connection to the Okta org whose tracked users are kept. They are looked up there
        when the tenant knows none of their names, or when no rule matches them any more, because they may be
        called otherwise today. None = the tracked users of all orgs, by the names that the action log knows.
        (templated)
    :param deferrable: wait in the triggerer for scores that may still change; the default is
        ``default_deferrable`` in ``[operators]``. Without a triggerer leave it off.
    :return: the rows, as a list of dicts.
    """

    scopes: ClassVar[tuple[str, ...]] = (USERS_READ,)
    """What a service app has to be granted, with ``okta_conn_id``."""
    operator_extra_links: Sequence[BaseOperatorLink] = (ActionLogLink(),)
    template_fields: Sequence[str] = (
        "keep",
        "strategy",
        "users",
        "carry_days",
        "min_source_percent",
        "max_score_age",
        "stale_scores",
        "stale_limit",
        "settle_after",
        "netskope_conn_id",
        "okta_conn_id",
    )

    def __init__(
        self,
        *,
        keep: Any = None,
        strategy: str = "series",
        users: Any = None,
        carry_days: int | str = 7,
        min_source_percent: float | str = 80,
        max_score_age: timedelta | str | None = "36h",
        stale_scores: str = "warn",
        stale_limit: timedelta | str | None = "3d",
        settle_after: timedelta | str | None = "30m",
        netskope_conn_id: str = NetskopeHook.default_conn_name,
        okta_conn_id: str | None = None,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.keep = keep
        self.strategy = strategy
        self.users = users
        self.carry_days = carry_days
        self.min_source_percent = min_source_percent
        self.max_score_age = max_score_age
        self.stale_scores = stale_scores
        self.stale_limit = stale_limit
        self.settle_after = settle_after
        self.netskope_conn_id = netskope_conn_id
        self.okta_conn_id = okta_conn_id
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
            strategy, carry_days = _strategy(self.strategy), _days(self.carry_days)
            keep, names = Keep.parse(self.keep), Names.as_configured()
            warnings: list[str] = []
            is_settled = self._is_settled(as_of, warnings, may_defer=may_defer)
            hook = NetskopeHook(self.netskope_conn_id)
            client = hook.client
            users = None if self.users is None else _user_names(self.users)
            reading = Reading(keep, source=self.netskope_conn_id, as_of=as_of, is_settled=is_settled)
            cost = cost_written(
                lambda: closing(open_action_log()),
                run,
                org=hook.base_url,
                action="fetch_scores",
                client=lambda: client,
                warnings=warnings,
            )
            with cost as result, closing(open_action_log()) as log:
                result.source = self.netskope_conn_id
                people = People() if keep is None else self._people(log)
                fetch = Fetch(client=client, as_of=as_of, carry_days=carry_days, people=people)
                way, total = strategy, 0
                # For a time in the future, which the tasks that act refuse, nobody can have a score.
                now = min(as_of, utc_now())
                if users is not None:
                    fetch.named(reading, keep, users, strategy=strategy)
                elif strategy == "series":
                    result.is_complete = fetch.daily(reading, keep)
                else:
                    self._say_bound(keep, names)
                    listed = fetch.listed(reading, keep)
                    result.is_complete = listed.names.is_whole
                    if not listed.is_to_the_end:
                        way, total = "list-by-score", listed.total
                of_read = reading.freshness(now, watch.max_age)
                self._summarise(reading, of_read, as_of, total=total)
                freshness = of_read.scaled_to(total) if total else of_read
                if users is None:
                    is_stale = watch.warning_for(freshness, self.netskope_conn_id)
                    has_shrunk = remember_reading(
                        run,
                        tenant=hook.base_url,
                        source=self.netskope_conn_id,
                        way=way,
                        users=total or reading.read,
                        freshness=freshness,
                        min_percent=min_percent,
                    )
                    for warning in filter(None, (is_stale, has_shrunk)):
                        warnings.append(warning)
                        self.log.warning("%s", warning)
                remember_scores(run, self.netskope_conn_id, reading.rows)
                _tell(result, reading, total)
            return from_rows(reading.rows)

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

    def _people(self, log: ActionLog) -> People:
        """Return whom to keep whatever their score."""
        if self.okta_conn_id is None:
            return People(tracked=log.tracked())
        hook = OktaHook(self.okta_conn_id, scopes=self.scopes)
        org = log.known_org(hook.base_url) or hook.base_url

        def find(ids: Collection[str]) -> Iterable[OktaUser]:
            self.log.info(
                "Looking up %d tracked users in Okta, who may be called otherwise today.",
                len(ids),
            )
            return hook.client.find_users_by_id(ids)

        def other_names(keys: Collection[str]) -> set[str]:
            ids = set(log.ids_of_names(org=org, kind="user", known_as=keys).values())
            return set[str]().union(*log.names_of_ids(org=org, ids=ids).values())

        return People(tracked=log.tracked(org), find=find, other_names=other_names)

    def _say_bound(self, keep: Keep | None, names: Names) -> None:
        if keep is None:
            return
        if keep.why_no_bound:
            self.log.info(
                "The list is read to its end, because this rule can match any score: %s",
                names.hidden(keep.why_no_bound),
            )
        else:
            self.log.info("No rule in keep matches a score above %d.", keep.highest)

    def _summarise(self, reading: Reading, freshness: Freshness, as_of: datetime, *, total: int) -> None:
        if reading.unusable:
            self.log.warning(
                "Left out %d names that are over-long or have control characters.", reading.unusable
            )
        if total:
            self.log.info("Netskope has %d users with a score; the others were not read.", total)
        scored = reading.scored
        self.log.info(
            "%d users read as of %s: %d with a score (%d of them provisional, %d carried over), %d without. "
            "%d are kept, %d of them tracked.",
            reading.read,
            as_of.isoformat(),
            scored,
            reading.provisional,
            freshness.scored - freshness.fresh,
            reading.read - scored,
            len(reading.rows),
            reading.tracked,
        )
        if len(reading.rows) > MANY_ROWS:
            self.log.warning(
                "%d rows are much for Airflow's database. Keep large XComs in an object store: [core] "
                "xcom_backend = airflow.providers.common.io.xcom.backend.XComObjectStorageBackend, and in "
                "[common.io] xcom_objectstorage_path = s3://conn_id@bucket/xcom (or another URL) and "
                "xcom_objectstorage_threshold = 100000. See docs/scale.md.",
                len(reading.rows),
            )


def _tell(result: TaskResult, reading: Reading, total: int) -> None:
    """
    Write into the task's record who was read and is not returned.

    :param total: how many users the source has, when not all of them were read.
    """
    counts: dict[str, int] = dict(reading.not_kept().items())
    if total > reading.read:
        # Their scores are too high for any rule; more is not known of them.
        counts[""] = total - reading.read
    result.silent = tuple(
        Silent(status="unchanged", reason="not_kept", risk_level=level, users=users)
        for level, users in counts.items()
    )
    not_kept = sum(counts.values())
    result.counts = {"done:kept": len(reading.rows), **({"unchanged:not_kept": not_kept} if counts else {})}


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
