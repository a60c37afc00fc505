# SPDX-License-Identifier: Apache-2.0
"""
The words of this package as types: rows, Okta's users and groups, outcomes and reports.

Two scales point in opposite directions, and every name says which one it is:
``score`` and ``score_level`` point up to safe, ``risk_level`` points up to risk.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.core.names import fold

ScoreLevel: TypeAlias = Literal["critical", "high", "medium", "low", "none"]
"""Netskope's band of a score. ``critical`` is the least safe; ``none`` means that there is no score."""

RiskLevel: TypeAlias = Literal["none", "low", "medium", "high"]
"""Okta's level of risk. ``high`` is the riskiest; ``none`` means that nothing is known."""

SCORE_LEVELS: tuple[ScoreLevel, ...] = ("critical", "high", "medium", "low", "none")
RISK_LEVELS: tuple[RiskLevel, ...] = ("none", "low", "medium", "high")

Action: TypeAlias = Literal["add_to_group", "remove_from_group", "push_risk", "upsert_risk", "no_action"]

Status: TypeAlias = Literal["done", "unchanged", "skipped", "failed", "planned"]
"""What became of one user: changed, right already, left alone on purpose, refused, or only planned."""

STATUSES: tuple[Status, ...] = ("done", "planned", "unchanged", "skipped", "failed")


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """
    One user's risk at one moment, as it travels from task to task.

    :param user: the login or e-mail address as the source spells it; compared without regard to case.
    :param score: Netskope's User Confidence Index, 0..1000, **higher is safer**; None = Netskope has none.
    :param score_at: start of the daily bucket (UTC midnight) that the score belongs to; None = the last day
        that counts at ``as_of``, when the row has a source.
    :param previous_score: score of the last bucket before that one, on the same scale.
    :param previous_score_at: start of that bucket.
    :param provisional: the bucket's day was not over at ``as_of``, or not final, so the score can change.
    :param as_of: the time the row is for (aware, UTC); None = the time of the run that receives it.
    :param source: the Airflow connection that the score came from.
    :param score_level: the band of ``score``, **up is safe**; None = not mapped yet.
    :param risk_level: Okta's level, **up is risk**; None = not mapped yet.
    :param previous_risk_level: the level that held before; None = not mapped yet.
    :param rule: the business rule that picked the row; None = none did.
    :param unless: the exception to that rule, which does not match the row; None = there was none.
    """

    user: str
    score: int | None = None
    score_at: datetime | None = None
    previous_score: int | None = None
    previous_score_at: datetime | None = None
    provisional: bool = False
    as_of: datetime | None = None
    source: str | None = None
    score_level: ScoreLevel | None = None
    risk_level: RiskLevel | None = None
    previous_risk_level: RiskLevel | None = None
    rule: str | None = None
    unless: str | None = None

    @property
    def rule_text(self) -> str:
        """
        The rule and its exception, for people to read and for nobody to parse; empty = no rule picked it.

        >>> Row(user="ann", rule="score > 600", unless="score <= 500").rule_text
        'score > 600, unless: score <= 500'
        """
        return rule_text(self.rule or "", self.unless)

    @property
    def key(self) -> str:
        """What this user is compared by: the name without regard to case."""
        return fold(self.user)


def rule_text(rule: str, unless: str | None) -> str:
    """Return a rule and its exception in one line of text."""
    return " ".join(f"{rule}, unless: {unless}".split()) if unless else rule


class OktaUser(msgspec.Struct, frozen=True, kw_only=True):
    """A user of an Okta org. ``login`` is unique in the org whatever its case, ``email`` is not unique."""

    user_id: str
    login: str
    email: str
    status: str

    @property
    def is_deprovisioned(self) -> bool:
        return self.status == "DEPROVISIONED"


class UserRisk(msgspec.Struct, frozen=True, kw_only=True):
    """
    A user's risk in Okta.

    :param level: **up is risk**; ``none`` = nothing is recorded.
    :param reason: what Okta has recorded as the reason, on one line; empty when there is none.
    """

    level: RiskLevel
    reason: str = ""


class OktaGroup(msgspec.Struct, frozen=True, kw_only=True):
    """
    A group of an Okta org; only a group of type ``OKTA_GROUP`` can be written.

    :param member_count: number of members, when Okta was asked for it.
    """

    group_id: str
    name: str
    type: str
    description: str = ""
    member_count: int | None = None

    @property
    def is_writable(self) -> bool:
        return self.type == "OKTA_GROUP"


class SecurityEventsProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A transmitter of risk signals that an Okta org accepts events from."""

    provider_id: str
    name: str
    type: str
    status: str
    issuer: str = ""
    jwks_url: str = ""
    well_known_url: str = ""

    @property
    def is_active(self) -> bool:
        return self.status == "ACTIVE"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """
    How an action on one user ended.

    :param reason: a code such as ``user_not_in_okta``; empty when the status says all.
    :param message: the same for people, when there is more to say.
    :param retryable: a failure that another try may not meet again.
    :param jti: the id of the security event token that was pushed.
    """

    status: Status
    reason: str = ""
    message: str = ""
    retryable: bool = False
    http_status: int | None = None
    request_id: str = ""
    jti: str = ""


class ReportedUser(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One user in a report or in the task log.

    :param user: the name in the source.
    :param score: 0..1000, **higher is safer**.
    :param risk_level: Okta's level, **up is risk**.
    """

    user: str
    status: Status
    reason: str = ""
    message: str = ""
    retryable: bool = False
    user_id: str = ""
    login: str = ""
    score: int | None = None
    score_level: ScoreLevel | None = None
    risk_level: RiskLevel | None = None
    previous_risk_level: RiskLevel | None = None
    http_status: int | None = None
    request_id: str = ""
    jti: str = ""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """
    What one action did, small enough for XCom whatever the number of users.

    :param as_of_reason: why the run is for that time: a key of :data:`as_of.AS_OF_REASONS`.
    :param target: what was acted on: ``{"group_id": ..., "group_name": ...}`` or the like.
    :param counts: number of users per status.
    :param reasons: number of users per ``status:reason``.
    :param failures: the first failures.
    :param examples: the first users of each other status, so that a reader sees whom it was about.
    :param plan: of a dry run, everything it would change, as :meth:`plans.ChangePlan.to_dict` gives it.
    :param warnings: what did not stop the task but needs a look, such as an excluded name that is nobody's.
    """

    action: Action
    as_of: datetime
    dry_run: bool
    total: int
    counts: dict[str, int]
    reasons: dict[str, int]
    as_of_reason: str = ""
    target: dict[str, str] = {}
    failures: list[ReportedUser] = []
    examples: list[ReportedUser] = []
    plan: dict[str, Any] | None = None
    warnings: list[str] = []

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types, for XCom."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result
