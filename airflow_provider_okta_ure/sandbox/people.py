"""The pretend people: names, addresses and peculiarities as pure functions of seed and index."""

from __future__ import annotations

import math
import random
import re
from array import array
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain

from airflow_provider_okta_ure.sandbox.hashing import number_of
from airflow_provider_okta_ure.sandbox.names import DEPARTMENTS, FIRST_NAMES, LAST_NAMES

DOMAIN = "corp.example"


_NAMES = len(FIRST_NAMES) * len(LAST_NAMES)
_LOGIN = re.compile(rf"([a-z]+)\.([a-z]+)(\d{{4,}})@{re.escape(DOMAIN)}")

#: Peculiarities that exist exactly once among the people 10..49, so that a directory of 50 has each of them.
ONCE = (
    "missing_in_okta",
    "other_login",
    "okta_case",
    "netskope_case",
    "shared_email",
    "no_score",
    "deprovisioned",
    "suspended",
    "staged",
    "locked_out",
    "password_expired",
    "provisioned",
    "recovery",
)
#: Further ones among the people 50..99, and of every later hundred all of both.
_MORE = ("missing_in_okta", "other_login", "other_login", "okta_case", "okta_case", "netskope_case")
#: Peculiarities that only every second hundred beyond the first has.
_RARE = frozenset(ONCE[7:]) | {"shared_email"}

STATUS_OF = {
    "deprovisioned": "DEPROVISIONED",
    "suspended": "SUSPENDED",
    "staged": "STAGED",
    "locked_out": "LOCKED_OUT",
    "password_expired": "PASSWORD_EXPIRED",
    "provisioned": "PROVISIONED",
    "recovery": "RECOVERY",
}


@dataclass(frozen=True, slots=True)
class Person:
    """One pretend person; ``address`` is the lower-case e-mail address both services are built from."""

    index: int
    first_name: str
    last_name: str
    address: str
    department: str
    peculiarity: str


class People:
    """
    A population of which nothing is stored: every person is computed from the seed and an index.

    :param seed: what makes two populations differ.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._step = _coprime_step(number_of(seed, "name step"), _NAMES)
        self._shift = number_of(seed, "name shift") % _NAMES
        self._special = _specials(seed)
        self._turn = number_of(seed, "peculiarity turn") % 100

    def person(self, index: int) -> Person:
        """Return the person with this index."""
        first, last = self.names_of(index)
        return Person(
            index=index,
            first_name=first,
            last_name=last,
            address=f"{first.lower()}.{last.lower()}{index:04d}@{DOMAIN}",
            department=DEPARTMENTS[number_of(self.seed, "department", index) % len(DEPARTMENTS)],
            peculiarity=self.peculiarity(index),
        )

    def address(self, index: int) -> str:
        """Return the lower-case e-mail address of a person."""
        first, last = self.names_of(index)
        return f"{first.lower()}.{last.lower()}{index:04d}@{DOMAIN}"

    def index_of(self, address: str) -> int | None:
        """Return whose address this is in any letter case, or None; the answer takes no search."""
        match = _LOGIN.fullmatch(address.lower())
        if match is None:
            return None
        index = int(match[3])
        return index if self.address(index) == match[0] else None

    def peculiarity(self, index: int) -> str:
        """Return what is special about a person, or ``plain``; the first ten people are always plain."""
        if index < 100:
            return self._special.get(index, "plain")
        block, place = divmod(index, 100)
        slot = (place * 37 + block * 61 + self._turn) % 100
        kinds = ONCE + _MORE
        if slot >= len(kinds):
            return "plain"
        kind = kinds[slot]
        return "plain" if kind in _RARE and block % 2 else kind

    def netskope_name(self, index: int) -> str:
        """Return the user name as Netskope spells it."""
        address = self.address(index)
        return _capitalised(address) if self.peculiarity(index) == "netskope_case" else address

    def outsider(self, number: int) -> Person:
        """Return a person whom Netskope does not know (an external one)."""
        first, last = self.names_of(number * 7919 + 13)
        address = f"{first.lower()}.{last.lower()}.ext{number:03d}@{DOMAIN}"
        return Person(-1 - number, first, last, address, "Contractors", "okta_only")

    def by_name(self, count: int) -> array[int]:
        """Return the indices 0..count-1 in alphabetical order of the addresses (numbers by value)."""
        starts = (self._inverse(combination) for combination in _alphabetical())
        return array("l", chain.from_iterable(range(start, count, _NAMES) for start in starts))

    def without_score(self, count: int) -> list[int]:
        """Return the people below ``count`` who have no score at all: one in each hundred."""
        found = [index for index, kind in self._special.items() if kind == "no_score" and index < count]
        slot = ONCE.index("no_score")
        for block in range(1, (count + 99) // 100):
            place = (slot - block * 61 - self._turn) * self._unturn % 100
            if block * 100 + place < count:
                found.append(block * 100 + place)
        return found

    @cached_property
    def _unturn(self) -> int:
        return pow(37, -1, 100)

    @cached_property
    def _unstep(self) -> int:
        return pow(self._step, -1, _NAMES)

    def _inverse(self, combination: int) -> int:
        return (combination - self._shift) * self._unstep % _NAMES

    def names_of(self, index: int) -> tuple[str, str]:
        """Return a person's first and last name."""
        first, last = divmod((index * self._step + self._shift) % _NAMES, len(LAST_NAMES))
        return FIRST_NAMES[first], LAST_NAMES[last]


def okta_spelling(address: str) -> str:
    """Return the address as a careful typist would enter it, ``Ada.Lovelace0042@corp.example``."""
    return _capitalised(address)


def _capitalised(address: str) -> str:
    name, _, domain = address.partition("@")
    return ".".join(part.capitalize() for part in name.split(".")) + "@" + domain


def _coprime_step(number: int, modulus: int) -> int:
    step = number % modulus | 1
    while math.gcd(step, modulus) != 1:
        step += 2
    return step


def _specials(seed: int) -> dict[int, str]:
    chooser = random.Random(number_of(seed, "specials"))  # noqa: S311 - reproducible, not secret
    early = chooser.sample(range(10, 50), len(ONCE))
    later = chooser.sample(range(50, 100), len(_MORE))
    return {**dict(zip(early, ONCE, strict=True)), **dict(zip(later, _MORE, strict=True))}


@lru_cache(maxsize=1)
def _alphabetical() -> tuple[int, ...]:
    def spelled(combination: int) -> str:
        first, last = divmod(combination, len(LAST_NAMES))
        return f"{FIRST_NAMES[first]}.{LAST_NAMES[last]}".lower()

    return tuple(sorted(range(_NAMES), key=spelled))
