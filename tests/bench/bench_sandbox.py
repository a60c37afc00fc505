"""
Measures the sandbox: requests a second, time to start, and pages of a very large tenant.

Run it with ``python -m tests.bench.bench_sandbox``. The client runs in a process of its own, with several
connections that stay open; "of one core" divides by the CPU time that the serving process spent.
"""

from __future__ import annotations

import http.client
import multiprocessing
import resource
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_okta_ure.sandbox import Options, Sandbox

CONNECTIONS = 4
SECONDS = 3.0


def main() -> None:
    """Print the figures, one a line."""
    started = time.perf_counter()
    with Sandbox(users=10_000):
        _say(f"start with 10,000 users: {time.perf_counter() - started:.2f} s")
    options = Options(
        token_rate_share=1_000_000.0, push_rate_limit=10**9, netskope_rate_limit=0, journal_size=1000
    )
    with Sandbox(users=10_000, options=options) as sandbox:
        user = sandbox.okta.users[0]
        group = sandbox.okta.add_group("bench")
        okta = {"Authorization": f"SSWS {sandbox.okta_token}"}
        search = f"/api/v1/users?search=profile.login+eq+%22{user.login}%22"
        measure("GET a user", sandbox.okta_url, "GET", f"/api/v1/users/{user.id}", okta)
        measure("search a user by login", sandbox.okta_url, "GET", search, okta)
        measure("list 200 users", sandbox.okta_url, "GET", "/api/v1/users?limit=200", okta)
        measure("PUT a member", sandbox.okta_url, "PUT", f"/api/v1/groups/{group.id}/users/{user.id}", okta)
    started = time.perf_counter()
    with Sandbox(users=0, netskope_users=1_000_000, options=options) as sandbox:
        _say(f"start with 1,000,000 Netskope users: {time.perf_counter() - started:.2f} s")
        token = {"Netskope-Api-Token": sandbox.netskope_token}
        for label, query in (
            ("first page of 1,000 of 1,000,000 by score", "?sortby=confidenceScore&limit=1000"),
            ("next page", "?sortby=confidenceScore&limit=1000&offset=500000"),
            ("first page by user", "?sortby=user&limit=1000"),
            ("first page with statistics", "?sortby=user&limit=1000&statistics=true"),
        ):
            started = time.perf_counter()
            ask(sandbox.netskope_url, "POST", "/api/v2/incidents/users/getuci" + query, token)
            _say(f"{label}: {(time.perf_counter() - started) * 1000:.0f} ms")
        started = time.perf_counter()
        ask(sandbox.netskope_url, "GET", "/api/v2/scim/Users?startIndex=900001&count=1000", token)
        _say(f"SCIM page of 1,000 at 900,001: {(time.perf_counter() - started) * 1000:.0f} ms")


def measure(label: str, url: str, method: str, path: str, headers: dict[str, str]) -> None:
    """Print how many such requests a second are answered."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    client = context.Process(target=_hammer, args=(url, method, path, headers, queue))
    client.start()
    count, seconds = queue.get()
    client.join()
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    _say(f"{label}: {count / seconds:,.0f} requests/s, {count / cpu:,.0f} requests/s of one core")


def ask(url: str, method: str, path: str, headers: dict[str, str]) -> None:
    """Send one request and read its answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
    _exchange(connection, method, path, headers)
    connection.close()


def _hammer(url: str, method: str, path: str, headers: dict[str, str], queue: Any) -> None:
    parts = urlsplit(url)
    counts: list[int] = []
    end = time.perf_counter() + SECONDS

    def run() -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=60)
        count = 0
        while time.perf_counter() < end:
            _exchange(connection, method, path, headers)
            count += 1
        counts.append(count)

    started = time.perf_counter()
    threads = [threading.Thread(target=run) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    queue.put((sum(counts), time.perf_counter() - started))


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, headers: dict[str, str]
) -> None:
    body = b"{}" if method == "POST" else b"" if method == "PUT" else None
    connection.request(method, path, body=body, headers=headers)
    answer = connection.getresponse()
    answer.read()
    if answer.status >= 400:
        raise SystemExit(f"{method} {path} answered {answer.status}")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
