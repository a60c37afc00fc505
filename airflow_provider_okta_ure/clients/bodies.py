# SPDX-License-Identifier: Apache-2.0
"""
A body of JSON becomes data; what makes no sense in it costs only itself.

One name in half a surrogate pair, one ``null`` between users, one number written as text must not make a list
of a million unreadable. What a list does not need is left out and counted; what it needs stays needed.
"""

from __future__ import annotations

import json
import re
import types
from typing import Any, NamedTuple, TypeVar, Union, get_args, get_origin

import msgspec

from airflow_provider_okta_ure.clients.nesting import is_too_nested

KindT = TypeVar("KindT")

# A pair of surrogates, half of one, or any other escape, so that none is taken apart in its middle.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\.",
    re.DOTALL,
)


LARGEST_MENDED = 8 * 1024 * 1024
"""Bytes; twice the largest page there is. Mending takes many times the memory and the time of reading."""


class UnreadableError(ValueError):
    """The body is no JSON, or breaks off."""


class TooNestedError(ValueError):
    """The body has more levels, or more values, than are taken."""


class Body(NamedTuple):
    """
    What a body holds.

    :param value: of the type that was asked for.
    :param left_out: how many elements of its lists made no sense.
    """

    value: Any
    left_out: int


def read_json(content: bytes, kind: Any) -> Body:
    """
    Return a body as a value of a type.

    :raises UnreadableError: it is no JSON.
    :raises TooNestedError: it was not even tried.
    :raises msgspec.ValidationError: it is JSON of another form.
    """
    if is_too_nested(content):
        raise TooNestedError
    first: msgspec.ValidationError | None = None
    try:
        return Body(msgspec.json.decode(content, type=kind), 0)
    except msgspec.ValidationError as error:
        first = error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    if len(content) > LARGEST_MENDED:
        raise first or UnreadableError from None
    # Looked at again, more slowly and more kindly.
    salvage = _Salvage()
    try:
        value = salvage.to(_loosely_read(content), kind)
    except msgspec.ValidationError as error:
        # The first one knows the place.
        raise first or error from None
    except RecursionError:
        raise UnreadableError from None
    return Body(value, salvage.left_out)


def _loosely_read(content: bytes) -> Any:
    """Return the value of a body that may hold half surrogate pairs, bytes that are no UTF-8, or ``NaN``."""
    mended = _ESCAPE.sub(lambda found: rb"\ufffd" if found[1] else found[0], content)
    try:
        text = mended.decode("utf-8-sig", errors="replace")
        return json.loads(text, strict=False, parse_constant=lambda _name: None)
    except (ValueError, RecursionError):
        raise UnreadableError from None


class _Salvage:
    """Turns plain values into those of a type, and counts the elements of lists that it had to leave out."""

    def __init__(self) -> None:
        self.left_out = 0

    def to(self, value: Any, kind: Any) -> Any:
        """:raises msgspec.ValidationError: the value cannot be one of this type."""
        origin = get_origin(kind)
        if origin in (Union, types.UnionType):
            return self._optional(value, kind)
        if origin is list:
            return self._list(value, get_args(kind)[0])
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self._struct(value, kind)
        # Not strict: a number may come as text.
        return msgspec.convert(value, kind, strict=kind not in (int, float))

    def _optional(self, value: Any, kind: Any) -> Any:
        kinds = [one for one in get_args(kind) if one is not type(None)]
        if value is None and len(kinds) < len(get_args(kind)):
            return None
        return self.to(value, kinds[0]) if len(kinds) == 1 else msgspec.convert(value, kind)

    def _list(self, value: Any, kind: Any) -> list[Any]:
        # Some services write null for an empty list.
        elements = [] if value is None else msgspec.convert(value, list[Any])
        # Where null is an element, what makes no sense becomes one, so that pages stay as long as they are.
        keeps_places = type(None) in get_args(kind)
        made: list[Any] = []
        failures: list[msgspec.ValidationError] = []
        for element in elements:
            before = self.left_out
            try:
                made.append(self.to(element, kind))
            except msgspec.ValidationError as error:
                self.left_out = before + 1
                made += [None] * keeps_places
                if element is not None:
                    failures.append(error)
        if failures and all(one is None for one in made):
            # Not odd elements, but a list of something else.
            raise failures[0]
        return made

    def _struct(self, value: Any, kind: type[msgspec.Struct]) -> Any:
        said = msgspec.convert(value, dict[str, Any])
        made: dict[str, Any] = {}
        for field in msgspec.structs.fields(kind):
            if field.encode_name not in said:
                if field.required:
                    raise msgspec.ValidationError(f"Object missing required field `{field.encode_name}`")
                continue
            try:
                made[field.name] = self.to(said[field.encode_name], field.type)
            except msgspec.ValidationError as error:
                if field.required:
                    raise msgspec.ValidationError(f"{error} (`{field.encode_name}`)") from None
        return kind(**made)
