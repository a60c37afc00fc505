# SPDX-License-Identifier: Apache-2.0
"""``make demo``: backfill some days, sync today, and say in plain words what happened in Okta."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from demo import story
from demo.airflow_instance import LOGIN, PASSWORD, AirflowInstance
from demo.folders import fresh_folder
from demo.keys import new_signing_key
from demo.ports import Wanted, require_free
from demo.processes import DemoError
from demo.services import Services
from demo.stop_signals import STOP_SIGNALS, Interrupted

DAG_ID = "okta_risk_sync"
GROUP = "Netskope at risk"
USERS = 2000
SEED = 7
DAYS = 7
LOGGED = (
    "group.user_membership.add",
    "group.user_membership.remove",
    "security.events.provider.receive_event",
)
CONF = {
    "dry_run": False,
    "group": GROUP,
    "at_risk_rule": story.AT_RISK_RULE,
    "recovered_rule": story.RECOVERED_RULE,
    # Limits are for one day of the clock, and this is a whole week on one.
    "max_change_percent": 100,
}
REPOSITORY = Path(__file__).resolve().parent.parent


class Demo:
    """
    The whole demo.

    :param folder: where everything it makes goes; empty.
    :param days: how many days before today are backfilled.
    """

    def __init__(
        self, folder: Path, *, port: int, okta_port: int, netskope_port: int, days: int = DAYS
    ) -> None:
        self._days = days
        self._started = time.monotonic()
        self._ports = {"okta_port": okta_port, "netskope_port": netskope_port}
        self._services = Services(folder / "sandbox")
        self._airflow = AirflowInstance(folder / "airflow", REPOSITORY / "dags", port)

    def run(self) -> None:
        """
        Do everything that the demo shows, and check it.

        :raises DemoError: something did not work, or is not as the demo would say.
        """
        self._say(f"Sandbox: a pretend Okta org and Netskope tenant with {USERS} users")
        self._services.start(users=USERS, seed=SEED, **self._ports)
        self._airflow.start(self._say)
        self._connect()
        self._airflow.wait_for_dag(DAG_ID)
        since = datetime.now(tz=timezone.utc) - timedelta(minutes=5)
        runs = self._past_days()
        # The check is for the time of the last run, also when midnight UTC passes meanwhile.
        until = datetime.now(tz=timezone.utc)
        runs.append(self._today())
        self._tell(runs, since, until)

    def stop(self) -> None:
        """End every process that the demo started."""
        try:
            self._airflow.stop()
        finally:
            self._services.stop()

    def _connect(self) -> None:
        self._say("Airflow: storing the connections okta_default and netskope_default")
        key = new_signing_key()
        ready = self._services.ready
        signing = {
            "issuer": "https://risk.corp.example",
            "jwks_url": self._services.publish_jwks(key.jwks),
            "allow_private_jwks_url": True,
            "signing_private_key": key.pem,
            # So that nobody who triggers a DAG can choose another group.
            "writable_groups": ["Netskope*", "Watchlist"],
            # The sandbox is ours alone: nobody to leave a share to.
            "rate_limit_share": 1.0,
        }
        self._airflow.add_connection(
            "okta_default",
            conn_type="okta",
            host=ready["okta_url"],
            password=ready["okta_token"],
            extra=signing,
        )
        self._airflow.add_connection(
            "netskope_default",
            conn_type="netskope",
            host=ready["netskope_url"],
            password=ready["netskope_token"],
        )

    def _past_days(self) -> list[tuple[str, str]]:
        today = datetime.now(tz=timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = today - timedelta(days=self._days), today - timedelta(days=1)
        self._say(f"Backfill: {first:%Y-%m-%d} to {last:%Y-%m-%d}, one day after the other, for real")
        # By itself a backfill only plans what to do with groups: who was at risk then may not be today.
        self._airflow.backfill(DAG_ID, first, last, {**CONF, "past_intervals": "apply"})
        # Only now: unpaused before, the DAG would start its own run of yesterday, a dry one.
        self._airflow.unpause(DAG_ID)
        runs = []
        for day in range(self._days):
            run = self._wait_for_backfilled(day)
            label = str(run["data_interval_start"])[:10]
            runs.append((label, run["dag_run_id"]))
            self._say(f"  {label}: {_seconds(run):4.1f} s")
        return runs

    def _wait_for_backfilled(self, day: int) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while len(runs := self._airflow.runs(DAG_ID, "backfill")) <= day:
            if time.monotonic() > deadline:
                raise DemoError("Airflow did not start the backfill within 60 s.")
            time.sleep(0.5)
        return self._airflow.wait_for_run(DAG_ID, runs[day]["dag_run_id"], 180)

    def _today(self) -> tuple[str, str]:
        run_id = self._airflow.trigger(DAG_ID, CONF)
        run = self._airflow.wait_for_run(DAG_ID, run_id, 180)
        self._say(f"Today, triggered by hand: {_seconds(run):4.1f} s")
        return "today", run_id

    def _tell(self, runs: Sequence[tuple[str, str]], since: datetime, until: datetime) -> None:
        self._say("Asking Okta itself what has changed")
        reports = [(label, self._airflow.xcom(DAG_ID, run_id, "report")) for label, run_id in runs]
        group_id, members = self._services.group_members(GROUP)
        names = {member["id"]: member["profile"]["login"] for member in members}
        expectation = story.expected_in_okta(
            self._services.scores(self._services.netskope_users(), until), self._services.okta_users()
        )
        events = {
            kind: len(self._services.log_events(f"{since:%Y-%m-%dT%H:%M:%SZ}", kind)) for kind in LOGGED
        }
        problems = story.differences(expectation, set(names), [report for _, report in reports], events)
        problems += story.wrong_levels(expectation, names, self._services.risk_levels(names))
        _print(f"\nThe group {GROUP!r} ({group_id}) now has {len(members)} members in Okta.\n")
        _print(story.day_by_day(reports))
        _print("\n" + story.meaning_of_columns())
        run_id = runs[-1][1]
        actions = {task_id: self._airflow.xcom(DAG_ID, run_id, task_id) for task_id in story.ACTIONS}
        _print("\nToday, for example:\n")
        _print(story.people(actions))
        _print(
            f"\nOkta's System Log has {events[LOGGED[0]]} additions, {events[LOGGED[1]]} removals "
            f"and {events[LOGGED[2]]} risk signals since the demo began."
        )
        confirmed = sum(report[story.PROOF]["counts"]["confirmed"] for _, report in reports)
        if problems:
            raise DemoError("But not all is as it should be:\n  " + "\n  ".join(problems))
        _print(
            "Checked against both services: every user at risk is in the group, every recovered one is out;\n"
            f"Okta has the risk level of each of the {len(names)} members; "
            f"{confirmed} risk signals pushed, all confirmed in Okta's System Log.\n"
        )
        _print(f"Airflow: {self._airflow.url}/dags/{DAG_ID}   login {LOGIN}, password {PASSWORD}")
        _print(f"Who was acted on and why: {self._airflow.url}/plugin/risk-exchange")

    def _say(self, text: str) -> None:
        _print(f"[{time.monotonic() - self._started:5.1f} s] {text}")


def _seconds(run: dict[str, Any]) -> float:
    start, end = (
        datetime.fromisoformat(run[name].replace("Z", "+00:00")) for name in ("start_date", "end_date")
    )
    return (end - start).total_seconds()


def _print(text: str) -> None:
    print(text, flush=True)


def main() -> int:
    """Run the demo and return its exit status."""
    options = _options()
    # Without this, a terminated demo would leave its processes behind.
    STOP_SIGNALS.install()
    try:
        require_free(
            {
                "PORT": Wanted(options.port, "Airflow UI"),
                "OKTA_PORT": Wanted(options.okta_port, "pretend Okta"),
                "NETSKOPE_PORT": Wanted(options.netskope_port, "pretend Netskope"),
            }
        )
        with fresh_folder(options.folder or REPOSITORY / ".demo" / str(options.port)) as folder:
            _run(folder, options)
    except DemoError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except Interrupted as interrupted:
        # `make` prints an error for every status but 0, and Ctrl-C is how the open UI is meant to end.
        return 0 if interrupted.number == signal.SIGINT else 128 + interrupted.number
    return 0


def _run(folder: Path, options: argparse.Namespace) -> None:
    """
    Run the demo in a folder, and leave no process of it behind.

    :raises DemoError: something is not as it should be.
    :raises Interrupted: a signal ended it before it was done.
    """
    demo = Demo(
        folder,
        port=options.port,
        okta_port=options.okta_port,
        netskope_port=options.netskope_port,
        days=options.days,
    )
    try:
        try:
            demo.run()
            if not options.once:
                _wait_for_ctrl_c()
        except Interrupted:
            _print("\nEnding, which takes some seconds; Ctrl-C again ends everything at once.")
            raise
        finally:
            STOP_SIGNALS.begin_stopping()
    finally:
        # Nothing interrupts this: either the signal is what brought us here, or none is heeded any more.
        demo.stop()


def _wait_for_ctrl_c() -> None:
    _print("Press Ctrl-C to end.")
    signal.pause()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end by itself instead of leaving the UI open")
    parser.add_argument("--port", type=int, default=8080, help="port of the Airflow UI")
    parser.add_argument("--okta-port", type=int, default=8091)
    parser.add_argument("--netskope-port", type=int, default=8092)
    parser.add_argument(
        "--days",
        type=int,
        default=DAYS,
        choices=range(1, 31),
        metavar="1..30",
        help="how many days before today to backfill",
    )
    parser.add_argument("--folder", type=Path, help="where everything goes (.demo/PORT)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
