"""Answers that no service gives: bytes on the wire, made of odd statuses, headers, bodies and framings by chance."""

from __future__ import annotations

import gzip
import json
import random
import zlib
from collections.abc import Callable, Sequence
from typing import Any

STATUSES = (
    "200", "200", "200", "200", "201", "202", "204", "206", "299",
    "301", "302", "304", "307", "400", "400", "401", "401", "403", "403", "404", "404", "408", "409", "413", "414",
    "418", "425", "429", "429", "431", "500", "501", "502", "503", "503", "504", "599", "999",
    "101", "103", "099", "-1", "0", "20O", "", "2000",
)  # fmt: skip

_URLS = (
    "http://[x]/", "http://[::1", "http://[::1]:99999/", "http://[v1.x]/", "http://\xff/", "\xff", "\xc3\x28", "//[",
    "http://%zz/", "http://a:b:c/", "http://a\x00b/", "/", "", "?", "#", "\\\\evil", "javascript:x", "http://[fe80::1%25]/",
    "https://user:pw@evil.example/", "/api/v1/users?after=\xe4", "/api/v1/users?after=%", "http://" + "a" * 3000,
    "http://xn--/", "http://\u00ad/".encode().decode("latin-1"), "/" + "%2e%2e/" * 500,
)  # fmt: skip
_NUMBERS = (
    "0", "1", "-1", "1e5", "nan", "inf", "0x10", "9" * 15, "9" * 16, "9" * 400, "9" * 5000, " ", "", "1,2", "1, x", ",",
    "\xb2", "\u0663".encode().decode("latin-1"), "1.5", "+3", "1_000", "600, 600",
)  # fmt: skip
_DATES = (
    "Mon, 23 Nov 2026 03:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 -1200", "Mon, 01 Jan 0001 00:00:00 +1400", "Mon, ",
    "Mon, 99 Foo 2026 99:99:99 GMT", "Mon, 01 Jan 2026", "Mon, 01 Jan 99999999999 00:00:00 GMT", "Mon Nov 23 03:00:00 2026",
    "Mon, 23 Nov 2026 03:00:00 -0000", "Mon, 01 Jan 0001 00:00:00 -0000", "Mon, 23 Nov 2026 03:00:00 +9999", "Mon, " + "1" * 5000,
    "Mon, 23 Nov 2026 03:00:00 +99999999999999999999", "Mon, 1 1 1 1 1", "Mon, \xff", "Mon, 23 Nov 1 03:00:00 GMT",
    "Mon, 23 Nov 2026 3:0 GMT", "Mon, : : :", "Mon, 23 Nov 2026 03.00.00 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
)  # fmt: skip

HEADERS: dict[str, tuple[str, ...]] = {
    "Link": (
        *(f'<{url}>; rel="next"' for url in _URLS),
        *(f"<{url}>; rel=next" for url in _URLS[:6]),
        "<",
        "<>",
        "<>; rel=next",
        "<<>>; rel=next",
        '<a>; rel="',
        "<" * 5000,
        "<a>" + '; a="' * 3000,
        "<a>" + ";" * 6000,
        "<" + "a" * 9000 + "; rel=next",
    ),
    "Location": _URLS,
    "Retry-After": (*_NUMBERS, *_DATES),
    "Date": _DATES,
    "X-Rate-Limit-Limit": _NUMBERS,
    "X-Rate-Limit-Remaining": _NUMBERS,
    "X-Rate-Limit-Reset": (*_NUMBERS, *_DATES[:3]),
    "RateLimit-Limit": _NUMBERS,
    "RateLimit-Remaining": _NUMBERS,
    "RateLimit-Reset": _NUMBERS,
    "Content-Type": (
        "application/json; charset=\xff",
        "application/json; charset=utf-7",
        "text/html",
        "text/plain; charset=nosuch",
        'application/json; charset="',
        ";",
        "",
        'multipart/mixed; boundary="',
        "application/json" + ";a=b" * 2000,
        "application/json; charset*=utf-8''%ff",
        "application/json",
        "\x00",
    ),
    "Content-Encoding": (
        "gzip",
        "gzip, gzip",
        "x-gzip",
        "identity",
        "identity, gzip",
        "br",
        "zstd",
        "deflate",
        "compress",
        "gzip,",
        ",",
        "\xff",
        "GZIP",
        "gzip;q=1",
        "gzip" + ", gzip" * 500,
        "utf-8",
    ),
    "Transfer-Encoding": ("chunked", "gzip, chunked", "chunked, chunked", "identity", "\xff", "CHUNKED", ""),
    "Content-Length": (
        "0",
        "1",
        "-1",
        "-0",
        "1, 1",
        "1, 2",
        "x",
        "9" * 30,
        "9" * 5000,
        "0x10",
        "1.5",
        "\xb2",
        "",
    ),
    "Set-Cookie": (
        "a=b; expires=" + "9" * 50,
        "=; path=\xff",
        "a=b; domain=[; max-age=x",
        "a",
        "a=b; max-age=" + "9" * 400,
        'a=b; version=\xb2; port="x"',
        'a="' + "\\" * 1000,
    ),
    "WWW-Authenticate": (
        'DPoP error="use_dpop_nonce"',
        'Bearer scope="',
        'Bearer scope="\xff\x00"',
        "x" * 9000,
        '"' * 5000,
    ),
    "DPoP-Nonce": ("\xff", "", "a" * 20_000, "\x00", "a b", "{}"),
    "X-Okta-Request-Id": ("\xff" * 5000, "", "\x1b[31m", "eyJhbGciOi", "<script>"),
    "Connection": ("close", "keep-alive", "upgrade", "\xff"),
    "Trailer": ("X",),
    "": ("no name", "\xff", ":"),
    "X" * 3000: ("y",),
    " folded": ("\r\n more", "\r\n\tmore"),
}

