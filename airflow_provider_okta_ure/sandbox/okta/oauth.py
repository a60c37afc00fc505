"""``POST /oauth2/v1/token``: access tokens for service apps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.limits import OAUTH_BUCKET
from airflow_provider_okta_ure.sandbox.okta.assertions import authenticate
from airflow_provider_okta_ure.sandbox.okta.callers import AccessToken, ServiceApp
from airflow_provider_okta_ure.sandbox.okta.dpop import check_proof, current_nonce, is_good_nonce
from airflow_provider_okta_ure.sandbox.okta.jose import jwk_of, sign
from airflow_provider_okta_ure.sandbox.okta.oauth_errors import OAuthError
from airflow_provider_okta_ure.sandbox.okta.rsa_keys import rsa_key
from airflow_provider_okta_ure.sandbox.okta.scopes import SCOPES

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.context import OktaContext

_FORM = "application/x-www-form-urlencoded"
_LIFETIME_SECONDS = 3600


class TokenRoutes:
    """The handler; it runs under the state's lock."""

    def __init__(self, context: OktaContext) -> None:
        self._context = context
        self._state = context.state

    def register(self, router: Router) -> None:
        """Add the route."""
        router.add("POST", OAUTH_BUCKET, self.issue)

    def issue(self, request: Request) -> Answer:
        """Answer with an access token, or with what is wrong with the request."""
        noted: dict[str, Any] = {"at": request.at, "request_id": request.request_id}
        self._state.token_requests.append(noted)
        try:
            answer = self._issued(request, noted)
            noted["outcome"] = "issued"
        except OAuthError as error:
            answer = error.answer()
            noted["outcome"], noted["why"] = error.error, error.description
        if "dpop" in request.headers and answer.status in (200, 400):
            answer.headers.append(("dpop-nonce", current_nonce(self._state, request.at)))
        return answer

    def _issued(self, request: Request, noted: dict[str, Any]) -> Answer:
        options = self._context.options
        form = _form(request)
        if form.get("grant_type") != "client_credentials":
            text = "The authorization grant type is not supported by the authorization server."
            configured = "Configured grant types: [client_credentials]."
            raise OAuthError(400, "unsupported_grant_type", f"{text} {configured}")
        app, jti = authenticate(
            form,
            self._state,
            endpoint=self._context.base_url() + OAUTH_BUCKET,
            now=request.at,
            tolerance=options.oauth_iat_max_future_seconds,
            used_secret="client_secret" in form or "authorization" in request.headers,
        )
        noted["client_id"], noted["assertion_jti"] = app.client_id, jti
        scopes = self._granted(form.get("scope", "").split(), app)
        jkt = self._bound_to(request, app)
        noted["scopes"], noted["is_bound"] = list(scopes), jkt is not None
        return self._token(request, app, scopes, jkt)

    def _granted(self, requested: list[str], app: ServiceApp) -> tuple[str, ...]:
        """Return the requested scopes that the app was granted."""
        if not requested:
            raise OAuthError(400, "invalid_scope", "No scopes were requested.")
        if not set(requested) <= set(SCOPES):
            raise OAuthError(
                400,
                "invalid_scope",
                "One or more scopes are not configured for the authorization server resource.",
            )
        granted = tuple(scope for scope in dict.fromkeys(requested) if scope in app.scopes)
        is_partly = bool(granted) and len(granted) < len(set(requested))
        if not granted or (is_partly and self._context.options.partly_granted_scopes == "refuse"):
            raise OAuthError(400, "consent_required", "You are not allowed any of the requested scopes.")
        return granted

    def _bound_to(self, request: Request, app: ServiceApp) -> str | None:
        """Return the thumbprint of the key that the token will be bound to; None: a bearer token."""
        proof = request.headers.get("dpop")
        if proof is None and not app.dpop_required:
            return None
        return check_proof(
            proof,
            self._state,
            method="POST",
            url=self._context.base_url() + OAUTH_BUCKET,
            now=request.at,
            tolerance=self._context.options.oauth_iat_max_future_seconds,
            is_good_nonce=lambda nonce: is_good_nonce(nonce, self._state, request.at),
        )

    def _token(self, request: Request, app: ServiceApp, scopes: tuple[str, ...], jkt: str | None) -> Answer:
        base, issued_at = self._context.base_url(), int(request.at)
        known = AccessToken(app.client_id, scopes, issued_at, issued_at + _LIFETIME_SECONDS, jkt)
        key = rsa_key(self._state.seed, "access token key")
        claims = {
            "ver": 1,
            "jti": "AT." + text_of(40, self._state.seed, "access token", request.request_id),
            "iss": base,
            "aud": base,
            "sub": app.client_id,
            "iat": issued_at,
            "exp": known.expires_at,
            "cid": app.client_id,
            "scp": list(scopes),
            **({"cnf": {"jkt": jkt}} if jkt else {}),
        }
        text = sign({"kid": jwk_of(key.public_key())["kid"], "alg": "RS256"}, claims, key)
        self._state.keep_access_token(text, known)
        return Answer.json(
            {
                "token_type": "DPoP" if jkt else "Bearer",
                "expires_in": _LIFETIME_SECONDS,
                "access_token": text,
                "scope": " ".join(scopes),
            }
        )


def _form(request: Request) -> dict[str, str]:
    if request.media_type != _FORM:
        raise OAuthError(400, "invalid_request", f"The Content-Type of a token request must be {_FORM}.")
    return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
