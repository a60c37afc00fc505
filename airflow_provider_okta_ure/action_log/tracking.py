# SPDX-License-Identifier: Apache-2.0
"""Who is tracked: the users whom something is open for, kept with every effect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from sqlalchemy import Connection


class Tracked(msgspec.Struct, frozen=True, kw_only=True):
    """
    A user whom something is open for: a membership that we gave, or a level above ``low`` that Okta was told.

    :param user_id: the Okta id.
    :param names: every name that the log knows, folded: in the source, logins, e-mail addresses.
    """

    user_id: str
    names: frozenset[str]


def tracked_users(connection: Connection, *, org: str = "") -> list[Tracked]:
    """
    Return the users whom something is open for, by Okta id.

    :param org: only of this org; empty = of all.
    """
    return []
