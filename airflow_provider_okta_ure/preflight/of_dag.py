# SPDX-License-Identifier: Apache-2.0
"""What a DAG needs, read from its own tasks and parameters, so that the preflight checks just that."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, TemplateError

from airflow_provider_okta_ure.core.guardrails.exclusions import (
    AdministratorsExcluded,
    to_administrators_excluded,
)
from airflow_provider_okta_ure.core.keeping import Keep
from airflow_provider_okta_ure.core.selections import Selection
from airflow_provider_okta_ure.errors import ConfigurationError, RuleError
from airflow_provider_okta_ure.hooks.signals import to_signals_mode
from airflow_provider_okta_ure.preflight.report import Finding, Verdict, ok, problem, warning
from airflow_provider_okta_ure.preflight.wanted import ACTION_KINDS, ActionKind, Wanted

if TYPE_CHECKING:
    from airflow.sdk import DAG

# By name, because operators are a layer above this one.
_ADD = "OktaAddToGroupOperator"
_REMOVE = "OktaRemoveFromGroupOperator"
_PUSH = "OktaPushRiskOperator"
_UPSERT = "OktaUpsertUserRiskOperator"
_REGISTER = "OktaSecurityEventsProviderOperator"
_CONFIRM = "OktaRiskEventSensor"
_PREFLIGHT = "OktaPreflightOperator"
_FETCH = "NetskopeFetchScoresOperator"
_FILTER = "RiskFilterOperator"
_REVERT = "OktaRevertRunOperator"
_ACTING = (_ADD, _REMOVE, _PUSH, _UPSERT, _REVERT)
_KNOWN = (*_ACTING, _REGISTER, _CONFIRM, _PREFLIGHT, _FETCH, _FILTER)

_THE_STRICTEST: tuple[AdministratorsExcluded, ...] = ("always", "if_readable", "never")
_DEFAULTS = {"okta_conn_id": "okta_default", "netskope_conn_id": "netskope_default"}


@dataclass
class Need:
    """
    What the tasks of a DAG need of one Okta org.

    :param groups: the groups that are written, as name and id; and whether one may be missing before the run.
    :param signals: the modes of the tasks that push.
    """

    actions: set[ActionKind] = field(default_factory=set)
    groups: dict[tuple[str, str], bool] = field(default_factory=dict)
    signals: set[str] = field(default_factory=set)
    ensure_provider: bool = False
    confirm: bool = False
    check_jwks: bool = True
    exclude_users: list[Any] = field(default_factory=list)
    exclude_groups: list[Any] = field(default_factory=list)
    administrators: set[AdministratorsExcluded] = field(default_factory=set)
    users: int | None = None

    def wanted(self, group: tuple[str, str] | None, strategy: str) -> Wanted:
        """Return what is to be checked for one of the groups."""
        name, group_id = group or ("", "")
        # One task that must send decides for all.
        mode = next((one for one in ("on", "auto", "off") if one in self.signals), "")
        actions = [one for one in ACTION_KINDS if one in self.actions]
        return Wanted(
            actions=tuple(actions) or ("groups",),
            signals=to_signals_mode(mode) if mode and "push" in self.actions else None,
            group_name=name or None,
            group_id=group_id or None,
            create_group=bool(group and self.groups[group]),
            ensure_provider=self.ensure_provider,
            confirm=self.confirm and "push" in self.actions,
            check_jwks=self.check_jwks,
            strategy=strategy,
            users=self.users,
            exclude_users=tuple(self.exclude_users),
            exclude_groups=tuple(self.exclude_groups),
            exclude_administrators=next(
                (one for one in _THE_STRICTEST if one in self.administrators), "never"
            ),
        )


class NeedsOfDag:
    """
    What a DAG needs.

    :param dag: the DAG, as its file makes it.
    :param params: values of its parameters; those that are not given have their defaults.
    :raises ConfigurationError: a parameter is unknown, or none of the tasks is of this package.
    """

    def __init__(self, dag: DAG, params: Mapping[str, Any] | None = None) -> None:
        self._dag = dag
        self.params = _params(dag, params or {})
        self._jinja = dag.get_template_env().overlay(undefined=StrictUndefined)
        self.unknown: list[str] = []
        """The arguments that only a run knows, as ``task.argument``."""
        self.of_org: dict[str, Need] = {}
        self.strategies: dict[str, str] = {}
        """How each Netskope connection is read."""
        self.wrong_rules: list[str] = []
        self.rules = 0
        tasks = [(task, kind) for task in dag.tasks if (kind := _kind_of(task))]
        if not tasks:
            raise ConfigurationError(
                f"The DAG {dag.dag_id!r} has no tasks of this package.",
                remedy="Name a DAG that acts on Okta or reads Netskope.",
            )
        for task, kind in tasks:
            self._read(task, kind)

    def findings(self) -> Iterator[Finding]:
        """Yield what the DAG itself shows."""
        for name, verdict in (("dag.arguments", self._arguments()), ("dag.rules", self._rules())):
            if verdict is not None:
                yield Finding(
                    name=name, status=verdict.status, message=verdict.message, remedy=verdict.remedy
                )

    def _arguments(self) -> Verdict:
        if self.unknown:
            return warning(
                f"Only a run knows {', '.join(sorted(set(self.unknown)))}, so that is not checked.",
                "Check it with the options of this command, or give the parameter with --params.",
            )
        shown = ", ".join(f"{name}={value!r}" for name, value in self.params.items())
        return ok(f"The arguments of the tasks are known, with the parameters {shown or '(none)'}.")

    def _rules(self) -> Verdict | None:
        if self.wrong_rules:
            return problem(" ".join(self.wrong_rules), "Correct the rule; docs/rules.md explains them.")
        return ok(f"{self.rules} rules can be used.") if self.rules else None

    def _read(self, task: Any, kind: str) -> None:
        if kind == _FILTER:
            self._read_rule(task)
            return
        if kind in (_FETCH, _PREFLIGHT):
            tenant = self._text(task, "netskope_conn_id")
            if tenant:
                self.strategies[tenant] = self._text(task, "strategy") or "series"
        if kind == _FETCH:
            self._read_keep(task)
        else:
            need = self.of_org.setdefault(self._text(task, "okta_conn_id") or "okta_default", Need())
            self._read_of_org(task, kind, need)

    def _read_of_org(self, task: Any, kind: str, need: Need) -> None:
        if kind in _ACTING:
            self._read_exclusions(task, need)
        if kind in (_ADD, _REMOVE):
            self._read_group(task, kind, need)
        elif kind == _PUSH:
            self._read_push(task, need)
        elif kind == _REVERT:
            # Whatever the run did that is to be undone; signals only where there can be any.
            need.actions.update(("groups", "push"))
            need.signals.add("auto")
        elif kind == _UPSERT:
            need.actions.add("upsert")
        elif kind == _PREFLIGHT:
            users = self._text(task, "users")
            need.users = int(users) if users.isdecimal() else None
        need.ensure_provider |= kind == _REGISTER
        need.confirm |= kind == _CONFIRM

    def _read_push(self, task: Any, need: Need) -> None:
        need.actions.add("push")
        need.signals.add(self._mode(task))
        need.ensure_provider |= self._flag(task, "ensure_provider")
        need.check_jwks &= self._flag(task, "check_jwks", default=True)

    def _read_rule(self, task: Any) -> None:
        rule, unless = self._value(task, "rule"), self._value(task, "unless")
        if not isinstance(rule, str):
            return
        self.rules += 1 if unless is None else 2
        try:
            Selection.parse(rule, unless)
        except RuleError as error:
            self.wrong_rules.append(f"{task.task_id}: {error.message}")

    def _read_keep(self, task: Any) -> None:
        try:
            keep = Keep.parse(self._value(task, "keep"))
        except ConfigurationError as error:
            self.wrong_rules.append(f"{task.task_id}: {error.message}")
            return
        self.rules += len(keep.rules) if keep is not None else 0

    def _read_group(self, task: Any, kind: str, need: Need) -> None:
        need.actions.add("groups")
        group = (self._text(task, "group_name"), self._text(task, "group_id"))
        may_be_missing = self._flag(task, "create_group" if kind == _ADD else "missing_group_ok")
        if any(group):
            need.groups[group] = need.groups.get(group, False) or may_be_missing

    def _read_exclusions(self, task: Any, need: Need) -> None:
        for argument, listed in (
            ("exclude_users", need.exclude_users),
            ("exclude_groups", need.exclude_groups),
        ):
            value = self._value(task, argument)
            if value and value not in listed:
                listed.append(value)
        value = self._value(task, "exclude_administrators")
        need.administrators.add("if_readable" if value is None else to_administrators_excluded(value))

    def _mode(self, task: Any) -> str:
        value = self._value(task, "signals")
        return "on" if value is None else to_signals_mode(value)

    def _flag(self, task: Any, argument: str, *, default: bool = False) -> bool:
        value = self._value(task, argument)
        return default if value is None else str(value).strip().lower() == "true"

    def _text(self, task: Any, argument: str) -> str:
        value = self._value(task, argument)
        if value is None:
            return ""
        return str(value)

    def _value(self, task: Any, argument: str) -> Any:
        """Return an argument as it is in a run; None = it has none, or only a run knows it."""
        given = _given(task, argument)
        if not _is_plain(given):
            self.unknown.append(f"{task.task_id}.{argument}")
            return None
        if not _has_template(given):
            return given
        try:
            return task.render_template(given, {"params": self.params}, self._jinja)
        except (TemplateError, TypeError, ValueError):
            self.unknown.append(f"{task.task_id}.{argument}")
            return None


def _params(dag: DAG, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {name: dag.params.get_param(name).value for name in dag.params}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ConfigurationError(
            f"The DAG {dag.dag_id!r} has no parameter {unknown[0]!r}.",
            remedy=f"Its parameters are {', '.join(sorted(known)) or 'none'}.",
        )
    return {**known, **given}


def _kind_of(task: Any) -> str:
    of_class = getattr(task, "operator_class", type(task))
    names = [one.__name__ for one in getattr(of_class, "__mro__", ())]
    return next((name for name in names if name in _KNOWN), "")


def _given(task: Any, argument: str) -> Any:
    """Return an argument as the DAG's file has it."""
    if not hasattr(task, "partial_kwargs"):
        return getattr(task, argument, None)
    if argument in task.partial_kwargs:
        return task.partial_kwargs[argument]
    if argument in task.expand_input.value:
        return _OnlyInARun
    parameters = inspect.signature(task.operator_class.__init__).parameters
    default = parameters[argument].default if argument in parameters else None
    return _DEFAULTS.get(argument) if default is inspect.Parameter.empty else default


class _OnlyInARun:
    """Stands for what each mapped part gets."""


def _is_plain(value: Any) -> bool:
    if isinstance(value, (list, tuple, set)):
        return all(_is_plain(one) for one in value)
    return value is None or isinstance(value, (str, int, float))


def _has_template(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "{%" in value
    return isinstance(value, Sequence) and any(_has_template(one) for one in value)
