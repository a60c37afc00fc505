"""The command line: ``okta-ure-sandbox``, or ``python -m airflow_provider_okta_ure.sandbox``."""

from __future__ import annotations

import argparse
import json
import os
import signal
import ssl
import sys
import tempfile
import threading
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from rich_argparse import RichHelpFormatter

from airflow_provider_okta_ure.sandbox.clock import parse_iso
from airflow_provider_okta_ure.sandbox.sandbox import Sandbox
from airflow_provider_okta_ure.sandbox.server import PortBusyError, Tls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_okta_ure.sandbox.journal import JournalEntry

PORT_BUSY, CANNOT_START = 3, 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted; return 0, or 3 for a busy port, or 4 for files that cannot be used."""
    options = _parser().parse_args(arguments)
    _require_two_ports(options)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    sandbox = Sandbox(
        users=options.users,
        netskope_users=options.netskope_users,
        seed=options.seed,
        days=options.days,
        now=options.now,
        okta_port=options.okta_port,
        netskope_port=options.netskope_port,
        tls=_tls(options),
        on_request=_log_request if options.log_requests else None,
    )
    try:
        with sandbox:
            if options.ready_file is not None:
                _write_ready_file(options.ready_file, sandbox)
            _say(_welcome(sandbox, options.ready_file))
            stop.wait()
    except PortBusyError as error:
        return _complain(str(error), PORT_BUSY)
    except (OSError, ssl.SSLError) as error:
        return _complain(f"Cannot start: {error}", CANNOT_START)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="okta-ure-sandbox",
        description="A pretend Okta org and Netskope tenant on 127.0.0.1. Nothing real is contacted, and the "
        "tokens that are printed open nothing but these two. Ctrl-C ends both.",
        epilog="Status: 0 = ended by Ctrl-C or SIGTERM, 2 = wrong arguments, 3 = a port is taken, 4 = a file "
        "cannot be used.",
        formatter_class=RichHelpFormatter,
    )
    parser.add_argument(
        "--okta-port",
        type=_port,
        default=8091,
        metavar="PORT",
        help="port of the pretend Okta (%(default)s); 0 picks a free one",
    )
    parser.add_argument(
        "--netskope-port",
        type=_port,
        default=8092,
        metavar="PORT",
        help="port of the pretend Netskope (%(default)s), not the same; 0 picks a free one",
    )
    parser.add_argument(
        "--users",
        type=_count,
        default=2000,
        metavar="N",
        help="people that the Okta directory is made from (%(default)s)",
    )
    parser.add_argument(
        "--netskope-users", type=_count, metavar="N", help="people in Netskope (as many as --users)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=7,
        metavar="N",
        help="the same seed gives the same people, scores and tokens (%(default)s)",
    )
    parser.add_argument(
        "--days",
        type=_days,
        default=45,
        metavar="N",
        help="days of scores that Netskope keeps, today's included (%(default)s)",
    )
    parser.add_argument(
        "--now",
        type=_moment,
        metavar="TIME",
        help="where the clock starts, for example 2026-11-23T03:00:00Z (the machine's time)",
    )
    parser.add_argument(
        "--ready-file",
        type=Path,
        metavar="PATH",
        help="write addresses and credentials of both services there once they answer: JSON, mode 0600",
    )
    parser.add_argument(
        "--log-requests", action="store_true", help="print a line for every request, without secrets"
    )
    parser.add_argument(
        "--tls-certificate",
        type=Path,
        metavar="PEM",
        help="serve https with this certificate; needs --tls-private-key",
    )
    parser.add_argument("--tls-private-key", type=Path, metavar="PEM", help="the key of the certificate")
    return parser


def _welcome(sandbox: Sandbox, ready_file: Path | None) -> str:
    """Return where both services are and how to sign in; none of it opens anything real."""
    services = (
        ("okta", sandbox.okta_url, sandbox.okta_token),
        ("netskope", sandbox.netskope_url, sandbox.netskope_token),
    )
    lines = []
    for name, url, token in services:
        title = f"Pretend {name.capitalize()}:"
        lines.append(f"{title:<17} {url}  token {token}")
    lines.append("As Airflow connections:")
    for name, url, token in services:
        connection = json.dumps({"conn_type": name, "host": url, "password": token})
        lines.append(f"  export AIRFLOW_CONN_{name.upper()}_DEFAULT='{connection}'")
    if ready_file is not None:
        lines.append(f"All of it, and a service app with its key, is in {ready_file}.")
    return "\n".join([*lines, "Press Ctrl-C to stop."])


def _tls(options: argparse.Namespace) -> Tls | None:
    if options.tls_certificate is None and options.tls_private_key is None:
        return None
    if options.tls_certificate is None or options.tls_private_key is None:
        _parser().error("--tls-certificate and --tls-private-key belong together")
    return Tls(str(options.tls_certificate), str(options.tls_private_key))


def _require_two_ports(options: argparse.Namespace) -> None:
    """End the program when both services are to have one port; 0 picks two different ones."""
    if options.okta_port == options.netskope_port != 0:
        _parser().error(
            f"port {options.okta_port} cannot be for both services: give --okta-port and --netskope-port "
            "different numbers, or 0 for any free one"
        )


def _write_ready_file(path: Path, sandbox: Sandbox) -> None:
    """Write the file in one step, so that nobody reads half of it, and for the owner's eyes only."""
    content = json.dumps(
        {
            "okta_url": sandbox.okta_url,
            "netskope_url": sandbox.netskope_url,
            "static_url": sandbox.static_url,
            "okta_token": sandbox.okta_token,
            "okta_client_id": sandbox.okta_client_id,
            "okta_client_private_key": sandbox.okta_client_private_key,
            "netskope_token": sandbox.netskope_token,
            "pid": os.getpid(),
        },
        indent=2,
    )
    # mkstemp creates the file with mode 0600.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content + "\n")
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _log_request(entry: JournalEntry) -> None:
    _say(entry.line())


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _complain(text: str, status: int) -> int:
    sys.stderr.write(f"okta-ure-sandbox: {text}\n")
    return status


def _count(text: str) -> int:
    return _between(text, 0, 50_000_000)


def _days(text: str) -> int:
    return _between(text, 1, 3650)


def _port(text: str) -> int:
    return _between(text, 0, 65535)


def _between(text: str, low: int, high: int) -> int:
    if not text.isdecimal() or not low <= int(text) <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {low} to {high}")
    return int(text)


def _moment(text: str) -> datetime:
    try:
        return datetime.fromtimestamp(parse_iso(text), tz=timezone.utc)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 2026-11-23T03:00:00Z") from None


if __name__ == "__main__":
    sys.exit(main())
