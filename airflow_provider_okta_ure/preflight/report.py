# SPDX-License-Identifier: Apache-2.0
"""What a preflight found: one finding per check, and all of them as a report. Pure data."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, TypeAlias

import msgspec

from airflow_provider_okta_ure.catalogue import PAGE, link_to, linked
from airflow_provider_okta_ure.errors import OktaUreError, PreflightError

Status: TypeAlias = Literal["ok", "warning", "problem", "skipped"]
"""
``ok``: as it should be. ``warning``: the work can be done, but somebody should look.
``problem``: the work would fail. ``skipped``: not looked at, and the message says why.
"""

STATUSES: tuple[Status, ...] = ("ok", "warning", "problem", "skipped")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """
    The answer of one check.

    :param message: what was found, in one sentence, without secrets.
    :param remedy: what a person can do about it; empty when there is nothing to do.
    :param retryable: the same check may end otherwise in a while, without anybody doing anything.
    :param topic: the entry of the catalogue that says more; empty = there is none.
    """

    status: Status
    message: str
    remedy: str = ""
    retryable: bool = False
    topic: str = ""


_WAIT = "Try again in a while; it may pass by itself."
_LOOK_UP = f"Look it up in {PAGE}."


def ok(message: str) -> Verdict:
    return Verdict(status="ok", message=message)


def warning(message: str, remedy: str) -> Verdict:
    return Verdict(status="warning", message=message, remedy=remedy)


def problem(message: str, remedy: str) -> Verdict:
    return Verdict(status="problem", message=message, remedy=remedy)


def skipped(message: str, remedy: str = "") -> Verdict:
    return Verdict(status="skipped", message=message, remedy=remedy)


def refused(error: OktaUreError, *, status: Status = "problem", remedy: str = "") -> Verdict:
    """
    Return the verdict that an error of ours means.

    :param status: how bad it is for what is going to be done.
    :param remedy: what to do, where the check knows better than the error.
    """
    # An error's explanation ends with its remedy, which has a place of its own here.
    message = error.explanation.removesuffix(linked(error.remedy)).rstrip()
    fallback = _WAIT if error.retryable else _LOOK_UP
    return Verdict(
        status=status,
        message=message,
        remedy=remedy or error.remedy or fallback,
        retryable=error.retryable,
        topic=error.topic,
    )


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """
    One check and its answer; see :class:`Verdict`.

    :param name: which check, such as ``okta.group``; what stands before the dot is the part it belongs to.
    """

    name: str
    status: Status
    message: str
    remedy: str = ""
    retryable: bool = False
    topic: str = ""

    @property
    def advice(self) -> str:
        """What to do, and where the documents say more; empty when there is nothing to do."""
        more = f"More: {link_to(self.topic)}" if self.topic else ""
        return linked(f"{self.remedy} {more}".strip())


class PreflightReport(msgspec.Struct, frozen=True, kw_only=True):
    """
    All findings, in the order in which they were made.

    :param targets: the address of each service, by connection id, as far as it is known.
    """

    findings: list[Finding]
    targets: dict[str, str] = {}

    @property
    def status(self) -> Status:
        """The worst of all findings; what was skipped does not count."""
        found = {finding.status for finding in self.findings}
        return "problem" if "problem" in found else "warning" if "warning" in found else "ok"

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings of each status."""
        counted = Counter(finding.status for finding in self.findings)
        return {status: counted[status] for status in STATUSES}

    def finding(self, name: str) -> Finding:
        """
        Return the finding of a check.

        :raises KeyError: there is no such check.
        """
        for finding in self.findings:
            if finding.name == name:
                return finding
        raise KeyError(name)

    def error(self, *, fail_on_warning: bool = False) -> PreflightError | None:
        """
        Return the error that the findings amount to; None when the work can begin.

        It is retryable when everything that is wrong may pass by itself.

        :param fail_on_warning: whether warnings are wrong, too.
        """
        bad = ("problem", "warning") if fail_on_warning else ("problem",)
        wrong = [finding for finding in self.findings if finding.status in bad]
        if not wrong:
            return None
        first = min(wrong, key=lambda finding: bad.index(finding.status))
        more = f" ({len(wrong) - 1} more in the task log)" if len(wrong) > 1 else ""
        return PreflightError(
            f"Preflight: {first.name}: {first.message}{more}",
            remedy=first.remedy,
            topic=first.topic,
            retryable=all(finding.retryable for finding in wrong),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain JSON types: ``status``, ``counts``, ``targets``, ``checks``."""
        return {
            "status": self.status,
            "counts": self.counts,
            "targets": dict(self.targets),
            "checks": [msgspec.to_builtins(finding) for finding in self.findings],
        }
