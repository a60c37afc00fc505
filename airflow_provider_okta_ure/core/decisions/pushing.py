# SPDX-License-Identifier: Apache-2.0
"""About whom a risk signal is sent: each change of a level once, and never an old one last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.decisions.decision import Decision, settle
from airflow_provider_okta_ure.core.decisions.duplicates import one_per_name
from airflow_provider_okta_ure.core.decisions.history_rules import run_reverted, superseded_by
from airflow_provider_okta_ure.core.decisions.less_safe_rows import less_safe_row_decides
from airflow_provider_okta_ure.core.decisions.levels_needed import require_risk_levels
from airflow_provider_okta_ure.core.decisions.signals import KnownSignals, level_of
from airflow_provider_okta_ure.core.matching import resolve
from airflow_provider_okta_ure.core.models import Outcome

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Rule
    from airflow_provider_okta_ure.core.decisions.facts import SignalFacts
    from airflow_provider_okta_ure.core.decisions.signals import PushMode
    from airflow_provider_okta_ure.core.models import Row


def decide_signals(rows: Sequence[Row], facts: SignalFacts, mode: PushMode) -> list[Decision]:
    """
    Return one decision per row: push the row's level, or not, and why.

    The row of a decision to push has the ``previous_risk_level`` that Okta is told: the one that was
    delivered last, whatever the row said.

    >>> from datetime import datetime, timezone
    >>> from airflow_provider_okta_ure.core.decisions.facts import RunFacts, SignalFacts
    >>> from airflow_provider_okta_ure.core.decisions.signals import PushMode
    >>> from airflow_provider_okta_ure.core.matching import Directory
    >>> from airflow_provider_okta_ure.core.models import OktaUser, Row
    >>> ann = OktaUser(user_id="id-ann", login="ann@corp.example", email="ann@corp.example", status="ACTIVE")
    >>> facts = SignalFacts(
    ...     run=RunFacts(as_of=datetime(2026, 11, 28, tzinfo=timezone.utc)), directory=Directory([ann])
    ... )
    >>> rows = [Row(user="ann@corp.example", score=100, risk_level="high")]
    >>> [decided] = decide_signals(rows, facts, PushMode())
    >>> decided.outcome, decided.row.previous_risk_level
    (None, 'none')

    :raises RowError: a row has no risk level, because nothing mapped its score.
    """
    kept, duplicates = one_per_name(rows)
    scored, without_score = _split_by_score(kept)
    wanted, known_level = _split_by_look_up(scored, facts)
    return [
        *duplicates,
        *without_score,
        *known_level,
        *settle(
            resolve(wanted, facts.directory),
            less_safe_row_decides(facts.run, tells_level=True),
            changes_level(facts, mode),
            facts.addresses.settle,
            run_reverted(facts.run),
        ),
    ]


def rows_with_score(rows: Sequence[Row]) -> list[Row]:
    """
    Return the rows that can lead to a signal: one per name, and only those that say something.

    :raises RowError: a row has no risk level, because nothing mapped its score.
    """
    return _split_by_score(one_per_name(rows)[0])[0]


def changes_level(facts: SignalFacts, mode: PushMode) -> Rule:
    """Return the rule that settles who does not get a signal, because of the signals before."""

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None:
            return decision
        known = facts.known.get(user.user_id) or KnownSignals()
        later = known.later or facts.run.later_complete_run(decision.row)
        return _decide(decision, known, later, mode)

    return rule


def _decide(decision: Decision, known: KnownSignals, later: datetime | None, mode: PushMode) -> Decision:
    level = level_of(decision.row)
    if known.here is not None and known.here.state == "delivered" and known.here.level == level:
        return decision.settled(Outcome(status="unchanged", reason="already_delivered", jti=known.here.jti))
    if mode.history == "protect" and later is not None:
        return superseded_by(later, decision)
    if mode.only_known and not known.was_told:
        return decision.unchanged("never_told")
    before = known.level_before(level)
    decision = msgspec.structs.replace(
        decision, row=msgspec.structs.replace(decision.row, previous_risk_level=before)
    )
    if mode.only_changes and known.is_certain and before == level:
        return decision.unchanged("same_level")
    if mode.history == "record":
        return decision.skipped("record_only", "written into the action log only")
    times = known.times_missing(level)
    return _never_confirmed(decision, times) if times >= mode.most_unconfirmed else decision


def _never_confirmed(decision: Decision, times: int) -> Decision:
    text = (
        f"Okta answered 202 to this level {times} times, and its System Log has none of these signals. "
        "Look at the task that confirms them for the likely reason; when it is fixed, raise most_unconfirmed "
        "to send it again"
    )
    return decision.settled(Outcome(status="failed", reason="never_confirmed", message=text))


def _split_by_score(rows: Iterable[Row]) -> tuple[list[Row], list[Decision]]:
    """Split rows into those that say something, and those without a score."""
    scored: list[Row] = []
    without: list[Decision] = []
    rows = list(rows)
    require_risk_levels(rows)
    for row in rows:
        if row.score is None and row.risk_level == "none":
            without.append(Decision(row=row).skipped("no_score", "Netskope has no score for this user"))
        else:
            scored.append(row)
    return scored, without


def _split_by_look_up(rows: Sequence[Row], facts: SignalFacts) -> tuple[Sequence[Row], list[Decision]]:
    """
    Split rows into those about users who were looked up, and the others, for whom there is nothing to do.

    A row that was not looked up itself is about one of them when it names their other name.
    """
    if facts.looked_up is None:
        return rows, []
    wanted: list[Row] = []
    rest: list[Decision] = []
    for row in rows:
        user = facts.signaled.get(row.key)
        if row.key in facts.looked_up or facts.directory.mentions(row.user):
            wanted.append(row)
        elif user is None:
            rest.append(Decision(row=row).unchanged("never_told"))
        else:
            rest.append(Decision(row=row, user=user).unchanged("same_level"))
    return wanted, rest
