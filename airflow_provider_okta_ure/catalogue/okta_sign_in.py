# SPDX-License-Identifier: Apache-2.0
"""Troubles with the credential at Okta: API tokens, OAuth clients and their proofs."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Answer, Chapter, Entry

_TOKEN = "/oauth2/v1/token"  # noqa: S105  # a path


def _client(*said: str) -> tuple[Answer, ...]:
    return tuple(Answer("Okta", code="invalid_client", says=one.lower()) for one in said)


OKTA_SIGN_IN = Chapter(
    anchor="signing-in-to-okta",
    title="Signing in to Okta",
    introduction="Either with an API token (`auth_method` `ssws`) or as an OAuth 2.0 service app "
    "(`private_key_jwt`).",
    entries=(
        Entry(
            topic="okta-api-token",
            title="Okta does not accept the API token",
            what="Okta does not know the token that was sent.",
            why="A token ends when it is revoked, after 30 days without use, and with the admin who made "
            "it. It may also be limited to networks that the worker is not in, or belong to another "
            "org.",
            remedy="An API token expires after 30 days without use and ends with the admin who made it: "
            "create one, and put it into the password of the connection.",
            steps=(
                "Sign in to Okta with an admin account that is meant for this, not with a person's.",
                "Security > API > Tokens > Create token. Let it be used from the worker's network.",
                "Put the value, and nothing else, into the password of the Airflow connection.",
                "Press Test Connection.",
            ),
            seen=(
                "E0000011 Invalid token provided",
                "E0000004 Authentication failed",
                "Validation error occurred. Error: Authentication failed, check the API Token provided.",
                "HTTP 401",
            ),
            answers=(
                Answer("Okta", code="E0000011"),
                Answer("Okta", code="E0000004"),
                Answer("Okta", statuses=(401,)),
            ),
            reasons=("not_authenticated",),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-access-token",
            title="Okta does not accept the access token",
            what="The OAuth access token was refused although it was fetched afresh.",
            why="The app was deactivated, its access was taken away, or the token belongs to another org.",
            remedy="Check in Okta that the service app is active, and that client id and host belong to the"
            " same org.",
            seen=("invalid_token", "The token has expired."),
            answers=(
                Answer("Okta", code="E0000011", says="invalid_token"),
                Answer("Okta", code="invalid_token"),
                Answer("Okta", says="invalid_token", statuses=(401,)),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-session",
            title="Okta speaks of an invalid session",
            what="Okta answered 403 with E0000005, Invalid session.",
            why="Before release 2025.10.1, calls about a user's risk with the token of an OAuth service app"
            " were answered so.",
            remedy="Use an API token for this connection, or ask Okta for release 2025.10.1 or later.",
            seen=("E0000005 Invalid session",),
            answers=(Answer("Okta", code="E0000005"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-scope",
            title="The OAuth app lacks a scope",
            what="The access token does not contain the scope that this call needs.",
            why="A scope must be granted to the app in Okta before it can be asked for.",
            remedy="Grant the app the scope {scope}.",
            steps=(
                "In Okta: Applications > your service app > Okta API Scopes > Grant.",
                "Groups need `okta.groups.manage` (or `okta.groups.read` for reading), users "
                "`okta.users.read`.",
                "A user's risk needs `okta.userRisk.manage` (or `okta.userRisk.read` for reading).",
                "Security events providers need `okta.securityEventsProviders.manage`, the System Log "
                "`okta.logs.read`, the org's own settings `okta.orgs.read`.",
                "The app needs an admin role as well: a scope alone shows no users.",
            ),
            seen=("insufficient_scope", "The access token provided does not contain the required scopes."),
            answers=(
                Answer("Okta", code="E0000006", says="insufficient_scope"),
                Answer("Okta", code="insufficient_scope"),
                Answer("Okta", says="insufficient_scope"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-scope-not-granted",
            title="No access token, because of the scopes",
            what="Okta's token endpoint gives no token for the scopes that were asked for.",
            why="None of them is granted to the app, or one of them does not exist at this org.",
            remedy="Grant the app its scopes in Okta: Applications > your service app > Okta API Scopes.",
            seen=(
                "consent_required You are not allowed any of the requested scopes.",
                "invalid_scope One or more scopes are not configured for the authorization server resource.",
                "invalid_scope No scopes were requested.",
            ),
            answers=(Answer("Okta", code="consent_required"), Answer("Okta", code="invalid_scope")),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-client-unknown",
            title="Okta does not know the OAuth client",
            what="Okta finds no client with the client id that was sent.",
            why="The client id has a typing error, belongs to another org, or the app was deleted or "
            "deactivated.",
            remedy="Copy the client id of the service app into the login of the connection, and check that "
            "the host is the same org.",
            seen=(
                "invalid_client The issuer claim for client_assertion is not a valid client_id.",
                "invalid_client The subject claim for client_assertion is not a valid client_id.",
            ),
            answers=(
                *_client("is not a valid client_id"),
                Answer("Okta", code="invalid_client"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-key-unknown",
            title="The key does not belong to the OAuth client",
            what="The signature of our client assertion does not match a public key of the app.",
            why="The app has another public key, the key id differs, or the key was rotated in one place "
            "only.",
            remedy="Add the public half of `client_private_key` to the app in Okta, under the same key id.",
            steps=(
                "In Okta: Applications > your service app > General > Client Credentials > Public keys.",
                "Add the public key as a JWK. Keep the old one until every worker has the new private key.",
            ),
            seen=(
                "invalid_client The client_assertion signature is invalid.",
                "invalid_client The client_assertion JWT kid is invalid.",
            ),
            answers=_client("signature is invalid", "kid is invalid"),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-clock",
            title="The worker's clock is wrong",
            what="Okta finds that our client assertion or proof is expired, or valid for too long.",
            why="The clock of the worker is minutes away from Okta's.",
            remedy="Set the worker's clock by NTP.",
            seen=(
                "invalid_client The client_assertion token is expired.",
                "invalid_client The client_assertion token has an expiration too far into the future.",
                "invalid_dpop_proof The DPoP proof JWT is issued more than five minutes in the past.",
            ),
            answers=(
                *_client("token is expired", "too far into the future"),
                Answer("Okta", code="invalid_dpop_proof", says="five minutes in the past"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-replayed",
            title="Okta has seen this proof before",
            what="Okta refuses an assertion or proof because one with the same id was used already.",
            why="Something between the worker and Okta sends requests twice, or two workers make the same "
            "ids.",
            remedy="Try again; if it goes on, look for a proxy that repeats requests.",
            seen=(
                "invalid_client The client_assertion token has already been used.",
                "invalid_dpop_proof The DPoP proof JWT has already been used.",
            ),
            answers=(
                *_client("already been used"),
                Answer("Okta", code="invalid_dpop_proof", says="already been used"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-audience",
            title="Our assertion is addressed to another endpoint",
            what="Okta finds that the client assertion is not meant for the endpoint it was sent to.",
            why="The host of the connection is another name of the org, such as a custom domain behind a "
            "proxy that rewrites it.",
            remedy="Set the host of the connection to the very URL by which Okta knows itself.",
            seen=(
                "invalid_client The audience claim for client_assertion must be the endpoint invoked for "
                "the request.",
            ),
            answers=_client("audience claim"),
            concerns_everybody=True,
        ),
        Entry(
            topic="oauth-method",
            title="The app does not sign in with a key",
            what="Okta wants the app to prove who it is in another way, or finds no proof at all.",
            why="The app was created for another kind of sign-in: Okta's org server takes client "
            "credentials by private_key_jwt only.",
            remedy="Create the app as API Services, with client authentication by public key / private key.",
            seen=(
                "invalid_client Client Credentials requests to the Org Authorization Server must use the "
                "private_key_jwt token_endpoint_auth_method.",
                "invalid_client No client credentials found.",
                "invalid_client The parsing of the client_assertion failed.",
                "invalid_request The client_assertion_type is invalid.",
                "unsupported_grant_type",
                "unauthorized_client",
            ),
            answers=(
                *_client("private_key_jwt", "no client credentials found", "parsing of the client_assertion"),
                Answer("Okta", code="invalid_request", path=_TOKEN),
                Answer("Okta", code="unsupported_grant_type"),
                Answer("Okta", code="unauthorized_client"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="dpop-required",
            title="The app requires DPoP",
            what="Okta wants a proof of possession (DPoP) with every request, and one was missing.",
            why="New service apps have Require DPoP switched on.",
            remedy="Let the connection use DPoP, or switch off Require Demonstrating Proof of Possession "
            "(DPoP) in the app.",
            seen=(
                "invalid_dpop_proof The DPoP proof JWT header is missing.",
                "The resource request requires a DPoP proof.",
                "The resource request must use the DPoP authentication scheme when using a DPoP bound token.",
            ),
            answers=(
                Answer("Okta", code="invalid_dpop_proof", says="header is missing"),
                Answer("Okta", code="invalid_request", says="dpop"),
                Answer("Okta", says="requires a dpop proof"),
                Answer("Okta", says="must use the dpop authentication scheme"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="dpop-proof",
            title="Okta does not accept the DPoP proof",
            what="The proof of possession does not fit the request that it came with.",
            why="Its address (`htu`) or method (`htm`) differ from what Okta saw: a proxy or a custom domain "
            "rewrites requests.",
            remedy="Set the host of the connection to the very URL by which Okta knows itself, and let no "
            "proxy rewrite requests.",
            seen=("invalid_dpop_proof", "'htu' claim", "'htm' claim"),
            answers=(Answer("Okta", code="invalid_dpop_proof"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="dpop-nonce",
            title="Okta asks for a nonce again and again",
            what="Okta wants a nonce of its own in the DPoP proof, and goes on asking after it was given.",
            why="It asks once as a matter of course. It goes on when something between the worker and Okta "
            "takes the `dpop-nonce` header away.",
            remedy="Let the proxy between the worker and Okta pass the headers DPoP and DPoP-Nonce.",
            seen=("use_dpop_nonce Authorization server requires nonce in DPoP proof.",),
            answers=(Answer("Okta", code="use_dpop_nonce"),),
            concerns_everybody=True,
        ),
    ),
)
