# SPDX-License-Identifier: Apache-2.0
"""Troubles with being known to Okta as a transmitter, and with the risk signals themselves."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Answer, Chapter, Entry

_PROVIDERS = "/api/v1/security-events-providers**"
_EVENTS = "/security/api/v1/security-events"

TRANSMITTER = Chapter(
    anchor="security-events-provider-and-keys",
    title="Security events provider, keys and JWKS",
    introduction="Okta accepts risk signals only from a security events provider that it knows, and reads "
    "the public key from the address that was registered with it.",
    entries=(
        Entry(
            topic="provider-name-taken",
            title="The name of the security events provider is taken",
            what="Okta has a security events provider of this name already.",
            why="It was created before, here or by another tool, with another issuer or another address of "
            "the key.",
            remedy="Use another name, or delete the other security events provider in Okta: Security > "
            "Device Integrations > Receive shared signals > Actions > Delete.",
            steps=(
                "`OktaSecurityEventsProviderOperator` finds the one that has our issuer and updates it; it "
                "does not make a second one.",
                "To delete one by hand: Okta admin console > Security > Device Integrations > Receive shared "
                "signals > the provider > Actions > Delete.",
            ),
            seen=(
                "Api validation failed: name. Error Causes: [{'errorSummary': 'name: Security Events "
                "Provider name must be unique'}]",
                "Security Events Provider name must be unique",
            ),
            answers=(Answer("Okta", code="E0000001", says="name must be unique"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="provider-not-ours",
            title="The security events provider belongs to another transmitter",
            what="Okta has a security events provider of our name with another issuer. It was left as it is: "
            "with our issuer, Okta would refuse every signal of whoever sends with the other one.",
            why="Another Airflow sends to the same org, say staging and production; or a tool such as "
            "Netskope Cloud Exchange does; or the issuer in the Okta connection was changed.",
            remedy="Set security_events_provider_name in the Okta connection to a name of its own. If nobody "
            "sends with the other issuer any more, set take_over to true once instead.",
            steps=(
                "Two Airflows that send to one org need an issuer and a name each.",
                'Coming from Cloud Exchange, whose provider is called "Netskope Security Events Provider": '
                "leave security_events_provider_name empty to have one beside it. To go on with it, set "
                "`issuer` to the issuer that it has; its JWKS URL is then changed to ours, so stop the "
                "plugin in Cloud Exchange first.",
                "If the issuer in the connection is new and nobody else has the old one, take_over is right.",
            ),
            seen=("belongs to another transmitter",),
            concerns_everybody=True,
        ),
        Entry(
            topic="provider-issuer-taken",
            title="The issuer is taken",
            what="Another security events provider of the org has this issuer.",
            why="Name and issuer must both be unique in an org.",
            remedy="Use the name of the security events provider that has this issuer, or delete it in Okta.",
            seen=(
                "The provided issuer already exists for this organization.",
                "belong to different security events providers",
            ),
            answers=(Answer("Okta", code="E0000001", says="issuer already exists"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="jwks-url-invalid",
            title="The JWKS URL is not valid",
            what="Okta does not accept the address of the public key.",
            why="It is not a whole URL, is too long, or points to a place that Okta does not read from.",
            remedy="Check `jwks_url` (or `well_known_url`): a public https address that anybody can read.",
            steps=(
                "Open the address in a browser on another network: it must show the public key as JSON.",
                "The answer must have the type `application/json`; pages of code hosting sites do not.",
            ),
            seen=(
                "Api validation failed: settings.jwksUrl. Error Causes: [{'errorSummary': "
                "'settings.jwksUrl: Is not a valid URL. Valid example: http://www.okta.com'}]",
            ),
            answers=(
                Answer("Okta", code="E0000001", says="jwksurl"),
                Answer("Okta", code="E0000001", says="jwks_url"),
                Answer("Okta", code="E0000001", says="wellknownurl"),
                Answer("Okta", code="E0000001", says="well_known_url"),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="jwks-unreachable",
            title="The published key cannot be read",
            what="The address of the key set does not answer, or not with a key set.",
            why="The host that serves it is down, is not public, or answers with another content type.",
            remedy="Check the place where the public key is hosted: it must be up, public, and answer with "
            "application/json.",
            steps=(
                "If a script of yours serves the key, see that it is running.",
                "If an Okta Workflow serves it, see that the flow is On and its endpoint public.",
                "`curl -i <jwks_url>` must show status 200, `Content-Type: application/json` and `keys`.",
            ),
            seen=(
                "Unable to establish connection with Okta platform while 'Fetching Key ID'.",
                "Max retries exceeded with url: /jwks",
            ),
            jwks_reasons=("no_answer", "refused", "redirected", "not_trusted"),
            concerns_everybody=True,
        ),
        Entry(
            topic="no-unique-address",
            title="A signal could reach somebody else",
            what="No signal was sent about this user.",
            why="A signal names a user by an e-mail address, and Okta takes it for a login first. The login "
            "of this user is no address, and the e-mail address is missing, or is somebody else's, too.",
            remedy="Give the user a login or an e-mail address of their own in Okta.",
            seen=("somebody else has this user's e-mail address", "can stand in a signal as an address"),
            reasons=("no_unique_address",),
        ),
        Entry(
            topic="never-confirmed",
            title="Okta never took in the signals about a user",
            what="The level was sent several times, Okta answered 202, and its System Log has none of them.",
            why="Okta ignores without a word what it cannot use: the user's login is not the address in the "
            "signal, or the security events provider is not active.",
            remedy="Look at the task that confirms the signals; it says the likely reason. Then raise "
            "most_unconfirmed to send the level again.",
            seen=("and its System Log has none of these signals",),
            reasons=("never_confirmed",),
        ),
        Entry(
            topic="jwks-address",
            title="The address of the published key is not one to read from",
            what="The address leads to a private network or is not https, so it was not read.",
            why="A key that anybody on the way can change proves nothing, and an address inside the network"
            " is not where Okta can read it.",
            remedy="Publish the key by https at an address of the internet.",
            steps=(
                "If the address is right and only this worker sees it inside your network, set "
                "`allow_private_jwks_url` in the connection.",
            ),
            seen=("It was not read.", "is not https: anybody on the way could put another key there."),
            jwks_reasons=("address_forbidden", "not_https"),
            concerns_everybody=True,
        ),
        Entry(
            topic="jwks-malformed",
            title="What is published is not a key set",
            what="The address answers, but not with a document that Okta can use.",
            why="It is a page for people, has another content type, is too large, lacks `keys`, `issuer` or "
            "`jwks_uri`, or names another issuer than the connection.",
            remedy="Publish what `airflow okta-ure keys jwks` prints, as application/json.",
            seen=("so it is no JWKS", "has the content type", "lacks issuer or jwks_uri"),
            jwks_reasons=("content_type", "too_large", "malformed", "issuer_differs"),
            concerns_everybody=True,
        ),
        Entry(
            topic="jwks-key-missing",
            title="The key that signs is not published",
            what="The published key set does not hold the public half of the key that signs.",
            why="The key was changed in one place only, has another key id there, or is marked for "
            "something else. Okta would answer invalid_key or authentication_failed.",
            remedy="Publish what `airflow okta-ure keys jwks --okta-conn-id` prints.",
            seen=("is not among those published at", "is not the one that signs"),
            jwks_reasons=("key_missing", "key_differs"),
            concerns_everybody=True,
        ),
        Entry(
            topic="jwks-private-key",
            title="A private key is published",
            what="The published document shows a private key to everybody.",
            why="The whole key was put there instead of its public half.",
            remedy="Take it down now and make a new key: whoever has read it can sign in your name.",
            steps=(
                "Take the document down.",
                "`airflow okta-ure keys generate` makes a new key; publish what it prints.",
                "Put the new private key into the connection.",
            ),
            seen=("shows a private key to everybody",),
            jwks_reasons=("private_key_published",),
            concerns_everybody=True,
        ),
        Entry(
            topic="provider-invalid",
            title="Okta does not accept the security events provider",
            what="Okta refuses a value of the registration.",
            why="A name has at most 100 characters, an issuer 700, an address 1000; issuer and JWKS URL go "
            "together, or a well-known URL stands alone.",
            remedy="Correct the field that the text after the code names.",
            seen=("Api validation failed: settings",),
            answers=(Answer("Okta", code="E0000001", path=_PROVIDERS),),
            concerns_everybody=True,
        ),
        Entry(
            topic="provider-not-permitted",
            title="Security events providers are not ours to manage",
            what="Okta lets the credential neither read nor change security events providers.",
            why="They are part of Identity Threat Protection; without it super administrators alone can use"
            " them.",
            remedy="Okta accepts risk signals only with Identity Engine and Identity Threat Protection; "
            "managing the provider needs the scope okta.securityEventsProviders.manage or the role "
            "of a super administrator.",
            seen=("E0000006 on /api/v1/security-events-providers",),
            answers=(
                Answer("Okta", code="E0000006", path=_PROVIDERS),
                Answer("Okta", code="E0000015", path=_PROVIDERS),
                Answer("Okta", code="E0000008", path=_PROVIDERS),
            ),
            concerns_everybody=True,
        ),
    ),
)

OKTA_SIGNALS = Chapter(
    anchor="risk-signals",
    title="Risk signals",
    introduction="Okta's answer to a security event token that it does not accept (RFC 8935): status 400, "
    "with a code and a description. A signal that is accepted (202) can still be ignored: when"
    " no user has the login, or when the same signal came before.",
    entries=(
        Entry(
            topic="set-invalid-key",
            title="invalid_key: no matching key",
            what="Okta does not find the key that signed the signal at the address it reads keys from.",
            why="The private key in the connection does not belong to the published public key, its key id "
            "differs, or the key set cannot be read. Okta may remember an old key set for some minutes.",
            remedy="Okta does not find the key id at the provider's JWKS URL: publish the public key there, "
            "reachable from the internet as application/json.",
            steps=(
                "Open the JWKS URL: one of its keys must have the `kid` that the message names.",
                "If not, publish the public half of `signing_private_key`, or set `signing_key_id` to the "
                "published `kid`.",
                "When you change keys, publish the old and the new one together for a while.",
            ),
            seen=("invalid_key No matching key was found in JWKS uri, kid=...",),
            answers=(Answer("Okta", code="invalid_key"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="set-invalid-issuer",
            title="invalid_issuer: Okta does not know who we are",
            what="No active security events provider of the org has our issuer.",
            why="It was never registered, was deactivated or deleted, or its issuer differs in a letter, "
            "such as a slash at the end.",
            remedy="The issuer must be, letter by letter, that of an active security events provider.",
            steps=(
                "Put `OktaSecurityEventsProviderOperator` before the push, or set `ensure_provider=True`.",
                "In Okta: Security > Device Integrations > Receive shared signals: the provider must be "
                "active.",
            ),
            seen=("invalid_issuer",),
            answers=(Answer("Okta", code="invalid_issuer"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="set-invalid-audience",
            title="invalid_audience: the signal is addressed to another org",
            what="Okta finds that the signal is not meant for it.",
            why="The host of the connection is not the org's own URL, such as a custom domain.",
            remedy="The audience must be the org's own URL, not its admin console.",
            seen=("invalid_audience",),
            answers=(Answer("Okta", code="invalid_audience"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="set-authentication-failed",
            title="authentication_failed: the signature does not match",
            what="Okta found a key under our key id, and the signature does not match it.",
            why="The published key has the same key id as ours but is another one.",
            remedy="The signature does not match the published key: "
            "the JWKS must hold the public half of the signing key under its key id.",
            seen=("authentication_failed Could not verify message signature",),
            answers=(Answer("Okta", code="authentication_failed"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="set-payload",
            title="authentication_failed: the payload is not JSON",
            what="Okta could not read what the signal says.",
            why="Something on the way changed the body of the request.",
            remedy="Let no proxy between the worker and Okta change the body of requests.",
            seen=("Invalid payload in security event token, cannot convert to json",),
            answers=(Answer("Okta", code="authentication_failed", says="invalid payload"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="set-invalid-request",
            title="invalid_request: Okta does not accept a claim",
            what="The signal lacks something, or says something that Okta does not take.",
            why="The text names the claim by Okta's own name for it, such as `currentRiskLevel` for "
            "`current_level`.",
            remedy="The text after the code names the claim that Okta does not accept.",
            steps=(
                "`currentRiskLevel`, `previousRiskLevel`: rows need `risk_level`; put "
                "`RiskMapLevelsOperator` before.",
                "Some orgs want a reason: leave `reason_admin` as it is.",
            ),
            seen=(
                "invalid_request Failed claim validation in security event token.",
                "'events.mediationUserRiskChangeEvent.previousRiskLevel': The field cannot be left blank",
                "'events.mediationUserRiskChangeEvent.initiatingEntity': Not one of the allowed values.",
            ),
            answers=(
                Answer("Okta", code="invalid_request"),
                Answer("Okta", code="invalid_request", path=_EVENTS),
                Answer("Okta", code="invalid_request", says="claim validation", path=_EVENTS),
            ),
        ),
        Entry(
            topic="set-access-denied",
            title="access_denied: Okta takes no signals from us",
            what="Okta understood the signal and does not take it from this transmitter.",
            why="The transmitter is not allowed to send signals of this kind (RFC 8935).",
            remedy="Check in Okta that the security events provider is active, and ask Okta's support for "
            "the reason.",
            seen=("access_denied",),
            answers=(Answer("Okta", code="access_denied"),),
            concerns_everybody=True,
        ),
    ),
)
