# SPDX-License-Identifier: Apache-2.0
"""Setting users' risk: an administrator's override, not a signal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.clients.okta_users import USERS_BUCKET
from airflow_provider_okta_ure.core.decisions.facts import RunFacts, UserRiskFacts
from airflow_provider_okta_ure.core.decisions.upserting import decide_upserts
from airflow_provider_okta_ure.core.matching import resolve
from airflow_provider_okta_ure.core.models import Outcome, UserRisk
from airflow_provider_okta_ure.engine.actions.work import Plan, Work
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.people import People
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.run_facts import read_run_facts
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.facts.user_risks import read_risks
from airflow_provider_okta_ure.engine.target import Target
from airflow_provider_okta_ure.errors import InvalidRequestError, OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.core.texts import ReasonText
    from airflow_provider_okta_ure.engine.facts.user_risks import Reading
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session

UPSERT: LogAction = "upsert_risk"


class Upserting(Work):
    """
    Set the risk of users who have another one.

    :param reason: why, for Okta's administrators.
    :param workers: how many users' risk is read at the same time.
    """

    action = "upsert_risk"

    def __init__(self, session: Session, reason: ReasonText, *, workers: int) -> None:
        super().__init__(session)
        self._reason = reason
        self._workers = workers
        self._readings: Mapping[str, Reading] = {}
        self._levels_that_okta_refuses: dict[str, OktaUreError] = {}

    def turn(self) -> str:
        return "user risk"

    def plan(self, rows: Sequence[Row]) -> Plan:
        session, target = self.session, Target()
        people = People(session.client, session.log, session.org)
        # Decided once without the facts that cost a call for each user, to find out for whom they matter.
        facts = UserRiskFacts(
            run=RunFacts(as_of=session.run.as_of), directory=people.directory([row.user for row in rows])
        )
        run = read_run_facts(session, UPSERT, target, resolve(rows, facts.directory))
        facts = msgspec.structs.replace(facts, run=run)
        candidates = [user for one in decide_upserts(rows, facts) if (user := one.to_act_on) is not None]
        self._readings = read_risks(session.client, candidates, workers=self._workers)
        levels = {user_id: one.level for user_id, one in self._readings.items() if isinstance(one, UserRisk)}
        decisions = decide_upserts(rows, msgspec.structs.replace(facts, levels=levels))
        population = Population.read(session, decisions)
        return Plan(
            decisions=decisions,
            target=target,
            tries=Tries.read(session, UPSERT, target.key, decisions),
            before=CarriedOutBefore.read(session, UPSERT, target.key),
            population=population,
            base=population.size,
            base_name=population.called,
            bucket=USERS_BUCKET,
        )

    def preview(self, decision: Decision) -> Outcome:
        self._require_reading(decision)
        return super().preview(decision)

    def _require_reading(self, decision: Decision) -> None:
        """Refuse to set a risk that is not known from before."""
        reading = self._readings[decision.user.user_id] if decision.user is not None else None
        if isinstance(reading, OktaUreError):
            raise reading

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        self._require_reading(decision)
        level = decision.row.risk_level or "none"
        if level in self._levels_that_okta_refuses:
            raise self._levels_that_okta_refuses[level]
        try:
            answer = self.session.client.put_user_risk(
                decision.user_id, level, self._reason.fill(decision.row)
            )
        except InvalidRequestError as error:
            if error.topic == "okta-risk-level":
                # It is the org that does not know the level yet, so the other users need not be tried.
                self._levels_that_okta_refuses[level] = error
            raise
        return Outcome(status="done", http_status=answer.status, request_id=answer.request_id)
