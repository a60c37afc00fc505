# SPDX-License-Identifier: Apache-2.0
"""Seals, which prove that a task with the secret of a connection has written a record just so."""

from __future__ import annotations

import hashlib
import hmac

import msgspec

VERSION = 1
"""The first part of every seal and of what it is made of, so that a later version can tell its own."""

_LABEL = b"airflow-provider-okta-ure: approvals, version 1"


def derive_key(secret: str) -> bytes:
    """
    Return the key that seals are made with; the secret cannot be computed from it, nor from a seal.

    This is the extract step of HKDF (RFC 5869, section 2.2) with a fixed salt, so that the secret of the
    connection is not used for two purposes.

    >>> derive_key("a secret") == derive_key("a secret"), derive_key("a secret") == derive_key("another")
    (True, False)
    >>> len(derive_key("a secret"))
    32
    """
    return hmac.digest(_LABEL, secret.strip().encode(), "sha256")


def digest_of(content: object) -> str:
    """
    Return the SHA-256 of a value's canonical JSON, in hexadecimal and at full length.

    >>> digest_of({"b": 1, "a": [2]}) == digest_of({"a": [2], "b": 1}), digest_of([1]) == digest_of(["1"])
    (True, False)
    """
    return hashlib.sha256(_canonical(content)).hexdigest()


def seal(key: bytes, content: object) -> str:
    """
    Return the seal of a value: an HMAC-SHA256 of its canonical JSON.

    >>> key = derive_key("a secret")
    >>> is_sealed(key, ["run", "approved", "Eve"], seal(key, ["run", "approved", "Eve"]))
    True
    """
    return f"{VERSION}:{hmac.digest(key, _canonical([VERSION, content]), 'sha256').hex()}"


def is_sealed(key: bytes, content: object, found: str) -> bool:
    r"""
    Whether a seal was made with this key for just this value.

    >>> key, content = derive_key("a secret"), ["run", "approved", "Eve"]
    >>> found = seal(key, content)
    >>> is_sealed(key, ["run", "approved", "Mallory"], found), is_sealed(derive_key("x"), content, found)
    (False, False)
    >>> is_sealed(key, content, ""), is_sealed(key, content, "\u00e9")
    (False, False)
    """
    # As bytes: compare_digest refuses text with letters beyond ASCII, which a database may hold.
    return hmac.compare_digest(seal(key, content).encode(), found.encode("utf-8", "replace"))


def _canonical(content: object) -> bytes:
    return msgspec.json.encode(content, order="sorted")
