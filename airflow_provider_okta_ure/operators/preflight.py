# SPDX-License-Identifier: Apache-2.0
"""The first task of a DAG: whether everything is there that the others will need."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from airflow.sdk import BaseOperator

from airflow_provider_okta_ure.core.guardrails.exclusions import to_administrators_excluded
from airflow_provider_okta_ure.core.plain_text import as_text, shown
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.hooks.netskope import NetskopeHook
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.hooks.signals import to_signals_mode
from airflow_provider_okta_ure.operators.identities import name_shower
from airflow_provider_okta_ure.operators.plain_log import PlainLogMixin
from airflow_provider_okta_ure.operators.run import failing_for_good, say_as_of, to_flag, to_text
from airflow_provider_okta_ure.preflight.run import preflight
from airflow_provider_okta_ure.preflight.table import to_line, to_summary
from airflow_provider_okta_ure.preflight.wanted import Wanted, to_actions

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.preflight.report import Finding

NumberT = TypeVar("NumberT", int, float)


class OktaPreflightOperator(PlainLogMixin, BaseOperator):
    """
    Check everything that the following tasks need of Okta and Netskope, and write nothing.

    Each check says ok, warning, problem or skipped, and what to do. A problem fails the task: for good, or
    with retries when everything that is wrong may pass by itself.

    :param actions: what the DAG does: a list or a text of ``groups``, ``push``, ``upsert``; None = groups,
        and push if the connection has a signing key. (templated)
    :param signals: whether the DAG sends risk signals: ``auto``, ``on`` or ``off``, as its tasks have it;
        None = as ``actions`` says. (templated)
    :param group_name: the exact name of the group that is written. (templated)
    :param group_id: its id, instead of the name. (templated)
    :param create_group: the DAG creates the group when there is none. (templated)
    :param ensure_provider: the DAG registers us as a transmitter by itself. (templated)
    :param confirm: the DAG looks into Okta's System Log for what became of its signals, so that not being
        able to read it is a problem and no warning. (templated)
    :param check_jwks: look at the published JWKS; False when Okta reaches it and Airflow cannot. (templated)
    :param strategy: how the DAG reads Netskope, ``series`` or ``list``. (templated)
    :param users: how many users the DAG may act on in one run; None = not known. (templated)
    :param max_minutes: how long that many users may take before it is worth a warning. (templated)
    :param fail_on_warning: a warning fails the task, too. (templated)
    :param exclude_users: whom the DAG excludes, besides those in the connection. (templated)
    :param exclude_groups: the groups whose members it excludes. (templated)
    :param exclude_administrators: as the DAG's tasks have it; that they cannot be read is a problem with
        True and a warning with ``"if_readable"``. (templated)
    :param okta_conn_id: the connection to the Okta org. (templated)
    :param netskope_conn_id: the connection to the Netskope tenant; None = there is none. (templated)
    :return: the report: status, counts and every check with its remedy.
    """

    template_fields: Sequence[str] = (
        "actions",
        "signals",
        "group_name",
        "group_id",
        "create_group",
        "ensure_provider",
        "confirm",
        "check_jwks",
        "strategy",
        "users",
        "max_minutes",
        "fail_on_warning",
        "exclude_users",
        "exclude_groups",
        "exclude_administrators",
        "okta_conn_id",
        "netskope_conn_id",
    )

    def __init__(
        self,
        *,
        actions: Sequence[str] | str | None = None,
        signals: bool | str | None = None,
        group_name: str | None = None,
        group_id: str | None = None,
        create_group: bool | str = False,
        ensure_provider: bool | str = False,
        confirm: bool | str = False,
        check_jwks: bool | str = True,
        strategy: str = "series",
        users: int | str | None = None,
        max_minutes: float | str = 60,
        fail_on_warning: bool | str = False,
        exclude_users: Any = None,
        exclude_groups: Any = None,
        exclude_administrators: bool | str = "if_readable",
        okta_conn_id: str = OktaHook.default_conn_name,
        netskope_conn_id: str | None = NetskopeHook.default_conn_name,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.actions = actions
        self.signals = signals
        self.group_name = group_name
        self.group_id = group_id
        self.create_group = create_group
        self.ensure_provider = ensure_provider
        self.confirm = confirm
        self.check_jwks = check_jwks
        self.strategy = strategy
        self.users = users
        self.max_minutes = max_minutes
        self.fail_on_warning = fail_on_warning
        self.exclude_users = exclude_users
        self.exclude_groups = exclude_groups
        self.exclude_administrators = exclude_administrators
        self.okta_conn_id = okta_conn_id
        self.netskope_conn_id = netskope_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        with failing_for_good():
            say_as_of(self.log, context)
            fail_on_warning = to_flag(self.fail_on_warning, "fail_on_warning")
            report = preflight(
                self.okta_conn_id,
                self.netskope_conn_id,
                self._wanted(),
                say=self._log,
                shown=name_shower(),
                is_task=True,
            )
            self.log.info("Preflight: %s.", to_summary(report))
            error = report.error(fail_on_warning=fail_on_warning)
            if error is not None:
                # A failed task returns nothing; the report says what is right all the same.
                context["ti"].xcom_push(key="report", value=report.to_dict())
                raise error
            return report.to_dict()

    def _wanted(self) -> Wanted:
        return Wanted(
            actions=to_actions(self.actions),
            signals=None if self.signals in (None, "", "None") else to_signals_mode(self.signals),
            group_name=to_text(self.group_name, "group_name") or None,
            group_id=to_text(self.group_id, "group_id") or None,
            create_group=to_flag(self.create_group, "create_group"),
            ensure_provider=to_flag(self.ensure_provider, "ensure_provider"),
            confirm=to_flag(self.confirm, "confirm"),
            check_jwks=to_flag(self.check_jwks, "check_jwks"),
            strategy=self.strategy,
            users=None if self.users in (None, "", "None") else _number(self.users, "users", int),
            max_minutes=_number(self.max_minutes, "max_minutes", float),
            exclude_users=(self.exclude_users,),
            exclude_groups=(self.exclude_groups,),
            exclude_administrators=to_administrators_excluded(self.exclude_administrators),
        )

    def _log(self, finding: Finding) -> None:
        say = {"problem": self.log.error, "warning": self.log.warning}.get(finding.status, self.log.info)
        say("%s", to_line(finding))


def _number(value: object, argument: str, kind: type[NumberT]) -> NumberT:
    try:
        return kind(as_text(value))
    except ValueError:
        what = "a whole number" if kind is int else "a number"
        raise ConfigurationError(f"{argument} is {shown(value)}.", remedy=f"Use {what}.") from None
