# SPDX-License-Identifier: Apache-2.0
"""How a request is refused: what is wrong, and what to do; never what is inside."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from airflow_provider_okta_ure.errors import ActionLogError, BusyError, ConfigurationError
from airflow_provider_okta_ure.plugin.answers import json_answer
from airflow_provider_okta_ure.plugin.exports import EXPORTS, EXPORTS_OF_ONE, TooManyExportsError
from airflow_provider_okta_ure.plugin.store import NoActionLogError

if TYPE_CHECKING:
    from fastapi import Request, Response

log = logging.getLogger(__name__)

RETRY_AFTER = "5"
"""Seconds after which somebody is asked to come back; most of what keeps the database busy is over then."""
EXPORT_RETRY_AFTER = "30"

_REMEDIES = {
    400: "Correct the request.",
    401: "Sign in to Airflow.",
    403: "Ask an Airflow administrator for permission to see plugins, and to read the DAG and its task logs.",
    404: "Check the address.",
    405: "Use GET: nothing here can be changed.",
    422: "Correct the request.",
}


def described(description: str) -> dict[str, Any]:
    """Return what a route's OpenAPI says of a refusal; ``state`` is for a view of its own on the page."""
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {"detail": text, "remedy": text, "state": text},
        "required": ["detail", "remedy"],
        "additionalProperties": False,
    }
    return {"description": description, "content": {"application/json": {"schema": schema}}}


RESPONSES: dict[int | str, dict[str, Any]] = {
    401: described("Not signed in."),
    403: described("The signed-in user does not have permission to see plugins."),
    400: described("A parameter has a value that nothing can be found for; the detail names it."),
    422: described("A parameter is wrong; the detail names it."),
    404: described("There is no action log yet."),
    503: described("The action log cannot be read, or is busy: then Retry-After says when to try again."),
}
"""How any of the routes for the page can refuse."""


def refuse(request: Request, error: Exception) -> Response:
    """Return the answer to a request that is refused, as the page reads it."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else ""
    answer = json_answer({"detail": detail, "remedy": _REMEDIES.get(status, "")}, status)
    for name, value in (getattr(error, "headers", None) or {}).items():
        answer.headers[name] = value
    return answer


def refuse_parameters(request: Request, error: Exception) -> Response:
    """Return which parameter is wrong, without its value."""
    problems = error.errors() if isinstance(error, RequestValidationError) else []
    said = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in problems)
    return json_answer({"detail": said or "The request is not valid.", "remedy": _REMEDIES[422]}, 422)


def no_action_log(request: Request, error: Exception) -> Response:
    """Return that there is no action log yet."""
    return json_answer(
        {
            "detail": "Nothing is recorded yet: the first task that acts creates the action log.",
            "remedy": "Trigger a DAG with operators of this package, such as okta_risk_sync. If one has run "
            "already, look at the connection okta_ure_action_log of the API server.",
            "state": "no_action_log",
        },
        # Nothing is wrong with the server.
        404,
    )


def wrong_place(request: Request, error: Exception) -> Response:
    """Return that it is not known here where the action log is."""
    log.error("The action log cannot be read: %s", error)
    return _unavailable("misconfigured", _first_line(error), getattr(error, "remedy", ""))


def unreachable(request: Request, error: Exception) -> Response:
    """Return that the action log cannot be read; where it is stands in the log of the API server alone."""
    log.error("The action log cannot be read: %s", error)
    return _unavailable(
        "unreachable",
        "The action log cannot be read.",
        "The log of Airflow's API server says why. An administrator can look at the connection "
        "okta_ure_action_log and its database.",
    )


def busy(request: Request, error: Exception) -> Response:
    """Return that the database, or the page, has too much to do just now."""
    log.warning("A request was not answered: %s", error)
    answer = _unavailable(
        "busy", "The database or this page has too much to do just now.", getattr(error, "remedy", "")
    )
    answer.headers["Retry-After"] = RETRY_AFTER
    return answer


def too_many_exports(request: Request, error: Exception) -> Response:
    """Return that others have to end first."""
    answer = json_answer(
        {
            "detail": f"Too many exports are running: {EXPORTS_OF_ONE} per person and {EXPORTS} in all may.",
            "remedy": "Try again when one of them has ended.",
        },
        429,
    )
    answer.headers["Retry-After"] = EXPORT_RETRY_AFTER
    return answer


def broken(request: Request, error: Exception) -> Response:
    """Return that we made a mistake; Airflow's log has the traceback."""
    return json_answer(
        {
            "detail": "This page of the provider failed.",
            "remedy": "The log of Airflow's API server says why. Please report it.",
        },
        500,
    )


def _unavailable(state: str, detail: str, remedy: str) -> Response:
    return json_answer({"detail": detail, "remedy": remedy, "state": state}, 503)


def _first_line(error: Exception) -> str:
    return str(getattr(error, "message", error)).splitlines()[0]


HANDLERS: dict[int | type[Exception], Any] = {
    HTTPException: refuse,
    RequestValidationError: refuse_parameters,
    NoActionLogError: no_action_log,
    ConfigurationError: wrong_place,
    ActionLogError: unreachable,
    BusyError: busy,
    TooManyExportsError: too_many_exports,
    Exception: broken,
}
