# SPDX-License-Identifier: Apache-2.0
"""What all operators that can change something in Okta have: limits, consent, exclusions, the pause."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, GROUPS_READ, ROLES_READ
from airflow_provider_okta_ure.core.guardrails.exclusions import to_administrators_excluded
from airflow_provider_okta_ure.core.guardrails.limits import BlastRadius, DailyBound
from airflow_provider_okta_ure.engine.guard import Guard
from airflow_provider_okta_ure.engine.session import Session
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.hooks.sealing import sealing_key_of
from airflow_provider_okta_ure.operators.approved import Consent
from airflow_provider_okta_ure.operators.exclusions import read_exclusions
from airflow_provider_okta_ure.operators.identities import Names
from airflow_provider_okta_ure.operators.links import ActionLogLink
from airflow_provider_okta_ure.operators.pausing import PauseSwitch
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import to_workers

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.guardrails.consent import Approved
    from airflow_provider_okta_ure.engine.run import Run
    from airflow_provider_okta_ure.engine.turns import Turns


class OktaWritingOperator(ServiceOperator):
    """
    Change something about users in Okta, within limits.

    :param dry_run: only say what would be done; reads from Okta, writes nothing. (templated)
    :param fail_on: how many failed users fail the task: ``1``, ``"10%"`` or ``"never"``. (templated)
    :param max_changes: more users than this are not changed without a person's approval. (templated)
    :param max_change_percent: nor is a larger part (0..100) of the group's members, or, for additions and
        risk signals, of all users of the source; but 25 users always are. (templated)
    :param approved_plan: ids of plans that tasks of this DAG have made or were refused for: a change that is
        just one of them may be larger than these limits; the bound of the org and the day still holds. A
        list, or text with commas. (templated)
    :param approval: the task id of an :class:`OktaApprovalOperator` of the same run: only what was approved
        there is done, whatever its size. (templated)
    :param planned_by: the task id of the task whose plan this is, of those that ``approval`` asked about;
        empty = any of them. (templated)
    :param exclude_users: logins, e-mail addresses or Okta ids of users who are never touched, besides
        those in the connection. (templated)
    :param exclude_groups: names or ids of groups whose members are never touched. (templated)
    :param exclude_administrators: ``True`` = Okta's administrators are never touched, and nobody is when
        they cannot be read; ``"if_readable"`` = only when the token can read them. (templated)
    :param workers: how many users at the same time.
    :param okta_conn_id: the connection to the Okta org. (templated)
    """

    scopes: ClassVar[tuple[str, ...]]
    """What a service app has to be granted."""
    operator_extra_links: Sequence[BaseOperatorLink] = (ActionLogLink(),)
    # Shadows BaseOperator.dry_run(), which only renders templates and which nothing in Airflow calls.
    dry_run: bool | str  # type: ignore[assignment]
    template_fields: Sequence[str] = (
        "dry_run",
        "fail_on",
        "max_changes",
        "max_change_percent",
        "approved_plan",
        "approval",
        "planned_by",
        "exclude_users",
        "exclude_groups",
        "exclude_administrators",
        "okta_conn_id",
    )

    def __init__(
        self,
        *,
        dry_run: bool | str = False,
        fail_on: int | str = 1,
        max_changes: int | str = BlastRadius().max_changes,
        max_change_percent: float | str = BlastRadius().max_change_percent,
        approved_plan: Any = None,
        approval: str | None = None,
        planned_by: str = "",
        exclude_users: Any = None,
        exclude_groups: Any = None,
        exclude_administrators: bool | str = "if_readable",
        workers: int = 4,
        okta_conn_id: str = OktaHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.dry_run = dry_run
        self.fail_on = fail_on
        self.max_changes = max_changes
        self.max_change_percent = max_change_percent
        self.approved_plan = approved_plan
        self.approval = approval
        self.planned_by = planned_by
        self.exclude_users = exclude_users
        self.exclude_groups = exclude_groups
        self.exclude_administrators = exclude_administrators
        self.workers = workers
        self.okta_conn_id = okta_conn_id

    @cached_property
    def hook(self) -> OktaHook:
        """A hook for the connection, made when it is needed."""
        return self.hook_for(self.scopes_to_ask_for)

    @property
    def scopes_to_ask_for(self) -> tuple[str, ...]:
        """What a service app is asked to be granted, as the arguments are."""
        return self.scopes

    def scopes_with_exclusions(self, scopes: Sequence[str]) -> tuple[str, ...]:
        """Return scopes and, besides, those of reading who is excluded by the operator."""
        more = [GROUPS_READ] if self.exclude_groups and GROUPS_MANAGE not in scopes else []
        if to_administrators_excluded(self.exclude_administrators) == "always":
            more.append(ROLES_READ)
        return (*scopes, *more)

    def hook_for(self, scopes: Sequence[str]) -> OktaHook:
        """Return a hook for the connection that asks for these scopes, and for those of the exclusions."""
        scopes = self.scopes_with_exclusions(scopes)
        hook = OktaHook(self.okta_conn_id, scopes=scopes)
        if hook.settings.exclude_groups and not {GROUPS_READ, GROUPS_MANAGE} & set(scopes):
            hook.scopes = (*scopes, GROUPS_READ)
        return hook

    def warn(self, text: str) -> None:
        """Say in the task log, in the report and on the page what people should look at."""
        self.log.warning("%s", text)
        self._warnings.append(text)

    @cached_property
    def _warnings(self) -> list[str]:
        return []

    @cached_property
    def _names(self) -> Names:
        return Names.as_configured()

    @cached_property
    def _pause(self) -> PauseSwitch:
        return PauseSwitch(self.warn)

    def is_paused(self) -> bool:
        """Ask the pause switch, and return whether nothing may be written to Okta; it is said once why."""
        return self._pause.is_on()

    def session(
        self,
        log: ActionLog,
        run: Run,
        *,
        org: str,
        turns: Turns,
        is_preview: bool,
        hook: OktaHook | None = None,
    ) -> Session:
        """
        Return what the engine works with.

        :param hook: the connection to use; None = the operator's own.
        """
        return Session(
            # Not before it is needed: who only records has no connection.
            connect=lambda: (hook or self.hook).client,
            log=log,
            run=run,
            org=org,
            turns=turns,
            warn=self.warn,
            info=self.log.info,
            is_preview=is_preview,
        )

    def without_excluded(
        self, log: ActionLog, org: str, hook: OktaHook | None = None
    ) -> Callable[[Sequence[Decision]], Sequence[Decision]]:
        """Return what settles decisions about people who are never touched, who are read then."""

        def settle(decisions: Sequence[Decision]) -> Sequence[Decision]:
            used = hook or self.hook
            settings = used.settings
            exclusions = read_exclusions(
                used,
                users=(self.exclude_users, settings.exclude_users),
                groups=(self.exclude_groups, settings.exclude_groups),
                administrators=to_administrators_excluded(self.exclude_administrators),
                log=log,
                org=org,
            )
            self._warnings.extend(exclusions.warnings)
            return exclusions.apply(decisions)

        return settle

    def check_arguments(self) -> None:
        """
        Refuse arguments about limits and consent that cannot be used, before the first call.

        :raises ConfigurationError: saying which.
        """
        BlastRadius.parse(self.max_changes, self.max_change_percent)
        Consent.of(self.approved_plan, self.approval, self.planned_by)
        to_workers(self.workers)

    def guard(self, log: ActionLog, run: Run, *, org: str, parts: int | None = 1) -> Guard:
        """
        Return the limits of this task.

        :param parts: how many parts it is mapped to; None = it is not known.
        """
        consent = Consent.of(self.approved_plan, self.approval, self.planned_by)
        return Guard(
            radius=BlastRadius.parse(self.max_changes, self.max_change_percent),
            day=lambda: DailyBound.parse(self.hook.settings.max_changed_users_per_day),
            read_approved=None if consent.approval is None else lambda: self.approved(consent, log, run, org),
            read_accepted=lambda: consent.read_accepted(log, run, org=org),
            parts=parts,
            shown=self._names.shown,
        )

    def approved(self, consent: Consent, log: ActionLog, run: Run, org: str) -> Approved:
        """Return what somebody has approved, proved by the seal."""
        return consent.read_approved(
            log, run, org=org, key=sealing_key_of(self.hook), conn_id=self.okta_conn_id
        )
