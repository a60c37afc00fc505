# SPDX-License-Identifier: Apache-2.0
r"""
Lists of names of people or groups, however an argument, a template or a connection spells them.

A list that is misread protects nobody, so whatever can be read in two ways is an error that says what was
not understood. Text is split at commas, semicolons and line ends, and names of people also at blanks when
every part is an address. Items of a list, and text between quotes, are taken whole.
"""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Literal, NamedTuple, NoReturn, TypeAlias

from airflow_provider_okta_ure.errors import ConfigurationError

NamesOf: TypeAlias = Literal["people", "groups"]

# Commas, semicolons and line ends, also those of other scripts.
_SEPARATORS = ",;\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029\uff0c\uff1b\u3001\u060c\u061b"
_AT_SEPARATORS = re.compile(f"[{_SEPARATORS}]")
_AT_BLANKS_TOO = re.compile(rf"[{_SEPARATORS}\s]+")
# What copying from a document or a chat leaves around a name without being seen.
_UNSEEN = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
_QUOTES = {
    '"': '"',
    "'": "'",
    "`": "`",
    "\u201c": "\u201d",
    "\u201e": "\u201c",
    "\u2018": "\u2019",
    "\u00ab": "\u00bb",
}
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_ADDRESS = re.compile(r"[^\s@]+@[\w.-]+")
_NOT_IN_A_NAME = re.compile(r"[][(){}<>|]")
_SHOWN = 60


class _Token(NamedTuple):
    text: str
    is_quoted: bool


def to_names(
    value: object, argument: str, *, of: NamesOf = "people", keep_odd_items: bool = False
) -> list[str]:
    r"""
    Return the names in a list or in text, each once, in their order.

    >>> to_names("ann@x.example; bob@x.example\n'cy@x.example'", "exclude_users")
    ['ann@x.example', 'bob@x.example', 'cy@x.example']
    >>> to_names(["Break glass, EMEA"], "exclude_groups", of="groups")
    ['Break glass, EMEA']
    >>> to_names("['Break glass, EMEA', 'Service desk']", "exclude_groups", of="groups")
    ['Break glass, EMEA', 'Service desk']

    :param argument: what the value is called, for the error.
    :param of: ``people`` = logins, e-mail addresses or ids; ``groups`` = names or ids, which may have blanks.
    :param keep_odd_items: an item of a list that cannot be a login or an address is one name all the same;
        for lists of whom to look at, where one odd name must not cost the others.
    :raises ConfigurationError: it is no list of names, or one that can be read in two ways.
    """
    reader = _Reader(argument, of, keep_odd_items=keep_odd_items)
    names = reader.in_text(value) if isinstance(value, str) else reader.in_list(value)
    return list(dict.fromkeys(names))


