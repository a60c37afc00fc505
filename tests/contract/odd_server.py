# SPDX-License-Identifier: Apache-2.0
"""A server on loopback that behaves as badly as a test wants, with or without TLS."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from tests.contract.sandbox_support import private_key

Script = Callable[[socket.socket, bytes], None]
"""What to do with a connection once the head of the request was read."""


class OddServer:
    """Listens on loopback; ``heads`` are the requests that came, ``port`` is where."""

    def __init__(self, script: Script, tls: ssl.SSLContext | None = None) -> None:
        self._script = script
        self._tls = tls
        self.heads: list[bytes] = []
        self.connections = 0
        self.done = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self.done.set()
        # A connection of our own wakes the one that waits for connections.
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self.done.is_set():
                connection.close()
                return
            self.connections += 1
            connection.settimeout(5)
            with contextlib.suppress(OSError), self._secured(connection) as secured:
                head = read_head(secured)
                self.heads.append(head)
                self._script(secured, head)

    def _secured(self, connection: socket.socket) -> socket.socket:
        if self._tls is None:
            return connection
        try:
            return self._tls.wrap_socket(connection, server_side=True)
        except OSError:
            connection.close()
            raise


def read_head(connection: socket.socket) -> bytes:
    """Return what comes up to the empty line."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        one = connection.recv(1)
        if not one:
            break
        head += one
    return head


@contextlib.contextmanager
def serving(script: Script, tls: ssl.SSLContext | None = None) -> Iterator[OddServer]:
    server = OddServer(script, tls)
    try:
        yield server
    finally:
        server.stop()


def answer(
    body: bytes, content_type: str = "application/json", status: str = "200 OK", **headers: str
) -> Script:
    """Return a script that answers and closes the connection."""
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"HTTP/1.1 {status}\r\n{kind}Content-Length: {len(body)}\r\n{more}\r\n"
    return lambda connection, _head: connection.sendall(head.encode() + body)


def tunnel(seen: list[bytes], status: str = "200 Connection established") -> Script:
    """Return a script of an http proxy that connects through to the port that is asked for, on this machine."""

    def script(connection: socket.socket, head: bytes) -> None:
        seen.append(head)
        connection.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())
        if not status.startswith("200"):
            return
        port = int(head.split()[1].rpartition(b":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=5) as there:
            back = threading.Thread(target=_copy, args=(there, connection), daemon=True)
            back.start()
            _copy(connection, there)
            back.join(5)

    return script


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


class Certificate(NamedTuple):
    """Files of a certificate that trusts itself, and what a server needs of it."""

    bundle: str
    server: ssl.SSLContext


def certificate_for(folder: Path, name: str) -> Certificate:
    """Return a certificate for one host name."""
    key = private_key(9)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(tz=timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    bundle, private = folder / "certificate.pem", folder / "certificate-key.pem"
    bundle.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(bundle, private)
    return Certificate(str(bundle), context)
