# SPDX-License-Identifier: Apache-2.0
"""Finding the entry that explains an answer, a reason code or a topic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.catalogue.connections import CONNECTIONS
from airflow_provider_okta_ure.catalogue.netskope import NETSKOPE
from airflow_provider_okta_ure.catalogue.network import NETWORK
from airflow_provider_okta_ure.catalogue.okta_api import OKTA_API
from airflow_provider_okta_ure.catalogue.okta_directory import OKTA_DIRECTORY
from airflow_provider_okta_ure.catalogue.okta_risk import OKTA_RISK
from airflow_provider_okta_ure.catalogue.okta_sign_in import OKTA_SIGN_IN
from airflow_provider_okta_ure.catalogue.okta_signals import OKTA_SIGNALS, TRANSMITTER
from airflow_provider_okta_ure.catalogue.runs import RUNS
from airflow_provider_okta_ure.catalogue.safety import SAFETY

if TYPE_CHECKING:
    from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

PAGE = "docs/troubleshooting.md"
"""The document, as the project's other documents and its messages name it."""

CHAPTERS: tuple[Chapter, ...] = (
    NETWORK,
    CONNECTIONS,
    OKTA_SIGN_IN,
    OKTA_API,
    OKTA_DIRECTORY,
    OKTA_RISK,
    TRANSMITTER,
    OKTA_SIGNALS,
    NETSKOPE,
    RUNS,
    SAFETY,
)

_ENTRIES = [entry for chapter in CHAPTERS for entry in chapter.entries]
_BY_TOPIC = {entry.topic: entry for entry in _ENTRIES}
_BY_REASON = {reason: entry for entry in _ENTRIES for reason in entry.reasons}
_BY_JWKS_REASON = {reason: entry for entry in _ENTRIES for reason in entry.jwks_reasons}
# The most specific answers first; the sort keeps the catalogue's order among equals.
_BY_ANSWER = sorted(
    ((answer, entry) for entry in _ENTRIES for answer in entry.answers),
    key=lambda pair: -pair[0].weight,
)


def entry_for_answer(
    service: str, *, status: int, code: str = "", said: str = "", method: str = "", path: str = ""
) -> Entry | None:
    """
    Return the most specific entry for a refusal; None when there is not even one for its status.

    >>> entry_for_answer("Okta", status=401, code="E0000011").topic
    'okta-api-token'

    :param service: ``Okta`` or ``Netskope``.
    :param status: the HTTP status.
    :param code: the service's error code; empty when it sent none.
    :param said: everything the service said, causes and descriptions included.
    :param method: the HTTP method of the request.
    :param path: the path of the request, without the query.
    """
    for answer, entry in _BY_ANSWER:
        if answer.fits(service=service, status=status, code=code, said=said, method=method, path=path):
            return entry
    return None


def entry_for_reason(reason: str) -> Entry | None:
    """
    Return the entry of a report's reason code.

    >>> entry_for_reason("ambiguous_user").topic
    'ambiguous-user'
    """
    return _BY_REASON.get(reason)


def known_reasons() -> frozenset[str]:
    """Return all reason codes."""
    return frozenset(_BY_REASON)


def entry_for_jwks(reason: str) -> Entry | None:
    """Return the entry of what is wrong with a published key set."""
    return _BY_JWKS_REASON.get(reason)


def entry_for_topic(topic: str) -> Entry | None:
    """Return the entry with this name."""
    return _BY_TOPIC.get(topic)
