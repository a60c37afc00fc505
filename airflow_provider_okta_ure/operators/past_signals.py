# SPDX-License-Identifier: Apache-2.0
"""What the action log knows of risk signals: what Okta was told, or may have been, and what came later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from airflow_provider_okta_ure.operators.journal import names_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.core.matching import Decision
    from airflow_provider_okta_ure.core.models import OktaUser, Row
    from airflow_provider_okta_ure.operators.journal import Journal


class PastSignals(NamedTuple):
    """
    What is known of the users that rows are about, by :attr:`Row.key`.

    :param delivered: what was last delivered before the row's moment.
    :param in_doubt: what may have been delivered after that, because no answer tells.
    :param later: the newest decision that speaks for a later moment.
    :param tried: what is known of the very same action, by key and moment.
    """

    delivered: dict[str, Entry]
    in_doubt: dict[str, Entry]
    later: dict[str, Entry]
    tried: Mapping[tuple[str, datetime], Entry]

    @classmethod
    def read(cls, rows: Sequence[Row], journal: Journal) -> PastSignals:
        """Read it from the action log; one row per name."""
        delivered = journal.delivered_before(rows)
        return cls(
            delivered=delivered,
            in_doubt=journal.pushes_in_doubt(rows, delivered),
            later=journal.later_pushes(rows),
            tried=journal.tried((row, None) for row in rows),
        )

    @property
    def told(self) -> set[str]:
        """The keys of the users of whom Okta was told a level, or may have been."""
        return {*self.delivered, *self.in_doubt}

    @property
    def user_ids(self) -> dict[str, str]:
        """Whom Okta was told about, under each key."""
        known = {**self.delivered, **{key: entry for (key, _), entry in self.tried.items()}}
        return {key: entry.user_id for key, entry in known.items() if entry.user_id}

    def done(self) -> dict[str, str]:
        """Return the ids of the tokens that were delivered for the rows' own moments, by key."""
        return {key: entry.jti for (key, _), entry in self.tried.items() if entry.status == "done"}

    def previous_levels(self, rows: Sequence[Row], journal: Journal) -> dict[str, str]:
        """
        Return the level before each row's, as far as the log knows one.

        A change that was tried before keeps the one it had then, so that the same token goes out again.
        """
        known = {key: entry.risk_level for key, entry in self.delivered.items()}
        for row in rows:
            level = row.risk_level or "none"
            tried = self.tried.get((row.key, journal.moment(row)))
            if tried is not None and tried.status in ("started", "failed") and tried.risk_level == level:
                known[row.key] = tried.previous_risk_level or "none"
            elif row.key in self.in_doubt and self.in_doubt[row.key].risk_level != level:
                known[row.key] = self.in_doubt[row.key].risk_level or "none"
        return known

    def add_other_names(self, decisions: Sequence[Decision], journal: Journal) -> None:
        """
        Learn what was done to the users to act on under another of their names.

        Most users have one name; for them nothing is read.
        """
        owners: dict[str, tuple[Row, OktaUser]] = {}
        for decision in decisions:
            user = decision.to_act_on
            if user is not None:
                others = names_of(decision.row, user) - {decision.row.key}
                owners.update(dict.fromkeys(others, (decision.row, user)))
        if not owners:
            return
        asked = [msgspec.structs.replace(row, user=name) for name, (row, _) in owners.items()]
        for ours, theirs in (
            (self.delivered, journal.delivered_before(asked)),
            (self.later, journal.later_pushes(asked)),
        ):
            for name, entry in theirs.items():
                row, user = owners[name]
                held = ours.get(row.key)
                # One user's address can be another one's login.
                is_same = entry.user_id == user.user_id
                if is_same and (held is None or held.as_of < entry.as_of):
                    ours[row.key] = entry
