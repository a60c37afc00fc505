# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure check``: whether everything is there that a run needs; writes nothing."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import msgspec

from airflow_provider_okta_ure.commands.connections import reading_the_database
from airflow_provider_okta_ure.commands.endings import PROBLEM, ending_with_status
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_kept_clean
from airflow_provider_okta_ure.errors import ConfigurationError
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
    wanted = Wanted(
        actions=to_actions(args.actions),
        signals=args.signals,
        group_name=args.group_name,
        group_id=args.group_id,
        create_group=args.create_group,
        ensure_provider=args.ensure_provider,
        confirm=args.confirm,
        check_jwks=not args.no_check_jwks,
        strategy=args.strategy,
        users=args.users,
        max_minutes=args.max_minutes,
    )
    missing = missing_connections(args.okta_conn_id, args.netskope_conn_id)
    if missing:
        raise ConfigurationError(
            f"There is no connection {' and no connection '.join(map(repr, missing))}.",
            remedy="Create it in the UI under Admin > Connections, with `airflow connections add`, or as the "
            f"environment variable AIRFLOW_CONN_{missing[0].upper()}"
            + ("; without Netskope add --netskope-conn-id ''." if args.netskope_conn_id in missing else "."),
        )
    return preflight(args.okta_conn_id, args.netskope_conn_id, wanted)


def _show(report: PreflightReport, output: TextIO, *, as_json: bool) -> None:
    if as_json:
        text = msgspec.json.format(msgspec.json.encode(report.to_dict()), indent=2).decode()
    else:
        text = to_table(report, colours=output.isatty() and not os.environ.get("NO_COLOR"))
    output.write(text + "\n")
    output.flush()
