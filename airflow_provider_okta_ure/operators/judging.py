# SPDX-License-Identifier: Apache-2.0
"""Whether a task may make the change that it has planned: not too many, as approved, nobody protected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.clients.okta_exclusions import find_excluded, unreadable
from airflow_provider_okta_ure.clients.okta_features import is_denial
from airflow_provider_okta_ure.clients.scopes import ROLES_READ
from airflow_provider_okta_ure.errors import (
    BlastRadiusError,
    ConfigurationError,
    NotFoundError,
    OktaUreError,
    PermissionDeniedError,
    PlanChangedError,
)
from airflow_provider_okta_ure.operators.identities import name_shower

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.exclusions import Exclusions
    from airflow_provider_okta_ure.core.judgement import BlastRadius, Parts
    from airflow_provider_okta_ure.core.plans import Approval, Proposal
    from airflow_provider_okta_ure.hooks.okta import OktaHook
    from airflow_provider_okta_ure.operators.journal import Journal

_NAMES_SHOWN = 10


def require_approved_or_small(
    proposal: Proposal,
    approval: Approval,
    limits: BlastRadius,
    *,
    shown: Callable[[str], str],
    parts: Parts,
) -> None:
    """
    Refuse a change that is too large, unless a person approved just this one.

    The limit is for all parts of a mapped task together. As long as not all of them have planned, each may
    use its share; what is more waits, by way of another try, until the sum is known.

    :param shown: returns a name as it may stand in a log.
    :param parts: the other parts of the task.
    :raises PlanChangedError: it is not the plan that was approved.
    :raises BlastRadiusError: it is more than allowed, and nobody approved it.
    """
    plan = proposal.plan
    if approval.plan is not None:
        difference = proposal.differs_from(approval.plan, shown=shown)
        if difference:
            raise PlanChangedError(
                f"What {plan.action} would do now is not the plan that was approved: {difference}. "
                f"Nothing {'more ' if proposal.done else ''}was written."
            )
        return
    # Of a mapped task's rows only this part's are known.
    size = proposal.size + parts.planned
    base = max(plan.base, size)
    if proposal.ids & approval.ids or not plan.changes:
        return
    if not limits.is_exceeded(size, base):
        _require_share(proposal, limits.allowed(base), parts)
        return
    names = ", ".join(shown(change.user) for change in plan.changes[:_NAMES_SHOWN])
    part = f" ({100 * size / base:.1f} %)"
    done = f", {proposal.done} of which it has changed already" if proposal.done else ""
    raise BlastRadiusError(
        f"{plan.action} would change {size} of {base} {plan.base_name}{part}{done}; "
        f"allowed are {limits.allowed(base)} "
        f"(max_changes {limits.max_changes}, max_change_percent {limits.max_change_percent:g} %). "
        f"Nothing {'more ' if proposal.done else ''}was written. First: {names}. Plan: {plan.plan_id}.",
        plan_id=plan.plan_id,
    )


def _require_share(proposal: Proposal, allowed: int, parts: Parts) -> None:
    if parts.are_known or proposal.own_size <= parts.share(allowed):
        return
    raise BlastRadiusError(
        f"{proposal.plan.action} would change {proposal.own_size} users in this part of {parts.count}. Until "
        f"all parts are known, its share of the {allowed} that may be changed is {parts.share(allowed)}. "
        "Nothing was written; the next try knows the other parts.",
        plan_id=proposal.plan.plan_id,
        retryable=True,
    )


AdministratorsExcluded: TypeAlias = Literal["always", "if_readable", "never"]


def to_administrators_excluded(value: object) -> AdministratorsExcluded:
    """
    Return what the argument ``exclude_administrators`` means.

    :raises ConfigurationError: it is none of True, False and ``"if_readable"``.
    """
    text = str(value).strip().lower()
    known: dict[str, AdministratorsExcluded] = {
        "true": "always",
        "false": "never",
        "if_readable": "if_readable",
    }
    if text in known:
        return known[text]
    raise ConfigurationError(
        f"exclude_administrators is {value!r}.", remedy='Use True, False or "if_readable".'
    )


def read_exclusions(
    hook: OktaHook,
    *,
    users: Sequence[object],
    groups: Sequence[object],
    administrators: AdministratorsExcluded,
    journal: Journal,
) -> Exclusions:
    """
    Return who must not be touched, and log what excludes nobody.

    :param users: lists of names, from the operator and from the connection.
    :param groups: lists of group names or ids.
    :param journal: knows whom the names stood for before, and remembers whom they stand for now: users are
        renamed.
    :raises OktaUreError: they cannot be read, so nobody may be touched.
    """
    found = find_excluded(
        hook.client,
        users=users,
        groups=groups,
        shown=name_shower(),
        known_before=lambda names: journal.log.ids_of_names(org=journal.org, kind="user", known_as=names),
    )
    for warning in found.warnings:
        hook.log.warning("%s", warning)
    if found.ids:
        journal.log.remember_users(org=journal.org, ids=found.ids, now=datetime.now(tz=timezone.utc))
    if administrators == "never":
        return found
    return msgspec.structs.replace(
        found, user_ids={**_administrators(hook, administrators), **found.user_ids}
    )


def _administrators(hook: OktaHook, administrators: AdministratorsExcluded) -> dict[str, str]:
    try:
        # A service app signs in for it separately: it may not have been granted the scope.
        listed = hook.client_for(ROLES_READ).list_administrators()
        return dict.fromkeys(listed, "is an Okta administrator")
    except OktaUreError as error:
        may_go_on = is_denial(error) or isinstance(error, (PermissionDeniedError, NotFoundError))
        if administrators == "always" or not may_go_on:
            raise unreadable("list of administrators", error) from error
        hook.log.info("The credential may not read who is an administrator, so they are not excluded.")
        return {}
