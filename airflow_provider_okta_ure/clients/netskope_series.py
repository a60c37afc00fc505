# SPDX-License-Identifier: Apache-2.0
"""Daily scores of named users, some hundred in a call."""

from __future__ import annotations

from collections import deque
from itertools import chain
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.netskope_names import ByName, names_in
from airflow_provider_okta_ure.clients.netskope_wire import (
    BUCKET,
    SERIES_PATH,
    WireSeries,
    WireSeriesAnswer,
    check_unit,
)
from airflow_provider_okta_ure.core.names import fold, is_text, spellings
from airflow_provider_okta_ure.errors import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from airflow_provider_okta_ure.clients.http import ApiClient
    from airflow_provider_okta_ure.clients.netskope_rows import RowMaker, Value
    from airflow_provider_okta_ure.core.models import Row

USERS_PER_CALL = 500


class SeriesReader:
    """
    Reads the daily scores of users.

    :param api: the way to the tenant.
    :param shared: records with several names in them, as Netskope spells them, by each of the names.
    """

    def __init__(self, api: ApiClient, shared: Mapping[str, str]) -> None:
        self._api = api
        self._shared = shared

    def rows(self, names: Iterable[str], maker: RowMaker, from_time: int, cap: int) -> Iterator[Row]:
        """
        Yield a row per name.

        :param names: each of them once, whatever its spelling.
        :param from_time: start of the oldest day, in milliseconds.
        :param cap: how many days before now to ask for.
        """
        for batch in self._batches(names):
            asked = list(dict.fromkeys(one for spelled in batch.values() for one in spelled))
            found = list(self._read_in_parts(asked, from_time, cap)) if asked else []
            yield from _rows_of(batch, found, maker)

    def read(self, names: list[str], from_time: int, cap: int) -> list[WireSeries]:
        """Return what one call says of some users; who is not known can be missing."""
        said = self._api.call(
            "POST",
            SERIES_PATH,
            bucket=BUCKET,
            json={"users": names, "fromTime": from_time, "capPerUser": cap},
            repeatable=True,
            expect=WireSeriesAnswer,
        ).body
        found = [one for one in said.users_uci if one is not None]
        check_unit(start for one in found for start, _score in _values_of(one))
        return found

    def _batches(self, names: Iterable[str]) -> Iterator[dict[str, list[str]]]:
        """Yield the names, with what Netskope may call each, in groups that one call can ask for."""
        batch: dict[str, list[str]] = {}
        size = 0
        for name in names:
            asked = self._called(name)
            if batch and size + len(asked) > USERS_PER_CALL:
                yield batch
                batch, size = {}, 0
            batch[name] = asked
            size += len(asked)
        if batch:
            yield batch

    def _called(self, name: str) -> list[str]:
        if name.isascii() and not self._shared:
            return [name]
        shared = self._shared.get(fold(name))
        return [*spellings(name), *([shared] if shared else [])] if is_text(name) else []

    def _read_in_parts(self, names: list[str], from_time: int, cap: int) -> Iterator[WireSeries]:
        parts = deque([names])
        while parts:
            part = parts.popleft()
            try:
                yield from self.read(part, from_time, cap)
            except InvalidRequestError as error:
                # Netskope says 512 in one place and 500 in another; whatever it is, half of it may do.
                if error.status not in (400, 413) or len(part) == 1:
                    raise
                half = len(part) // 2
                parts.extendleft((part[half:], part[:half]))


def _rows_of(names: Mapping[str, object], found: Sequence[WireSeries], maker: RowMaker) -> Iterator[Row]:
    if all(one.user_id in names for one in found) and len({one.user_id for one in found}) == len(found):
        # Nearly always: each record is about a name as it was asked for.
        by_name: dict[str, WireSeries] | None = {str(one.user_id): one for one in found}
        keys: Iterable[str] = names
    else:
        by_name, keys = _one_each(found), map(fold, names)
    if by_name is None:
        yield from _carefully(names, found, maker)
        return
    for name, key in zip(names, keys, strict=True):
        one = by_name.get(key)
        row = maker.quickly(name, (one.confidences if one is not None else None) or ())
        if row is None:
            row = next(_carefully([name], [one] if one is not None else [], maker))
        yield row


def _one_each(found: Sequence[WireSeries]) -> dict[str, WireSeries] | None:
    """Return the records by folded name; None = one is about several users, or two about the same one."""
    by_key: dict[str, WireSeries] = {}
    for one in found:
        user = one.user_id
        if type(user) is not str or names_in(user) != [user]:
            return None
        by_key[fold(user)] = one
    return by_key if len(by_key) == len(found) else None


def _carefully(names: Iterable[str], found: Iterable[WireSeries], maker: RowMaker) -> Iterator[Row]:
    series: ByName[list[Value]] = ByName()
    for one in found:
        series.add(names_in(one.user_id), _values_of(one))
    for name in names:
        exact, others = series.of(name)
        yield maker.carefully(name, chain(*exact), chain(*others))


def _values_of(series: WireSeries) -> list[Value]:
    return [(one.start, one.confidence_score) for one in series.confidences or () if one is not None]
