# SPDX-License-Identifier: Apache-2.0
"""Who a row is about: rows matched to Okta users, exactly and without regard to case, or not at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.decisions.decision import Decision
from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import OktaUser, Row


class Match(msgspec.Struct, frozen=True):
    """The Okta user that a name belongs to, or the reason code why there is none to act on."""

    user: OktaUser | None = None
    reason: str = ""
    by_login: bool = False


class Directory:
    """
    Okta users by login and by e-mail, for matching names.

    A login is unique in an org whatever its case, an e-mail address is not: so the login decides, and an
    e-mail address only when exactly one user has it. A login that is spelled just like the name comes before
    one that :func:`names.fold` makes equal; two that only fold alike are ambiguous. Deprovisioned users
    cannot be acted on and therefore never compete with the others; they only explain why nothing happened.

    :param users: the candidates; order and repetition do not matter.
    :param known_as: users by a name that nobody in Okta has any more and that stood for them before, as
        :func:`names.fold` returns it.
    """

    def __init__(self, users: Iterable[OktaUser], known_as: Mapping[str, OktaUser] | None = None) -> None:
        self._spelled: dict[str, OktaUser] = {}
        self._logins: defaultdict[str, dict[str, OktaUser]] = defaultdict(dict)
        self._emails: defaultdict[str, dict[str, OktaUser]] = defaultdict(dict)
        self._gone: set[str] = set()
        self._known_as = known_as or {}
        for user in users:
            if user.is_deprovisioned:
                self._gone.update((fold(user.login), fold(user.email)))
            else:
                self._spelled[user.login] = user
                self._logins[fold(user.login)][user.user_id] = user
                self._emails[fold(user.email)][user.user_id] = user

    def match(self, name: str) -> Match:
        """Return the one user that ``name`` belongs to, or why there is none."""
        user = self._spelled.get(name)
        if user is not None:
            return Match(user=user, by_login=True)
        key = fold(name)
        for candidates, by_login in ((self._logins.get(key), True), (self._emails.get(key), False)):
            if candidates:
                user = next(iter(candidates.values())) if len(candidates) == 1 else None
                return Match(user=user, by_login=by_login, reason="" if user else "ambiguous_user")
        if key in self._known_as:
            return Match(user=self._known_as[key])
        return Match(reason="user_deprovisioned" if key in self._gone else "user_not_in_okta")

    def settles(self, name: str) -> bool:
        """
        Whether ``name`` is certainly the login of a user in this directory, whoever else there is.

        A login that is spelled otherwise could be somebody else's: outside ASCII, names fold alike that Okta
        may keep apart.
        """
        return name in self._spelled or (name.isascii() and len(self._logins.get(name.lower(), ())) == 1)

    def mentions(self, name: str) -> bool:
        """Whether at least one user that can be acted on has ``name`` as login or as e-mail address."""
        key = fold(name)
        return key in self._logins or key in self._emails


def resolve(rows: Sequence[Row], directory: Directory) -> list[Decision]:
    """
    Return one decision per row, in the order of the rows: its user, or the reason why it is skipped.

    When several rows are about one user (say, one by login and one by e-mail), the one with the lowest (least
    safe) score is kept, then the one that names the login; the others are skipped as ``duplicate_user``.
    """
    matches = [directory.match(row.user) for row in rows]
    kept = _rows_to_keep(rows, matches)
    decisions = []
    for index, (row, match) in enumerate(zip(rows, matches, strict=True)):
        if match.user is None:
            decisions.append(Decision(row=row).skipped(match.reason))
        elif index not in kept:
            decisions.append(Decision(row=row, user=match.user).skipped("duplicate_user"))
        else:
            decisions.append(Decision(row=row, user=match.user))
    return decisions


def _rows_to_keep(rows: Sequence[Row], matches: Sequence[Match]) -> set[int]:
    best: dict[str, tuple[int, bool, int]] = {}
    for index, (row, match) in enumerate(zip(rows, matches, strict=True)):
        if match.user is None:
            continue
        # 1001 puts a row without a score behind every row with one; False sorts first.
        rank = (1001 if row.score is None else row.score, not match.by_login, index)
        user_id = match.user.user_id
        best[user_id] = min(rank, best.get(user_id, rank))
    return {index for _, _, index in best.values()}
