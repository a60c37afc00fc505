# SPDX-License-Identifier: Apache-2.0
"""What a task is going to change, as something that a person can approve and a task can hold on to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.core.models import Action, RiskLevel  # noqa: TC001  # msgspec reads them
from airflow_provider_okta_ure.core.seals import digest_of
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.core.models import Row

_NAMES_SHOWN = 10
_ROWS_SHOWN = 50


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """
    One user who is going to be changed.

    :param user: the name in the source.
    :param score: 0..1000, **higher is safer**.
    :param risk_level: Okta's level, **up is risk**.
    :param row_digest: a digest of everything else in the row, such as its time and its rule; empty = not
        known, because the change was carried out before.
    """

    user: str
    user_id: str
    login: str = ""
    score: int | None = None
    risk_level: RiskLevel | None = None
    previous_risk_level: RiskLevel | None = None
    row_digest: str = ""

    @property
    def identity(self) -> tuple[str, int, str, str]:
        """
        What makes it the change that a person approved; the spelling of the name does not.

        No level before and the level ``none`` are the same: Okta is told ``none`` for both.
        """
        score = -1 if self.score is None else self.score
        return self.user_id, score, self.previous_risk_level or "none", self.risk_level or ""


class ChangePlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    Everything that one task is going to change.

    :param plan_id: a digest of the org, the action, the target and the changes.
    :param target: what is acted on, for people.
    :param base: the size of what is changed: members of the group, or users of the source.
    :param base_name: what that is a number of, for people.
    :param rules: the business rules that picked these users.
    :param cost: how many calls of each rate limit applying it takes, the reads before the first write among
        them; empty when nothing is to be changed.
    :param minutes: how long these calls take at our share of the limits; None = a limit is not known.
    """

    plan_id: str
    action: Action
    target: dict[str, str]
    as_of: datetime
    changes: list[Change]
    base: int = 0
    base_name: str = "users"
    rules: list[str] = []
    cost: dict[str, int] = {}
    minutes: float | None = None

    @classmethod
    def read(cls, value: object) -> ChangePlan:
        """
        Return a plan as a report has it, from a dict or from JSON, to show it to people.

        What is carried out is never taken from there.

        :raises ConfigurationError: it is none.
        """
        try:
            if isinstance(value, str):
                return msgspec.json.decode(value, type=cls)
            return msgspec.convert(value, type=cls)
        except (msgspec.ValidationError, msgspec.DecodeError, RecursionError) as error:
            raise ConfigurationError(
                f"This is not a plan: {error}.", remedy="Use the `plan` in the report of a dry run."
            ) from None

    @classmethod
    def of_nothing(cls, action: Action, as_of: datetime) -> ChangePlan:
        """Return the plan of a task that has nothing to do, and so did not look up what it acts on."""
        return cls(plan_id="", action=action, target={}, as_of=as_of, changes=[])

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON types, for XCom."""
        result: dict[str, Any] = msgspec.to_builtins(self)
        return result

    def summary(self) -> str:
        """
        Return the plan in Markdown, short enough for the text of an approval: at most fifty users.

        Names come from the source, so nothing in them can be taken for Markdown.
        """
        users = _users(len(self.changes))
        part = ""
        if self.base:
            part = f" ({100 * len(self.changes) / self.base:.1f} % of {self.base} {self.base_name})"
        lines = [
            f"### {_heading(self.action, self.target, users)}",
            "",
            f"**{users}**{part}, as of {self.as_of:%Y-%m-%d %H:%M} UTC, plan `{self.plan_id}`.",
            "",
        ]
        if self.rules:
            lines += [f"Because of the rule {', '.join(map(_plain, self.rules))}.", ""]
        lines += _table(self.action, self.changes[:_ROWS_SHOWN])
        if len(self.changes) > _ROWS_SHOWN:
            lines += [
                "",
                f"and {len(self.changes) - _ROWS_SHOWN} more: the page User Risk names everybody.",
            ]
        if self.minutes is not None:
            lines += [
                "",
                f"Takes about {max(self.minutes, 0.1):g} minutes at our share of Okta's rate limits.",
            ]
        return "\n".join(lines)


class PlanInOrg(msgspec.Struct, frozen=True, kw_only=True):
    """
    A plan with what it does not tell people: where it applies.

    :param org: the Okta org, as the action log calls it.
    :param target: the group's id or what stands for a group that is not there, or the issuer.
    """

    org: str
    target: str
    plan: ChangePlan


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """
    What a task is about to do, to be compared with limits and with what was approved.

    :param plan: what is left to do.
    :param org: the Okta org, as the action log calls it.
    :param targets: the group's id, or the issuer of a risk signal; then what stood for it when the plan may
        have been made, which is before a group was created.
    :param earlier: what earlier tries of the same task have carried out of it already.
    :param elsewhere: what other parts of the same mapped task have carried out.
    """

    plan: ChangePlan
    org: str
    targets: tuple[str, ...]
    earlier: list[Change]
    elsewhere: list[Change]

    @classmethod
    def of(
        cls,
        action: Action,
        decisions: Sequence[Decision],
        *,
        org: str,
        target: Mapping[str, str],
        target_keys: Sequence[str],
        as_of: datetime,
        earlier: Sequence[Change] = (),
        elsewhere: Sequence[Change] = (),
        base: int = 0,
        base_name: str = "users",
        cost: Mapping[str, int] | None = None,
        per_minute: Mapping[str, float] | None = None,
    ) -> Proposal:
        """
        Return the proposal to carry out the decisions that are not settled.

        :param target_keys: see ``targets``.
        :param cost: how many calls of each rate limit it takes.
        :param per_minute: how many calls a minute of each rate limit are ours.
        """
        changes = [
            Change(
                user=decision.row.user,
                user_id=decision.user.user_id,
                login=decision.user.login,
                score=decision.row.score,
                risk_level=decision.row.risk_level,
                previous_risk_level=decision.row.previous_risk_level,
                row_digest=_row_digest(decision.row),
            )
            for decision in decisions
            if decision.outcome is None and decision.user is not None
        ]
        # What is done already is part of what was approved: a plan keeps its id however often it is tried.
        whole = _by_user([*earlier, *changes]).values()
        plan = ChangePlan(
            plan_id=_digest(org, action, target_keys[0], as_of, whole),
            action=action,
            target=dict(target),
            as_of=as_of,
            changes=changes,
            base=base,
            base_name=base_name,
            rules=_rules_of(decisions),
            cost=dict(cost or {}) if changes else {},
            minutes=_minutes(cost or {}, per_minute or {}) if changes else None,
        )
        return cls(
            plan=plan, org=org, targets=tuple(target_keys), earlier=list(earlier), elsewhere=list(elsewhere)
        )

    @property
    def in_org(self) -> PlanInOrg:
        """The plan with where it applies, for the action log."""
        return PlanInOrg(org=self.org, target=self.targets[0], plan=self.plan)

    @property
    def size(self) -> int:
        """How many users the whole change of the task is about, what is done already among them."""
        return len(_by_user([*self.elsewhere, *self.earlier, *self.plan.changes]))

    @property
    def done_ids(self) -> frozenset[str]:
        """The Okta ids of the users whom the task has changed already in this run, in all tries and parts."""
        return frozenset(_by_user([*self.elsewhere, *self.earlier]))

    @property
    def own_size(self) -> int:
        """How many users this part of a mapped task is about, what it has done already among them."""
        return len(_by_user([*self.earlier, *self.plan.changes]))

    @property
    def done(self) -> int:
        """How many of them are done already, and would not be changed again."""
        return self.size - len(self.plan.changes)

    def applies_where(self, planned: PlanInOrg) -> bool:
        """Whether another plan is for the same action on the same target of the same org."""
        return (
            planned.org == self.org
            and planned.plan.action == self.plan.action
            and planned.target in self.targets
        )

    def has_content_of(self, planned: PlanInOrg) -> bool:
        """
        Whether another plan is about the same changes in the same place, whatever the time it is for.

        The changes themselves are compared: ids of plans are too short to be unique on purpose.
        """
        ours, theirs = _by_user([*self.earlier, *self.plan.changes]), _by_user(planned.plan.changes)
        return (
            self.applies_where(planned)
            and ours.keys() == theirs.keys()
            and all(ours[key].identity == theirs[key].identity for key in ours)
        )

    def differs_from(self, planned: PlanInOrg, *, shown: Callable[[str], str] = str) -> str:
        """
        Return what is different from an approved plan, for people; empty when it is the same.

        :param shown: returns a name as it may stand in a log.
        """
        approved = planned.plan
        now, theirs = _by_user(self.plan.changes), _by_user(approved.changes)
        # What was carried out under another approval is no part of this one.
        done = {one.identity for one in self.earlier}
        left = {key: one for key, one in theirs.items() if key in now or one.identity not in done}
        both = now.keys() & left.keys()
        new = [shown(now[key].user) for key in now.keys() - left.keys()]
        gone = [shown(left[key].user) for key in left.keys() - now.keys()]
        other = [shown(now[key].user) for key in both if now[key].identity != left[key].identity]
        rows = [shown(now[key].user) for key in both if now[key].row_digest != left[key].row_digest]
        parts = [
            _named("new", new),
            _named("no longer", gone),
            _named("another score or level", other),
            _named("another row", rows),
        ]
        if any(parts):
            return "; ".join(part for part in parts if part)
        if not theirs or (self.applies_where(planned) and approved.as_of == self.plan.as_of):
            return ""
        return (
            f"the approved one is {approved.action} as of {approved.as_of:%Y-%m-%d %H:%M} UTC for "
            f"{', '.join(approved.target.values()) or 'another target'}"
        )


def _by_user(changes: Iterable[Change]) -> dict[str, Change]:
    return {change.user_id: change for change in changes}


def _digest(org: str, action: str, target_key: str, as_of: datetime, changes: Iterable[Change]) -> str:
    # Only a name: anybody can compute it, and it is too short to be unique where somebody tries.
    said = [org, action, target_key, as_of, sorted(change.identity for change in changes)]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()[:16]


def _row_digest(row: Row) -> str:
    """Return a digest of what a row says besides whom it is about and with which score and levels."""
    rest = {
        name: value
        for name, value in msgspec.structs.asdict(row).items()
        if value is not None and name not in ("user", "score", "risk_level", "previous_risk_level")
    }
    # Half of a SHA-256: a plan of 100,000 users has one for each, and what is to be met is given.
    return digest_of(rest)[:32]


def _minutes(cost: Mapping[str, int], per_minute: Mapping[str, float]) -> float | None:
    """Return how long the calls take one limit after the other; None when one of them is not known."""
    if any(not per_minute.get(bucket) for bucket in cost):
        return None
    return round(sum(calls / per_minute[bucket] for bucket, calls in cost.items()), 1)


def _rules_of(decisions: Sequence[Decision]) -> list[str]:
    """Return the rules that picked those who are to be changed, each once."""
    rules = (one.row.rule_text for one in decisions if one.outcome is None and one.user is not None)
    return [rule for rule in dict.fromkeys(rules) if rule]


def _users(number: int) -> str:
    return "1 user" if number == 1 else f"{number} users"


def _heading(action: Action, target: Mapping[str, str], users: str) -> str:
    """Return what a plan does in words, with the group's or the transmitter's name."""
    group = _plain(target.get("group_name") or target.get("group_id") or "?")
    headings: dict[Action, str] = {
        "add_to_group": f"Add {users} to the group {group}",
        "remove_from_group": f"Remove {users} from the group {group}",
        "push_risk": f"Send risk signals to Okta about {users}, as {_plain(target.get('issuer') or '?')}",
        "upsert_risk": f"Set the risk of {users} in Okta",
        "no_action": f"Record {users}",
    }
    return headings[action]


_COLUMNS: dict[str, Callable[[Change], str]] = {
    "user": lambda change: _plain(change.login or change.user),
    "score (higher is safer)": lambda change: "none" if change.score is None else str(change.score),
    "risk level before": lambda change: change.previous_risk_level or "",
    "risk level (up is risk)": lambda change: change.risk_level or "",
}


def _table(action: Action, changes: Sequence[Change]) -> list[str]:
    """Return the lines of a table without columns that are empty, or that say nothing about the action."""
    columns = {
        name: cells
        for name, of in _COLUMNS.items()
        if any(cells := [of(change) for change in changes])
        and (name != "risk level before" or action in ("push_risk", "upsert_risk"))
    }
    rows = [f"| {' | '.join(row)} |" for row in zip(*columns.values(), strict=True)]
    return [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}", *rows]


def _plain(text: str) -> str:
    """
    Return text as code in Markdown on one line, because it is not ours.

    What cannot be seen is shown as a replacement character: a line end would end the code, and marks for the
    direction of writing would make a name look like another one.
    """
    seen = "".join(char if char.isprintable() else "\ufffd" for char in text)
    return "`" + seen.replace("`", "'").replace("|", "\u2502") + "`"


def _named(what: str, users: Sequence[str]) -> str:
    if not users:
        return ""
    more = f" and {len(users) - _NAMES_SHOWN} more" if len(users) > _NAMES_SHOWN else ""
    return f"{what}: {', '.join(sorted(users)[:_NAMES_SHOWN])}{more}"
