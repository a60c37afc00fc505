"""``/api/v1/security-events-providers``: who may send security event tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.errors import invalid, malformed, not_found
from airflow_provider_okta_ure.sandbox.okta.jwks import FetchError
from airflow_provider_okta_ure.sandbox.okta.models import SecurityEventsProvider
from airflow_provider_okta_ure.sandbox.okta.parameters import json_object
from airflow_provider_okta_ure.sandbox.okta.system_log import provider_target
from airflow_provider_okta_ure.sandbox.okta.wire import provider_json

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_PATH = "/api/v1/security-events-providers"
_NAME_TAKEN = "Security Events Provider name must be unique"
_ISSUER_TAKEN = "The provided issuer already exists for this organization."


class ProviderRoutes:
    """The handlers; those that may have to fetch a document take the state's lock themselves."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.add("GET", _PATH, self.read_all)
        router.add("POST", _PATH, async_handler=self.create)
        router.add("GET", _PATH + "/{id}", self.read)
        router.add("PUT", _PATH + "/{id}", async_handler=self.replace)
        router.add("DELETE", _PATH + "/{id}", self.delete)
        router.add("POST", _PATH + "/{id}/lifecycle/activate", self.activate)
        router.add("POST", _PATH + "/{id}/lifecycle/deactivate", self.deactivate)

    def read_all(self, _request: Request) -> Answer:
        """Return all providers; there are no pages."""
        base = self._context.base_url()
        return Answer.json([provider_json(provider, base) for provider in self._state.providers])

    def read(self, request: Request) -> Answer:
        """Return one provider."""
        return self._shown(self._provider(request))

    async def create(self, request: Request) -> Answer:
        """Create a provider; it is ACTIVE at once, and its keys are not fetched yet."""
        name, kind, settings = await self._wanted(request)
        with self._state.lock:
            self._refuse_taken(name, settings[0], None)
            provider = SecurityEventsProvider(self._state.new_provider_id(), name, kind, "ACTIVE", *settings)
            self._state.providers.append(provider)
            self._write("create", provider, request)
            return self._shown(provider)

    async def replace(self, request: Request) -> Answer:
        """Replace everything about a provider but its id and status."""
        with self._state.lock:
            provider = self._provider(request)
        name, kind, settings = await self._wanted(request)
        with self._state.lock:
            self._refuse_taken(name, settings[0], provider)
            provider.name, provider.type = name, kind
            provider.issuer, provider.jwks_url, provider.well_known_url = settings
            self._write("update", provider, request)
            return self._shown(provider)

    def delete(self, request: Request) -> Answer:
        """Delete a provider, whatever its status."""
        provider = self._provider(request)
        self._state.providers.remove(provider)
        self._write("delete", provider, request)
        return Answer(204)

    def activate(self, request: Request) -> Answer:
        """Make a provider ACTIVE; an ACTIVE one stays so."""
        return self._turn(request, "ACTIVE", "activate")

    def deactivate(self, request: Request) -> Answer:
        """Make a provider INACTIVE; no tokens of it are accepted then."""
        return self._turn(request, "INACTIVE", "deactivate")

    def _turn(self, request: Request, status: str, event: str) -> Answer:
        provider = self._provider(request)
        if provider.status != status:
            provider.status = status
            self._write(event, provider, request)
        return self._shown(provider)

    async def _wanted(self, request: Request) -> tuple[str, str, tuple[str, str, str | None]]:
        body = json_object(request)
        name = _text(body, "name", 100)
        kind = _text(body, "type", 255)
        settings = body.get("settings")
        if settings is None:
            raise invalid("settings", "settings: The field cannot be left blank")
        if not isinstance(settings, dict):
            raise malformed()
        if "well_known_url" not in settings:
            issuer, jwks_url = _text(settings, "issuer", 700), self._address(settings, "jwks_url")
            return name, kind, (issuer, jwks_url, None)
        if "issuer" in settings or "jwks_url" in settings:
            raise invalid(
                "settings", "settings: Provide either well_known_url or issuer and jwks_url, not both"
            )
        address = self._address(settings, "well_known_url")
        try:
            issuer, jwks_url = await self._context.keys.well_known(address)
        except FetchError as error:
            raise invalid("well_known_url", f"well_known_url: {error}") from error
        return name, kind, (issuer, jwks_url, address)

    def _address(self, settings: dict[str, Any], name: str) -> str:
        address = _text(settings, name, 1000)
        allowed = ("https://",) if self._context.options.jwks_https_only else ("https://", "http://")
        if not address.startswith(allowed):
            raise invalid(name, f"{name}: The field must be a valid URL")
        return address

    def _refuse_taken(self, name: str, issuer: str, own: SecurityEventsProvider | None) -> None:
        others = [provider for provider in self._state.providers if provider is not own]
        if any(provider.name == name for provider in others):
            raise invalid("name", _NAME_TAKEN)
        if any(provider.issuer == issuer for provider in others):
            raise invalid("issuer", _ISSUER_TAKEN)

    def _provider(self, request: Request) -> SecurityEventsProvider:
        provider = self._state.find_provider(request.arguments[0])
        if provider is None:
            raise not_found(request.arguments[0], "SecurityEventsProvider")
        return provider

    def _shown(self, provider: SecurityEventsProvider) -> Answer:
        return Answer.json(provider_json(provider, self._context.base_url()))

    def _write(self, event: str, provider: SecurityEventsProvider, request: Request) -> None:
        self._state.log.write(
            f"security.events.provider.{event}",
            [provider_target(provider)],
            client_host=request.client_host,
            request_id=request.request_id,
            request_uri=request.path,
        )


def _text(body: dict[str, Any], name: str, longest: int) -> str:
    value = body.get(name)
    if value is None or value == "":
        raise invalid(name, f"{name}: The field cannot be left blank")
    if not isinstance(value, str):
        raise malformed()
    if len(value) > longest:
        raise invalid(name, f"{name}: The field is too long. The maximum length is {longest}.")
    return value
