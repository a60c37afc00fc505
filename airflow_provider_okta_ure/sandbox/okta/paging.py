"""Opaque cursors and the Link headers that carry them."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import quote_plus

_KEY = b"cursors are opaque"


class CursorError(ValueError):
    """An ``after`` that this list never handed out."""


def encode_cursor(purpose: str, position: str) -> str:
    """Return the cursor for a position in a list; it is of no use in another list."""
    payload = position.encode()
    return base64.urlsafe_b64encode(_seal(purpose, payload) + payload).decode().rstrip("=")


def decode_cursor(purpose: str, cursor: str) -> str:
    """
    Return the position a cursor stands for.

    :raises CursorError: when it is not one of this list's cursors.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise CursorError("Invalid cursor.") from error
    if raw[:6] != _seal(purpose, raw[6:]):
        raise CursorError("Invalid cursor.")
    return raw[6:].decode()


def link(base: str, path: str, parameters: dict[str, str | None], relation: str) -> tuple[str, str]:
    """Return one Link header; parameters that are None are left out."""
    given = [f"{name}={quote_plus(value)}" for name, value in parameters.items() if value is not None]
    query = "?" + "&".join(given) if given else ""
    return ("Link", f'<{base}{path}{query}>; rel="{relation}"')


def _seal(purpose: str, payload: bytes) -> bytes:
    return hashlib.blake2b(purpose.encode() + b"\0" + payload, digest_size=6, key=_KEY).digest()
