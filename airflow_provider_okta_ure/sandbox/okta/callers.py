"""Who may call the pretend Okta: API tokens, service apps with their keys, and the access tokens they got."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.okta.jose import PRIVATE_MEMBERS, JoseError, jwk_of, public_key
from airflow_provider_okta_ure.sandbox.okta.rsa_keys import rsa_key
from airflow_provider_okta_ure.sandbox.okta.scopes import SCOPES, checked

if TYPE_CHECKING:
    import threading

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_MOST_KEYS = 50
_APP_STATUSES = ("ACTIVE", "INACTIVE")


@dataclass(slots=True)
class ApiToken:
    """
    An API token.

    ``permissions`` says in the words of scopes what the administrator behind it may do; None: everything.
    """

    text: str = field(repr=False)
    permissions: frozenset[str] | None = None


@dataclass(slots=True)
class ServiceApp:
    """
    A service app: what signs in with OAuth 2.0 client credentials.

    ``scopes`` are the granted ones; ``role_permissions`` says, in the same words, what its administrator
    roles allow (None: everything). ``keys`` returns its public keys.
    """

    client_id: str
    name: str
    keys: Callable[[], tuple[dict[str, Any], ...]] = field(repr=False)
    scopes: frozenset[str]
    dpop_required: bool = True
    role_permissions: frozenset[str] | None = None
    status: str = "ACTIVE"


@dataclass(slots=True)
class AccessToken:
    """An access token that was handed out; ``jkt`` is the thumbprint of the DPoP key it is bound to."""

    client_id: str
    scopes: tuple[str, ...]
    issued_at: int
    expires_at: int
    jkt: str | None = None
    is_revoked: bool = False


class Callers:
    """
    The part of the org that knows who may call it; every method can be called from any thread.

    :param seed: where tokens, client ids and the default app's key come from.
    :param lock: held during every change.
    """

    def __init__(self, seed: int, lock: threading.RLock) -> None:
        self.seed = seed
        self.lock = lock
        self.token = "00" + text_of(40, seed, "okta token")
        self.forget_callers()

    def forget_callers(self) -> None:
        """Go back to the default API token and the default service app."""
        self.more_tokens: dict[str, ApiToken] = {}
        self._tokens_made = 0
        self.apps: dict[str, ServiceApp] = {}
        self.access_tokens: dict[str, AccessToken] = {}
        self.used_assertions: set[tuple[str, str]] = set()
        self._used_proofs: dict[tuple[str, str], float] = {}
        self.nonces_renewed = 0
        #: Every request for an access token: when, whose, how it ended, with which jti and proof.
        self.token_requests: list[dict[str, Any]] = []
        default = self.add_app(name="Airflow")
        self.client_id = default.client_id

    # --- API tokens

    def rotate_token(self) -> str:
        """Revoke the default API token and return the new one."""
        with self.lock:
            self.token = "00" + text_of(40, self.seed, "okta token", self.token)
            return self.token

    def add_token(self, permissions: Iterable[str] | None = None) -> str:
        """
        Return another API token.

        :param permissions: what the administrator behind it may do, in the words of scopes
            (``okta.groups.manage``; ``manage`` includes ``read``); None: everything.
        """
        allowed = None if permissions is None else checked(permissions)
        with self.lock:
            self._tokens_made += 1
            text = "00" + text_of(40, self.seed, "okta token", "number", self._tokens_made)
            self.more_tokens[text] = ApiToken(text, allowed)
            return text

    def revoke_token(self, text: str) -> None:
        """Revoke an API token made by :meth:`add_token`; KeyError when there is none."""
        with self.lock:
            del self.more_tokens[text]

    def find_token(self, text: str) -> ApiToken | None:
        """Return the API token with this text, or None."""
        return ApiToken(text) if text == self.token else self.more_tokens.get(text)

    # --- service apps

    @property
    def client_private_key(self) -> RSAPrivateKey:
        """The key of the default service app: the same for the same seed."""
        return rsa_key(self.seed, "client key")

    def client_private_key_pem(self) -> str:
        """Return the key of the default service app as PEM (PKCS#8)."""
        pem = self.client_private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem.decode()

    def add_app(
        self,
        jwks: Mapping[str, Any] | None = None,
        scopes: Iterable[str] | None = None,
        *,
        dpop_required: bool = True,
        role_permissions: Iterable[str] | None = None,
        name: str = "Service app",
    ) -> ServiceApp:
        """
        Add a service app and return it.

        :param jwks: its public keys, ``{"keys": [...]}``; the default app's key when left out.
        :param scopes: the scopes granted to it; all the pretend org knows when left out.
        :param dpop_required: whether its token requests need a DPoP proof, as with every new app in Okta.
        :param role_permissions: what its administrator roles allow, in the words of scopes; None: everything.
        """
        _check_is_bool(dpop_required)
        keys = self._default_keys if jwks is None else _fixed(_checked_keys(jwks))
        granted = frozenset(SCOPES) if scopes is None else checked(scopes)
        allowed = None if role_permissions is None else checked(role_permissions)
        with self.lock:
            client_id = "0oa" + text_of(17, self.seed, "app", len(self.apps))
            app = ServiceApp(client_id, name, keys, granted, dpop_required, allowed)
            self.apps[client_id] = app
            return app

    def change_app(self, client_id: str, **changes: Any) -> ServiceApp:
        """
        Change jwks, scopes, dpop_required, role_permissions, name or status of an app and return it.

        Access tokens it already has keep their scopes; of an INACTIVE app they are refused.
        """
        unknown = changes.keys() - {"jwks", "scopes", "dpop_required", "role_permissions", "name", "status"}
        if unknown:
            raise ValueError(f"An app has no {', '.join(sorted(unknown))} that could be changed.")
        if changes.get("status", "ACTIVE") not in _APP_STATUSES:
            raise ValueError(f"status is one of {', '.join(_APP_STATUSES)}, not {changes['status']!r}.")
        _check_is_bool(changes.get("dpop_required", True))
        if "jwks" in changes:
            changes["keys"] = _fixed(_checked_keys(changes.pop("jwks")))
        for field_name in ("scopes", "role_permissions"):
            if changes.get(field_name) is not None:
                changes[field_name] = checked(changes[field_name])
        with self.lock:
            app = self.apps[client_id]
            for field_name, value in changes.items():
                setattr(app, field_name, value)
            return app

    def deactivate_app(self, client_id: str) -> None:
        """Make an app INACTIVE; KeyError when there is none."""
        self.change_app(client_id, status="INACTIVE")

    # --- access tokens

    def revoke_access_tokens(self, client_id: str | None = None) -> int:
        """Revoke the access tokens of an app, or of all, and return how many that were."""
        with self.lock:
            found = [
                token
                for token in self.access_tokens.values()
                if client_id in (None, token.client_id) and not token.is_revoked
            ]
            for token in found:
                token.is_revoked = True
            return len(found)

    def keep_access_token(self, text: str, token: AccessToken) -> None:
        """Remember an access token, by its hash."""
        self.access_tokens[_hash(text)] = token

    def find_access_token(self, text: str) -> AccessToken | None:
        """Return what is known of an access token, or None."""
        return self.access_tokens.get(_hash(text))

    def use_up_proof(self, jkt: str, jti: str, until: float, now: float) -> bool:
        """
        Remember a DPoP proof and return whether it is the first use.

        :param until: when the proof is too old anyway, so that it can be forgotten.
        """
        while self._used_proofs and next(iter(self._used_proofs.values())) < now:
            self._used_proofs.pop(next(iter(self._used_proofs)))
        is_first = (jkt, jti) not in self._used_proofs
        self._used_proofs.setdefault((jkt, jti), until)
        return is_first

    def renew_dpop_nonce(self) -> None:
        """Make all DPoP nonces invalid that were given out so far."""
        with self.lock:
            self.nonces_renewed += 1

    def _default_keys(self) -> tuple[dict[str, Any], ...]:
        return (jwk_of(self.client_private_key.public_key()),)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _check_is_bool(dpop_required: object) -> None:
    if not isinstance(dpop_required, bool):
        raise TypeError(f"dpop_required is true or false, not {dpop_required!r}.")


def _fixed(keys: tuple[dict[str, Any], ...]) -> Callable[[], tuple[dict[str, Any], ...]]:
    return lambda: keys


def _checked_keys(jwks: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the public keys of a JWKS; ValueError for everything that Okta would not take as one."""
    keys = jwks.get("keys")
    if not isinstance(keys, list) or not 1 <= len(keys) <= _MOST_KEYS:
        raise ValueError(f"An app has a JWKS of 1 to {_MOST_KEYS} keys: {{'keys': [...]}}.")
    for key in keys:
        if not isinstance(key, dict):
            raise TypeError("Every key of a JWKS is an object.")
        if key.keys() & PRIVATE_MEMBERS:
            raise ValueError("This JWKS holds a private key; give the app the public part only.")
        try:
            public_key(key)
        except JoseError as error:
            raise ValueError(f"A key of this JWKS cannot be used: {error}.") from error
    if len(keys) > 1 and len({key.get("kid") for key in keys} - {None}) < len(keys):
        raise ValueError("Several keys need a kid each, and each its own.")
    return tuple(dict(key) for key in keys)
