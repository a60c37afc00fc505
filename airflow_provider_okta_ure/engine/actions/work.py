# SPDX-License-Identifier: Apache-2.0
"""One action of one task: what it decides, and how it is carried out on a user."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import msgspec

from airflow_provider_okta_ure.core.models import Outcome

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.holding import OnBehalf
    from airflow_provider_okta_ure.core.models import Action, Row
    from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
    from airflow_provider_okta_ure.engine.facts.population import Population
    from airflow_provider_okta_ure.engine.facts.tries import Tries
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """
    Everything an action is going to do, known before the first write.

    :param decisions: one per row.
    :param target: what is acted on.
    :param tries: earlier tries of the same action.
    :param before: what this task has carried out already.
    :param population: how many users the source has.
    :param base: the size of what is changed, for the limit in percent.
    :param base_name: what that is a number of, for people.
    :param bucket: the rate limit that each effect counts against; empty = none.
    :param cost_to_prepare: how many calls of each rate limit preparing takes.
    :param why_not_applied: why nothing is written although this is no dry run, as a reason code.
    :param expires_at: when memberships that begin end; None = when the user recovers.
    :param on_behalf: whose holds change, if not those of the task's own DAG.
    """

    decisions: Sequence[Decision]
    target: Target
    tries: Tries
    before: CarriedOutBefore
    population: Population
    base: int = 0
    base_name: str = "users"
    bucket: str = ""
    cost_to_prepare: Mapping[str, int] = {}
    why_not_applied: str = ""
    expires_at: datetime | None = None
    on_behalf: OnBehalf | None = None


class Work(ABC):
    """
    One action on one target.

    :param session: what it works with.
    """

    action: ClassVar[Action]

    def __init__(self, session: Session) -> None:
        self.session = session

    @abstractmethod
    def turn(self) -> str:
        """Return what is acted on: two tasks with the same answer take turns."""

    def known_target(self) -> Target | None:
        """Return what is acted on, as far as it is known without asking Okta; None = it is not."""
        return None

    @abstractmethod
    def plan(self, rows: Sequence[Row]) -> Plan:
        """
        Read the facts and decide for all rows what to do, without writing to Okta.

        :param rows: one row per user and source.
        """

    def prepare(self, plan: Plan) -> Target:
        """Make what has to be there before the first effect, and return what is acted on then."""
        return plan.target

    @abstractmethod
    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        """
        Carry out the action on one user, and return how it ended.

        :raises OktaUreError: it was refused, or not answered.
        """

    def preview(self, decision: Decision) -> Outcome:
        """Return what a run that writes nothing says of a user; it may read."""
        return Outcome(status="planned", reason=decision.reason)
