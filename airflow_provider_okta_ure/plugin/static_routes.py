# SPDX-License-Identifier: Apache-2.0
"""The page's own files, for whoever is signed in; its data has routes and checks of its own."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_okta_ure.plugin.access import signed_in

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/plain; charset=utf-8",
}


@cache
def _files() -> dict[str, Path]:
    """Return the files by their names; what is asked for is looked up here, and never a path itself."""
    return {
        path.relative_to(FOLDER).as_posix(): path
        for path in FOLDER.rglob("*")
        if path.suffix in _TYPES and path.is_file()
    }


# Signed in is enough: somebody without the right to see plugins is told so by the page.
router = APIRouter(dependencies=[Depends(signed_in)])


@router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
def static_file(name: str, request: Request) -> Response:
    """Return one file of the page; the browser keeps it, and asks each time whether it is still right."""
    if not name.isprintable():
        return Response("This is no name of a file.\n", status_code=400, media_type="text/plain")
    path = _files().get(name)
    if path is None:
        return Response("There is no such file.\n", status_code=404, media_type="text/plain")
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Names carry no version: after an upgrade all modules have to be of the same one.
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[path.suffix], headers=headers)
