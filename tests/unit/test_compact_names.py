"""A million names in little memory, and nobody is lost, not even where hashes are the same."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_okta_ure.clients import compact_names
from airflow_provider_okta_ure.clients.compact_names import CompactNames
from airflow_provider_okta_ure.core.names import fold

names_of_any_kind = st.lists(
    st.text(st.characters(exclude_categories=()), max_size=8)
    | st.sampled_from(["ann", "ANN", "jose\u0301", "jos\u00e9", "half\ud83d", "stra\u00dfe", "STRASSE"]),
    max_size=60,
)


@settings(deadline=None)
@given(names_of_any_kind)
def test_each_name_is_there_once_as_it_was_spelled_first(given_names: list[str]) -> None:
    compact = CompactNames()
    first: dict[str, str] = {}
    for name in given_names:
        index, is_new = compact.add(name)
        assert is_new == (fold(name) not in first)
        first.setdefault(fold(name), name)
        assert compact[index] == first[fold(name)]
    assert list(compact) == list(first.values())
    assert len(compact) == len(first)
    assert all(name in compact for name in given_names)
    assert "not there at all" not in compact


@pytest.mark.parametrize("mask", [0, 1])
def test_names_with_the_same_hash_are_different_people(monkeypatch: pytest.MonkeyPatch, mask: int) -> None:
    monkeypatch.setattr(compact_names, "_HASH_OF_NAMES", lambda key: hash(key) & mask)
    compact = CompactNames()
    everybody = [f"user{number}@x.example" for number in range(1500)]
    assert all(compact.add(name)[1] for name in everybody)
    assert list(compact) == everybody
    assert [compact.index_of(name.upper()) for name in everybody] == list(range(1500))


def test_a_name_takes_64_bytes_at_most() -> None:
    compact = CompactNames()
    for number in range(70_000):
        compact.add(f"first.lst{number:07}@x.example")
    taken = sum(map(sys.getsizeof, (compact._text, compact._ends, compact._slots)))
    assert taken / 70_000 <= 64
