# SPDX-License-Identifier: Apache-2.0
"""Refusals that any call of Okta's management API can meet."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import SERVER_FAILURES, Answer, Chapter, Entry

# Where Okta looks for many things at once; everything else is about one.
_LISTS = (
    "/api/v1/users",
    "/api/v1/groups",
    "/api/v1/groups/*/users",
    "/api/v1/logs",
    "/api/v1/iam/assignees/users",
)

OKTA_API = Chapter(
    anchor="oktas-api",
    title="What Okta's API refuses",
    introduction="The code at the beginning of Okta's sentence (`E00...`) decides; the request id in "
    "brackets is what Okta's support asks for.",
    entries=(
        Entry(
            topic="okta-not-permitted",
            title="Permission denied",
            what="Okta knows the credential, but does not allow this request.",
            why="The admin who made the API token, or the OAuth app, has no admin role that covers the call"
            " or the user or group it is about.",
            remedy="Give the token's owner an admin role, or the app a scope, that covers this call.",
            steps=(
                "An API token has the roles of the admin who made it.",
                "Reading needs a role that may see these users and groups; changing a group needs one that "
                "may manage it, such as Group Administrator.",
                "An OAuth app needs both: the scope, and a role that covers the users and groups.",
            ),
            seen=("E0000006 You do not have permission to perform the requested action", "HTTP 403"),
            answers=(Answer("Okta", code="E0000006"), Answer("Okta", statuses=(403,))),
            reasons=("not_permitted",),
        ),
        Entry(
            topic="okta-feature",
            title="The org does not have this feature",
            what="Okta refuses the call because the org's licence does not include it, whatever the "
            "credential.",
            why="The feature is not bought or not switched on. Okta answers 401 and not 403 in this case.",
            remedy="The org does not have this feature. Okta accepts risk signals only with Identity Engine"
            " and Identity Threat Protection.",
            seen=("E0000015 You do not have permission to access the feature you are requesting",),
            answers=(Answer("Okta", code="E0000015"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-rate-limit",
            title="The rate limit is used up",
            what="Okta takes no more requests of this kind until the next window of a minute begins.",
            why="Other programs use the same limit, or several tasks of ours do. What we use stays within "
            "`rate_limit_share` of what Okta's headers say.",
            remedy="Wait for the next window, lower `rate_limit_share`, or ask for a higher limit.",
            steps=(
                "With `retries` above 0 the task comes back by itself, on Airflow 3.3 just when Okta said.",
                "In Okta: Reports > Rate limits shows who uses what.",
                "An API token may use half of each limit; its share can be raised there.",
            ),
            seen=(
                "E0000047 API call exceeded rate limit due to too many requests.",
                "the limit of this minute is used up",
                "longer than allowed, for our share of Okta's limit",
                "is used up as far as it is ours; its next window begins in",
            ),
            answers=(Answer("Okta", code="E0000047"), Answer("Okta", statuses=(429,))),
            reasons=("rate_limited", "waits_for_rate_limit"),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-concurrency",
            title="Too many requests at the same time",
            what="Okta takes no more requests until some that are under way have ended.",
            why="An org has a limit of simultaneous requests (75 as a rule, 35 for test orgs), for all "
            "programs together. Okta's limit header is 0 in this case.",
            remedy="Use fewer workers.",
            steps=("Lower `workers` of the operator.", "Do not run several such tasks at once: use a pool."),
            seen=("too many requests at the same time",),
        ),
        Entry(
            topic="okta-validation",
            title="Okta does not accept a value",
            what="Okta understood the request and finds a value in it that it does not take.",
            why="The text after the code names the field and what is wrong with it.",
            remedy="The text after the code names the field that Okta does not accept.",
            seen=("E0000001 Api validation failed: ...", "HTTP 400"),
            answers=(Answer("Okta", code="E0000001"), Answer("Okta", statuses=(400,))),
        ),
        Entry(
            topic="okta-malformed",
            title="Okta cannot read the request",
            what="Okta says that the request or its headers are not well-formed.",
            why="Something between us and Okta changed the request, or this package has a fault.",
            remedy="If there is a proxy in between, let it pass requests unchanged; otherwise this is a "
            "fault of this package: please report it.",
            seen=(
                "E0000003 The request body was not well-formed.",
                "E0000018 Bad request. Accept and/or Content-Type headers are likely not set.",
                "E0000021 Bad request. Accept and/or Content-Type headers likely do not match supported "
                "values.",
                "E0000022 The endpoint does not support the provided HTTP method",
                "E0000029 Invalid paging request.",
            ),
            answers=(
                Answer("Okta", code="E0000003"),
                Answer("Okta", code="E0000018"),
                Answer("Okta", code="E0000021"),
                Answer("Okta", code="E0000022"),
                Answer("Okta", code="E0000029"),
                Answer("Okta", statuses=(405, 411, 415)),
            ),
        ),
        Entry(
            topic="okta-wrong-host",
            title="This is not the Okta org",
            what="The host answered, but not as an Okta org does: with a page for people, or a 404 without "
            "a code.",
            why="The host of the connection is a login page, a proxy, the admin console or another site.",
            remedy="Check that the host in the connection is the Okta org itself.",
            seen=("Resource not found", "a page for people instead of an answer", "HTTP 404 without a code"),
            answers=(
                Answer("Okta", statuses=(404,)),
                Answer("Okta", says="a page for people instead of an answer"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-path",
            title="Okta does not have this endpoint",
            what="Okta says that the path does not exist.",
            why="The org is on Classic Engine or an older release, which lacks what was asked for.",
            remedy="Check that the org is on Identity Engine and has the feature that this task uses.",
            seen=("E0000008 The requested path was not found",),
            answers=(Answer("Okta", code="E0000008"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-timeout",
            title="Okta's own query took too long",
            what="Okta gave up on the question itself and answered 500 with E0000009.",
            why="The list or search is too large for one answer, or Okta is disturbed. Lists are asked for "
            "again in smaller pages by then.",
            remedy="Try again later; if it goes on, ask for less at once (a narrower search, a smaller "
            "group).",
            seen=("E0000009 Internal Server Error",),
            answers=tuple(Answer("Okta", code="E0000009", methods=("GET",), path=path) for path in _LISTS),
        ),
        Entry(
            topic="okta-maintenance",
            title="Okta is in maintenance",
            what="Okta answers questions but changes nothing at the moment.",
            why="Okta is in read-only mode, as during maintenance or a failover.",
            remedy="Okta is in maintenance; try again later.",
            seen=("E0000010 Service is in read only mode",),
            answers=(Answer("Okta", code="E0000010"),),
        ),
        Entry(
            topic="okta-refused",
            title="Okta refused it for another reason",
            what="Okta refused the request in a way that this page does not know.",
            why="Okta's own sentence says why, if it sent one.",
            remedy="Read Okta's own sentence; its support can look up the request id.",
            seen=("Okta refused",),
            answers=(Answer("Okta"),),
            reasons=("refused",),
        ),
        Entry(
            topic="okta-server-error",
            title="Okta failed",
            what="Okta answered with a failure of its own (5xx), or wanted the request once more (408, 425), "
            "also when it was asked again.",
            why="Okta or something in front of it is disturbed.",
            remedy="Try again later; if it goes on, look at the service's status page.",
            seen=("HTTP 500", "HTTP 502", "HTTP 503", "HTTP 504", "HTTP 408", "HTTP 425"),
            answers=(
                Answer("Okta", statuses=(*SERVER_FAILURES, 408, 425)),
                Answer("Okta", code="E0000009"),
            ),
            reasons=("server_error",),
        ),
    ),
)
