# SPDX-License-Identifier: Apache-2.0
"""Airflow's connections and settings become clients, and what they need."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue import find_documents_by


def _docs_url() -> str:
    # Here, because every `airflow` command imports this package, and a setting is only needed for a message.
    from airflow.sdk import conf

    return str(conf.get("okta_ure", "docs_url", fallback="") or "")


find_documents_by(_docs_url)
