# SPDX-License-Identifier: Apache-2.0
"""Running checks one after the other; what depends on a failed one is not tried."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.preflight.report import Finding, Verdict, refused, skipped


@dataclass(frozen=True)
class Check:
    """
    One thing to look at.

    :param name: such as ``okta.group``.
    :param look: looks at it; an OktaUreError means a problem.
    :param needs: the checks without which this one makes no sense; each comes earlier.
    :param unneeded: why nothing that is going to be done depends on it; empty = it is needed.
    """

    name: str
    look: Callable[[], Verdict]
    needs: tuple[str, ...] = ()
    unneeded: str = ""


def run_checks(checks: Iterable[Check]) -> Iterator[Finding]:
    """Yield the finding of each check as it is made, in the order of the checks."""
    passed: set[str] = set()
    for check in checks:
        missing = [name for name in check.needs if name not in passed]
        verdict = _verdict(check, missing)
        if verdict.status in ("ok", "warning"):
            passed.add(check.name)
        yield Finding(
            name=check.name,
            status=verdict.status,
            message=verdict.message,
            remedy=verdict.remedy,
            retryable=verdict.retryable,
            topic=verdict.topic,
        )


def _verdict(check: Check, missing: list[str]) -> Verdict:
    if check.unneeded:
        return skipped(check.unneeded)
    if missing:
        return skipped(f"Not looked at, because of {', '.join(missing)}.")
    try:
        return check.look()
    except OktaUreError as error:
        return refused(error)
