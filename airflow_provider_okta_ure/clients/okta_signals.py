# SPDX-License-Identifier: Apache-2.0
"""Risk signals: who may send them to an Okta org, and sending one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.clients.okta_errors import VALIDATION_FAILED
from airflow_provider_okta_ure.clients.okta_groups import OktaGroupCalls
from airflow_provider_okta_ure.clients.okta_wire import WireProvider, provider_body, segment
from airflow_provider_okta_ure.errors import (
    ConfigurationError,
    InvalidRequestError,
    NotFoundError,
    OktaUreError,
    ServerError,
    TransportError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_okta_ure.clients.answers import Answer
    from airflow_provider_okta_ure.core.models import SecurityEventsProvider

PROVIDERS_PATH = "/api/v1/security-events-providers"
PROVIDERS_BUCKET = "/api/v1"
EVENTS_PATH = "/security/api/v1/security-events"

PROVIDER_TYPE = "Netskope"
_COMPACT_JWS = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
TRIES_TO_ENSURE = 3


class OktaSignalCalls(OktaGroupCalls):
    """Security events providers and security event tokens."""

    def list_security_events_providers(self) -> Iterator[SecurityEventsProvider]:
        """Yield all security events providers of the org."""
        for page in self._api.pages(PROVIDERS_PATH, bucket=PROVIDERS_BUCKET, expect=list[WireProvider]):
            for provider in page:
                yield provider.to_provider()

    def get_security_events_provider(self, provider_id: str) -> SecurityEventsProvider:
        """
        Return one security events provider.

        :raises NotFoundError: there is none with this id.
        """
        return self._provider("GET", provider_id)

    def find_security_events_provider(
        self, *, name: str = "", issuer: str = ""
    ) -> SecurityEventsProvider | None:
        """
        Return the security events provider with this issuer, else the one with this name, else None.

        Okta lets neither a name nor an issuer be used twice.
        """
        providers = list(self.list_security_events_providers())
        by_issuer = [provider for provider in providers if issuer and provider.issuer == issuer]
        by_name = [provider for provider in providers if name and provider.name == name]
        return next(iter(by_issuer + by_name), None)

    def create_security_events_provider(
        self,
        name: str,
        *,
        issuer: str = "",
        jwks_url: str = "",
        well_known_url: str = "",
        provider_type: str = PROVIDER_TYPE,
    ) -> SecurityEventsProvider:
        """
        Create a security events provider, active, and return it.

        :param issuer: the ``iss`` of its tokens; together with ``jwks_url``.
        :param jwks_url: where Okta reads its public keys.
        :param well_known_url: where Okta reads both instead.
        :param provider_type: what kind of product it is, for Okta's administrators.
        :raises InvalidRequestError: name or issuer are taken.
        """
        body = provider_body(
            name, provider_type, issuer=issuer, jwks_url=jwks_url, well_known_url=well_known_url
        )
        reply = self._api.call(
            "POST", PROVIDERS_PATH, bucket=PROVIDERS_BUCKET, json=body, expect=WireProvider
        )
        return reply.body.to_provider()

    def update_security_events_provider(
        self,
        provider_id: str,
        name: str,
        *,
        issuer: str = "",
        jwks_url: str = "",
        well_known_url: str = "",
        provider_type: str = PROVIDER_TYPE,
    ) -> SecurityEventsProvider:
        """Replace everything that a security events provider says about itself, and return it."""
        body = provider_body(
            name, provider_type, issuer=issuer, jwks_url=jwks_url, well_known_url=well_known_url
        )
        return self._provider("PUT", provider_id, json=body)

    def activate_security_events_provider(self, provider_id: str) -> SecurityEventsProvider:
        """Let Okta accept its events; one that is active stays active."""
        return self._provider("POST", provider_id, "/lifecycle/activate", repeatable=True)

    def deactivate_security_events_provider(self, provider_id: str) -> SecurityEventsProvider:
        """Let Okta refuse its events; one that is inactive stays inactive."""
        return self._provider("POST", provider_id, "/lifecycle/deactivate", repeatable=True)

    def delete_security_events_provider(self, provider_id: str) -> Answer:
        """Delete a security events provider."""
        path = f"{PROVIDERS_PATH}/{segment(provider_id, 'the id of a security events provider')}"
        return self._api.call("DELETE", path, bucket=PROVIDERS_BUCKET, accepts=(204,)).answer

    def ensure_security_events_provider(
        self,
        name: str,
        *,
        issuer: str = "",
        jwks_url: str = "",
        well_known_url: str = "",
        take_over: bool = False,
    ) -> SecurityEventsProvider:
        """
        Return an active security events provider with just these settings.

        Creates it, or finds ours and updates and reactivates it where it differs; never makes a second one,
        also when somebody else does the same at the same time. Ours is the one with our issuer or our
        well-known URL: one that only has our name belongs to somebody whose signals Okta would refuse from
        then on.

        :param issuer: the ``iss`` of our tokens; with a ``well_known_url``, what the document names.
        :param take_over: one that only has our name may be changed, too.
        :raises ConfigurationError: the one with our name is not ours, name and issuer belong to two
            different providers of the org, or the document at the well-known URL names another issuer.
        """
        wanted = {"issuer": issuer, "jwks_url": jwks_url, "well_known_url": well_known_url}
        provider_body(name, PROVIDER_TYPE, **wanted)
        trouble: OktaUreError | None = None
        for _ in range(TRIES_TO_ENSURE):
            there = self._owner(name, wanted, take_over=take_over)
            try:
                return self._matched(there, name, wanted)
            except (InvalidRequestError, NotFoundError, ServerError, TransportError) as error:
                if not _is_worth_another_look(error, was_there=there is not None):
                    raise
                trouble = error
        # The last try may have made it, or met the one that somebody else made since we looked.
        if (there := self._owner(name, wanted, take_over=take_over)) is not None:
            return self._matched(there, name, wanted)
        raise trouble or UnexpectedAnswerError("Okta neither has nor makes the security events provider.")

    def publish_security_event(self, token: str) -> Answer:
        """
        Hand a signed security event token to Okta (RFC 8935), byte for byte.

        Okta accepts it also when it then ignores it: because it knows its ``jti`` or not its subject.

        :param token: the compact JWS.
        :raises InvalidRequestError: Okta does not accept it; ``code`` is one of RFC 8935's.
        """
        if not _COMPACT_JWS.fullmatch(token):
            raise ConfigurationError(
                "This is not a signed security event token.", remedy="Sign it with `build_risk_change`."
            )
        return self._api.call(
            "POST",
            EVENTS_PATH,
            bucket=EVENTS_PATH,
            body=token.encode("ascii"),
            headers={"Content-Type": "application/secevent+jwt"},
            accepts=(202,),
            # The signature is the credential. Okta ignores a jti it has seen, so it may come twice.
            authorised=False,
            repeatable=True,
            secrets=(token, token.rpartition(".")[2]),
        ).answer

    def _matched(
        self, provider: SecurityEventsProvider | None, name: str, wanted: dict[str, str]
    ) -> SecurityEventsProvider:
        if provider is None:
            provider = self.create_security_events_provider(name, **wanted)
        elif provider.name != name or _differs(provider, wanted):
            provider = self.update_security_events_provider(
                provider.provider_id, name, provider_type=provider.type, **wanted
            )
        if not provider.is_active:
            provider = self.activate_security_events_provider(provider.provider_id)
        _check_issuer(provider, wanted)
        return provider

    def _owner(self, name: str, wanted: dict[str, str], *, take_over: bool) -> SecurityEventsProvider | None:
        """Return the provider that is ours, or that only has our name if it may be taken over."""
        found = [
            provider
            for provider in self.list_security_events_providers()
            if provider.name == name or _is_ours(provider, wanted)
        ]
        if len({provider.provider_id for provider in found}) > 1:
            listed = ", ".join(f"{one.name!r} ({one.provider_id}, issuer {one.issuer})" for one in found)
            raise ConfigurationError(
                f"The name {name!r} and the issuer belong to different security events providers: {listed}.",
                remedy="Use the name of the one with the issuer, or delete one of them in Okta.",
                topic="provider-issuer-taken",
            )
        there = next(iter(found), None)
        if there is not None and not take_over:
            refuse_others(there, issuer=wanted["issuer"], well_known_url=wanted["well_known_url"])
        return there

    def _provider(
        self,
        method: str,
        provider_id: str,
        below: str = "",
        *,
        json: object = None,
        repeatable: bool | None = None,
    ) -> SecurityEventsProvider:
        path = f"{PROVIDERS_PATH}/{segment(provider_id, 'the id of a security events provider')}{below}"
        reply = self._api.call(
            method, path, bucket=PROVIDERS_BUCKET, json=json, repeatable=repeatable, expect=WireProvider
        )
        return reply.body.to_provider()


def refuse_others(provider: SecurityEventsProvider, *, issuer: str, well_known_url: str) -> None:
    """
    Refuse a security events provider that has our name and is somebody else's.

    :raises ConfigurationError: it has neither our issuer nor our well-known URL.
    """
    if _is_ours(provider, {"issuer": issuer, "well_known_url": well_known_url}):
        return
    theirs = f"issuer {provider.issuer!r}" if provider.issuer else f"address {provider.well_known_url!r}"
    ours = f"issuer {issuer!r}" if issuer else f"well-known URL {well_known_url!r}"
    raise ConfigurationError(
        f"The security events provider {provider.name!r} ({provider.provider_id}) belongs to another "
        f"transmitter: it has the {theirs}, and the Okta connection the {ours}. It was left as it is.",
        topic="provider-not-ours",
    )


def _is_ours(provider: SecurityEventsProvider, wanted: dict[str, str]) -> bool:
    return any(wanted[key] and getattr(provider, key) == wanted[key] for key in ("issuer", "well_known_url"))


def _differs(provider: SecurityEventsProvider, wanted: dict[str, str]) -> bool:
    # With a well-known URL Okta fills in issuer and JWKS URL itself.
    keys = ("well_known_url",) if wanted["well_known_url"] else tuple(wanted)
    return any(getattr(provider, key) != wanted[key] for key in keys)


def _check_issuer(provider: SecurityEventsProvider, wanted: dict[str, str]) -> None:
    """Refuse a registration under which Okta would refuse everything we sign."""
    if wanted["issuer"] and provider.issuer and provider.issuer != wanted["issuer"]:
        raise ConfigurationError(
            f"Okta found the issuer {provider.issuer!r} at {wanted['well_known_url'] or 'our address'}, "
            f"and we sign as {wanted['issuer']!r}.",
            remedy="Make the document at the well-known URL and `issuer` in the connection equal.",
        )


def _is_worth_another_look(error: OktaUreError, *, was_there: bool) -> bool:
    """Whether the org may look different now from when we looked."""
    if isinstance(error, InvalidRequestError):
        return _is_taken(error)  # somebody else was faster, or our own lost attempt was
    if isinstance(error, NotFoundError):
        return was_there  # somebody deleted it in between
    return not was_there  # whether it was made is not known; a change was repeated by the client already


def _is_taken(error: InvalidRequestError) -> bool:
    text = error.summary.lower()
    return error.code == VALIDATION_FAILED and ("must be unique" in text or "already exists" in text)