_SCALARS: tuple[str, ...] = (
    "null", "true", "0", "-1", "1e999", "-1e999", "NaN", "Infinity", "1" * 400, "1" * 5000, "0.1", "1e-400", '""', '"x"',
    '"\\ud800"', '"\\udfff\\ud800"', '"\\u0000"', '"\xff"', '"' + "x" * 5000 + '"', "[]", "{}", "[null]", "[[]]", '{"": null}',
    '"9999-12-31T23:59:59.999-12:00"', '"0001-01-01T00:00:00+14:00"', '"2026-11-23T03:00:00"', "1763866800000", '"1763866800000"',
    '"\\u202e\\n::group::"', "[" * 70 + "]" * 70, '{"a":' * 70 + "1" + "}" * 70, "[" * 500 + "]" * 500, '"a@b@c"', '"("',
)  # fmt: skip

_NAMES = (
    "errorCode", "errorSummary", "errorCauses", "error", "error_description", "err", "description", "message", "errors",
    "detail", "status", "ok", "id", "profile", "login", "email", "name", "type", "_embedded", "stats", "usersCount",
    "riskLevel", "reason", "settings", "issuer", "jwks_url", "well_known_url", "jwks_uri", "keys", "kid", "kty", "n", "e", "use",
    "alg", "access_token", "token_type", "expires_in", "scope", "value", "_links", "next", "href", "self", "uuid", "published",
    "eventType", "actor", "target", "alternateId", "displayName", "usersUci", "userId", "confidences", "start",
    "confidenceScore", "results", "user", "totalCount", "Resources", "totalResults", "userName",
)  # fmt: skip

