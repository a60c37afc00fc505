# SPDX-License-Identifier: Apache-2.0
"""The routes that Okta reads: our public keys, and who we are; they show what is configured, nothing else."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.plugin.published import NotConfiguredError, read_jwks, read_ssf_configuration

log = logging.getLogger(__name__)

CACHE_CONTROL = "public, max-age=300"
"""Short, so that a new key is seen soon; how long Okta itself keeps a key set is not documented."""

router = APIRouter()


@router.api_route("/jwks.json", methods=["GET", "HEAD"])
def jwks(request: Request) -> Response:
    """Return the public keys that ``[okta_ure]`` names."""
    return _published(request, read_jwks)


@router.api_route("/.well-known/ssf-configuration", methods=["GET", "HEAD"])
def ssf_configuration(request: Request) -> Response:
    """Return the issuer that ``[okta_ure]`` names, and where its keys are."""
    return _published(request, read_ssf_configuration)


def _published(request: Request, read: Callable[[], Mapping[str, Any]]) -> Response:
    try:
        body = msgspec.json.encode(read())
    except NotConfiguredError as nothing:
        return _refusal(404, str(nothing))
    except ConfigurationError as error:
        # Paths and the like are for the administrator, not for the world.
        log.error("%s is not published: %s", request.url.path, error)  # noqa: TRY400  # said in full
        return _refusal(
            500, "What is configured here cannot be published. Airflow's API server log says why."
        )
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"Cache-Control": CACHE_CONTROL, "ETag": tag, "X-Content-Type-Options": "nosniff"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("If-None-Match", "").split(",")]
    if tag in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _refusal(status: int, text: str) -> Response:
    return Response(
        f"{text}\n", status_code=status, media_type="text/plain", headers={"Cache-Control": "no-store"}
    )
