# SPDX-License-Identifier: Apache-2.0
"""Pushing risk signals: one signed security event token per change of a user's level."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.clients.okta_signals import EVENTS_PATH, PROVIDERS_BUCKET
from airflow_provider_okta_ure.core.decisions.addresses import AddressBook, addresses_to_look_up
from airflow_provider_okta_ure.core.decisions.facts import SignalFacts
from airflow_provider_okta_ure.core.decisions.pushing import decide_signals, rows_with_score
from airflow_provider_okta_ure.core.matching import resolve
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.engine.actions.work import Plan, Work
from airflow_provider_okta_ure.engine.facts.carried_out import CarriedOutBefore
from airflow_provider_okta_ure.engine.facts.names import names_of
from airflow_provider_okta_ure.engine.facts.people import People
from airflow_provider_okta_ure.engine.facts.population import Population
from airflow_provider_okta_ure.engine.facts.run_facts import read_run_facts, scores_of_run
from airflow_provider_okta_ure.engine.facts.signal_log import Asked, SignalHistory, SignalLog
from airflow_provider_okta_ure.engine.facts.signaled_users import SignaledUsers
from airflow_provider_okta_ure.engine.facts.tries import Tries
from airflow_provider_okta_ure.engine.target import Target

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry, LogAction
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.decisions.signals import PushMode
    from airflow_provider_okta_ure.core.models import Outcome, Row
    from airflow_provider_okta_ure.engine.actions.signals import SignalSender
    from airflow_provider_okta_ure.engine.recorder import Attempt
    from airflow_provider_okta_ure.engine.session import Session

PUSH: LogAction = "push_risk"


class SignalWork(Work):
    """
    Push risk signals.

    :param sender: makes and pushes them.
    :param check_key: looks whether the key that signs is published, before the first signal.
    :param register: makes sure that Okta knows the transmitter; None = it is taken for known.
    """

    action = "push_risk"

    def __init__(
        self,
        session: Session,
        sender: SignalSender,
        *,
        check_key: Callable[[], None],
        register: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(session)
        self._sender = sender
        self._check_key = check_key
        self._register = register

    def turn(self) -> str:
        return f"risk signals of {self._sender.issuer}"

    @property
    def target(self) -> Target:
        """The issuer of the signals."""
        about = {"issuer": self._sender.issuer, "audience": self._sender.audience}
        return Target(key=self._sender.issuer, name=self._sender.issuer, about=about)

    def known_target(self) -> Target | None:
        return self.target

    @property
    def signal_log(self) -> SignalLog:
        """What was signaled before, as this task's DAG sees it."""
        session = self.session
        return SignalLog(session.log, org=session.org, issuer=self._sender.issuer, dag_id=session.run.dag_id)

    def plan_of(self, decisions: Sequence[Decision]) -> Plan:
        """Return the plan to push what was decided."""
        target = self.target
        tries = Tries.read(self.session, PUSH, target.key, decisions)
        if any(one.outcome is None for one in decisions):
            self._check_key()
        population = Population.read(self.session, decisions)
        return Plan(
            decisions=decisions,
            target=target,
            tries=tries,
            before=CarriedOutBefore.read(self.session, PUSH, target.key),
            population=population,
            base=population.size,
            base_name=population.called,
            bucket=EVENTS_PATH,
            # One look at the registration; mending it, which is rare, takes a few more.
            cost_to_prepare={PROVIDERS_BUCKET: 1} if self._register is not None else {},
        )

    def address_book(self, decisions: Sequence[Decision]) -> AddressBook:
        """Return who has the addresses that the signals of these decisions would name."""
        users = [one.to_act_on for one in decisions if one.to_act_on is not None]
        addresses = addresses_to_look_up(users)
        return AddressBook(self.session.client.find_users(addresses) if addresses else ())

    def prepare(self, plan: Plan) -> Target:
        if self._register is not None:
            self._register()
        return plan.target


class Pushing(SignalWork):
    """
    Push a signal for each user whose level changed.

    :param mode: which signals are sent.
    """

    def __init__(
        self,
        session: Session,
        sender: SignalSender,
        mode: PushMode,
        *,
        check_key: Callable[[], None],
        register: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(session, sender, check_key=check_key, register=register)
        self._mode = mode
        self._later: Mapping[str, Entry] = {}

    def plan(self, rows: Sequence[Row]) -> Plan:
        facts, history = self._facts(rows)
        # The newest later decision about a user, which is pushed again after an older change.
        self._later = history.later
        first = decide_signals(rows, facts, self._mode)
        # Addresses are only looked up of those about whom a signal would be sent.
        facts = msgspec.structs.replace(facts, addresses=self.address_book(first))
        return self.plan_of(decide_signals(rows, facts, self._mode))

    def _facts(self, rows: Sequence[Row]) -> tuple[SignalFacts, SignalHistory]:
        session = self.session
        wanted = rows_with_score(rows)
        people = People(session.client, session.log, session.org)
        scores = scores_of_run(session)
        if self._mode.only_known:
            signaled = SignaledUsers.read(session, self.signal_log, wanted)
            names = self._names_to_look_up(wanted, signaled, scores)
            looked_up = frozenset(map(fold, names))
            users_before = signaled.users_under_names(wanted)
        else:
            names, looked_up, users_before = [row.user for row in wanted], None, {}
        directory = people.directory(names)
        about = [
            row for row in wanted if looked_up is None or row.key in looked_up or directory.mentions(row.user)
        ]
        resolved = resolve(about, directory)
        history = self.signal_log.history(users_asked_for(resolved, session))
        facts = SignalFacts(
            run=read_run_facts(session, PUSH, self.target, resolved, scores=scores),
            directory=directory,
            looked_up=looked_up,
            signaled=users_before,
            known=history.known,
        )
        return facts, history

    def _names_to_look_up(
        self, rows: Sequence[Row], signaled: SignaledUsers, scores: Collection[str]
    ) -> list[str]:
        """Return the names of the rows that can be about users of whom another level was delivered."""
        session = self.session
        renamed = signaled.renamed(session.client, rows, scores)
        if not self._mode.only_changes:
            return [row.user for row in rows if row.key in renamed or signaled.under_name(row.key)]
        changed = signaled.changed(rows, lambda row: row.as_of or session.run.as_of)
        return [row.user for row in rows if row.key in renamed or row.key in changed]

    def act(self, target: Target, decision: Decision, attempt: Attempt) -> Outcome:
        pushed = self._sender.push(decision, attempt)
        newest = self._later.get(decision.user.user_id) if decision.user is not None else None
        if newest is not None:
            self._sender.restore(decision, attempt, newest)
            return msgspec.structs.replace(pushed, reason="replayed")
        return pushed


def users_asked_for(decisions: Sequence[Decision], session: Session) -> list[Asked]:
    """Return the users whose signals have to be known."""
    return [
        Asked(
            user_id=one.user.user_id,
            as_of=one.row.as_of or session.run.as_of,
            names=names_of(one.row, one.user),
        )
        for one in decisions
        if one.user is not None
    ]
