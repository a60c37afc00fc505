"""Refusals in the shape of OAuth 2.0 (RFC 6749 section 5.2), as the token endpoint gives them."""

from __future__ import annotations

from airflow_provider_okta_ure.sandbox.http import Answer


class OAuthError(Exception):
    """
    A refusal of OAuth 2.0.

    :param status: the HTTP status.
    :param error: the error code.
    :param description: what is wrong, in Okta's words.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{status} {error}: {description}")
        self.status = status
        self.error = error
        self.description = description

    def answer(self) -> Answer:
        """Return the refusal as an HTTP answer."""
        return Answer.json({"error": self.error, "error_description": self.description}, self.status)


def invalid_client(description: str) -> OAuthError:
    """Return the 401 for a client that did not prove who it is."""
    return OAuthError(401, "invalid_client", description)
