# SPDX-License-Identifier: Apache-2.0
"""Recording users, so that others can act on the match."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.decisions.recording import decide_records
from airflow_provider_okta_ure.engine.actions.work import Plan, Work
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.target import Target

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Outcome, Row
    from airflow_provider_okta_ure.engine.recorder import Attempt


class Recording(Work):
    """Do nothing to users but record them; neither Okta nor the log is asked anything."""

    action = "no_action"

    def turn(self) -> str:
        return "no action"

    def plan(self, rows: Sequence[Row]) -> Plan:
        return Plan(
            decisions=decide_records(rows),
            target=Target(),
            tries=Tries(self.session.run.as_of),
            before=CarriedOutBefore([], []),
            population=Population(0, "users"),
        )

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        raise AssertionError("nothing is to be done")
