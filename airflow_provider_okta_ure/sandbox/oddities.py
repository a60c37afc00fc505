"""Answers as gateways and careless serializers change them: all of it was seen somewhere; none by default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.http import Answer, Request
    from airflow_provider_okta_ure.sandbox.options import Options

#: Where the services keep their lists, besides bodies that are one.
_LISTS = ("Resources", "usersUci", "results", "confidences", "value", "data")
_LIMITS = ("x-rate-limit-", "ratelimit-", "retry-after")
_HALF = "(half a pair)"


class Oddities:
    """
    Changes answers as the switches say.

    :param options: the switches.
    """

    def __init__(self, options: Options) -> None:
        self._options = options
        self._last: dict[str, Any] = {}

    def clear(self) -> None:
        """Forget which entries were the last of their pages."""
        self._last.clear()

    def change_body(self, request: Request, answer: Answer) -> None:
        """Change the lists in a good answer, in place."""
        options = self._options
        wanted = (
            options.half_surrogates
            or options.null_elements
            or options.null_for_empty_lists
            or options.repeat_across_pages
        )
        if not wanted or answer.status != 200 or not answer.body:
            return
        try:
            said = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            return
        if options.repeat_across_pages and isinstance(said, list):
            self._repeat(request, said)
        body = msgspec.json.encode(self._changed(said))
        answer.body = body.replace(_HALF.encode(), rb"\ud83d")

    def headers(self, headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return the headers with those about limits said twice, when that is switched on."""
        how = self._options.doubled_limit_headers
        if how == "no":
            return headers
        changed: list[tuple[str, str]] = []
        for name, value in headers:
            if not name.lower().startswith(_LIMITS):
                changed.append((name, value))
            elif how == "lines":
                changed += [(name, value)] * 2
            else:
                changed.append((name, f"{value}, {value}"))
        return changed

    def _repeat(self, request: Request, page: list[Any]) -> None:
        """Show the last entry of a page once more, as the first of the page that follows it."""
        if "after" in parse_qs(request.raw_query) and request.path in self._last:
            page.insert(0, self._last[request.path])
        if page:
            self._last[request.path] = page[-1]

    def _changed(self, said: Any) -> Any:
        if isinstance(said, list):
            return self._list(said)
        if isinstance(said, dict):
            return {
                name: self._list(value) if name in _LISTS and isinstance(value, list) else value
                for name, value in said.items()
            }
        return said

    def _list(self, entries: list[Any]) -> Any:
        if not entries:
            return None if self._options.null_for_empty_lists else entries
        changed = [self._changed(entry) if isinstance(entry, dict) else entry for entry in entries]
        if self._options.half_surrogates:
            changed = [{**one, "displayName": _HALF} if isinstance(one, dict) else one for one in changed]
        return [None, *changed] if self._options.null_elements else changed
