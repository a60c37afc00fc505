# SPDX-License-Identifier: Apache-2.0
"""What is configured to be public, in the section ``[okta_ure]``; no connection is read for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from airflow.configuration import conf

from airflow_provider_okta_ure.clients.hosts import origin_of
from airflow_provider_okta_ure.clients.public_keys import check_published
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.public_keys import PublicJwk

SECTION = "okta_ure"
JWKS_PATH = "/okta-ure/jwks.json"
LONGEST_FILE = 64 * 1024


class NotConfiguredError(Exception):
    """Nothing is published; says which setting would publish it."""


def read_jwks() -> dict[str, list[PublicJwk]]:
    """
    Return the key set to publish; a file is read anew each time, so that a new key needs no restart.

    :raises NotConfiguredError: there is none.
    :raises ConfigurationError: it cannot be read, is no JWKS, or holds a private key.
    """
    file, inline = _setting("jwks_file"), _setting("jwks")
    if file and inline:
        raise ConfigurationError(
            "Both [okta_ure] jwks_file and jwks are set.", remedy="Keep the one that is right."
        )
    if not file and not inline:
        raise NotConfiguredError(
            "No public keys are published here. An administrator can set jwks_file in the section "
            "[okta_ure] of Airflow's configuration."
        )
    return check_published(_decoded(_content(file) if file else inline.encode()))


def read_ssf_configuration() -> dict[str, str]:
    """
    Return who we are and where our keys are, as the Shared Signals Framework writes it.

    :raises NotConfiguredError: no issuer is set, or not where its keys are.
    :raises ConfigurationError: the address of the keys is not one that Okta can read.
    """
    issuer = _setting("issuer")
    if not issuer:
        raise NotConfiguredError(
            "No issuer is published here. An administrator can set issuer in the section [okta_ure] of "
            "Airflow's configuration."
        )
    return {"issuer": issuer, "jwks_uri": _jwks_uri()}


def _jwks_uri() -> str:
    # Never from the request: whoever sends a Host header would choose where Okta reads our keys.
    base_url = _setting("base_url", section="api").rstrip("/")
    address = _setting("jwks_url") or (f"{base_url}{JWKS_PATH}" if base_url else "")
    if not address:
        raise NotConfiguredError(
            "It is not known here where the public keys are. An administrator can set jwks_url in the "
            "section [okta_ure] of Airflow's configuration, or base_url in [api]."
        )
    origin = origin_of(address)
    if origin is None or (origin.scheme != "https" and not origin.is_loopback):
        raise ConfigurationError(
            "The address of the public keys is not an https URL.",
            remedy="Set [okta_ure] jwks_url, or [api] base_url, to one that Okta can reach.",
        )
    return address


def _content(name: str) -> bytes:
    try:
        with Path(name).open("rb") as file:
            content = file.read(LONGEST_FILE + 1)
    except OSError as error:
        raise ConfigurationError(
            f"[okta_ure] jwks_file: {name} cannot be read: {error.strerror}.",
            remedy="Check path and permissions on the machine of the API server.",
        ) from None
    if len(content) > LONGEST_FILE:
        raise ConfigurationError(
            f"[okta_ure] jwks_file: {name} is longer than {LONGEST_FILE // 1024} KiB.",
            remedy="Make it with `airflow okta-ure keys jwks`.",
        )
    return content


def _decoded(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ConfigurationError(
            "What [okta_ure] names as JWKS is not a JSON object.",
            remedy="Make it with `airflow okta-ure keys jwks`; a PEM file is not published.",
        ) from None


def _setting(name: str, section: str = SECTION) -> str:
    return str(conf.get(section, name, fallback="") or "").strip()
