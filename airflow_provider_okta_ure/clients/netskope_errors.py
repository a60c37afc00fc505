# SPDX-License-Identifier: Apache-2.0
"""How Netskope says no, also with a status of success, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.catalogue import entry_for_answer
from airflow_provider_okta_ure.clients.answers import PAGE_FOR_PEOPLE
from airflow_provider_okta_ure.clients.dialects import number_in, retry_after, server_time
from airflow_provider_okta_ure.clients.limits import Window
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    InvalidRequestError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
)

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.answers import Refusal

_CLASSES: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
}
_BAD = ("error", "failed", "failure")


class NetskopeDialect:
    """Netskope's rate limit headers and its several shapes of errors."""

    service = "Netskope"
    request_id_header = "X-Request-Id"

    def window(self, headers: Mapping[str, str]) -> Window | None:
        limit = number_in(headers, "RateLimit-Limit", of_several=min)
        remaining = number_in(headers, "RateLimit-Remaining", of_several=min)
        reset, date = number_in(headers, "RateLimit-Reset"), server_time(headers)
        if not limit or remaining is None or not reset or date is None:
            return None
        return Window(int(limit), int(remaining), reset, date + reset)

    def wait_after_429(self, headers: Mapping[str, str]) -> float | None:
        # Netskope: its own header is seconds to wait, not a moment.
        return retry_after(headers) or number_in(headers, "RateLimit-Reset") or None

    def repeat_headers(self, first_request_id: str, count: int) -> Mapping[str, str]:
        return {}

    def is_refusal(self, said: Mapping[str, Any]) -> bool:
        status = said.get("status")
        if isinstance(status, int):
            return status >= 400
        return (isinstance(status, str) and status.lower() in _BAD) or said.get("ok") == 0

    def error(self, refusal: Refusal) -> ApiError:
        summary = refusal.cleaned(_said(refusal))
        entry = entry_for_answer(
            self.service, status=refusal.status, said=summary, method=refusal.method, path=refusal.path
        )
        said: dict[str, Any] = {
            "service": self.service,
            "status": refusal.status,
            "summary": summary,
            "request_id": refusal.cleaned(refusal.headers.get(self.request_id_header)),
            "topic": entry.topic if entry else "",
        }
        message = f"Netskope refused {refusal.method} {refusal.path}"
        if refusal.status == 429:
            return RateLimitedError(message, retry_after=self.wait_after_429(refusal.headers) or 0.0, **said)
        # A refusal with a status of success does not say whether it is for good, so another try may help.
        if refusal.status < 300 or refusal.may_pass:
            return ServerError(message, retry_after=retry_after(refusal.headers), **said)
        return _CLASSES.get(refusal.status, InvalidRequestError)(message, **said)


def _said(refusal: Refusal) -> str:
    """Return Netskope's sentence, wherever the body has it."""
    if refusal.is_html:
        return PAGE_FOR_PEOPLE
    said = refusal.said
    candidates = (
        said.get("message"),
        said.get("status"),
        said.get("error"),
        said.get("errors"),
        said.get("detail"),
    )
    texts = (text for candidate in candidates for text in _texts(candidate))
    return "; ".join(text for text in texts if text.lower() not in _BAD)


def _texts(said: object) -> list[str]:
    if isinstance(said, str):
        return [said]
    if isinstance(said, Mapping):
        return _texts(said.get("message"))
    if isinstance(said, list):
        return [text for one in said for text in _texts(one)]
    return []
