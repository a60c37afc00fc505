# SPDX-License-Identifier: Apache-2.0
"""An export that is made while it is sent: few at a time, and none for longer than its reader needs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync
from fastapi.responses import StreamingResponse

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.plugin.places import Places

if TYPE_CHECKING:
    from collections.abc import Generator

    from anyio.abc import TaskGroup
    from starlette.types import Message, Receive, Scope, Send

log = logging.getLogger(__name__)

EXPORTS = 4
"""At the same time in this process."""

EXPORTS_OF_ONE = 2
"""Of one person."""

LONGEST_STALL = 60.0
"""Seconds that a reader may take for one piece, which is about half a megabyte."""

LONGEST_EXPORT = 1800.0
"""Seconds that a whole export may take; somebody else may be waiting for the place."""

_TOO_SLOW = "It was read too slowly."
_NOT_READ = "The action log could not be read to its end. Choose a shorter period, or try again later."

running = Places(total=EXPORTS, each=EXPORTS_OF_ONE)


class TooManyExportsError(Exception):
    """As many exports are running as may."""


class ExportStoppedError(Exception):
    """An export ended before its end, so its connection has to end, too."""


class CsvExport(StreamingResponse):
    """
    CSV that is made while it is sent.

    A reader who has gone gives the place back at once, one who has stopped reading soon. A file that could
    not be ended says so in its last line: a proxy may make a broken transfer look complete.

    :param pieces: the text; closed when it is not needed any more.
    :param person: who reads it; empty = not known.
    :param filename: what a browser saves it as.
    """

    media_type = "text/csv; charset=utf-8"

    def __init__(self, pieces: Generator[str, None, None], *, person: str, filename: str) -> None:
        super().__init__((), headers={"Content-Disposition": f'attachment; filename="{filename}"'})
        self._pieces = pieces
        self._person = person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """
        Send the export.

        :raises TooManyExportsError: others are running; nothing was sent.
        :raises OktaUreError: the first entries cannot be read; nothing was sent.
        :raises ExportStoppedError: it took too long, or the database did.
        """
        if not running.take(self._person):
            raise TooManyExportsError
        try:
            stopped = await self._send_while_read(receive, send)
        finally:
            running.leave(self._person)
            self._pieces.close()
        if stopped:
            log.warning("An export of the action log was stopped: %s", stopped)
            # For the reader who goes on after all; nobody waits for the place of this one any more.
            await send(_piece(f'"This export is not complete: {stopped}"\n'))
            raise ExportStoppedError(stopped)

    async def _send_while_read(self, receive: Receive, send: Send) -> str:
        """Send until the end or until the reader has gone, and return why it stopped; empty = it did not."""
        first = await run_sync(next, self._pieces, "")
        has_gone = False
        stopped = _TOO_SLOW

        async def watch(group: TaskGroup) -> None:
            nonlocal has_gone
            while (await receive())["type"] != "http.disconnect":
                pass
            has_gone = True
            group.cancel_scope.cancel()

        with anyio.move_on_after(LONGEST_EXPORT):
            async with anyio.create_task_group() as group:
                group.start_soon(watch, group)
                stopped = await self._send_all(first, send)
                group.cancel_scope.cancel()
        return "" if has_gone else stopped

    async def _send_all(self, first: str, send: Send) -> str:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        piece: str | None = first
        while piece is not None:
            with anyio.move_on_after(LONGEST_STALL) as patience:
                await send(_piece(piece))
            if patience.cancelled_caught:
                return _TOO_SLOW
            try:
                piece = await run_sync(next, self._pieces, None)
            except OktaUreError as error:
                log.warning("%s", error)
                return _NOT_READ
        await send(_piece("", more=False))
        return ""


def _piece(text: str, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": text.encode(), "more_body": more}
