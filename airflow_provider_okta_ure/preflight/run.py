# SPDX-License-Identifier: Apache-2.0
"""The whole preflight: Okta, the signing key, Netskope, each from the ground up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow.sdk import BaseHook
from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.errors import OktaUreError
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.preflight.action_log import ActionLogChecks
from airflow_provider_okta_ure.preflight.checks import run_checks
from airflow_provider_okta_ure.preflight.exclusions import ExclusionChecks
from airflow_provider_okta_ure.preflight.netskope import NetskopeChecks
from airflow_provider_okta_ure.preflight.okta import OktaChecks
from airflow_provider_okta_ure.preflight.pause import PauseChecks
from airflow_provider_okta_ure.preflight.report import Finding, PreflightReport
from airflow_provider_okta_ure.preflight.signals import SignalChecks
from airflow_provider_okta_ure.preflight.wanted import needed_scopes

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.wanted import ActionKind, Wanted


def preflight(
    okta_conn_id: str,
    netskope_conn_id: str | None,
    wanted: Wanted,
    *,
    say: Callable[[Finding], None] = lambda finding: None,
    shown: Callable[[str], str] = str,
    is_task: bool = False,
) -> PreflightReport:
    """
    Check everything that the work needs, and write nothing.

    :param okta_conn_id: the connection to the Okta org.
    :param netskope_conn_id: the connection to the Netskope tenant; None or empty = Netskope is not used.
    :param wanted: what is going to be done.
    :param say: is told each finding as it is made.
    :param shown: returns a person's name as it may stand in a message.
    :param is_task: a task asks, and the tasks after it will find what it finds.
    """
    okta = OktaHook(okta_conn_id)
    actions, why_no_signals = _chosen(okta, wanted)
    okta.scopes = needed_scopes(
        actions,
        ensure_provider=wanted.ensure_provider,
        confirm=wanted.confirm,
        reads_groups=_excludes_groups(okta, wanted),
    )
    netskope = NetskopeHook(netskope_conn_id) if netskope_conn_id else None
    okta_checks = OktaChecks(okta, wanted, actions)
    checks = [
        *okta_checks.checks(),
        *ExclusionChecks(okta_checks, okta, wanted, shown).checks(),
        *SignalChecks(okta_checks, okta, wanted, actions, why_no_signals).checks(),
        *(NetskopeChecks(netskope, wanted).checks() if netskope is not None else ()),
        *ActionLogChecks().checks(),
        *PauseChecks(is_task=is_task).checks(),
    ]
    findings = []
    for finding in run_checks(checks):
        say(finding)
        findings.append(finding)
    targets = {okta_conn_id: _address(okta)}
    if netskope is not None:
        targets[netskope.netskope_conn_id] = _address(netskope)
    return PreflightReport(findings=findings, targets=targets)


def missing_connections(*conn_ids: str | None) -> list[str]:
    """Return which of the connections Airflow does not know; None and empty are none."""
    return [conn_id for conn_id in conn_ids if conn_id and not _exists(conn_id)]


def _exists(conn_id: str) -> bool:
    try:
        BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return False
    return True


def _chosen(hook: OktaHook, wanted: Wanted) -> tuple[tuple[ActionKind, ...], str]:
    """Return the kinds of actions that are meant, and why risk signals are not among them."""
    if wanted.signals is None:
        if wanted.actions is not None:
            return wanted.actions, ""
        sends = _has_key(hook) or wanted.ensure_provider or wanted.confirm
        return (("groups", "push") if sends else ("groups",)), ""
    try:
        sends, why = hook.signals_wanted(wanted.signals)
    except (OktaUreError, AirflowNotFoundException):
        sends, why = _has_key(hook), ""  # the checks of the connection and of the org say why
    others = tuple(kind for kind in wanted.actions or ("groups",) if kind != "push")
    return (*others, *(("push",) if sends else ())), "" if sends else why


def _has_key(hook: OktaHook) -> bool:
    try:
        return bool(hook.settings.signing_private_key)
    except (OktaUreError, AirflowNotFoundException):
        return False  # the check of the connection says why


def _excludes_groups(hook: OktaHook, wanted: Wanted) -> bool:
    try:
        return any((hook.settings.exclude_groups, *wanted.exclude_groups))
    except (OktaUreError, AirflowNotFoundException):
        return False


def _address(hook: OktaHook | NetskopeHook) -> str:
    try:
        return hook.base_url
    except (OktaUreError, AirflowNotFoundException):
        return ""
