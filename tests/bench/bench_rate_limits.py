# SPDX-License-Identifier: Apache-2.0
"""
How several processes share a rate limit: in what time, compared with the least possible, and how fairly.

The limits are one of Okta's, and Netskope's of four requests a second, of which we use three.

``python -m tests.bench.bench_rate_limits [--processes 1 2 3] [--window 12] [--limit 120] [--calls 120]``

The least possible time is that of requests that go evenly at our share of the limit. The window is shorter than
Okta's minute, which makes every lost second count for more.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import PER_SECOND, NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.sandbox import Sandbox

if TYPE_CHECKING:
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier

BUCKET = "/api/v1/groups"


@dataclass(frozen=True)
class Work:
    """What one process does."""

    url: str
    token: str
    group_id: str
    user_id: str
    calls: int
    share: float
    begins_after: float


def work(job: Work, barrier: Barrier, ends: Queue[float]) -> None:
    """Write one membership again and again, and report when it is done."""
    client = OktaClient.connect(job.url, SswsAuth(job.token), rate_limit_share=job.share)
    barrier.wait()
    time.sleep(job.begins_after)
    for _ in range(job.calls):
        client.add_member(job.group_id, job.user_id)
    ends.put(time.time())


def read(url: str, token: str, calls: int, barrier: Barrier, ends: Queue[float]) -> None:
    """Read one page of Netskope's users again and again, and report when that is done."""
    client = NetskopeClient.connect(url, NetskopeTokenAuth(token))
    barrier.wait()
    for _ in range(calls):
        list(client.list_users())
    ends.put(time.time())


def measure_netskope(processes: int, calls: int) -> None:
    """Print how long each of several processes took for its calls of Netskope."""
    with Sandbox(users=20) as sandbox:
        context = multiprocessing.get_context("spawn")
        barrier, ends = context.Barrier(processes + 1), context.Queue()
        job = (sandbox.netskope_url, sandbox.netskope_token, calls, barrier, ends)
        running = [context.Process(target=read, args=job) for _ in range(processes)]
        for one in running:
            one.start()
        barrier.wait()
        started = time.time()
        took = sorted(ends.get() - started for _ in running)
        for one in running:
            one.join()
        refused = sum(1 for entry in sandbox.requests if entry.status == 429)
    floor = processes * calls / PER_SECOND
    print(
        f"Netskope, {processes} processes, {calls} calls each: {', '.join(f'{one:.1f}' for one in took)} s; "
        f"{took[-1] / floor:.3f} of the floor {floor:.1f} s (bound 1.05), "
        f"apart by {1 - took[0] / took[-1]:.0%} (bound 20 %), {refused} times 429 (bound 0)"
    )


def measure(processes: int, *, window: int, limit: int, calls: int, share: float, apart: float) -> bool:
    """Print how long each process took; return whether that is within what is promised."""
    with Sandbox(users=20) as sandbox:
        sandbox.options.rate_limit_window_seconds = window
        sandbox.set_bucket(BUCKET, limit)
        group = sandbox.okta.add_group("Benchmark")
        context = multiprocessing.get_context("spawn")
        barrier, ends = context.Barrier(processes + 1), context.Queue()
        jobs = [
            Work(
                sandbox.okta_url,
                sandbox.okta_token,
                group.id,
                sandbox.okta.users[number].id,
                calls,
                share,
                number * apart,
            )
            for number in range(processes)
        ]
        running = [context.Process(target=work, args=(job, barrier, ends)) for job in jobs]
        for one in running:
            one.start()
        barrier.wait()
        started = time.time()
        took = sorted(ends.get() - started for _ in running)
        for one in running:
            one.join()
        refused = sum(1 for entry in sandbox.requests if entry.status == 429)
        fastest_second = _most_in_a_second([entry.at for entry in sandbox.requests])
    floor = processes * calls / (int(limit * share) / window)
    ratio, apart_by = took[-1] / floor, 1 - took[0] / took[-1]
    print(
        f"Okta, {processes} processes, {calls} calls each, {limit} per {window} s, share {share}: "
        f"{', '.join(f'{one:.1f}' for one in took)} s; {ratio:.3f} of the floor {floor:.1f} s (bound 1.05), "
        f"apart by {apart_by:.0%} (bound 20 %), {refused} times 429 (bound 0), "
        f"at most {fastest_second} in a second"
    )
    return ratio <= 1.05 and apart_by <= 0.2 and not refused


def _most_in_a_second(moments: list[float]) -> int:
    return max(sum(1 for one in moments if moment <= one < moment + 1) for moment in moments)


def main() -> None:
    logging.disable(logging.WARNING)
    parser = argparse.ArgumentParser()
    parser.add_argument("--processes", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--window", type=int, default=12)
    parser.add_argument("--limit", type=int, default=120)
    parser.add_argument("--calls", type=int, default=120)
    parser.add_argument("--share", type=float, default=0.8)
    parser.add_argument("--apart", type=float, default=0.0, help="seconds between the beginnings")
    settings: dict[str, Any] = vars(parser.parse_args())
    for processes in settings.pop("processes"):
        measure(processes, **settings)
        measure_netskope(processes, settings["calls"] // 6)


if __name__ == "__main__":
    main()
