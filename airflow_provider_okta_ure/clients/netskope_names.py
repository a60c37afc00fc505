# SPDX-License-Identifier: Apache-2.0
"""Whose a record of Netskope is: names spelled in several ways, and several names in one record."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RecordT = TypeVar("RecordT")

_BETWEEN = re.compile(r"[,;\s]+")
_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")


def names_in(said: object) -> list[str]:
    """
    Return the names of the users that a record is about.

    Netskope writes several addresses into one field where a device has several users. What is not addresses
    throughout is one name, whatever is in it.

    >>> names_in("ann@x.example, bob@x.example")
    ['ann@x.example', 'bob@x.example']
    >>> names_in("Moss, Ann"), names_in(4711), names_in(None), names_in(" ")
    (['Moss, Ann'], ['4711'], [], [])
    """
    if type(said) is int:
        return [str(said)]
    if not isinstance(said, str) or not said.strip():
        return []
    if _BETWEEN.search(said) is None:
        return [said]
    parts = [part for part in _BETWEEN.split(said) if part]
    is_list = len(parts) > 1 or said.strip(",; ") != said
    if is_list and parts and all(_ADDRESS.fullmatch(part) for part in parts):
        return list(dict.fromkeys(parts))
    return [said]


class ByName(Generic[RecordT]):
    """Records by the users they are about."""

    def __init__(self) -> None:
        self._records: dict[str, list[tuple[str, RecordT]]] = {}

    def add(self, names: Iterable[str], record: RecordT) -> None:
        """Keep a record under each of the names that it is about."""
        for name in names:
            self._records.setdefault(fold(name), []).append((name, record))

    def of(self, name: str) -> tuple[list[RecordT], list[RecordT]]:
        """Return the records under exactly this name, and those under other spellings of it."""
        found = self._records.get(fold(name), [])
        return (
            [record for spelled, record in found if spelled == name],
            [record for spelled, record in found if spelled != name],
        )


def each_once(names: Iterable[str]) -> Iterator[str]:
    """Yield the names that are not blank, each once whatever its spelling."""
    seen: set[str] = set()
    for name in names:
        key = fold(name)
        if name.strip() and key not in seen:
            seen.add(key)
            yield name
