# SPDX-License-Identifier: Apache-2.0
"""
The catalogue of troubles: every error with what happened, why, and what to do.

Data without any logic of the package, below all its layers: errors take their remedies from here, and
``docs/troubleshooting.md`` is written from it by ``python -m airflow_provider_okta_ure.catalogue``.
"""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.documents import find_documents_by, link_to, linked
from airflow_provider_okta_ure.catalogue.entries import Answer, Chapter, Entry
from airflow_provider_okta_ure.catalogue.lookup import (
    CHAPTERS,
    PAGE,
    entry_for_answer,
    entry_for_jwks,
    entry_for_reason,
    entry_for_topic,
    known_reasons,
)

__all__ = [
    "CHAPTERS",
    "PAGE",
    "Answer",
    "Chapter",
    "Entry",
    "entry_for_answer",
    "entry_for_jwks",
    "entry_for_reason",
    "entry_for_topic",
    "find_documents_by",
    "known_reasons",
    "link_to",
    "linked",
]
