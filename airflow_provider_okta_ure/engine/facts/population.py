# SPDX-License-Identifier: Apache-2.0
"""How many users a change is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.decisions.decision import Decision
    from airflow_provider_okta_ure.engine.session import Session

USERS_OF_SOURCE = "users of the source"


class Population(NamedTuple):
    """
    How many users there are, and what they are, for people.

    :param size: the number of users.
    :param called: what they are.
    """

    size: int
    called: str

    @classmethod
    def read(cls, session: Session, decisions: Sequence[Decision]) -> Population:
        """
        Return the users that the sources of the rows had when they were last read.

        Of rows without such a source, only the people themselves are known, each once. Rows about nobody in
        Okta make no limit larger.
        """
        sources = {one.row.source for one in decisions if one.row.source}
        size = sum(session.log.size_of_source(source, not_after=session.run.as_of) for source in sources)
        if size:
            return cls(size, USERS_OF_SOURCE)
        return cls(len({one.user.user_id for one in decisions if one.user is not None}), "users in the rows")

    @property
    def of_source(self) -> int:
        """The users of the source; 0 = it is not known."""
        return self.size if self.called == USERS_OF_SOURCE else 0
