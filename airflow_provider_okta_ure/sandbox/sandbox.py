"""The sandbox as a Python object: starts and stops the services, and gives tests a handle on everything."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import SandboxClock
from airflow_provider_okta_ure.sandbox.control import Control
from airflow_provider_okta_ure.sandbox.directory import fill_directory
from airflow_provider_okta_ure.sandbox.documents import PREFIX, Documents, refuse_private_parts
from airflow_provider_okta_ure.sandbox.dump import dump_state
from airflow_provider_okta_ure.sandbox.faults import Fault, FaultPlan
from airflow_provider_okta_ure.sandbox.http import Application
from airflow_provider_okta_ure.sandbox.journal import Journal, JournalEntry
from airflow_provider_okta_ure.sandbox.netskope.service import NetskopeService
from airflow_provider_okta_ure.sandbox.netskope.state import NetskopeState
from airflow_provider_okta_ure.sandbox.okta.service import OktaService
from airflow_provider_okta_ure.sandbox.okta.state import OktaState
from airflow_provider_okta_ure.sandbox.options import Options
from airflow_provider_okta_ure.sandbox.people import People
from airflow_provider_okta_ure.sandbox.server import Server, Tls, bind
from airflow_provider_okta_ure.sandbox.service import Held, Shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType


class Sandbox:
    """
    A pretend Okta org and a pretend Netskope tenant on two loopback ports; use it as a context manager.

    :param users: how many people Okta's directory is made from.
    :param netskope_users: how many people Netskope knows; as many as ``users`` when left out.
    :param seed: the same seed gives the same people, scores, identifiers and tokens.
    :param days: how many daily scores Netskope keeps, today's included.
    :param now: where the clock starts (aware); the machine's time when left out.
    :param frozen: whether time moves only by ``clock.advance``.
    :param okta_port: port of the pretend Okta; 0 picks a free one.
    :param netskope_port: port of the pretend Netskope; 0 picks a free one.
    :param options: the switches.
    :param tls: serve https with this certificate and key.
    :param okta_public_url: the address Okta goes by, when clients reach it under another name.
    :param on_request: called with the journal entry of every finished request.
    """

    def __init__(
        self,
        users: int = 200,
        netskope_users: int | None = None,
        seed: int = 7,
        days: int = 45,
        now: datetime | None = None,
        *,
        frozen: bool = False,
        okta_port: int = 0,
        netskope_port: int = 0,
        options: Options | None = None,
        tls: Tls | None = None,
        okta_public_url: str | None = None,
        on_request: Callable[[JournalEntry], None] | None = None,
    ) -> None:
        if users < 0 or (netskope_users or 0) < 0 or days < 1:
            raise ValueError("users and netskope_users cannot be negative, and days is at least 1.")
        self.seed = seed
        self.users = users
        self.options = options or Options()
        self.clock = SandboxClock(now, frozen=frozen)
        self.lock = threading.RLock()
        self._start_at = self.clock.now() if frozen or now is not None else None
        self._initial = (frozen, self.options.to_dict())
        self._ports = (okta_port, netskope_port)
        self._tls = tls
        self._public_url = okta_public_url
        self._shared = Shared(
            seed=seed,
            clock=self.clock,
            options=self.options,
            lock=self.lock,
            journal=Journal(self.options.journal_size),
            faults=FaultPlan(seed),
            held=Held(),
            on_request=on_request,
        )
        self._people = People(seed)
        count = users if netskope_users is None else netskope_users
        self.documents = Documents()
        self.okta = OktaState(seed, self.clock, self.options, self.lock)
        self.netskope = NetskopeState(self._people, count, days, self.clock, self.options, self.lock)
        self._okta_service = OktaService(self._shared, self.okta)
        self._netskope_service = NetskopeService(self._shared, self.netskope)
        fill_directory(self.okta, self._people, users)
        self._server: Server | None = None

    # --- running

    def start(self) -> Sandbox:
        """Bind both ports and serve; when this returns, clients can connect."""
        if self._server is not None:
            raise RuntimeError("The sandbox is already running.")
        okta_socket = bind(self._ports[0], "Okta")
        try:
            netskope_socket = bind(self._ports[1], "Netskope")
        except OSError:
            okta_socket.close()
            raise
        scheme = "https" if self._tls else "http"
        okta_url = f"{scheme}://127.0.0.1:{okta_socket.getsockname()[1]}"
        self._shared.okta_url = (self._public_url or okta_url).rstrip("/")
        self._shared.netskope_url = f"{scheme}://127.0.0.1:{netskope_socket.getsockname()[1]}"
        self._shared.own_origin = okta_url
        self._shared.own_certificate = self._tls.certificate if self._tls else None
        control = Control(self).answer
        listeners: list[tuple[Any, Any]] = [
            (okta_socket, Application(self._okta_service, control)),
            (netskope_socket, Application(self._netskope_service, control)),
        ]
        server = Server(listeners, self._tls)
        server.start()
        self._server = server
        return self

    def stop(self) -> None:
        """Close both ports and all connections."""
        server, self._server = self._server, None
        if server is not None:
            server.stop()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # --- addresses and credentials

    @property
    def okta_url(self) -> str:
        """The org's address, without a slash at the end; also what a token's audience has to be."""
        return self._shared.okta_url

    @property
    def netskope_url(self) -> str:
        """The tenant's address, without a slash at the end."""
        return self._shared.netskope_url

    @property
    def static_url(self) -> str:
        """The address below which published documents are."""
        return self._shared.own_origin + PREFIX.rstrip("/")

    @property
    def okta_token(self) -> str:
        """The API token that the pretend Okta accepts; its administrator may do everything."""
        return self.okta.token

    @property
    def okta_client_id(self) -> str:
        """The client id of the service app that exists from the start; it has every scope and needs DPoP."""
        return self.okta.client_id

    @property
    def okta_client_private_key(self) -> str:
        """The private key of that app as PEM; its ``kid`` is its thumbprint."""
        return self.okta.client_private_key_pem()

    @property
    def netskope_token(self) -> str:
        """The API token that the pretend Netskope accepts."""
        return self.netskope.token

    # --- what happened

    @property
    def requests(self) -> list[JournalEntry]:
        """All requests so far, oldest first."""
        with self.lock:
            return self._shared.journal.entries()

    def requests_to(
        self, service: str | None = None, method: str | None = None, path_prefix: str | None = None
    ) -> list[JournalEntry]:
        """Return the requests that match everything given."""
        with self.lock:
            return self._shared.journal.find(service, method, path_prefix)

    def clear_requests(self) -> None:
        """Empty the journal."""
        with self.lock:
            self._shared.journal.clear()

    @property
    def jwks_fetches(self) -> int:
        """How often signing keys were fetched."""
        return self._okta_service.keys.fetches

    # --- faults and limits

    def fail_next(
        self,
        *,
        kind: str = "status",
        service: str | None = None,
        status: int = 503,
        times: int = 1,
        method: str | None = None,
        path_prefix: str | None = None,
        seconds: float = 0.1,
        body: str | None = None,
        content_type: str = "text/plain",
        retry_after: str = "30",
    ) -> None:
        """Plan a fault for the next matching requests; the parameters are those of :class:`Fault`."""
        with self.lock:
            self._shared.faults.fail_next(
                Fault(
                    kind,
                    service,
                    status,
                    times,
                    method,
                    path_prefix,
                    seconds,
                    body,
                    content_type,
                    retry_after,
                )
            )

    def set_fault_rates(self, rates: Mapping[str, float], service: str | None = None) -> None:
        """Let a part of all requests fail: ``{"503": 0.02, "reset": 0.01}``; an empty mapping ends it."""
        with self.lock:
            self._shared.faults.set_rates(service, rates)

    def clear_faults(self) -> None:
        """Forget all planned faults and rates."""
        with self.lock:
            self._shared.faults.clear()

    def set_bucket(self, name: str, limit: int | None) -> None:
        """Fix the effective limit of a bucket such as ``/api/v1/groups``; None: the profile's again."""
        with self.lock:
            self._okta_service.buckets.set_limit(name, limit)

    def use_bucket(self, name: str, count: int) -> None:
        """Use up a part of a bucket, as Okta's other clients would."""
        with self.lock:
            self._okta_service.buckets.take(name, self.clock.timestamp(), count)

    def buckets(self) -> dict[str, Any]:
        """Return limit, use and end of window of every bucket."""
        with self.lock:
            return self._okta_service.buckets.to_dict()

    def wait_for_held(self, count: int = 1, timeout: float = 5.0) -> bool:
        """Wait (real seconds) until so many requests are kept by ``hold`` faults; False: time is up."""
        return self._shared.held.wait_until(count, timeout)

    def release_held(self) -> None:
        """Let the requests go on that ``hold`` faults keep."""
        self._shared.held.release()

    # --- documents

    def publish(
        self,
        name: str,
        content: bytes | str,
        content_type: str = "application/json",
        status: int = 200,
        **way: Any,
    ) -> str:
        """
        Publish a document on the pretend static host and return its address.

        :param way: ``headers``, ``delay`` and ``drip`` of :meth:`Documents.publish`: a host that redirects,
            that is slow, that does not say how much there is to come.
        """
        data = content.encode() if isinstance(content, str) else content
        self.documents.publish(name, data, content_type, status, **way)
        return f"{self.static_url}/{name}"

    def publish_jwks(self, jwks: Mapping[str, Any], name: str = "jwks.json") -> str:
        """Publish public signing keys and return their address; a JWKS with private keys is refused."""
        refuse_private_parts(jwks)
        return self.publish(name, json.dumps(dict(jwks)))

    def publish_well_known(
        self, issuer: str, jwks_url: str, name: str = ".well-known/ssf-configuration", **way: Any
    ) -> str:
        """Publish a transmitter's well-known document and return its address."""
        return self.publish(name, json.dumps({"issuer": issuer, "jwks_uri": jwks_url}), **way)

    # --- state

    def reset(self) -> None:
        """Go back to the start in everything but the tokens: state, journal, faults, switches, clock, ..."""
        frozen, options = self._initial
        with self.lock:
            self.options.update(options)
            (self.clock.freeze if frozen else self.clock.unfreeze)()
            self.clock.set(self._start_at or datetime.now(timezone.utc))
            self._shared.journal.clear()
            self._shared.faults.clear()
            self._shared.held.release()
            self._shared.requests_seen = 0
            self._okta_service.clear()
            self._netskope_service.clear()
            self.documents.clear()
            self.okta.clear()
            self.netskope.clear()
            fill_directory(self.okta, self._people, self.users)

    def dump(self) -> dict[str, Any]:
        """Return the whole state without secrets; of Netskope's users only how many there are."""
        with self.lock:
            return dump_state(self)

    def faults(self) -> dict[str, Any]:
        """Return the faults still planned and the rates."""
        with self.lock:
            return self._shared.faults.to_dict()
