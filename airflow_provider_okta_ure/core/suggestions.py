# SPDX-License-Identifier: Apache-2.0
"""A hint for a name that does not exist."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """
    Return a question with the most similar names, or nothing when none is similar.

    :param known: the names that exist.
    """
    by_fold = {one.lower().replace("_", "-"): one for one in known}
    similar = difflib.get_close_matches(name.lower().replace("_", "-"), by_fold, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(repr(by_fold[one]) for one in similar)}?" if similar else ""
