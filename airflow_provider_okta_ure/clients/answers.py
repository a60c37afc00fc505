# SPDX-License-Identifier: Apache-2.0
"""What came back: an answer's parts, and its text made safe to repeat."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from airflow_provider_okta_ure.clients.nesting import is_too_nested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BodyT = TypeVar("BodyT")

LONGEST_SUMMARY = 300
_MOST_LOOKED_AT = 20_000
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_CONTAINERS = (b"[", b"{")
_OBJECT = re.compile(rb"\s*\{")
PAGE_FOR_PEOPLE = "a page for people instead of an answer"

_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


# What looks like a credential is one, whoever it belongs to: a JWS (an assertion, a proof, an access token, a
# security event), a block of PEM up to its end or that of the text, a value after the name of a scheme.
_CREDENTIAL = re.compile(
    r"\beyJ[\w-]{5,}(?:\.[\w-]*)*"
    r"|-----BEGIN [A-Z0-9 ]*-----.*?(?:-----END [A-Z0-9 ]*-----|\Z)"
    r"|(?<=\bSSWS )\S+|(?<=\bBearer )[\w.~+/=-]{16,}|(?<=\bDPoP )[\w.~+/=-]{16,}",
    re.DOTALL | re.IGNORECASE,
)
_MARKUP = re.compile(
    r"<\s*(?:!doctype|/?(?:html|head|body|script|style|div|table|title|iframe|svg|img)\b)", re.I
)


class Answer(msgspec.Struct, frozen=True):
    """
    The proof that a service accepted something.

    :param status: the HTTP status.
    :param request_id: what the service's support asks for; empty when it sent none.
    """

    status: int
    request_id: str


@dataclass(frozen=True)
class Reply(Generic[BodyT]):
    """
    A successful answer with its body.

    :param url: the URL that answered.
    :param headers: compared without regard to case; repeated lines joined by commas.
    :param body: the decoded body.
    :param size: bytes of the body, after unpacking.
    """

    status: int
    request_id: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: BodyT = field(repr=False)
    size: int = 0

    @property
    def answer(self) -> Answer:
        return Answer(self.status, self.request_id)


@dataclass(frozen=True)
class Refusal:
    """
    A refusal, before it is put into words.

    :param method: the HTTP method of the request.
    :param path: path of the request, without names of people.
    :param status: the HTTP status.
    :param headers: compared without regard to case.
    :param said: the body, when it is a JSON object; else empty.
    :param is_html: whether the body is a page for people.
    :param secrets: what must not be repeated.
    """

    method: str
    path: str
    status: int
    headers: Mapping[str, str] = field(repr=False)
    said: Mapping[str, Any] = field(repr=False)
    is_html: bool
    secrets: tuple[str, ...] = field(repr=False)

    @property
    def may_pass(self) -> bool:
        """Whether the same request can succeed later: the service failed, or asks for it once more."""
        # 408 and 425: RFC 9110 section 15.5.9, RFC 8470 section 5.2. 501 stays what it is.
        return self.status in (408, 425) or (self.status >= 500 and self.status != 501)

    def cleaned(self, text: object) -> str:
        """Return something the service said, safe for one line of a log."""
        return clean_text(text, self.secrets)


def clean_text(text: object, secrets: Iterable[str] = ()) -> str:
    """
    Return the text on one line, without control characters and secrets, at most 300 characters long.

    :param secrets: what to replace besides everything that looks like a credential.
    """
    if not isinstance(text, str):
        return ""
    for secret in secrets:
        text = text.replace(secret, "***") if secret else text
    text = _CREDENTIAL.sub("***", text[:_MOST_LOOKED_AT])
    if _MARKUP.search(text):
        return PAGE_FOR_PEOPLE
    text = _UNPRINTABLE.sub(" ", text).strip()
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1]}…"


def decoded_object(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object in a body; empty for everything else, also for one that has too many levels."""
    if not _OBJECT.match(content) or is_too_nested(content):
        return {}
    try:
        said = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def outline(content: bytes) -> Mapping[str, Any]:
    """
    Return the JSON object in a body without what is in its lists and objects, which are None here.

    Of an answer with thousands of records this takes a small part of the time that reading it takes, and
    nothing is made of them, however many levels and values they have.
    """
    if not _OBJECT.match(content):
        return {}
    try:
        members = _MEMBERS.decode(content)
        return {
            name: None if bytes(value[:1]) in _CONTAINERS else msgspec.json.decode(value)
            for name, value in ((name, memoryview(raw)) for name, raw in members.items())
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def is_html(content_type: str, content: bytes) -> bool:
    """Whether a body is a page for people rather than an answer for programs."""
    return "html" in content_type.lower() or content[:64].lstrip().lower().startswith(
        (b"<!doctype", b"<html")
    )
