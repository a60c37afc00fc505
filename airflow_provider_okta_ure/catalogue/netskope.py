# SPDX-License-Identifier: Apache-2.0
"""Refusals of Netskope's REST API v2."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import SERVER_FAILURES, Answer, Chapter, Entry

NETSKOPE = Chapter(
    anchor="netskope",
    title="Netskope",
    introduction="Netskope names no error codes; its HTTP status and its sentence are all there is.",
    entries=(
        Entry(
            topic="netskope-token",
            title="Netskope does not accept the token",
            what="Netskope does not know the token that was sent.",
            why="A token lasts at most a year, and making it anew ends the old one at once.",
            remedy="Check the host and the token of the connection. Regenerating a token in Netskope "
            "ends the old one at once (token rotation): put the new one into the password of the connection.",
            seen=("HTTP 401",),
            answers=(Answer("Netskope", statuses=(401,)),),
            concerns_everybody=True,
        ),
        Entry(
            topic="netskope-not-permitted",
            title="The token may not do this",
            what="Netskope refuses the call with 403.",
            why="The token's service account lacks a role, or the token lacks the endpoint. Netskope "
            "answers an unknown token like this, too.",
            remedy="Give the token's service account a role, or the token the endpoint with read and write, "
            "that covers this call. Netskope answers like this to an unknown token, too.",
            steps=(
                "Settings > Administration > Administrators & Roles: the role of the service account must "
                "cover Behavioral Analytics.",
                "A token of the older kind needs read and write for `incidents/uba/getuci`, "
                "`incidents/users/getuci` and `scim/Users`.",
            ),
            seen=("HTTP 403",),
            answers=(Answer("Netskope", statuses=(403,)),),
            concerns_everybody=True,
        ),
        Entry(
            topic="netskope-wrong-host",
            title="This is not the Netskope tenant",
            what="The host answered, but not as a Netskope tenant does.",
            why="The host of the connection is another site, a proxy or a login page, or the tenant lacks "
            "the endpoint.",
            remedy="Check that the host in the connection is the Netskope tenant itself.",
            seen=("HTTP 404", "a page for people instead of an answer"),
            answers=(
                Answer("Netskope", statuses=(404,)),
                Answer("Netskope", says="a page for people instead of an answer"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="netskope-conflict",
            title="Another program reads the same thing",
            what="Netskope lets only one program at a time read this.",
            why="Another one has begun and has not ended.",
            remedy="Another program reads the same thing at the same time; let it finish.",
            seen=("HTTP 409",),
            answers=(Answer("Netskope", statuses=(409,)),),
        ),
        Entry(
            topic="netskope-invalid",
            title="Netskope does not accept the request",
            what="Netskope understood the request and finds something in it that it does not take.",
            why="Its sentence says what. Requests that are too large are made smaller by themselves.",
            remedy="Netskope's own sentence says what it does not accept; check `users` and `carry_days`.",
            seen=("HTTP 400", "HTTP 413", "Netskope refused"),
            answers=(Answer("Netskope", statuses=(400, 413)), Answer("Netskope")),
        ),
        Entry(
            topic="netskope-rate-limit",
            title="Netskope's rate limit is used up",
            what="Netskope takes no more requests for the moment.",
            why="An endpoint takes about four requests a second, for all programs of the tenant together.",
            remedy="Wait for the next window, lower `rate_limit_share`, or let other programs use the "
            "tenant at another time.",
            seen=("API rate limit exceeded", "longer than allowed, for our share of Netskope's limit"),
            answers=(Answer("Netskope", statuses=(429,)),),
            concerns_everybody=True,
        ),
        Entry(
            topic="netskope-server-error",
            title="Netskope failed",
            what="Netskope answered with a failure of its own, or with success and an error inside.",
            why="Netskope or something in front of it is disturbed.",
            remedy="Try again later; if it goes on, look at the service's status page.",
            seen=('{"status": "error"}', "HTTP 500", "HTTP 502", "HTTP 503", "HTTP 504"),
            answers=(
                Answer("Netskope", statuses=(*SERVER_FAILURES, 501, 408, 425)),
                Answer("Netskope", statuses=tuple(range(200, 300))),
            ),
        ),
    ),
)
