# SPDX-License-Identifier: Apache-2.0
"""
Which texts of a connection must never be read in a log, in every way they can be written.

Airflow hides a secret as one exact text, the way it is stored. The same secret printed line by line, or
without what somebody pasted around it, or encoded for a header, would pass.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

import msgspec
from airflow.sdk.log import mask_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_okta_ure.clients.auth import OriginAuth
    from airflow_provider_okta_ure.hooks.settings import OktaSettings, TransportSettings

# The label of a PEM block is no secret, and without it no message could name the kind of a key.
_LABEL = re.compile(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
_PRIVATE_PARTS = ("d", "p", "q", "dp", "dq", "qi")


def mask_proxies(settings: TransportSettings) -> None:
    """Hide the passwords of the proxies that a connection, or else the environment, names."""
    for url in (settings.proxy, *getproxies().values()):
        for text in _proxy_texts(url or ""):
            mask_secret(text)


def mask_keys(settings: OktaSettings) -> None:
    """Hide the private keys of a connection, line by line and part by part."""
    for key in (settings.signing_private_key, settings.client_private_key):
        for text in key_texts(key or ""):
            mask_secret(text)


def mask_token(auth: OriginAuth) -> None:
    """Hide the token itself, which may stand in the connection with a scheme or quotes around it."""
    for secret in auth.secrets:
        mask_secret(secret)


def key_texts(key: str) -> Iterator[str]:
    """Yield the lines of a key in PEM, and the private parts of one that is a JWK or a set of them."""
    is_pem = _LABEL.search(key) is not None
    # A form may have turned the line ends of PEM into spaces.
    for line in _LABEL.sub("\n", key).replace("\\n", "\n").splitlines():
        yield from line.split() if is_pem else [line.strip()]
    try:
        said = msgspec.json.decode(key)
    except (msgspec.DecodeError, RecursionError):
        return
    keys = said.get("keys", [said]) if isinstance(said, dict) else []
    for jwk in keys if isinstance(keys, list) else []:
        parts = jwk if isinstance(jwk, dict) else {}
        yield from (parts[name] for name in _PRIVATE_PARTS if isinstance(parts.get(name), str))


def _proxy_texts(url: str) -> Iterator[str]:
    """Yield a proxy's password as it stands in the URL, in clear, and as its header has it."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        name, password = parts.username or "", parts.password or ""
    except ValueError:
        return
    if not password:
        return
    yield password
    yield unquote(password)
    # RFC 7617; what has no Latin-1 is not sent by `requests`, either.
    login = f"{unquote(name)}:{unquote(password)}".encode("latin-1", "replace")
    yield base64.b64encode(login).decode()
