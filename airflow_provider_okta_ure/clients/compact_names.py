# SPDX-License-Identifier: Apache-2.0
"""Names by the million in little memory: each once whatever its case, in the order in which they came."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.names import fold

if TYPE_CHECKING:
    from collections.abc import Iterator

_HASH = 0xFFFFFFFF
_HASH_OF_NAMES = hash
_FEWEST_SLOTS = 1024


class CompactNames:
    """
    Names of users, some 50 bytes each with their text of 25 letters, where a set of texts takes 150.

    The hash of a name only says where to look. Two names with the same hash are told from each other by
    their letters, so that nobody is lost.

    >>> names = CompactNames()
    >>> [names.add(name) for name in ("Ann@x.example", "bob@x.example", "ann@X.example")]
    [(0, True), (1, True), (0, False)]
    >>> list(names), "ANN@x.example" in names, len(names)
    (['Ann@x.example', 'bob@x.example'], True, 2)
    """

    def __init__(self) -> None:
        self._text = bytearray()
        self._ends = array("Q")
        self._slots = array("Q", bytes(8 * _FEWEST_SLOTS))
        """Open addressing: the hash of a name and its number plus one, or nought where there is none."""
        self.is_whole = True
        """Whether these are all names that there are, as far as their source says."""

    def __len__(self) -> int:
        return len(self._ends)

    def __iter__(self) -> Iterator[str]:
        """Yield the names as they were spelled first."""
        start = 0
        for end in self._ends:
            yield self._text[start:end].decode("utf-8", "surrogatepass")
            start = end

    def __contains__(self, name: str) -> bool:
        return self.index_of(name) is not None

    def __getitem__(self, index: int) -> str:
        """Return a name by its number, as it was spelled first."""
        start = self._ends[index - 1] if index else 0
        return self._text[start : self._ends[index]].decode("utf-8", "surrogatepass")

    def index_of(self, name: str) -> int | None:
        """Return the number of a name, whatever its case; None = it is not among these."""
        key = fold(name)
        slot = self._slots[self._slot_of(key, _HASH_OF_NAMES(key) & _HASH)]
        return (slot & _HASH) - 1 if slot else None

    def add(self, name: str) -> tuple[int, bool]:
        """Return the number of a name, and whether it is new; what is spelled otherwise stays as it is."""
        key = fold(name)
        hashed = _HASH_OF_NAMES(key) & _HASH
        place = self._slot_of(key, hashed)
        if slot := self._slots[place]:
            return (slot & _HASH) - 1, False
        self._text += name.encode("utf-8", "surrogatepass")
        self._ends.append(len(self._text))
        count = len(self._ends)
        self._slots[place] = hashed << 32 | count
        if count * 3 > len(self._slots) * 2:
            self._grow()
        return count - 1, True

    def _slot_of(self, key: str, hashed: int) -> int:
        """Return where a folded name is, or where it belongs."""
        slots = self._slots
        mask = len(slots) - 1
        place = hashed & mask
        while slot := slots[place]:
            if slot >> 32 == hashed and fold(self[(slot & _HASH) - 1]) == key:
                break
            place = (place + 1) & mask
        return place

    def _grow(self) -> None:
        old = self._slots
        slots = array("Q", bytes(16 * len(old)))
        mask = len(slots) - 1
        for slot in old:
            if slot:
                place = slot >> 32 & mask
                while slots[place]:
                    place = (place + 1) & mask
                slots[place] = slot
        self._slots = slots
