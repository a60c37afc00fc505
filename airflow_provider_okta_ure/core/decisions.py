# SPDX-License-Identifier: Apache-2.0
"""What an action will do, decided for all rows before the first write."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.matching import Decision, leave, resolve, skip
from airflow_provider_okta_ure.errors import RowError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.matching import Directory
    from airflow_provider_okta_ure.core.models import OktaUser, RiskLevel, Row


def names_to_look_up_for_adding(rows: Iterable[Row], members: Directory) -> list[str]:
    """
    Return the names that have to be looked up in Okta before adding.

    A row that names the login of a member is settled: a login is unique, so it can be nobody else.
    """
    return [row.user for row in rows if not members.settles(row.user)]


def decide_additions(
    rows: Sequence[Row], members: Iterable[OktaUser], directory: Directory
) -> list[Decision]:
    """
    Return one decision per row: add the user, or not, because they are a member already or are not known.

    :param members: the group's real members.
    :param directory: the members, and what Okta found for :func:`names_to_look_up_for_adding`.
    """
    member_ids = {member.user_id for member in members}

    def settle(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is not None and user.user_id in member_ids:
            return leave(decision.row, "already_member", user=user)
        return decision

    return [settle(decision) for decision in resolve(rows, directory)]


def names_to_look_up_for_removing(
    rows: Iterable[Row], members: Directory, known_as: Container[str]
) -> list[str]:
    """
    Return the names that have to be looked up in Okta before removing.

    A row that names a member's login is settled, and so is one that no member answers to. One that names a
    member's e-mail address is not, because the same text can be the login of somebody outside the group; nor
    is one that stood for a member before, because somebody else may be called so now.

    :param known_as: the names that stood for members before, as :func:`names.fold` returns them.
    """
    return [
        row.user
        for row in rows
        if not members.settles(row.user) and (members.mentions(row.user) or row.key in known_as)
    ]


def decide_removals(rows: Sequence[Row], members: Iterable[OktaUser], directory: Directory) -> list[Decision]:
    """
    Return one decision per row: remove the user, or not, because they are not a member or are not known.

    :param members: the group's real members.
    :param directory: the members, what Okta found for :func:`names_to_look_up_for_removing`, and the members
        by names that stood for them before.
    """
    member_ids = {member.user_id for member in members}

    def settle(decision: Decision) -> Decision:
        user = decision.to_act_on
        # Whom no member answers to was not looked up: whoever it is, they are not in the group.
        unknown = decision.outcome is not None and decision.outcome.reason == "user_not_in_okta"
        if unknown or (user is not None and user.user_id not in member_ids):
            return leave(decision.row, "not_a_member", user=user)
        return decision

    return [settle(decision) for decision in resolve(rows, directory)]


def decide_before_lookup(rows: Sequence[Row]) -> tuple[list[Row], list[Decision]]:
    """
    Split rows for a push into those that say something, and those without a score.

    :raises RowError: a row has no risk level, because nothing mapped its score.
    """
    wanted: list[Row] = []
    settled: list[Decision] = []
    for index, row in enumerate(rows):
        require_risk_level(index, row)
        if row.score is None and row.risk_level == "none":
            settled.append(skip(row, "no_score", message="Netskope has no score for this user"))
        else:
            wanted.append(row)
    return wanted, settled


def decide_upserts(rows: Sequence[Row], directory: Directory) -> list[Decision]:
    """
    Return one decision per row: set the user's risk, or not.

    :raises RowError: a row has no risk level, because nothing mapped its score.
    """
    for index, row in enumerate(rows):
        require_risk_level(index, row)
    return [_settle_upsert(decision) for decision in resolve(rows, directory)]


def leave_those_at_their_level(
    decisions: Iterable[Decision], levels: Mapping[str, RiskLevel]
) -> list[Decision]:
    """
    Return the decisions, with the users left alone whose risk is already what it is to be.

    :param levels: the level of each user by user id, as Okta has it now; up is risk.
    """

    def settle(decision: Decision) -> Decision:
        user = decision.to_act_on
        if user is not None and levels.get(user.user_id) == decision.row.risk_level:
            return leave(decision.row, "same_level", user=user)
        return decision

    return [settle(decision) for decision in decisions]


def _settle_upsert(decision: Decision) -> Decision:
    user = decision.to_act_on
    if user is None or decision.row.risk_level != "none":
        return decision
    return skip(decision.row, "level_not_settable", user=user, message="Okta cannot set the risk none")


def require_risk_level(index: int, row: Row) -> None:
    """
    Refuse a row that no task has mapped to a level.

    :raises RowError: it has no ``risk_level``.
    """
    if row.risk_level is None:
        raise RowError(
            f"Row {index} ({row.user}) has no risk_level.",
            index=index,
            field="risk_level",
            remedy="Put RiskMapLevelsOperator before this task, or set it to none, low, medium or high.",
        )
