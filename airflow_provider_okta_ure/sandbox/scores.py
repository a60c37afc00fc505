"""
Daily scores (0..1000, higher is safer) as a pure function of seed, person and day.

A person's time is cut into cycles of 30 days that begin on another day for every person modulo 30. In a
cycle one person in five has one episode of 2 to 10 days with a score below 500; one episode in three is below
250. So on any day 4 % of the people are in an episode, and about 0.7 % enter and 0.7 % leave one.
"""

from __future__ import annotations

import re
from array import array
from functools import lru_cache

from airflow_provider_okta_ure.sandbox.hashing import BLOCK, block_bytes

CYCLE = 30
_EPISODE = re.compile(rb"[\x00-\x32]")


def score_on(seed: int, index: int, day: int, one_in: int = 1) -> int:
    """
    Return a person's score on a day (UTC day number).

    :param one_in: only every so-manieth person ever has an episode; 0 = nobody.
    """
    block, place = divmod(index, BLOCK)
    cycle, age = divmod(day + index % CYCLE, CYCLE)
    noise = block_bytes(seed, "noise", day, block)[place]
    drawn = block_bytes(seed, "episode", cycle, block)[place]
    if drawn <= 0x32 and one_in and index % one_in == 0:
        low = _episode_score(block_bytes(seed, "shape", cycle, block)[place], drawn, age)
        if low is not None:
            return low + noise % 31 - 15
    return _usual(block_bytes(seed, "usual", 0, block)[place]) + noise % 31 - 15


def scores_from(seed: int, index: int, first: int, last: int, one_in: int = 1) -> list[int]:
    """Return a person's scores on the days ``first`` to ``last``; the same as :func:`score_on`, at once."""
    block, place = divmod(index, BLOCK)
    usual = _USUAL[block_bytes(seed, "usual", 0, block)[place]]
    scores = [usual + _NOISE[block_bytes(seed, "noise", day, block)[place]] for day in range(first, last + 1)]
    if not one_in or index % one_in:
        return scores
    phase = index % CYCLE
    for cycle in range((first + phase) // CYCLE, (last + phase) // CYCLE + 1):
        drawn = block_bytes(seed, "episode", cycle, block)[place]
        if drawn > 0x32:
            continue
        shape = block_bytes(seed, "shape", cycle, block)[place]
        begins = cycle * CYCLE - phase
        for day in range(max(first, begins), min(last, begins + CYCLE - 1) + 1):
            low = _episode_score(shape, drawn, day - begins)
            if low is not None:
                scores[day - first] += low - usual
    return scores


@lru_cache(maxsize=4)
def scores_on(seed: int, count: int, day: int, one_in: int = 1) -> array[int]:
    """Return the scores of people 0..count-1 on a day; the same numbers as :func:`score_on`, in bulk."""
    scores = array("h")
    for block in range((count + BLOCK - 1) // BLOCK):
        scores.extend(_block_scores(seed, block, day, one_in))
    del scores[count:]
    return scores


def days_inactive(seed: int, index: int) -> int:
    """Return how many whole days ago a person was last active: 0 for 19 in 20, up to 60 for the others."""
    if index < 10:
        return 0
    block, place = divmod(index, BLOCK)
    value = block_bytes(seed, "activity", 0, block)[place]
    return 0 if value >= 13 else 3 + value * 57 // 12


def _usual(value: int) -> int:
    """Return a person's everyday score: 6 % between 515 and 700, the others between 715 and 985."""
    return 520 + value * 11 if value < 16 else 715 + (value - 16) * 270 // 239


def _episode_score(shape: int, drawn: int, age: int) -> int | None:
    """Return the score of the episode that a cycle holds on its ``age``-th day, or None beside it."""
    length = 2 + shape % 9
    start = shape * 7 % (CYCLE - length)
    if not start <= age < start + length:
        return None
    return 60 + drawn * 10 if drawn <= 0x10 else 275 + (drawn - 0x11) * 6


def _block_scores(seed: int, block: int, day: int, one_in: int) -> list[int]:
    usual = block_bytes(seed, "usual", 0, block).translate(None)
    noise = block_bytes(seed, "noise", day, block)
    scores = [
        base + _NOISE[change] for base, change in zip(map(_USUAL.__getitem__, usual), noise, strict=True)
    ]
    if not one_in:
        return scores
    first = day // CYCLE
    drawn, shape = _mixed(seed, "episode", block, first, day), _mixed(seed, "shape", block, first, day)
    for match in _EPISODE.finditer(drawn):
        place = match.start()
        if (block * BLOCK + place) % one_in:
            continue
        low = _episode_score(shape[place], drawn[place], (day + place % CYCLE) % CYCLE)
        if low is not None:
            scores[place] = low + _NOISE[noise[place]]
    return scores


def _mixed(seed: int, name: str, block: int, first: int, day: int) -> bytearray:
    """Return one byte per person, each from the cycle that the person is in on this day."""
    mixed = bytearray(block_bytes(seed, name, first, block))
    later = block_bytes(seed, name, first + 1, block)
    for phase in range(CYCLE - day % CYCLE, CYCLE):
        mixed[phase::CYCLE] = later[phase::CYCLE]
    return mixed


_USUAL = [_usual(value) for value in range(256)]
_NOISE = [value % 31 - 15 for value in range(256)]
