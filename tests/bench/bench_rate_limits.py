"""
How several processes share a rate limit: refusals, the time they take compared with the least possible, how fairly.

The limits are one of Okta's, and Netskope's of four requests a second, of which we use three.

``python -m tests.bench.bench_rate_limits [--processes 4] [--threads 4] [--window 12] [--limit 500] [--calls 300]``

The least possible time is that of requests that go evenly at our share of the limit. The window is shorter than
Okta's minute, which makes every lost second count for more. Processes start at the same time, one after the other
(``staggered``), or the first is killed with requests under way (``killed``). They count together by the files of the
machine, and by PostgreSQL through PgBouncer (``--postgres``), each as if it were on a machine of its own.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import make_url

from airflow_provider_okta_ure.action_log.pacing import PacingStore
from airflow_provider_okta_ure.clients import limit_stores
from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import PER_SECOND, NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.support.pgbouncer import pooled
from tests.support.postgres import running

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

    from airflow_provider_okta_ure.clients.limit_stores import LimitStore

BUCKET = "/api/v1/groups"


@dataclass(frozen=True)
class Work:
    """
    What one process does.

    :param folder: where it counts together with others on its machine.
    :param log_url: the database where it counts with other machines; empty = it does not.
    """

    url: str
    token: str
    folder: str
    group_id: str = ""
    user_id: str = ""
    calls: int = 0
    threads: int = 1
    share: float = 0.8
    begins_after: float = 0.0
    log_url: str = ""

    def store(self) -> LimitStore:
        limit_stores.folder_of_user = lambda: Path(self.folder)
        return PacingStore(make_url(self.log_url)) if self.log_url else limit_stores.FileStore()


def write(job: Work, barrier: Barrier, ends: Queue[float]) -> None:
    """Write one membership again and again, and report when it is done."""
    client = OktaClient.connect(
        job.url, SswsAuth(job.token), rate_limit_share=job.share, limit_store=job.store()
    )
    barrier.wait()
    time.sleep(job.begins_after)
    with ThreadPoolExecutor(job.threads) as pool:
        list(pool.map(lambda _: client.add_member(job.group_id, job.user_id), range(job.calls)))
    ends.put(time.time())


def read(job: Work, barrier: Barrier, ends: Queue[float]) -> None:
    """Read one page of Netskope's users again and again, and report when that is done."""
    client = NetskopeClient.connect(job.url, NetskopeTokenAuth(job.token), limit_store=job.store())
    barrier.wait()
    for _ in range(job.calls):
        list(client.list_users())
    ends.put(time.time())


def race(what: Any, jobs: list[Work], *, killed_after: float = 0.0) -> list[float]:
    """Do all the work at the same time, and return how long each process took."""
    context = multiprocessing.get_context("spawn")
    barrier, ends = context.Barrier(len(jobs) + 1), context.Queue()
    processes = [context.Process(target=what, args=(job, barrier, ends)) for job in jobs]
    for one in processes:
        one.start()
    barrier.wait()
    started = time.time()
    if killed_after:
        time.sleep(killed_after)
        processes.pop(0).kill()
    took = sorted(ends.get() - started for _ in processes)
    for one in processes:
        one.join()
    return took


def measure_netskope(title: str, job: Work, processes: int, calls: int) -> None:
    """Print how long each of several processes took for its calls of Netskope."""
    with Sandbox(users=20) as sandbox, tempfile.TemporaryDirectory() as folder:
        job = replace(
            job,
            url=sandbox.netskope_url,
            token=sandbox.netskope_token,
            calls=calls,
            folder=f"{folder}/limits",
        )
        took = race(read, [job] * processes)
        refused = sum(1 for entry in sandbox.requests if entry.status == 429)
    floor = processes * calls / PER_SECOND
    print(
        f"Netskope, {title}: {', '.join(f'{one:.1f}' for one in took)} s; "
        f"{took[-1] / floor:.3f} of the floor {floor:.1f} s (bound 1.05), "
        f"apart by {1 - took[0] / took[-1]:.0%} (bound 20 %), {refused} times 429 (bound 0)"
    )


def measure(
    title: str,
    job: Work,
    processes: int,
    *,
    window: int,
    limit: int,
    apart: float = 0.0,
    killed_after: float = 0.0,
) -> None:
    """Print how long each process took."""
    with Sandbox(users=20) as sandbox, tempfile.TemporaryDirectory() as folder:
        sandbox.options.rate_limit_window_seconds = window
        sandbox.set_bucket(BUCKET, limit)
        group = sandbox.okta.add_group("Benchmark")
        job = replace(job, url=sandbox.okta_url, token=sandbox.okta_token, group_id=group.id)
        jobs = [
            replace(
                job,
                user_id=sandbox.okta.users[number].id,
                begins_after=number * apart,
                # Without a file in common, as on machines of their own.
                folder=f"{folder}/{number if job.log_url else 'limits'}",
            )
            for number in range(processes)
        ]
        took = race(write, jobs, killed_after=killed_after)
        moments = [entry.at for entry in sandbox.requests]
        refused = sum(1 for entry in sandbox.requests if entry.status == 429)
    floor = len(moments) / (int(limit * job.share) / window)
    print(
        f"Okta, {title}: {len(moments)} calls, {limit} per {window} s, share {job.share}: "
        f"{', '.join(f'{one:.1f}' for one in took)} s; {took[-1] / floor:.3f} of the floor {floor:.1f} s "
        f"(bound 1.05), {refused} times 429 (bound 0), at most {_most_in_a_second(moments)} in a second"
    )


def _most_in_a_second(moments: list[float]) -> int:
    return max(sum(1 for one in moments if moment <= one < moment + 1) for moment in moments)


def main() -> None:
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--window", type=int, default=12)
    parser.add_argument("--limit", type=int, default=500)
    parser.add_argument("--calls", type=int, default=300, help="of each process")
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--postgres", action="store_true", help="count together in PostgreSQL")
    args = parser.parse_args()
    with ExitStack() as stack:
        url = ""
        if args.postgres:
            url = stack.enter_context(pooled(stack.enter_context(running()).new_database(), "transaction"))
        job = Work("", "", "", calls=args.calls, threads=args.threads, share=args.share, log_url=url)
        told: dict[str, Any] = {"window": args.window, "limit": args.limit}
        measure("at the same time", job, args.processes, **told)
        measure("staggered", job, args.processes, **told, apart=args.window / 3)
        measure("the first killed", job, args.processes, **told, killed_after=args.window / 2)
        measure_netskope("at the same time", job, args.processes, args.calls // 10)


if __name__ == "__main__":
    main()
