# SPDX-License-Identifier: Apache-2.0
"""The web application behind ``/okta-ure``; what is not registered here does not exist there."""

from __future__ import annotations

from fastapi import FastAPI

from airflow_provider_okta_ure.plugin.api_routes import router as api
from airflow_provider_okta_ure.plugin.headers import SafeHeaders
from airflow_provider_okta_ure.plugin.public_routes import router as public
from airflow_provider_okta_ure.plugin.refusals import HANDLERS
from airflow_provider_okta_ure.plugin.static_routes import router as static

# Airflow mounts it without asking who calls: every route is public unless it asks itself.
app = FastAPI(
    title="Okta User Risk Exchange",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
    exception_handlers=HANDLERS,
)
app.add_middleware(SafeHeaders)
app.include_router(public)
app.include_router(static)
app.include_router(api)
