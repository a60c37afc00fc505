# SPDX-License-Identifier: Apache-2.0
"""What a task is going to change, as something that a person can approve and a task can hold on to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.core.models import Action, RiskLevel  # noqa: TC001  # msgspec reads them
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.matching import Decision

_NAMES_SHOWN = 10


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    One user who is going to be changed.

    :param user: the name in the source.
    :param score: 0..1000, **higher is safer**.
    :param risk_level: Okta's level, **up is risk**.
    """

    user: str
    user_id: str
    login: str = ""
    score: int | None = None
    risk_level: RiskLevel | None = None
    previous_risk_level: RiskLevel | None = None


class ChangePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Everything that one task is going to change.

    :param plan_id: a digest of the action, the target, the moment and the changes.
    :param target: what is acted on, for people.
    :param cost: how many calls of each rate limit bucket applying it takes.
    :param minutes: how long that takes at our share of the limits; None = the limits are not known.
    """

    plan_id: str
    action: Action
    target: dict[str, str]
    as_of: datetime
    changes: list[Change]
    cost: dict[str, int] = {}
    minutes: float | None = None

    @classmethod
    def of(
        cls,
        action: Action,
        decisions: Sequence[Decision],
        *,
        target: Mapping[str, str],
        target_key: str,
        as_of: datetime,
        bucket: str,
        per_minute: float | None = None,
    ) -> ChangePlan:
        """
        Return the plan of the decisions that are not settled.

        :param target_key: the group's id, or the issuer of a risk signal.
        :param bucket: the rate limit that each change counts against.
        :param per_minute: how many of its calls a minute are ours; None = not known.
        """
        changes = [
            Change(
                user=decision.row.user,
                user_id=decision.user.user_id,
                login=decision.user.login,
                score=decision.row.score,
                risk_level=decision.row.risk_level,
                previous_risk_level=decision.row.previous_risk_level,
            )
            for decision in decisions
            if decision.outcome is None and decision.user is not None
        ]
        return cls(
            plan_id=_digest(action, target_key, as_of, changes),
            action=action,
            target=dict(target),
            as_of=as_of,
            changes=changes,
            cost={bucket: len(changes)} if changes else {},
            minutes=round(len(changes) / per_minute, 1) if per_minute else None,
        )

    @classmethod
    def read(cls, value: object) -> ChangePlan | frozenset[str]:
        """
        Return an approved plan: the plan itself as a task returned it, or ids of plans, between commas.

        :raises ConfigurationError: it is neither.
        """
        if isinstance(value, str) and not value.lstrip().startswith("{"):
            return frozenset(one.strip() for one in value.split(",") if one.strip())
        try:
            if isinstance(value, str):
                return msgspec.json.decode(value, type=cls)
            return msgspec.convert(value, type=cls)
        except (msgspec.ValidationError, msgspec.DecodeError) as error:
            raise ConfigurationError(
                f"approved_plan is not a plan: {error}.",
                remedy="Hand over the `plan` of the report of a dry run, or its `plan_id`.",
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types, for XCom."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result

    def differs_from(self, approved: ChangePlan) -> str:
        """Return what is different from the approved plan, for people; empty when it is the same."""
        if approved.plan_id == self.plan_id:
            return ""
        ours, theirs = ({_identity(one): one for one in plan.changes} for plan in (self, approved))
        new = [ours[key].user for key in ours if key not in theirs]
        gone = [theirs[key].user for key in theirs if key not in ours]
        parts = [_named("new", new), _named("no longer", gone)]
        return "; ".join(part for part in parts if part) or "it is for another action, target or moment"

    def summary(self) -> str:
        """Return the plan in Markdown, short enough for an approval's text."""
        target = ", ".join(value for value in self.target.values() if value)
        lines = [f"**{self.action}**, {target}: {len(self.changes)} users (plan `{self.plan_id}`)", ""]
        for change in self.changes[: _NAMES_SHOWN * 5]:
            levels = (
                f", risk {change.previous_risk_level or 'none'} to {change.risk_level}"
                if change.risk_level
                else ""
            )
            lines.append(f"- {change.login or change.user}: score {change.score}{levels}")
        if len(self.changes) > _NAMES_SHOWN * 5:
            lines.append(f"- and {len(self.changes) - _NAMES_SHOWN * 5} more")
        if self.minutes is not None:
            lines += [
                "",
                f"Applying it takes about {self.minutes:g} minutes at our share of Okta's rate limits.",
            ]
        return "\n".join(lines)


def _digest(action: str, target_key: str, as_of: datetime, changes: Sequence[Change]) -> str:
    said = [action, target_key, as_of.isoformat(), sorted(_identity(change) for change in changes)]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


def _identity(change: Change) -> tuple[str, str, str]:
    return change.user_id, change.previous_risk_level or "", change.risk_level or ""


def _named(what: str, users: Sequence[str]) -> str:
    if not users:
        return ""
    more = f" and {len(users) - _NAMES_SHOWN} more" if len(users) > _NAMES_SHOWN else ""
    return f"{what}: {', '.join(users[:_NAMES_SHOWN])}{more}"
