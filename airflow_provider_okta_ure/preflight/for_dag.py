# SPDX-License-Identifier: Apache-2.0
"""The preflight of a whole DAG: every org, group and tenant that its tasks name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.preflight.report import Finding, PreflightReport
from airflow_provider_okta_ure.preflight.run import preflight
from airflow_provider_okta_ure.preflight.wanted import Wanted

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.of_dag import Need, NeedsOfDag

_Job = tuple[str, str, str, str | None, Wanted]
"""What the findings are called besides, which of them count, the two connections, and what is wanted."""


def preflight_for(needs: NeedsOfDag) -> PreflightReport:
    """Check everything that a DAG needs, and write nothing."""
    findings = list(needs.findings())
    targets: dict[str, str] = {}
    for label, part, okta_conn_id, netskope_conn_id, wanted in _jobs(needs):
        report = preflight(okta_conn_id, netskope_conn_id, wanted)
        targets |= report.targets
        findings += _named(label, part, report.findings)
    return PreflightReport(findings=findings, targets=targets)


def _jobs(needs: NeedsOfDag) -> Iterator[_Job]:
    """Yield the first group of each org with everything, and of what comes more only what is its own."""
    tenants: list[tuple[str | None, str]] = [*needs.strategies.items()] or [(None, "series")]
    tenant, strategy = tenants[0]
    for number, (conn_id, need) in enumerate(needs.of_org.items()):
        groups = list(need.groups)
        label = f"{conn_id}:" if number else ""
        first = need.wanted(groups[0] if groups else None, strategy)
        yield label, "", conn_id, None if number else tenant, first
        for group in groups[1:]:
            yield _name_of(group), "okta.group", conn_id, None, _only_group(need, group)
    for conn_id, need in [*needs.of_org.items()][:1]:
        for other, how in tenants[1:]:
            yield f"{other}:", "netskope.", conn_id, other, need.wanted(None, how)


def _name_of(group: tuple[str, str]) -> str:
    name, group_id = group
    return f"{name or group_id}:"


def _only_group(need: Need, group: tuple[str, str]) -> Wanted:
    return msgspec.structs.replace(
        need.wanted(group, "series"), actions=("groups",), signals=None, exclude_users=()
    )


def _named(label: str, part: str, findings: list[Finding]) -> list[Finding]:
    return [
        msgspec.structs.replace(one, name=f"{label}{one.name}")
        for one in findings
        if one.name.startswith(part) and not (label and one.name.startswith(("action_log.", "pause.")))
    ]
