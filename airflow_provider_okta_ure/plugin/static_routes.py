# SPDX-License-Identifier: Apache-2.0
"""The page's own files, for whoever is signed in; its data has routes and checks of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import APIRouter, Depends, Request, Response

from airflow_provider_okta_ure.plugin.access import signed_in

FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".md": "text/plain; charset=utf-8",
}

# Signed in is enough: somebody without the right to see plugins is told so by the page.
router = APIRouter(dependencies=[Depends(signed_in)])


@router.api_route("/static/{name:path}", methods=["GET", "HEAD"])
def static_file(name: str, request: Request) -> Response:
    """Return one file of the page; the browser keeps it, and asks each time whether it is still right."""
    path = (FOLDER / name).resolve()
    # Each file has one name; whatever else leads somewhere is none.
    is_ours = path.is_relative_to(FOLDER) and path.relative_to(FOLDER).as_posix() == name
    if not is_ours or path.suffix not in _TYPES or not path.is_file():
        return Response("There is no such file.\n", status_code=404, media_type="text/plain")
    content = path.read_bytes()
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    # Names carry no version: after an upgrade all modules have to be of the same one.
    headers = {"Cache-Control": "private, no-cache", "ETag": tag}
    if request.headers.get("If-None-Match", "").removeprefix("W/") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_TYPES[path.suffix], headers=headers)
