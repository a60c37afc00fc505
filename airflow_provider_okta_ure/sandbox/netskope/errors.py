"""Netskope's refusals."""

from __future__ import annotations

from airflow_provider_okta_ure.sandbox.http import Answer

_MESSAGES = {
    400: "Bad request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Concurrency conflict: another client reads this index",
    429: "API rate limit exceeded",
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Gateway timeout",
}


class NetskopeError(Exception):
    """
    A refusal in Netskope's words.

    :param status: the HTTP status.
    :param message: the text of the body; the usual one of this status when left out.
    """

    def __init__(self, status: int, message: str | None = None) -> None:
        self.status = status
        self.message = message or _MESSAGES.get(status, "Error")
        super().__init__(f"{status} {self.message}")

    def answer(self) -> Answer:
        """Return the refusal as an HTTP answer."""
        return Answer.json({"message": self.message}, self.status)
