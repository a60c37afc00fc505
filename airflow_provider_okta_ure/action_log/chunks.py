# SPDX-License-Identifier: Apache-2.0
"""Long lists of keys, in parts that fit into one statement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

_AT_ONCE = 500


def chunks(keys: Iterable[str]) -> Iterator[list[str]]:
    """Yield the keys in parts that fit into one statement, each key once."""
    some = iter(dict.fromkeys(keys))
    while chunk := list(islice(some, _AT_ONCE)):
        yield chunk


def chunks_or_all(keys: Iterable[str] | None) -> Iterator[list[str] | None]:
    """Yield the keys in parts, or None once, which stands for everybody."""
    if keys is None:
        yield None
    else:
        yield from chunks(keys)
