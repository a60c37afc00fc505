# SPDX-License-Identifier: Apache-2.0
"""How Okta says no, and what a person can do about it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.catalogue import entry_for_answer, entry_for_topic
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
    from collections.abc import Mapping

    from airflow_provider_okta_ure.clients.answers import Refusal

INVALID_SEARCH = "E0000031"
QUERY_TOO_SLOW = "E0000009"
VALIDATION_FAILED = "E0000001"
NOT_IN_THIS_STATUS = "E0000038"
"""The user's status, such as DEPROVISIONED, allows no change of this kind."""

# These mean "you may not" whatever the HTTP status is: 401 for a missing feature, 501 for a read-only group.
_NOT_PERMITTED = ("E0000006", "E0000015", "E0000060", "E0000111")

_CLASSES: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
}
_RESOURCE = re.compile(r"\(([A-Za-z]+)\)\s*$")
_SCOPE = re.compile(r'scope="([^"]*)"')
_CHALLENGE = re.compile(r'\b(?:error|error_description)="([^"]*)"')


class OktaDialect:
    """Okta's rate limit headers, its request id and its two shapes of errors."""

    service = "Okta"
    request_id_header = "X-Okta-Request-Id"

    def window(self, headers: Mapping[str, str]) -> Window | None:
        limit = number_in(headers, "X-Rate-Limit-Limit", of_several=min)
        remaining = number_in(headers, "X-Rate-Limit-Remaining", of_several=min)
        reset, seconds = number_in(headers, "X-Rate-Limit-Reset"), _until_reset(headers)
        if not limit or remaining is None or reset is None or seconds is None or seconds <= 0:
            return None
        return Window(int(limit), int(remaining), seconds, reset)

    def wait_after_429(self, headers: Mapping[str, str]) -> float | None:
        # Okta: a limit of 0 means too many requests at the same moment; its reset is an estimate, often
        # minutes away, while a free place comes back as soon as another request ends.
        if number_in(headers, "X-Rate-Limit-Limit") == 0:
            return retry_after(headers)
        seconds = _until_reset(headers)
        # Okta sends no Retry-After; a gateway in front of it may, and may send nothing else.
        return seconds if seconds is not None and seconds > 0 else retry_after(headers)

    def repeat_headers(self, first_request_id: str, count: int) -> Mapping[str, str]:
        if not first_request_id:
            return {}
        return {"X-Okta-Retry-For": first_request_id, "X-Okta-Retry-Count": str(count)}

    def is_refusal(self, said: Mapping[str, Any]) -> bool:
        return "errorCode" in said

    def error(self, refusal: Refusal) -> ApiError:
        code, summary = _said(refusal)
        topic, remedy = _explained(refusal, code, summary)
        said: dict[str, Any] = {
            "service": self.service,
            "status": refusal.status,
            "code": code,
            "summary": summary,
            "request_id": refusal.cleaned(refusal.headers.get(self.request_id_header)),
            "remedy": remedy,
            "topic": topic,
        }
        if refusal.status == 429:
            return _too_many(refusal, **said)
        resource = _RESOURCE.search(summary) if refusal.status == 404 else None
        return _class(refusal, code)(
            f"Okta refused {refusal.method} {refusal.path}",
            resource=resource[1] if resource else "",
            retry_after=retry_after(refusal.headers),
            **said,
        )


def _until_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to the next window by Okta's own clock; ours may be wrong by minutes."""
    reset, date = number_in(headers, "X-Rate-Limit-Reset"), server_time(headers)
    return None if reset is None or date is None else reset - date + 1


def _too_many(refusal: Refusal, **said: Any) -> RateLimitedError:
    at_once = number_in(refusal.headers, "X-Rate-Limit-Limit") == 0
    what = "too many requests at the same time" if at_once else "the limit of this minute is used up"
    if at_once:
        said |= {"topic": "okta-concurrency", "remedy": ""}
    seconds = OktaDialect().wait_after_429(refusal.headers)
    return RateLimitedError(
        f"Okta refused {refusal.method} {refusal.path}: {what}", retry_after=seconds or 0.0, **said
    )


def _class(refusal: Refusal, code: str) -> type[ApiError]:
    if code in _NOT_PERMITTED:
        return PermissionDeniedError
    if refusal.may_pass:
        return ServerError
    return _CLASSES.get(refusal.status, InvalidRequestError)


def _said(refusal: Refusal) -> tuple[str, str]:
    """Return Okta's code and its sentence, from whichever shape the body has."""
    said = refusal.said
    if "errorCode" in said:
        return refusal.cleaned(said["errorCode"]), refusal.cleaned(_with_causes(said))
    if "err" in said:
        return refusal.cleaned(said["err"]), refusal.cleaned(said.get("description"))
    if "error" in said:
        return refusal.cleaned(said["error"]), refusal.cleaned(said.get("error_description"))
    if refusal.is_html:
        return "", PAGE_FOR_PEOPLE
    return "", refusal.cleaned(said.get("message"))


def _with_causes(said: Mapping[str, Any]) -> str:
    causes = said.get("errorCauses")
    texts = [said.get("errorSummary")] + [
        cause.get("errorSummary")
        for cause in (causes if isinstance(causes, list) else [])
        if isinstance(cause, dict)
    ]
    return "; ".join(text for text in texts if isinstance(text, str) and text)


def _explained(refusal: Refusal, code: str, summary: str) -> tuple[str, str]:
    """Return the catalogue's topic for a refusal, and its remedy where that names something of the answer."""
    challenge = refusal.headers.get("WWW-Authenticate", "")
    scope = _SCOPE.search(challenge)
    entry = entry_for_answer(
        "Okta",
        status=refusal.status,
        code=code,
        said=" ".join([summary, *_CHALLENGE.findall(challenge)]),
        method=refusal.method,
        path=refusal.path,
    )
    if scope and refusal.status == 403:
        # Okta names a scope only when that is what is missing, whatever else it says.
        entry = entry_for_topic("okta-scope")
    if entry is None:
        return "", ""
    return entry.topic, entry.advice(refusal.cleaned(scope[1]) if scope else "")
