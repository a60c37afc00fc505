# SPDX-License-Identifier: Apache-2.0
"""Carries out a judged action and records it, or only records that it was planned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.action_log.tasks import Silent
from airflow_provider_okta_ure.core.decisions.removing import EXPIRED
from airflow_provider_okta_ure.core.decisions.silence import may_be_silent, split_silent
from airflow_provider_okta_ure.engine.executor import Execution, Unrecorded
from airflow_provider_okta_ure.engine.guard import remember_plan
from airflow_provider_okta_ure.engine.recorder import Recorder
from airflow_provider_okta_ure.engine.session import Mode

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Outcome
    from airflow_provider_okta_ure.engine.prepared import Prepared
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target

DRY_RUN = "dry_run"
"""The reason of what a dry run plans."""


@dataclass(frozen=True)
class Watcher:
    """
    Who is told how an action goes on.

    :param about: what is acted on, as soon as it is there.
    :param ended: how a decision ended, one after the other.
    :param progress: how many users of how many are done.
    """

    about: Callable[[Mapping[str, str]], None]
    ended: Callable[[Decision], None]
    progress: Callable[[int, int], None]


@dataclass(frozen=True)
class Ended:
    """
    How an action ended.

    :param decisions: all of them, with their outcomes.
    :param target: what was acted on.
    :param execution: what stopped it, if something did.
    :param silent: how many decisions have no row in the action log.
    :param is_complete: whether who has no row is known not to have matched.
    """

    decisions: Sequence[Decision]
    target: Target
    execution: Execution
    silent: tuple[Silent, ...]
    is_complete: bool

    @property
    def counts(self) -> dict[str, int]:
        """How many users ended in each way, by ``status:reason``."""
        return dict(Counter(f"{one.status}:{one.reason}" for one in _outcomes(self.decisions)))


def carry_out(
    prepared: Prepared,
    watcher: Watcher,
    *,
    approved_by: str = "",
    workers: int,
    is_paused: Callable[[], bool],
    is_resumed: bool = False,
    can_be_complete: bool = True,
) -> Ended:
    """
    Carry out what was judged, or only record that it was planned.

    :param approved_by: who approved it.
    :param workers: how many users at the same time.
    :param is_paused: is asked before each batch whether to stop.
    :param is_resumed: whether this try of the task has done a part already, before it gave its worker slot
        back; then that part is reported, too.
    :param can_be_complete: whether this task, with its other parts, is known to decide about everybody.
    """
    work, plan, session = prepared.work, prepared.plan, prepared.session
    target = work.prepare(plan) if prepared.mode is Mode.APPLY else plan.target
    watcher.about(target.about)
    recorder = Recorder(
        session,
        work.action,
        target,
        plan.tries,
        approved_by=approved_by,
        expires_at=plan.expires_at,
        on_behalf=plan.on_behalf,
    )
    settled = [one for one in prepared.decisions if one.outcome is not None]
    to_do = [one for one in prepared.decisions if one.outcome is None]
    reads_whole = (
        can_be_complete and prepared.mode is Mode.APPLY and _reads_whole(session, prepared.decisions)
    )
    recorded, silent = _split_silent(session, settled, reads_whole=reads_whole)
    if prepared.mode is not Mode.PREVIEW:
        recorder.finish(recorded)
    execution = _execution(prepared, to_do, target, recorder, workers=workers, is_paused=is_paused)
    if is_resumed:
        settled = [plan.tries.finished_by(session.run, one) for one in settled]
    for one in settled:
        watcher.ended(one)
    with session.log.database.kept_open():
        done = list(
            _watched(execution, prepared.why, watcher, before=len(settled), total=len(prepared.decisions))
        )
    recorder.plan([one for one in done if one.outcome is not None and one.outcome.status == "planned"])
    if prepared.mode is Mode.PREVIEW:
        remember_plan(session, prepared.proposal.in_org)
    is_complete = reads_whole and execution.is_whole
    if silent and not is_complete:
        # Without a complete run, silence says nothing.
        recorder.finish(silent)
        silent = []
    return Ended([*settled, *done], target, execution, _counted(silent), is_complete)


def _execution(
    prepared: Prepared,
    to_do: Sequence[Decision],
    target: Target,
    recorder: Recorder,
    *,
    workers: int,
    is_paused: Callable[[], bool],
) -> Execution:
    work = prepared.work
    if prepared.mode is not Mode.APPLY:

        def look(decision: Decision, _: Attempt) -> Outcome:
            return work.preview(decision)

        return Execution(to_do, look, workers=workers, recorder=Unrecorded())

    def act(decision: Decision, attempt: Attempt) -> Outcome:
        return work.act(target, decision, attempt)

    return Execution(to_do, act, workers=workers, recorder=recorder, may_go_on=lambda: not is_paused())


def _watched(
    execution: Execution, why: str, watcher: Watcher, *, before: int, total: int
) -> Iterator[Decision]:
    for number, one in enumerate(execution, start=before + 1):
        ended = _with_reason(one, why)
        watcher.ended(ended)
        watcher.progress(number, total)
        yield ended


def _with_reason(decision: Decision, why: str) -> Decision:
    """Return a decision that was only planned with the reason why."""
    outcome = decision.outcome
    # Of a dry run it is said anyway, so what a reason says besides is kept: that a time is over.
    if not why or outcome is None or outcome.status != "planned" or (why == DRY_RUN and outcome.reason):
        return decision
    return decision.settled(msgspec.structs.replace(outcome, reason=why))


def _reads_whole(session: Session, decisions: Sequence[Decision]) -> bool:
    """Whether who has no row here is known not to have matched: the run has read all of its sources."""
    run, sources = session.run, {one.row.source for one in decisions if one.reason != EXPIRED}
    if not run.run_id or None in sources:
        return False
    known = {source for source in sources if source is not None}
    return session.log.read_whole(dag_id=run.dag_id, run_id=run.run_id, sources=known)


def _split_silent(
    session: Session, settled: Sequence[Decision], *, reads_whole: bool
) -> tuple[list[Decision], list[Decision]]:
    if not reads_whole or not any(map(may_be_silent, settled)):
        return list(settled), []
    tracked = session.log.tracked(session.org)
    known = {name for one in tracked for name in (*one.names, one.user_id)}
    return split_silent(settled, known)


def _counted(silent: Sequence[Decision]) -> tuple[Silent, ...]:
    numbers = Counter(
        (one.outcome.status, one.outcome.reason, one.row.risk_level or "") for one in silent if one.outcome
    )
    return tuple(
        Silent(status=status, reason=reason, risk_level=level, users=number)
        for (status, reason, level), number in sorted(numbers.items())
    )


def _outcomes(decisions: Sequence[Decision]) -> Iterator[Outcome]:
    return (one.outcome for one in decisions if one.outcome is not None)
