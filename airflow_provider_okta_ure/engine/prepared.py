# SPDX-License-Identifier: Apache-2.0
"""An action that is planned and can be judged: what it would change, and whether it may."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta import ORGANIZATION_PATH
from airflow_provider_okta_ure.core.plans import Proposal
from airflow_provider_okta_ure.engine.session import Mode

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.engine.actions.work import Plan, Work
    from airflow_provider_okta_ure.engine.session import Session


@dataclass(frozen=True)
class Prepared:
    """
    A planned action.

    :param decisions: those of the plan, without the people who are never touched.
    :param mode: how much is going to be carried out.
    :param why: why nothing is going to be written, as a reason code; empty = it is.
    """

    work: Work
    plan: Plan
    decisions: Sequence[Decision]
    proposal: Proposal
    mode: Mode
    why: str = ""

    @property
    def session(self) -> Session:
        """What the action works with."""
        return self.work.session


def prepare(
    work: Work,
    rows: Sequence[Row],
    *,
    without_excluded: Callable[[Sequence[Decision]], Sequence[Decision]],
    why_preview: str,
    is_paused: Callable[[], bool],
) -> Prepared:
    """
    Plan an action; nothing is written to Okta.

    :param without_excluded: settles decisions about people who are never touched.
    :param why_preview: why a preview writes nothing: ``dry_run`` or ``paused``.
    :param is_paused: says whether writes are paused; planning may have waited for a lock.
    """
    session, plan = work.session, work.plan(rows)
    decisions = plan.decisions
    if any(one.outcome is None for one in decisions):
        decisions = without_excluded(decisions)
    if session.is_preview:
        mode, why = Mode.PREVIEW, why_preview
    else:
        why = plan.why_not_applied or ("paused" if is_paused() else "")
        mode = Mode.PLAN_ONLY if why else Mode.APPLY
    return Prepared(work, plan, decisions, _propose(work, plan, decisions), mode, why)


def _propose(work: Work, plan: Plan, decisions: Sequence[Decision]) -> Proposal:
    session = work.session
    # The reads before this line are the same ones that applying the plan makes again.
    cost = Counter(session.client.calls) if plan.bucket else Counter[str]()
    # Which org it is is asked once, and known from then on.
    cost.pop(ORGANIZATION_PATH, None)
    cost.update(plan.cost_to_prepare)
    if plan.bucket:
        cost[plan.bucket] += sum(1 for one in decisions if one.to_act_on is not None)
    return Proposal.of(
        work.action,
        decisions,
        org=session.org,
        target=plan.target.about,
        target_keys=plan.target.keys,
        as_of=session.run.as_of,
        earlier=plan.before.here,
        elsewhere=plan.before.elsewhere,
        base=plan.base,
        base_name=plan.base_name,
        cost=cost,
        per_minute=session.client.calls_per_minute if plan.bucket else None,
    )