class _Reader:
    def __init__(self, argument: str, of: NamesOf, *, keep_odd_items: bool) -> None:
        self._argument = argument
        self._of = of
        self._keep_odd_items = keep_odd_items

    def in_list(self, value: object) -> Iterator[str]:
        """Yield the names of a list, tuple, set or the like."""
        if value is None:
            return
        if not isinstance(value, Iterable) or isinstance(value, (str, bytes, bytearray, Mapping)):
            self._refuse(f"it is {_kind_of(value)}")
        # In an order of its own, so that a set does not make every run different.
        items = sorted(value, key=str) if isinstance(value, Set) else list(value)
        for number, item in enumerate(items, start=1):
            if not isinstance(item, str):
                self._refuse(f"its item {number} is {_kind_of(item)}")
            if not _trimmed(item):
                self._refuse(f"its item {number} is empty")
            yield from self._in_item(item)

    def in_text(self, value: str) -> Iterator[str]:
        """Yield the names of a text: names between separators, or a list that a template made text of."""
        text = _trimmed(value)
        if text in ("", "None", "null"):
            return
        listed = _list_in_json(text)
        if listed is not None:
            yield from self.in_list(listed)
            return
        inner = self._inside_brackets(text)
        is_bracketed = inner is not None
        for part in self._parts(text if inner is None else inner, escapes=is_bracketed):
            yield from self._in_part(part)

    def _inside_brackets(self, text: str) -> str | None:
        """Return what stands between the brackets of a list; None when the text is not one."""
        text = re.sub(r"\A(?:frozen)?set\(\s*(.*?)\s*\)\Z", r"\1", text, flags=re.DOTALL) or "[]"
        closing = _BRACKETS.get(text[0])
        if closing is None:
            return None
        if self._of == "groups" and text[-1] != closing and closing in text and text[1] not in _QUOTES:
            return None  # a name that begins so: "[EMEA] Break glass"
        if text[-1] != closing:
            self._refuse(f"the {text[0]} at its beginning is not closed at its end")
        inner = text[1:-1].strip()
        if self._of == "groups" and inner and inner[0] not in _QUOTES:
            self._refuse(f"{_shown(text)} is a name with brackets, or a list whose names have no quotes")
        return inner

    def _parts(self, text: str, *, escapes: bool) -> Iterator[list[_Token]]:
        """Yield what stands between two separators, cut at blanks where these may separate names."""
        part: list[_Token] = []
        at = 0
        while at < len(text):
            char = text[at]
            if char in _SEPARATORS:
                yield part
                part = []
                at += 1
            elif char.isspace() or char in _UNSEEN:
                at += 1
            elif char in _QUOTES:
                end = self._closing_quote(text, at, escapes=escapes)
                part.append(_Token(self._unquoted(text[at : end + 1], escapes=escapes), is_quoted=True))
                at = end + 1
            else:
                found = re.compile(rf"[^{_SEPARATORS}]+" if self._of == "groups" else rf"[^{_SEPARATORS}\s]+")
                match = found.match(text, at)
                at = match.end() if match else len(text)
                part.append(_Token(_trimmed(match[0]) if match else "", is_quoted=False))
        yield part

    def _closing_quote(self, text: str, at: int, *, escapes: bool) -> int:
        closing = _QUOTES[text[at]]
        end = at + 1
        while end < len(text) and text[end] != closing:
            end += 2 if escapes and text[end] == "\\" else 1
        if end >= len(text):
            self._refuse(f"the quote before {_shown(text[at + 1 :])} is not closed")
        after = text[end + 1 : end + 2]
        if after and after not in _SEPARATORS and not after.isspace():
            self._refuse(f"{_shown(text[at:])} goes on after its closing quote")
        return end

    def _unquoted(self, quoted: str, *, escapes: bool) -> str:
        """Return the text between quotes, in a list with Python's escapes resolved."""
        if not escapes or "\\" not in quoted or quoted[0] not in "\"'":
            return quoted[1:-1]
        try:
            return str(ast.literal_eval(quoted))
        except (ValueError, SyntaxError):
            self._refuse(f"{_shown(quoted)} is not a text")

    def _in_part(self, part: list[_Token]) -> Iterator[str]:
        if len(part) > 1:
            for token in part:
                if not token.is_quoted and (self._of == "groups" or not _is_address(token.text)):
                    self._refuse(f"{_shown(' '.join(one.text for one in part))} is one name or several")
        for token in part:
            if token.is_quoted:
                if not _trimmed(token.text):
                    self._refuse("one of its names is empty")
                yield from self._in_item(token.text)
            else:
                self._check_bare(token.text)
                yield self._checked(token.text)

    def _check_bare(self, name: str) -> None:
        """Refuse a name without quotes that has something of a list in it."""
        if self._of == "groups":
            return
        if '"' in name or name[-1] in "'`" or _NOT_IN_A_NAME.search(name):
            self._refuse(f"{_shown(name)} has quotes or brackets in it")
        if not any(char.isalnum() for char in name):
            self._refuse(f"{_shown(name)} is not a name")

    def _in_item(self, item: str) -> Iterator[str]:
        """Yield an item of a list as it is, or, where it can only be several addresses, each of them."""
        name = _trimmed(item)
        if self._of == "people":
            if len(name) > 1 and _QUOTES.get(name[0]) == name[-1]:
                name = _trimmed(name[1:-1])
            pieces = [piece for piece in map(_trimmed, _AT_BLANKS_TOO.split(name)) if piece]
            if len(pieces) > 1 and all(map(_is_address, pieces)):
                yield from pieces
                return
        yield name if self._keep_odd_items and name else self._checked(name)

    def _checked(self, name: str) -> str:
        if not name:
            self._refuse("one of its names is empty")
        if self._of == "people":
            if not name.isprintable():
                self._refuse(f"{_shown(name)} has an invisible character in it, or is several names")
            if "@" in name and not _is_address(name):
                self._refuse(f"{_shown(name)} is not a login or e-mail address")
        elif len(name.splitlines()) > 1:
            self._refuse(f"{_shown(name)} has a line end in it")
        return name

    def _refuse(self, what: str) -> NoReturn:
        example = (
            '["ann@corp.example", "bob@corp.example"]'
            if self._of == "people"
            else '["Break glass, EMEA", "Service accounts"]'
        )
        whose = "who is meant" if self._of == "people" else "which groups are meant"
        raise ConfigurationError(
            f"{self._argument} is not a list of names, so it is not known {whose}: {what}.",
            remedy=f"Use a list such as {example}.",
            topic="list-of-names",
        )


def separators_in(name: str) -> bool:
    """Return whether a name has something in it that separates names: two names, or an unusual one."""
    return bool(_AT_SEPARATORS.search(name)) or any(char.isspace() for char in name)


def _list_in_json(text: str) -> object | None:
    if not text.startswith(("[", "{")):
        return None
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def _is_address(name: str) -> bool:
    return _ADDRESS.fullmatch(unicodedata.normalize("NFC", name)) is not None


def _trimmed(text: str) -> str:
    """Return a text without blanks, and without what cannot be seen, at its ends."""
    before = None
    while text != before:
        before, text = text, text.strip().strip(_UNSEEN)
    return text


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _kind_of(value: object) -> str:
    """Return what a value is, without its content."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (type(None), "nothing"),
        (bool, "true or false"),
        ((int, float), "a number"),
        (Mapping, "a dict"),
        ((bytes, bytearray), "bytes"),
        (str, "text"),
        ((list, tuple, Set), "a list"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), f"of type {type(value).__name__}")
