"""Deterministic numbers, bytes and identifiers: pure functions of a seed and a name."""

from __future__ import annotations

import hashlib
from functools import lru_cache

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

#: People per block of random bytes: a multiple of the 30-day cycle that scores.py spreads people over.
BLOCK = 3840


@lru_cache(maxsize=4096)
def block_bytes(seed: int, name: str, number: int, block: int, size: int = BLOCK) -> bytes:
    """Return the random bytes of one block of people; ``number`` is a day, a cycle or 0."""
    return hashlib.shake_128(f"{seed}|{name}|{number}|{block}".encode()).digest(size)


def number_of(seed: int, *name: object) -> int:
    """Return a 64-bit number that depends on the seed and the name only."""
    text = "|".join(map(str, (seed, *name)))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def text_of(length: int, seed: int, *name: object) -> str:
    """Return letters and digits that depend on the seed and the name only."""
    text = "|".join(map(str, (seed, *name)))
    number = int.from_bytes(hashlib.blake2b(text.encode(), digest_size=32).digest(), "big")
    letters = []
    for _ in range(length):
        number, position = divmod(number, 62)
        letters.append(_ALPHABET[position])
    return "".join(letters)


def hex_of(seed: int, *name: object) -> str:
    """Return 32 hexadecimal digits that depend on the seed and the name only."""
    text = "|".join(map(str, (seed, *name)))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def uuid_of(seed: int, *name: object) -> str:
    """Return something that looks like a UUID and depends on the seed and the name only."""
    digits = hex_of(seed, *name)
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
