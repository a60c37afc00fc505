# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure check``: whether everything is there that a run needs; writes nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import msgspec

from airflow_provider_okta_ure.commands.connections import reading_the_database
from airflow_provider_okta_ure.commands.dags import read_dag, read_params
from airflow_provider_okta_ure.commands.endings import PROBLEM, ending_with_status
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_kept_clean
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.preflight.for_dag import preflight_for
from airflow_provider_okta_ure.preflight.of_dag import NeedsOfDag
from airflow_provider_okta_ure.preflight.run import missing_connections, preflight
from airflow_provider_okta_ure.preflight.table import to_table
from airflow_provider_okta_ure.preflight.wanted import Wanted, to_actions

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_okta_ure.preflight.report import PreflightReport


def check(args: Namespace) -> None:
    """
    Check what the options say, print the report, and end with a status for scripts.

    :raises SystemExit: with 1 for a problem, 2 for wrong options or a missing connection, 130 for Ctrl-C.
    """
    output = sys.stdout
    with (
        ending_with_status(interrupted="Interrupted; nothing was written to Okta or Netskope."),
        output_kept_clean(),
        reading_the_database(),
    ):
        report = _report(args)
    _show(report, output, as_json=args.json)
    if report.status == "problem":
        raise SystemExit(PROBLEM)


def _report(args: Namespace) -> PreflightReport:
    refuse_empty(args, allowed=("netskope-conn-id",))
    if args.for_dag:
        return _report_for_dag(args)
    if args.dags_folder or args.params:
        raise ConfigurationError(
            "--dags-folder and --params are about a DAG.", remedy="Name the DAG with --for-dag."
        )
    wanted = Wanted(
        actions=to_actions(args.actions),
        signals=args.signals,
        group_name=args.group_name,
        group_id=args.group_id,
        create_group=args.create_group,
        ensure_provider=args.ensure_provider,
        confirm=args.confirm,
        check_jwks=not args.no_check_jwks,
        strategy=args.strategy or "series",
        users=args.users,
        max_minutes=args.max_minutes,
    )
    okta, netskope = (
        args.okta_conn_id or "okta_default",
        "netskope_default" if args.netskope_conn_id is None else args.netskope_conn_id,
    )
    _require_connections(okta, netskope, without_netskope="; without Netskope add --netskope-conn-id ''")
    return preflight(okta, netskope, wanted)


def _report_for_dag(args: Namespace) -> PreflightReport:
    # What the DAG says by itself; given besides, it would not be clear which of both is checked.
    for option in _OF_THE_WORK:
        if getattr(args, option) not in (None, False):
            raise ConfigurationError(
                f"--{option.replace('_', '-')} and --for-dag are both given.",
                remedy="Leave it out: the DAG says it. Values of its parameters go into --params.",
            )
    needs = NeedsOfDag(read_dag(args.for_dag, args.dags_folder), read_params(args.params))
    _require_connections(*needs.of_org, *needs.strategies)
    return preflight_for(needs)


_OF_THE_WORK = (
    "okta_conn_id",
    "netskope_conn_id",
    "actions",
    "signals",
    "group_name",
    "group_id",
    "create_group",
    "ensure_provider",
    "confirm",
    "strategy",
)


def _require_connections(*conn_ids: str, without_netskope: str = "") -> None:
    missing = missing_connections(*conn_ids)
    if missing:
        hint = without_netskope if conn_ids[-1] in missing else ""
        raise ConfigurationError(
            f"There is no connection {' and no connection '.join(map(repr, missing))}.",
            remedy="Create it in the UI under Admin > Connections, with `airflow connections add`, or as the "
            f"environment variable AIRFLOW_CONN_{missing[0].upper()}{hint}.",
        )


def _show(report: PreflightReport, output: TextIO, *, as_json: bool) -> None:
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(report.to_dict()), indent=2).decode()
    else:
        text = to_table(report, colours=output.isatty() and not os.environ.get("NO_COLOR"))
    output.write(text + "\n")
    output.flush()
