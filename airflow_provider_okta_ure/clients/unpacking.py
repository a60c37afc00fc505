# SPDX-License-Identifier: Apache-2.0
"""The body of an answer, unpacked within limits: of bytes, of layers of compression, and of time."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.timed_sockets import Deadline

MIB = 1024 * 1024
LARGEST_ANSWER = 64 * MIB
"""Bytes; a page of 200 users has 300 KB."""

ACCEPTED_CODING = "gzip"
"""What requests ask for. Only one coding, because each more is another program that unpacks."""

_GZIP = ("gzip", "x-gzip")  # RFC 9110 section 8.4.1.3: the same
_STEP = MIB
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


class AnswerLimitError(Exception):
    """
    An answer goes beyond what is taken; says how, in words that continue "The answer ...".

    Neither an ``OSError`` nor an error of ``http.client``: nothing on the way takes it for a cut connection.
    """


class GarbledError(ValueError):
    """The body is not what its ``Content-Encoding`` says, or breaks off."""


def check_size(size: int, most: int, what: str) -> None:
    """:raises AnswerLimitError: there are more bytes than are taken."""
    if size > most:
        raise AnswerLimitError(f"has more than {most / MIB:g} MiB {what}")


def unpacked(chunks: Iterable[bytes], content_encoding: str, *, most: int, deadline: Deadline) -> bytes:
    """
    Return a body as it was before it was compressed.

    :param chunks: the body as it comes.
    :param content_encoding: the value of the header.
    :param most: how many bytes are taken.
    :param deadline: looked at after each step, so that unpacking counts as well.
    :raises AnswerLimitError: it is too large, or compressed in a way that was not asked for, or twice.
    :raises GarbledError: it is not what the header says.
    :raises TimeoutError: the time is over.
    """
    parts = _inflated(chunks) if _is_gzip(content_encoding) else chunks
    # Its value is no second copy, unlike that of a list of parts.
    body = io.BytesIO()
    for part in parts:
        deadline.left()
        check_size(body.tell() + len(part), most, "after unpacking")
        body.write(part)
    return body.getvalue()


def _is_gzip(content_encoding: str) -> bool:
    codings = [one.strip().lower() for one in content_encoding.split(",")]
    codings = [one for one in codings if one not in ("", "identity")]
    if len(codings) > 1:
        raise AnswerLimitError(f"is compressed {len(codings)} times")
    if codings and codings[0] not in _GZIP:
        # Not quoted: a header can hold anything.
        raise AnswerLimitError("is compressed in a way that was not asked for")
    return bool(codings)


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what gzip data hold, at most one step at once; parts of it can be empty."""
    member = zlib.decompressobj(_WITH_GZIP_HEADER)
    is_empty = True
    for chunk in chunks:
        left = chunk
        while left:
            is_empty = False
            if member.eof:
                # RFC 1952 section 2.2: members may follow one another. Anything else behind them is padding.
                if not left.startswith(b"\x1f"):
                    break
                member = zlib.decompressobj(_WITH_GZIP_HEADER)
            try:
                yield from _steps(member, left)
            except zlib.error:
                raise GarbledError from None
            left = member.unused_data
    if not is_empty and not member.eof:
        raise GarbledError


def _steps(member: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while True:
        part = member.decompress(packed, _STEP)
        yield part
        packed = member.unconsumed_tail
        # zlib can hold back output also when it has taken in everything.
        if member.eof or (not packed and len(part) < _STEP):
            return
