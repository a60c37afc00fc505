# SPDX-License-Identifier: Apache-2.0
"""Undoing a run's risk signals: each is followed by one that says the level from before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.decisions.decision import settle
from airflow_provider_okta_ure.core.decisions.facts import RunFacts, SignalFacts
from airflow_provider_okta_ure.core.decisions.history_rules import run_reverted
from airflow_provider_okta_ure.core.decisions.pushing import changes_level
from airflow_provider_okta_ure.core.decisions.signals import PushMode
from airflow_provider_okta_ure.core.decisions.undoing_rules import Since, decided_since
from airflow_provider_okta_ure.core.matching import Directory
from airflow_provider_okta_ure.core.models import Outcome
from airflow_provider_okta_ure.engine.actions.pushing import PUSH, SignalWork, users_asked_for
from airflow_provider_okta_ure.engine.actions.undoing import decisions_about, deeds, entries_of_run
from airflow_provider_okta_ure.engine.facts.run_facts import reverted_by
from airflow_provider_okta_ure.engine.facts.signal_log import SignalLog
from airflow_provider_okta_ure.engine.facts.since import SinceLog

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision, Rule
    from airflow_provider_okta_ure.core.models import Row
    from airflow_provider_okta_ure.engine.actions.signals import SignalSender
    from airflow_provider_okta_ure.engine.actions.undoing import Deed, Undone
    from airflow_provider_okta_ure.engine.actions.work import Plan
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session
    from airflow_provider_okta_ure.engine.target import Target


class UndoSignals(SignalWork):
    """
    Follow each risk signal of a run by one that says the level from before.

    :param undone: the run, and how much of it.
    """

    def __init__(
        self, session: Session, sender: SignalSender, undone: Undone, *, check_key: Callable[[], None]
    ) -> None:
        super().__init__(session, sender, check_key=check_key)
        self.undone = undone

    def plan(self, rows: Sequence[Row]) -> Plan:
        session, undone, target = self.session, self.undone, self.target
        entries = entries_of_run(session.log, dag_id=undone.dag_id, run_id=undone.run_id)
        done = {one.entry.user_id: one for one in deeds(entries, undone, action=PUSH, target=target.key)}
        about = decisions_about(session.client, list(done.values()), ())
        log = SignalLog(session.log, org=session.org, issuer=target.key, dag_id=undone.first_dag)
        history = log.history(users_asked_for(about, session))
        later = SinceLog(session, target, undone).later(about, done, doing=(PUSH,))
        facts = SignalFacts(
            run=RunFacts(as_of=session.run.as_of, reverted_by=reverted_by(session, PUSH, about)),
            directory=Directory(()),
            known=history.known,
        )
        decided = settle(
            about,
            decided_since({user_id: Since(later=later.get(user_id)) for user_id in done}),
            _was_delivered(done),
            changes_level(facts, PushMode()),
        )
        book = self.address_book(decided)
        return self.plan_of(settle(decided, book.settle, run_reverted(facts.run)))

    def preview(self, decision: Decision) -> Outcome:
        return Outcome(status="planned", reason="reverted", message=self.undone.in_words(PUSH))

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        pushed = self._sender.push(decision, attempt)
        return msgspec.structs.replace(pushed, reason="reverted", message=self.undone.in_words(PUSH))


def _was_delivered(done: Mapping[str, Deed]) -> Rule:
    """Return the rule that finds nothing to undo where Okta's System Log does not have the signal."""

    def rule(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is None or done[user.user_id].entry.confirmation != "missing":
            return decision
        text = "Okta's System Log does not have the signal, so there is nothing to undo"
        return decision.skipped("nothing_done", text)

    return rule
