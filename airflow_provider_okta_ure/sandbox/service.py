"""What both pretend services have in common: journal, faults, waiting, request numbers, standing headers."""

from __future__ import annotations

import asyncio
import sys
import threading
import traceback
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.hashing import hex_of
from airflow_provider_okta_ure.sandbox.journal import Journal, JournalEntry, hide_secrets
from airflow_provider_okta_ure.sandbox.oddities import Oddities

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox.clock import SandboxClock
    from airflow_provider_okta_ure.sandbox.faults import Fault, FaultPlan
    from airflow_provider_okta_ure.sandbox.http import Answer, Request
    from airflow_provider_okta_ure.sandbox.options import Options


@dataclass(slots=True)
class Shared:
    """What the two services share; the addresses are known once the ports are bound."""

    seed: int
    clock: SandboxClock
    options: Options
    lock: threading.RLock
    journal: Journal
    faults: FaultPlan
    held: Held
    okta_url: str = ""
    netskope_url: str = ""
    on_request: Callable[[JournalEntry], None] | None = None
    requests_seen: int = 0
    own_origin: str = ""
    own_certificate: str | None = None

    def trust(self, address: str) -> str | bool:
        """Return by which certificates an address is checked: our own static host's is known to us only."""
        if self.own_certificate is not None and address.startswith(self.own_origin + "/"):
            return self.own_certificate
        return True


class Held:
    """Requests that a ``hold`` fault keeps waiting, and the switch that lets them go."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def hold(self) -> None:
        """Wait until released."""
        event = asyncio.Event()
        with self._changed:
            self._waiting.append((asyncio.get_running_loop(), event))
            self._changed.notify_all()
        await event.wait()

    def wait_until(self, count: int, timeout: float) -> bool:
        """Return True once so many requests are waiting, False when the time is up."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self._waiting) >= count, timeout)

    def release(self) -> None:
        """Let all of them go."""
        with self._changed:
            for loop, event in self._waiting:
                loop.call_soon_threadsafe(event.set)
            self._waiting.clear()


class PretendService:
    """
    Takes a request from the application, and brings it to an answer.

    :param shared: what both services share.
    """

    name = ""

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self.oddities = Oddities(shared.options)

    @property
    def latency(self) -> float:
        """Real seconds every answer takes."""
        raise NotImplementedError

    def count(self, request: Request, entry: JournalEntry) -> None:
        """Count the request against the service's limits."""
        raise NotImplementedError

    async def execute(self, request: Request, entry: JournalEntry) -> Answer:
        """Check, execute and answer a request."""
        raise NotImplementedError

    def crash(self, request: Request) -> Answer:
        """Return what the service answers when something breaks inside."""
        raise NotImplementedError

    def faulty_answer(self, request: Request, entry: JournalEntry, fault: Fault) -> Answer:
        """Return the service's own error answer for a fault, without executing the request."""
        raise NotImplementedError

    def headers(self, request: Request) -> list[tuple[str, str]]:
        """Return the headers every answer carries."""
        raise NotImplementedError

    def clear(self) -> None:
        """Forget what the service remembers about requests."""
        self.oddities.clear()

    def receive(self, request: Request) -> JournalEntry:
        """Write a request into the journal and give it its number and time."""
        shared = self.shared
        with shared.lock:
            shared.requests_seen += 1
            request.request_id = hex_of(shared.seed, "request", shared.requests_seen)
            request.at = shared.clock.timestamp()
            authorization = request.headers.get("authorization", "")
            token = request.headers.get("netskope-api-token")
            entry = JournalEntry(
                service=self.name,
                method=request.method,
                path=request.path,
                query=request.raw_query,
                at=request.at,
                body=_kept_body(request),
                has_authorization=bool(authorization or token),
                authorization_scheme=_scheme(authorization) or ("Netskope-Api-Token" if token else None),
                content_type=request.headers.get("content-type"),
                user_agent=request.headers.get("user-agent"),
                retry_count=request.headers.get("x-okta-retry-count"),
                request_id=request.request_id,
            )
            shared.journal.add(entry)
            self.count(request, entry)
            return entry

    def take_fault(self, request: Request) -> Fault | None:
        """Return the fault this request is to suffer."""
        with self.shared.lock:
            return self.shared.faults.take(self.name, request.method, request.path)

    async def wait(self, fault: Fault | None) -> None:
        """Wait as the latency switch and the fault say."""
        seconds = self.latency + (fault.seconds if fault and fault.kind == "slow" else 0)
        if seconds:
            await asyncio.sleep(seconds)
        if fault and fault.kind == "hold":
            await self.shared.held.hold()

    async def answer(self, request: Request, entry: JournalEntry) -> Answer:
        """Check, execute and answer a request; what breaks is shown on stderr and answered with 500."""
        try:
            return await self.execute(request, entry)
        except Exception:  # noqa: BLE001 - a defect here must not look like a lost connection
            traceback.print_exc(file=sys.stderr)
            return self.crash(request)

    def finish(self, request: Request, entry: JournalEntry, answer: Answer) -> None:
        """Add the standing headers and complete the journal entry."""
        date = ("Date", _http_date(int(request.at)))
        if answer.is_foreign:
            answer.headers = [date, *answer.headers]
        else:
            self.oddities.change_body(request, answer)
            answer.headers = self.oddities.headers([date, *self.headers(request), *answer.headers])
        entry.status = answer.status

    def done(self, entry: JournalEntry) -> None:
        """Report the request, when somebody wants to hear of it."""
        if self.shared.on_request is not None:
            self.shared.on_request(entry)


def _kept_body(request: Request) -> bytes:
    """Return the body as the journal keeps it: of a form, such as a token request, without its secrets."""
    if request.media_type != "application/x-www-form-urlencoded":
        return request.body
    return hide_secrets(request.body.decode("latin-1")).encode("latin-1")


def _scheme(authorization: str) -> str | None:
    """Return the scheme alone, also when the token follows it without a space."""
    for known in ("SSWS", "Bearer", "DPoP", "Basic"):
        if authorization[: len(known)].lower() == known.lower():
            return known
    return "other" if authorization else None


@lru_cache(maxsize=64)
def _http_date(timestamp: int) -> str:
    return formatdate(timestamp, usegmt=True)
