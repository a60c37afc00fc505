# SPDX-License-Identifier: Apache-2.0
"""What each member of a public RSA key may hold; whatever else stands there is nothing to publish."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

from cryptography import x509

from airflow_provider_okta_ure.clients.answers import clean_text

# RFC 7517 section 4 and RFC 7518 section 4.1, as far as they are for RSA.
_USES = ("sig", "enc")
_OPERATIONS = frozenset(
    ("sign", "verify", "encrypt", "decrypt", "wrapKey", "unwrapKey", "deriveKey", "deriveBits")
)
_ALGORITHM = re.compile(r"[RP]S(?:256|384|512)|RSA1_5|RSA-OAEP(?:-(?:256|384|512))?")
_KEY_ID = re.compile(r"[A-Za-z0-9._~:/@=-]{1,128}")
_SHA1, _SHA256 = re.compile(r"[A-Za-z0-9_-]{27}"), re.compile(r"[A-Za-z0-9_-]{43}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,16384}={0,2}")
_MOST_CERTIFICATES = 5


def not_publishable(key: Mapping[str, Any]) -> list[str]:
    """Return the names of the members whose values are not of the form that the standard gives them."""
    return [name for name, is_right in _FORMS.items() if name in key and not is_right(key[name])]


def _is(pattern: re.Pattern[str]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def is_key_id(value: object) -> bool:
    """Whether a ``kid`` is a name, and nothing that looks like a credential."""
    return _is(_KEY_ID)(value) and clean_text(value) == value


def _are_operations(value: object) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(one, str) and one in _OPERATIONS for one in value)
        and len(set(value)) == len(value)
    )


def _are_certificates(value: object) -> bool:
    return (
        isinstance(value, list) and 1 <= len(value) <= _MOST_CERTIFICATES and all(map(_is_certificate, value))
    )


def _is_certificate(value: object) -> bool:
    """Whether a text is a certificate in DER and base64, with nothing before, behind or between."""
    if not isinstance(value, str) or not _BASE64.fullmatch(value):
        return False
    try:
        x509.load_der_x509_certificate(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        return False
    return True


_FORMS: dict[str, Callable[[object], bool]] = {
    "kid": is_key_id,
    "use": lambda value: isinstance(value, str) and value in _USES,
    "key_ops": _are_operations,
    "alg": _is(_ALGORITHM),
    "x5c": _are_certificates,
    "x5t": _is(_SHA1),
    "x5t#S256": _is(_SHA256),
}
