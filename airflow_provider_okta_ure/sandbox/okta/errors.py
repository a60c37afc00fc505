"""Okta's refusals: the error body of the management API, and the few shapes that differ from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

_SUMMARIES = {
    "E0000003": "The request body was not well-formed.",
    "E0000006": "You do not have permission to perform the requested action",
    "E0000008": "The requested path was not found",
    "E0000009": "Internal Server Error",
    "E0000010": "Service is in read only mode",
    "E0000011": "Invalid token provided",
    "E0000021": "Bad request.  Accept and/or Content-Type headers likely do not match supported values.",
    "E0000015": "You do not have permission to access the feature you are requesting",
    "E0000022": "The endpoint does not support the provided HTTP method",
    "E0000029": "Invalid paging request.",
    "E0000031": "Invalid search criteria.",
    "E0000038": "This operation is not allowed in the user's current status.",
    "E0000047": "API call exceeded rate limit due to too many requests.",
    "E0000060": "Unsupported operation.",
}


class OktaError(Exception):
    """
    A refusal in Okta's words.

    :param status: the HTTP status.
    :param code: Okta's error code.
    :param summary: the error summary; the usual one of this code when left out.
    :param causes: texts for ``errorCauses``.
    :param headers: headers of the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        summary: str | None = None,
        causes: Sequence[str] = (),
        headers: Sequence[tuple[str, str]] = (),
    ) -> None:
        self.status = status
        self.code = code
        self.summary = _SUMMARIES[code] if summary is None else summary
        self.causes = tuple(causes)
        self.headers = tuple(headers)
        super().__init__(f"{status} {code} {self.summary}")

    def answer(self, request_id: str) -> Answer:
        """Return the refusal as an HTTP answer; the error id follows from the request id."""
        body: dict[str, Any] = {
            "errorCode": self.code,
            "errorSummary": self.summary,
            "errorLink": self.code,
            "errorId": "oae" + text_of(22, 0, "error", request_id),
            "errorCauses": [{"errorSummary": cause} for cause in self.causes],
        }
        content_type = ("Content-Type", "application/json")
        return Answer(self.status, msgspec.json.encode(body), [content_type, *self.headers])


def not_found(value: str, kind: str) -> OktaError:
    """Return the 404 that names the missing ``User``, ``UserGroup`` and so on."""
    return OktaError(404, "E0000007", f"Not found: Resource not found: {value} ({kind})")


def invalid(what: str, *causes: str) -> OktaError:
    """Return the 400 for a request that is well-formed but not valid."""
    return OktaError(400, "E0000001", f"Api validation failed: {what}", causes)


def malformed() -> OktaError:
    """Return the 400 for a body that is not JSON, or JSON of the wrong type."""
    return OktaError(400, "E0000003")


def edge_not_found() -> Answer:
    """Return the other 404, which comes from in front of Okta's API and has no error code."""
    return Answer.json({"status": 404, "message": "Resource not found"}, 404)
