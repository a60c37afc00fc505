# SPDX-License-Identifier: Apache-2.0
"""The web application behind ``/okta-ure``; what is not registered here does not exist there."""

from __future__ import annotations

from fastapi import FastAPI

from airflow_provider_okta_ure.plugin.public_routes import router

# Airflow mounts it without asking who calls: every route is public unless it asks itself.
app = FastAPI(
    title="Okta User Risk Exchange",
    docs_url=None,
    redoc_url=None,
    openapi_url=None,
    redirect_slashes=False,
)
app.include_router(router)
