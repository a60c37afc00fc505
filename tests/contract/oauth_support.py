"""Service apps, client assertions and DPoP proofs made by hand with PyJWT, right ones unless told otherwise."""

from __future__ import annotations

import functools
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from tests.contract.sandbox_support import Api, b64, private_key

if TYPE_CHECKING:
    import requests

    from airflow_provider_okta_ure.sandbox import Sandbox

TOKEN = "/oauth2/v1/token"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
DROP = object()

_CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


@functools.cache
def ec_key(curve: str = "P-256") -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(_CURVES[curve])


def public_jwk(key: Any, **changes: Any) -> dict[str, Any]:
    """Return the public part of a key, RSA or elliptic curve."""
    algorithm: Any = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
    jwk = json.loads(algorithm.to_jwk(key.public_key()))
    return changed({name: jwk[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in jwk}, changes)


def thumbprint(jwk: dict[str, Any]) -> str:
    needed = {name: jwk[name] for name in ("crv", "e", "kty", "n", "x", "y") if name in jwk}
    return b64(hashlib.sha256(json.dumps(needed, sort_keys=True, separators=(",", ":")).encode()).digest())


def changed(original: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**original, **changes}.items() if value is not DROP}


class Client:
    """A service app of the pretend org, as seen from outside."""

    def __init__(self, sandbox: Sandbox, key: Any = None, *, algorithm: str = "RS256", **app: Any) -> None:
        self.sandbox = sandbox
        self.key = key or private_key(5)
        self.algorithm = algorithm
        jwks = app.pop("jwks", {"keys": [public_jwk(self.key, kid="key-1", use="sig")]})
        self.app = sandbox.okta.add_app(jwks, **app)
        self.proof_key: Any = private_key(6)
        self.api = Api(sandbox.okta_url, {})
        self._made = 0

    @property
    def now(self) -> int:
        return int(self.sandbox.clock.timestamp())

    def number(self) -> int:
        self._made += 1
        return self._made

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        wanted = {
            "iss": self.app.client_id,
            "sub": self.app.client_id,
            "aud": self.sandbox.okta_url + TOKEN,
            "iat": self.now,
            "exp": self.now + 300,
            "jti": f"assertion-{self.number()}",
        }
        return jwt.encode(
            changed(wanted, claims),
            key or self.key,
            algorithm=(header or {}).get("alg", self.algorithm),
            headers={
                name: value for name, value in (header or {"kid": "key-1"}).items() if value is not None
            },
        )

    def proof(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """Return a DPoP proof for the token endpoint; ``htm``, ``htu`` and so on change it."""
        wanted = {
            "htm": "POST",
            "htu": self.sandbox.okta_url + TOKEN,
            "iat": self.now,
            "jti": f"proof-{self.number()}",
        }
        key = key or self.proof_key
        algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        head = changed({"typ": "dpop+jwt", "jwk": public_jwk(key)}, header or {})
        return jwt.encode(changed(wanted, claims), key, algorithm=head.pop("alg", algorithm), headers=head)

    def form(self, **changes: Any) -> dict[str, Any]:
        form = {
            "grant_type": "client_credentials",
            "scope": "okta.groups.read",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": changes.pop("assertion", None) or self.assertion(),
        }
        return changed(form, changes)

    def ask(self, headers: dict[str, str] | None = None, **changes: Any) -> requests.Response:
        """Send a token request."""
        body = urlencode(self.form(**changes))
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
        return self.api.post(TOKEN, data=body, headers=sent)

    def ask_with_proof(self, scope: str = "okta.groups.read", key: Any = None) -> requests.Response:
        """Send a token request with a proof, and once more with the nonce that Okta asks for."""
        first = self.ask({"DPoP": self.proof(key=key)}, scope=scope)
        nonce = first.headers["dpop-nonce"]
        return self.ask({"DPoP": self.proof(key=key, nonce=nonce)}, scope=scope)

    def token(self, scope: str = "okta.groups.read") -> str:
        answer = self.ask_with_proof(scope) if self.app.dpop_required else self.ask(scope=scope)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def get(self, path: str, token: str, scheme: str = "Bearer", **arguments: Any) -> requests.Response:
        return self.call("GET", path, token, scheme, **arguments)

    def call(
        self, method: str, path: str, token: str, scheme: str = "Bearer", **arguments: Any
    ) -> requests.Response:
        headers = {"Authorization": f"{scheme} {token}", **arguments.pop("headers", {})}
        return self.api.request(method, path, headers=headers, **arguments)

    def proof_for(self, method: str, path: str, token: str, **changes: Any) -> str:
        """Return a DPoP proof for a call with an access token."""
        ath = b64(hashlib.sha256(token.encode()).digest())
        claims = {"htm": method, "htu": self.sandbox.okta_url + path.partition("?")[0], "ath": ath, **changes}
        return self.proof(**claims)


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    return answer.status_code, body["error"], body["error_description"]
