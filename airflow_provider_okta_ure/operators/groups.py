# SPDX-License-Identifier: Apache-2.0
"""Membership of an Okta group: only the difference to the real membership is written."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_okta_ure.clients.scopes import GROUPS_MANAGE, USERS_READ
from airflow_provider_okta_ure.core.decisions.removing import Releases, RemovalPolicy
from airflow_provider_okta_ure.core.guardrails.group_rules import GroupRules
from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.engine.actions.adding import Adding
from airflow_provider_okta_ure.engine.actions.group_work import GroupChoice
from airflow_provider_okta_ure.engine.actions.removing import Removing
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.operators.actions import OktaActionOperator
from airflow_provider_okta_ure.operators.links import ActionLogLink, OktaGroupLink
from airflow_provider_okta_ure.operators.run import to_flag, to_text

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink

    from airflow_provider_okta_ure.core.models import Action
    from airflow_provider_okta_ure.engine.actions.work import Work
    from airflow_provider_okta_ure.engine.session import Session

PAST_INTERVALS = ("dry", "apply")


class OktaGroupOperator(OktaActionOperator):
    """
    Change who is in an Okta group.

    A decision never undoes a later one: whom a later run has decided about is left alone (``superseded``),
    whatever the order of the runs. Of other DAGs' decisions, only those count that changed something.

    A group that was renamed in Okta is found by the id that its name stood for before.

    :param group_id: the group's id; give this or ``group_name``. (templated)
    :param group_name: the group's exact name. (templated)
    :param past_intervals: what a backfill does, and a run that a later one has overtaken: ``dry`` = only
        plan, because who was at risk then may not be today; ``apply`` = act. (templated)
    """

    scopes: ClassVar[tuple[str, ...]] = (USERS_READ, GROUPS_MANAGE)
    operator_extra_links: Sequence[BaseOperatorLink] = (OktaGroupLink(), ActionLogLink())
    template_fields: Sequence[str] = (
        *OktaActionOperator.template_fields,
        "group_id",
        "group_name",
        "past_intervals",
    )

    def __init__(
        self,
        *,
        group_id: str | None = None,
        group_name: str | None = None,
        past_intervals: str = "dry",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group_id = group_id
        self.group_name = group_name
        self.past_intervals = past_intervals

    def choice(self) -> GroupChoice:
        """
        Return which group is meant, and whether it may be written.

        :raises ConfigurationError: an argument cannot be understood.
        """
        if self.past_intervals not in PAST_INTERVALS:
            raise ConfigurationError(
                f"past_intervals is {shown(self.past_intervals)}.", remedy='Use "dry" or "apply".'
            )
        settings = self.hook.settings
        return GroupChoice(
            group_id=to_text(self.group_id, "group_id"),
            name=to_text(self.group_name, "group_name"),
            rules=GroupRules.read(
                excluded=(self.exclude_groups, settings.exclude_groups), writable=settings.writable_groups
            ),
            applies_past=self.past_intervals == "apply",
        )


class OktaAddToGroupOperator(OktaGroupOperator):
    """
    Add the users that rows are about to an Okta group.

    :param create_group: create the group when there is none of that name. (templated)
    :param group_description: the description of a group that is created. (templated)
    :param expires_after: how long a membership lasts, as text such as ``14d`` or ``12h`` or as a timedelta.
        None = until the user recovers; else :class:`OktaRemoveFromGroupOperator` ends it even if no score
        changed. (templated)
    """

    action: ClassVar[Action] = "add_to_group"
    template_fields: Sequence[str] = (
        *OktaGroupOperator.template_fields,
        "create_group",
        "group_description",
        "expires_after",
    )

    def __init__(
        self,
        *,
        create_group: bool | str = False,
        group_description: str = "Users at risk according to Netskope. Kept by Airflow.",
        expires_after: timedelta | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.create_group = create_group
        self.group_description = group_description
        self.expires_after = expires_after

    def work(self, session: Session) -> Work:
        return Adding(
            session,
            self.choice(),
            creates=to_flag(self.create_group, "create_group"),
            description=self.group_description,
            expires_after=to_span(self.expires_after, "expires_after"),
        )


class OktaRemoveFromGroupOperator(OktaGroupOperator):
    """
    Remove the users that rows are about from an Okta group, and those whose time in it is over.

    When the membership comes from a group rule, Okta also puts the user on the rule's exclusion list, so
    that the rule does not add them again.

    :param missing_group_ok: a group that does not exist has no members to remove, which is success.
        (templated)
    :param only_added_by_us: leave members alone whom this provider did not add, as far as the action log
        knows. (templated)
    :param releases: whose members leave: ``own`` = members whom no other DAG wants in the group any more; a
        member leaves when the last DAG that decided so lets go. ``all`` = also members whom other DAGs still
        want there. (templated)
    :param release_expired: also remove the members whose time is over, whether or not a row is about them;
        see ``expires_after`` of :class:`OktaAddToGroupOperator`. (templated)
    """

    action: ClassVar[Action] = "remove_from_group"
    acts_without_rows: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        *OktaGroupOperator.template_fields,
        "missing_group_ok",
        "only_added_by_us",
        "releases",
        "release_expired",
    )

    def __init__(
        self,
        *,
        missing_group_ok: bool | str = False,
        only_added_by_us: bool | str = True,
        releases: str = "own",
        release_expired: bool | str = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.missing_group_ok = missing_group_ok
        self.only_added_by_us = only_added_by_us
        self.releases = releases
        self.release_expired = release_expired

    def work(self, session: Session) -> Work:
        policy = RemovalPolicy(
            dag_id=session.run.dag_id,
            releases=_to_releases(self.releases),
            only_added_by_us=to_flag(self.only_added_by_us, "only_added_by_us"),
            release_expired=to_flag(self.release_expired, "release_expired"),
        )
        return Removing(
            session,
            self.choice(),
            policy,
            missing_group_ok=to_flag(self.missing_group_ok, "missing_group_ok"),
        )


def _to_releases(value: object) -> Releases:
    if value == "own":
        return "own"
    if value == "all":
        return "all"
    raise ConfigurationError(f"releases is {shown(value)}.", remedy='Use "own" or "all".')
