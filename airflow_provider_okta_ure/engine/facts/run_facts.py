# SPDX-License-Identifier: Apache-2.0
"""Reads what has to be known of the run, whatever the action."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.facts import RunFacts
from airflow_provider_okta_ure.engine.facts.tries import user_key

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


def read_run_facts(
    session: Session,
    action: LogAction,
    target: Target,
    decisions: Sequence[Decision],
    *,
    scores: Mapping[str, int] | None = None,
) -> RunFacts:
    """
    Return the facts about the users of decisions.

    :param decisions: rows with their users, as far as they are known; settled ones cost nothing.
    :param scores: what the run has read, if it is known already; see :func:`scores_of_run`.
    """
    as_of = session.run.as_of
    left = [one for one in decisions if one.to_act_on is not None]
    if not left:
        return RunFacts(as_of=as_of)
    if scores is None:
        scores = scores_of_run(session)
    return RunFacts(
        as_of=as_of,
        scores=scores,
        former_names=_former_names(session, left) if scores else {},
        reverted_by=reverted_by(session, action, left),
        complete_until=_complete_until(session, action, target.keys, left),
    )


def scores_of_run(session: Session) -> dict[str, int]:
    """Return the lowest score of each name that this run has read, by :attr:`Row.key`."""
    run = session.run
    return session.log.least_safe_scores(dag_id=run.dag_id, run_id=run.run_id) if run.run_id else {}


def _former_names(session: Session, decisions: Sequence[Decision]) -> dict[str, set[str]]:
    ids = [one.user.user_id for one in decisions if one.user is not None]
    return session.log.names_of_ids(org=session.org, ids=ids)


def reverted_by(session: Session, action: LogAction, decisions: Sequence[Decision]) -> dict[str, str]:
    """Return which run has reverted what this one did to a user, in words, by the user's key in the log."""
    run = session.run
    records = session.log.reverts_of(dag_id=run.dag_id, run_id=run.run_id) if run.run_id else []
    here = [one for one in records if one.org == session.org]
    found: dict[str, str] = {}
    for decision in decisions if here else ():
        key = user_key(decision)
        for one in here:
            if one.is_about(action, key):
                found.setdefault(key, f"the run {one.by_run_id} of {one.by_dag_id}")
    return found


def _complete_until(
    session: Session, action: LogAction, targets: Sequence[str], decisions: Sequence[Decision]
) -> datetime | None:
    run = session.run
    if not run.dag_id:
        return None
    oldest = min(one.row.as_of or run.as_of for one in decisions)
    return session.log.later_complete_run(
        org=session.org,
        action=action,
        targets=targets,
        dag_id=run.dag_id,
        task_id=run.task_id,
        after=oldest,
        not_by_run=run.run_id,
    )
