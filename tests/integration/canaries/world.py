"""A sandbox behind a proxy that wants a password, and connections with a canary in every field that can hold one."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from airflow_provider_okta_ure.clients.access_tokens import PROCESS
from airflow_provider_okta_ure.clients.retries import Timing
from airflow_provider_okta_ure.clients.sessions import Session
from airflow_provider_okta_ure.sandbox import Sandbox
from tests.contract.odd_server import read_head
from tests.integration.canaries.birds import Birds, watch
from tests.integration.conftest import NOW

if TYPE_CHECKING:
    import pytest

    from demo.keys import SigningKeyPair

PROXY_PASSWORD = "proxy/Canary@4711"  # has to be percent-encoded in a URL
LOG_PASSWORD = "log-Canary-4712"
WAYS = ("app", "token", "app-jwk")
"""How we sign in: a service app with PEM keys and DPoP; an API token; an app with JWKs and without DPoP."""


class Proxy:
    """An http proxy for plain http that forwards whatever comes; ``logins`` are those that it was shown."""

    def __init__(self) -> None:
        self.logins: set[bytes] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            if self._over.is_set():
                client.close()
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(20)
        with contextlib.suppress(OSError), client:
            head = read_head(client)
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"proxy-authorization:"):
                    self.logins.add(line.partition(b":")[2].strip())
            method, address = head.split()[:2]
            is_tunnel = method == b"CONNECT"
            target = urlsplit(f"//{address.decode()}" if is_tunnel else address.decode())
            with socket.create_connection((target.hostname or "", target.port or 80), timeout=20) as there:
                if is_tunnel:
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    there.sendall(head)
                back = threading.Thread(target=_pump, args=(there, client), daemon=True)
                back.start()
                _pump(client, there)
                back.join(5)

    def stop(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname(), timeout=1).close()
        self._thread.join(5)
        self._listener.close()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@dataclass
class World:
    """Everything that a task can meet, and the secrets in it."""

    sandbox: Sandbox
    proxy: Proxy
    birds: Birds
    keys: tuple[SigningKeyPair, SigningKeyPair]
    connect: Callable[..., None]
    way: str = ""
    stored: dict[str, dict[str, Any]] = field(default_factory=dict)

    def sign_in_as(self, way: str) -> None:
        """Store both connections; see :data:`WAYS`."""
        signing, other = self.keys
        birds, sandbox = self.birds, self.sandbox
        self.way = way
        proxy = f"http://worker:{quote(PROXY_PASSWORD, safe='')}@{self.proxy.address}"
        birds.add_login("proxy password", "worker", PROXY_PASSWORD)
        okta: dict[str, Any] = {"conn_type": "okta", "host": sandbox.okta_url}
        extra: dict[str, Any] = {
            "issuer": "https://risk.corp.example",
            "jwks_url": sandbox.publish_jwks(signing.jwks),
            "signing_private_key": signing.pem,
            "allow_private_jwks_url": True,
            "proxy": proxy,
        }
        # The same bytes in base64 are partly the same text in PEM and JWK, so there is one form at a time.
        if way != "app-jwk":
            birds.add_pem("signing PEM", signing.pem)
        if way == "token":
            # As people paste it: the scheme in front.
            okta["password"] = f"SSWS {sandbox.okta_token}"
            birds.add("API token", sandbox.okta_token)
        elif way == "app":
            pem = sandbox.okta_client_private_key
            okta["login"] = sandbox.okta_client_id
            extra |= {"auth_method": "private_key_jwt", "client_private_key": pem}
            birds.add_pem("client PEM", pem)
        else:
            jwk, app = jwk_of(other.pem), sandbox.okta.add_app(other.jwks, dpop_required=False)
            okta["login"] = app.client_id
            extra |= {"auth_method": "private_key_jwt", "client_private_key": jwk}
            extra["signing_private_key"] = jwk_of(signing.pem)
            birds.add_jwk("client JWK", jwk)
            birds.add_jwk("signing JWK", jwk_of(signing.pem))
        netskope = {
            "conn_type": "netskope",
            "host": sandbox.netskope_url,
            "password": f'"{sandbox.netskope_token}"',
            "extra": {"proxy": proxy},
        }
        birds.add("Netskope token", sandbox.netskope_token)
        self.store("okta_default", **okta, extra=extra)
        self.store("netskope_default", **netskope)

    def shown_to(self, service: str) -> str:
        """Return what a service could repeat: the token that it gets, with its scheme, and stray keys."""
        if service == "netskope":
            return f"Netskope-Api-Token: {self.sandbox.netskope_token}"
        token = f"SSWS {self.sandbox.okta_token}, {self.sandbox.okta_token}" if self.way == "token" else ""
        key = self.keys[0].pem
        return f"{token} {jwk_of(key) if self.way == 'app-jwk' else key}"

    def store(self, conn_id: str, **fields: Any) -> None:
        self.stored[conn_id] = fields
        self.connect(conn_id, **fields)


def jwk_of(pem: str) -> str:
    key: Any = load_pem_private_key(pem.encode(), None)
    return json.dumps(RSAAlgorithm.to_jwk(key, as_dict=True))


@contextlib.contextmanager
def world_of(
    monkeypatch: pytest.MonkeyPatch,
    connect: Callable[..., None],
    keys: tuple[SigningKeyPair, SigningKeyPair],
) -> Iterator[World]:
    proxy, birds = Proxy(), Birds()
    PROCESS.clear()
    monkeypatch.setattr(Session, "exchange", watch(birds))
    with Sandbox(users=20, seed=7, now=NOW) as sandbox:
        clock = sandbox.clock
        for module in ("http", "oauth", "documents"):
            monkeypatch.setattr(
                f"airflow_provider_okta_ure.clients.{module}.Timing",
                lambda: Timing(now=clock.timestamp, sleep=clock.advance),
            )
        try:
            yield World(sandbox, proxy, birds, keys, connect)
        finally:
            proxy.stop()
            PROCESS.clear()