WHOLE: tuple[bytes, ...] = (
    b"", b" ", b"\x00", b"\xff\xfe[\x00]\x00", b"\xef\xbb\xbf[]", b"[", b"]", b"{", b"[]]", b"[1,]", b"{]", b'"', b"\\", b"[" * 100_000,
    b'{"a":' * 100_000, b"[" * 5000 + b"]" * 5000, b'{"errorCode":' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"keys":' + b"[" * 900 + b"]" * 900 + b"}", b'{"message":' * 900 + b'"x"' + b"}" * 900,
    b'{"errors":' + b"[" * 600 + b'"x"' + b"]" * 600 + b"}", b"[" + b"[]," * 3_000 + b"[]]", b"<!doctype html><p>", b"Blocked.",
    b"\xff" * 100, "\u00e4".encode("utf-16"), b"[{}]", b"[null, 1, {}]", b"{}", b"null", b"0", b'"x"', b"\x1f\x8b", b"-" * 5000,
)  # fmt: skip


def odd_json(chance: random.Random, depth: int = 4) -> str:
    """Return JSON of names that mean something to the clients, and values that do not."""
    kind = chance.random()
    if depth == 0 or kind < 0.35:
        return chance.choice(_SCALARS)
    if kind < 0.55:
        return "[" + ",".join(odd_json(chance, depth - 1) for _ in range(chance.randrange(3))) + "]"
    names = chance.sample(_NAMES, chance.randrange(1, 5))
    return "{" + ",".join(f'"{name}":{odd_json(chance, depth - 1)}' for name in names) + "}"


def spoiled(chance: random.Random, body: Any) -> str:
    """Return a right body as JSON, in which some values are replaced by ones that make no sense."""
    if chance.random() < 0.15:
        return chance.choice(_SCALARS)
    if isinstance(body, dict):
        parts = [
            f"{json.dumps(key)}:{spoiled(chance, value)}"
            for key, value in body.items()
            if chance.random() > 0.08
        ]
        return "{" + ",".join(parts) + "}"
    if isinstance(body, list):
        return "[" + ",".join(spoiled(chance, one) for one in body * chance.randrange(1, 3)) + "]"
    return json.dumps(body)


def odd_body(chance: random.Random, right: Any) -> bytes:
    kind = chance.random()
    if kind < 0.3:
        return chance.choice(WHOLE)
    text = spoiled(chance, right) if kind < 0.75 else odd_json(chance)
    body = text.encode("latin-1", "replace")
    return body if chance.random() > 0.05 else body[: chance.randrange(len(body) + 1)]


def odd_answer(chance: random.Random, right: Any) -> bytes:
    """Return the bytes of an answer; with a little luck it has one thing wrong, or several."""
    return framed(
        chance,
        chance.choice(STATUSES) if chance.random() < 0.6 else "200",
        [(name, chance.choice(HEADERS[name])) for name in _some(chance, tuple(HEADERS))],
        odd_body(chance, right) if chance.random() < 0.85 else json.dumps(right).encode(),
    )


def framed(chance: random.Random, status: str, headers: Sequence[tuple[str, str]], body: bytes) -> bytes:
    """Return an answer on the wire: with its length, in chunks, or up to the end; packed now and then."""
    lines = (
        [f"HTTP/1.1 {status} Odd"]
        if chance.random() > 0.02
        else [chance.choice(("", "HTTP/9", "\xff\x00", "GET / HTTP/1.1"))]
    )
    names = [name.lower() for name, _ in headers]
    if "content-type" not in names:
        lines.append("Content-Type: application/json")
    if chance.random() < 0.1:
        body = chance.choice(_PACKINGS)(body)
        lines.append("Content-Encoding: gzip")
    lines += [f"{name}: {value}" for name, value in headers]
    kind = chance.random()
    if kind < 0.1:
        lines.append("Transfer-Encoding: chunked")
        body = chance.choice(_CHUNKINGS)(body)
    elif kind < 0.9 and "content-length" not in names:
        lines.append(f"Content-Length: {len(body) + chance.choice((0,) * 20 + (1, 50, -1))}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def _some(chance: random.Random, names: Sequence[str]) -> list[str]:
    return chance.sample(names, chance.choice((0, 0, 1, 1, 1, 2, 3, 6)))


_PACKINGS: tuple[Callable[[bytes], bytes], ...] = (
    gzip.compress,
    lambda body: gzip.compress(body)[:-5],
    lambda body: gzip.compress(body[:3]) + gzip.compress(body[3:]),
    lambda body: gzip.compress(body) + b"padding",
    lambda body: gzip.compress(gzip.compress(body)),
    zlib.compress,
    lambda body: body,
    lambda _body: b"",
    lambda body: gzip.compress(body)[:12] + b"\xff" * 50,
)
_CHUNKINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda body: b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    lambda body: b"%x\r\n%s\r\n" % (len(body), body),
    lambda body: b"-1\r\n" + body,
    lambda body: b"-5\r\n" + body,
    lambda body: b"zz\r\n" + body,
    lambda body: b"f" * 40 + b"\r\n" + body,
    lambda body: b"\xff\r\n" + body,
    lambda body: b"%x;%s\r\n%s\r\n0\r\nX: %s\r\n\r\n" % (len(body), b"e" * 3000, body, b"\xff" * 30),
    lambda body: b"0x5\r\n" + body,
    lambda body: b"0\r\n" + b"X: y\r\n" * 3000,
    lambda _body: b"",
)
