# SPDX-License-Identifier: Apache-2.0
"""Risk signals for Okta's risk engine: each change of a user's level once, and never an old one last."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from airflow_provider_okta_ure.clients.jwks import check_published_key
from airflow_provider_okta_ure.clients.okta_signals import EVENTS_PATH, PROVIDERS_BUCKET
from airflow_provider_okta_ure.clients.scopes import PROVIDERS_MANAGE, USERS_READ
from airflow_provider_okta_ure.clients.security_event import build_risk_change, derive_jti
from airflow_provider_okta_ure.core.decisions import decide_before_lookup
from airflow_provider_okta_ure.core.history import to_history
from airflow_provider_okta_ure.core.matching import Decision, leave, outcome_of, resolve
from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.namesakes import one_per_name
from airflow_provider_okta_ure.core.reports import build_report
from airflow_provider_okta_ure.core.signals import (
    MOST_UNCONFIRMED,
    PushMode,
    decide_signal,
    level_of,
    to_level,
    to_most_unconfirmed,
)
from airflow_provider_okta_ure.core.subjects import AddressBook, addresses_to_look_up, subject_of
from airflow_provider_okta_ure.core.texts import ReasonText
from airflow_provider_okta_ure.engine.people import People
from airflow_provider_okta_ure.engine.signal_facts import Asked, SignalLog
from airflow_provider_okta_ure.engine.signaled_users import SignaledUsers
from airflow_provider_okta_ure.errors import ConfigurationError, NotRestoredError, OktaUreError
from airflow_provider_okta_ure.hooks.signals import SignalsMode, signals_wanted, to_signals_mode
from airflow_provider_okta_ure.operators.actions import OktaActionOperator, Plan
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.journal import names_of
from airflow_provider_okta_ure.operators.links import ActionLogLink, OktaRiskEventsLink
from airflow_provider_okta_ure.operators.run import failing_for_good, to_flag

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context

    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.clients.answers import Answer
    from airflow_provider_okta_ure.core.matching import Directory
    from airflow_provider_okta_ure.core.models import Action, OktaUser, Outcome, Row
    from airflow_provider_okta_ure.operators.journal import Journal


class OktaPushRiskOperator(OktaActionOperator):
    """
    Push a risk signal for the users that rows are about: one signed security event token per change of level.

    Okta's risk engine evaluates the signal; it is not a command. A user that Okta does not know is
    skipped, because Okta would accept the signal and ignore it; so is one whose only address is somebody
    else's, too (``no_unique_address``). The token's ``jti`` is derived from the change itself, so that
    pushing the same change again has no second effect.

    Before the first signal, also in a dry run, the published JWKS is read once: it has to hold the very key
    that signs, because Okta refuses everything else.

    The level from before is the one that was last delivered to this org for this issuer and this Okta user;
    none if nothing was, whatever Netskope said the day before. A level is not pushed for a time older than
    one that was decided for the same user already.

    :param signals: ``on`` = send signals; ``off`` = send none and succeed, for a DAG that only keeps a group;
        ``auto`` = send them when the connection has a signing key and the org has Identity Threat Protection,
        and otherwise warn that none are sent. (templated)
    :param only_changes: skip users whose level is the one that was delivered last. (templated)
    :param only_known: skip users of whom no level was ever delivered. (templated)
    :param history: what is done when a later moment was decided already: ``protect`` = nothing;
        ``replay`` = push the old change with its own time, then the newest level again; ``record`` = push
        nothing at all, also when nothing is later, and only write the action log. (templated)
    :param ensure_provider: make sure that the security events provider of the connection exists at Okta,
        is up to date and active. (templated)
    :param check_jwks: look at the published JWKS first; False when Okta reaches it and Airflow cannot.
        (templated)
    :param most_unconfirmed: so many times a level is sent of which Okta's System Log then has no event; after
        that the user fails as ``never_confirmed``. (templated)
    :param reason_admin: what Okta's administrators read; names of row fields in braces are filled in.
        (templated)
    :param reason_user: what the user may read; empty = nothing is sent. (templated)
    """

    action: ClassVar[Action] = "push_risk"
    operator_extra_links: Sequence[BaseOperatorLink] = (OktaRiskEventsLink(), ActionLogLink())
    scopes: ClassVar[tuple[str, ...]] = (USERS_READ,)
    template_fields: Sequence[str] = (
        *OktaActionOperator.template_fields,
        "signals",
        "only_changes",
        "only_known",
        "history",
        "ensure_provider",
        "check_jwks",
        "most_unconfirmed",
        "reason_admin",
        "reason_user",
    )

    def __init__(
        self,
        *,
        signals: bool | str = "on",
        only_changes: bool | str = True,
        only_known: bool | str = False,
        history: str = "protect",
        ensure_provider: bool | str = False,
        check_jwks: bool | str = True,
        most_unconfirmed: int | str = MOST_UNCONFIRMED,
        reason_admin: str = "Netskope confidence {score} of 1000 ({score_level}), before {previous_score}",
        reason_user: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.signals = signals
        self.only_changes = only_changes
        self.only_known = only_known
        self.history = history
        self.ensure_provider = ensure_provider
        self.check_jwks = check_jwks
        self.most_unconfirmed = most_unconfirmed
        self.reason_admin = reason_admin
        self.reason_user = reason_user

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            mode = to_signals_mode(self.signals)
            sends, why = (True, "") if mode == "on" else signals_wanted(self.hook, mode)
        return super().execute(context) if sends else self._send_none(context, mode, why)

    def _send_none(self, context: Context, mode: SignalsMode, why: str) -> dict[str, Any]:
        """Return a report about nobody that says why no signals are sent."""
        with failing_for_good():
            run = RunIdentity.of(context)
            run.announce(self.log)
            told = f"No risk signals are sent, because {why}."
            dry_run = to_flag(self.dry_run, "dry_run")
            consent = Consent.of(self.approved_plan, self.approval, self.planned_by)
            if not self.may_do_nothing(run, consent, dry_run=dry_run):
                raise ConfigurationError(
                    f"{told} But a plan with risk signals was approved.",
                    remedy="Plan again with the same value of signals.",
                )
            self.log.info("%s", told)
            self.is_paused()  # whether it is or not, nothing is sent; that it is has to be seen
            return build_report(
                self.action,
                [],
                as_of=run.as_of,
                as_of_reason=run.as_of_reason,
                dry_run=dry_run,
                # Somebody chose off; auto decided by itself, which has to be seen.
                warnings=[*self._warnings, *([told] if mode == "auto" else [])],
            ).to_dict()

    @property
    def scopes_to_ask_for(self) -> tuple[str, ...]:
        ensures = to_flag(self.ensure_provider, "ensure_provider") and not to_flag(self.dry_run, "dry_run")
        return (*super().scopes_to_ask_for, *((PROVIDERS_MANAGE,) if ensures else ()))

    def turn(self) -> str:
        return f"risk signals of {self.hook.transmitter.issuer}"

    def plan(self, rows: Sequence[Row], journal: Journal, *, dry_run: bool) -> Plan:
        mode = self._mode()
        # Before the first call, because a wrong reason text is refused here.
        signals = Signals(self, journal)
        client, transmitter = self.hook.client, self.hook.transmitter
        journal.aim(transmitter.issuer, transmitter.issuer)
        log = SignalLog(journal.log, org=journal.org, issuer=transmitter.issuer, dag_id=journal.run.dag_id)
        people = People(client, journal.log, journal.org)

        rows, duplicates = one_per_name(rows)
        wanted, settled = decide_before_lookup(rows)
        names, told = [row.user for row in wanted], SignaledUsers({})
        if mode.only_known:
            told = SignaledUsers(log.told(journal.run.as_of))
            names = self._names_that_okta_knows(wanted, told, journal, mode)
        directory = people.directory(names)
        if mode.only_known:
            wanted, unchanged = _split(wanted, set(map(fold, names)), directory, told)
            settled = [*settled, *unchanged]
        resolved = resolve(wanted, directory)
        facts = log.facts(users_asked_for(resolved, journal))
        decided = [
            decide_signal(one, facts.of(one.user.user_id), mode) if one.user is not None else one
            for one in self.without_less_safe_rows(resolved, journal, tells_level=True)
        ]
        decisions = [*duplicates, *settled, *self.with_unique_addresses(decided)]
        return self.plan_of(decisions, signals, journal, later=facts.later)

    def plan_of(
        self,
        decisions: Sequence[Decision],
        signals: Signals,
        journal: Journal,
        *,
        later: Mapping[str, Entry],
        reason: str = "",
    ) -> Plan:
        """
        Return the plan to push what was decided.

        :param signals: makes and pushes them.
        :param later: the newest later decision about a user, which is pushed again after an older change.
        :param reason: the reason code of what is pushed.
        """
        transmitter = self.hook.transmitter
        journal.load(decisions)
        if to_flag(self.check_jwks, "check_jwks") and any(one.outcome is None for one in decisions):
            self._check_jwks()

        def push(row: Row, user: OktaUser) -> Outcome:
            jti, answer = signals.push(row, user)
            newest = later.get(user.user_id)
            if newest is not None:
                signals.restore(row, user, newest)
            return outcome_of(
                row,
                "done",
                "replayed" if newest is not None else reason,
                user=user,
                http_status=answer.status,
                request_id=answer.request_id,
                jti=jti,
            )

        base, base_name = journal.population(decisions)
        return Plan(
            decisions,
            push,
            {"issuer": transmitter.issuer, "audience": transmitter.audience},
            base=base,
            base_name=base_name,
            bucket=EVENTS_PATH,
            # One look at the registration; mending it, which is rare, takes a few more.
            cost_to_prepare=(
                {PROVIDERS_BUCKET: 1} if to_flag(self.ensure_provider, "ensure_provider") else {}
            ),
            prepare=self._ensure_provider,
        )

    def _mode(self) -> PushMode:
        return PushMode(
            history=to_history(self.history),
            only_changes=to_flag(self.only_changes, "only_changes"),
            only_known=to_flag(self.only_known, "only_known"),
            most_unconfirmed=to_most_unconfirmed(self.most_unconfirmed),
        )

    def _names_that_okta_knows(
        self, rows: Sequence[Row], told: SignaledUsers, journal: Journal, mode: PushMode
    ) -> list[str]:
        """Return the names of the rows that can be about users of whom another level was delivered."""
        renamed = told.renamed(self.hook.client, rows, journal.scores_of_run())
        if not mode.only_changes:
            return [row.user for row in rows if row.key in renamed or told.under_name(row.key)]
        changed = told.changed(rows, journal.moment)
        return [row.user for row in rows if row.key in renamed or row.key in changed]

    def with_unique_addresses(self, decisions: Sequence[Decision]) -> list[Decision]:
        """Return the decisions, without signals that could reach somebody else."""
        users = [one.to_act_on for one in decisions if one.to_act_on is not None]
        addresses = addresses_to_look_up(users)
        book = AddressBook(self.hook.client.find_users(addresses) if addresses else ())
        return [book.settle(one) for one in decisions]

    def _ensure_provider(self) -> None:
        if to_flag(self.ensure_provider, "ensure_provider"):
            provider = self.hook.registration.ensure(self.hook.client)
            self.log.info("Security events provider %r (%s) is active.", provider.name, provider.provider_id)

    def _check_jwks(self) -> None:
        transmitter = self.hook.transmitter
        published = check_published_key(
            self.hook.documents,
            transmitter.key,
            issuer=transmitter.issuer,
            jwks_url=self.hook.settings.jwks_url,
            well_known_url=self.hook.settings.well_known_url,
        )
        self.log.info(
            "The key that signs, kid %s, is published at %s.", transmitter.key.key_id, published.url
        )


class Signals:
    """
    Makes and pushes risk signals for one task.

    :param operator: whose reasons they give.
    :param journal: knows when each was first tried.
    """

    def __init__(self, operator: OktaPushRiskOperator, journal: Journal) -> None:
        self._reason_admin = ReasonText(operator.reason_admin, argument="reason_admin")
        self._reason_user = ReasonText(operator.reason_user, argument="reason_user")
        self._client, self._transmitter = operator.hook.client, operator.hook.transmitter
        self._journal = journal

    def push(self, row: Row, user: OktaUser) -> tuple[str, Answer]:
        """Push the change that a row is about, and return the token's id and Okta's answer."""
        return self._push(row, user, self._journal.moment(row))

    def restore(self, row: Row, user: OktaUser, newest: Entry) -> None:
        """
        After an old change, push the newest decision's level, so that Okta does not end with the old.

        :raises NotRestoredError: the old change was delivered, and this one was not.
        """
        current = to_level(newest.risk_level)
        if current == level_of(row):
            return
        restored = msgspec.structs.replace(
            row,
            score=newest.score,
            risk_level=current,
            previous_risk_level=row.risk_level,
        )
        try:
            self._push(restored, user, newest.as_of, after=self._journal.moment(row), tried=row)
        except OktaUreError as error:
            raise NotRestoredError(
                f"The old level {row.risk_level} was delivered, and the newest, {current}, was not: "
                f"{error.explanation}",
                retryable=error.retryable,
            ) from error

    def _push(
        self,
        row: Row,
        user: OktaUser,
        moment: datetime,
        *,
        after: datetime | None = None,
        tried: Row | None = None,
    ) -> tuple[str, Answer]:
        current, previous = level_of(row), row.previous_risk_level or "none"
        subject = subject_of(user)
        issuer, audience = self._transmitter.issuer, self._transmitter.audience
        jti = derive_jti(
            issuer=issuer,
            audience=audience,
            user=subject,
            as_of=moment,
            previous=previous,
            current=current,
            after=after,
            revision=self._journal.revision(tried or row, user),
        )
        token = build_risk_change(
            self._transmitter.key,
            issuer=issuer,
            audience=audience,
            subject=subject,
            current_level=current,
            previous_level=previous,
            event_timestamp=int(moment.timestamp()),
            # The moment of the first try, so that another try sends the same bytes.
            issued_at=int(self._journal.first_tried_at(tried or row, user).timestamp()),
            reason_admin=self._reason_admin.fill(row),
            reason_user=self._reason_user.fill(row) or None,
            jti=jti,
        )
        return jti, self._client.publish_security_event(token)


def _split(
    rows: Sequence[Row], names: Collection[str], directory: Directory, told: SignaledUsers
) -> tuple[list[Row], list[Decision]]:
    """
    Split rows into those about users who were looked up, and the others, for whom there is nothing to do.

    A row that was not looked up itself is about one of them when it names their other name.
    """
    wanted = [row for row in rows if row.key in names or directory.mentions(row.user)]
    picked = {id(row) for row in wanted}
    rest = [row for row in rows if id(row) not in picked]
    return wanted, [
        leave(row, "never_told") if user is None else leave(row, "same_level", user=user)
        for row in rest
        for user in (told.user_under_name(row.key),)
    ]


def users_asked_for(decisions: Sequence[Decision], journal: Journal) -> list[Asked]:
    """Return the users whose signals have to be known."""
    return [
        Asked(
            user_id=one.user.user_id,
            as_of=journal.moment(one.row),
            names=names_of(one.row, one.user),
        )
        for one in decisions
        if one.user is not None
    ]
