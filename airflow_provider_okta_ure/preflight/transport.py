# SPDX-License-Identifier: Apache-2.0
"""The way to a service: its address, an answer, a certificate to trust, and clocks that agree."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.errors import ConfigurationError, TransportError
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.report import Verdict, ok, problem, skipped, warning

if TYPE_CHECKING:
    from airflow.sdk import Connection

    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.hooks.settings import TransportSettings

SKEW_TO_SAY = 30.0
SKEW_TO_STOP = 300.0
"""Seconds that two clocks may differ: tokens and risk signals carry times that the other side judges."""

DAYS_LEFT_TO_SAY = 14
"""A certificate that ends sooner is worth a word."""

_DAY = 86_400


class Hook(Protocol):
    """What both hooks have."""

    @property
    def connection(self) -> Connection: ...

    @property
    def settings(self) -> TransportSettings: ...

    @property
    def base_url(self) -> str: ...


class TransportChecks:
    """
    Everything below signing in.

    :param part: the part of the checks' names before the dot: ``okta`` or ``netskope``.
    :param service: its name for people.
    :param conn_id: the id of the connection.
    :param hook: reads the connection.
    :param look: takes the first look at the service, see :mod:`clients.glimpse`.
    """

    def __init__(
        self, part: str, service: str, conn_id: str, hook: Hook, look: Callable[[], Glimpse]
    ) -> None:
        self._part = part
        self._service = service
        self._conn_id = conn_id
        self._hook = hook
        self._look = look

    @property
    def last(self) -> str:
        """The name of the check that everything else needs."""
        return f"{self._part}.tls"

    def checks(self) -> list[Check]:
        """Return the checks, each needing the one before."""
        part = self._part
        return [
            Check(f"{part}.connection", self.connection),
            Check(f"{part}.host", self.host, (f"{part}.connection",)),
            Check(f"{part}.reachable", self.reachable, (f"{part}.host",)),
            Check(f"{part}.tls", self.tls, (f"{part}.reachable",)),
            Check(f"{part}.clock", self.clock, (f"{part}.tls",)),
        ]

    def connection(self) -> Verdict:
        """Whether the connection exists, is of our type, and its fields make sense."""
        try:
            found = self._hook.connection
        except AirflowNotFoundException:
            raise ConfigurationError(
                f"There is no connection {self._conn_id!r}.",
                remedy="Create it in the UI under Admin > Connections, with `airflow connections add`, or as "
                f"the environment variable AIRFLOW_CONN_{self._conn_id.upper()}.",
            ) from None
        _ = self._hook.settings
        if found.conn_type != self._part:
            return warning(
                f"Connection {self._conn_id!r} is of type {found.conn_type!r}, not {self._part!r}.",
                f"Check that it is the right one, and set its type to {self._part!r}.",
            )
        return ok(f"Connection {self._conn_id!r} can be read, and its fields make sense.")

    def host(self) -> Verdict:
        """Whether the token may be sent to the host."""
        return ok(f"{self._hook.base_url} may receive the token.")

    def reachable(self) -> Verdict:
        """Whether a program answers there, and not a page for people."""
        glimpse = self._glimpse
        if glimpse.untrusted:
            return ok(f"{self._service} can be reached.")
        if glimpse.is_page:
            return problem(
                f"What answers at {self._hook.base_url} is a page for people, not {self._service}'s API.",
                "Check the host, and whether a proxy or a login page is in between.",
            )
        return ok(f"{self._service} answers in {glimpse.seconds * 1000:.0f} ms.")

    def tls(self) -> Verdict:
        """Whether the certificate can be trusted, and for how long."""
        glimpse, base_url = self._glimpse, self._hook.base_url
        if glimpse.untrusted:
            return problem(
                f"The certificate of {base_url} is not trusted: {glimpse.untrusted}.",
                _remedy_for_certificate(glimpse.untrusted),
            )
        if base_url.startswith("http://"):
            return ok("Plain http, to this machine only.")
        if not self._hook.settings.verify:
            return warning(
                f"The certificate of {base_url} is not checked: anybody on the way can read the token.",
                "Set `verify` to true in the connection, and `ca_bundle` if a proxy of yours opens TLS.",
            )
        return self._certificate_lasts(glimpse)

    def clock(self) -> Verdict:
        """Whether our clock and the server's agree; tokens and risk signals carry times."""
        skew = self._glimpse.skew
        if skew is None:
            return skipped(f"{self._service} did not say what time it is.")
        seconds, direction = abs(skew), "ahead of" if skew > 0 else "behind"
        said = f"This machine's clock is {seconds:.0f} s {direction} {self._service}'s."
        if seconds <= SKEW_TO_SAY:
            return ok("This machine's clock agrees with the service's.")
        remedy = "Set this machine's clock by NTP (chrony, systemd-timesyncd)."
        if seconds <= SKEW_TO_STOP:
            return warning(said, remedy)
        return problem(f"{said} Tokens and risk signals of ours would be refused.", remedy)

    @cached_property
    def _glimpse(self) -> Glimpse:
        return look_twice(self._look)

    def _certificate_lasts(self, glimpse: Glimpse) -> Verdict:
        if glimpse.certificate_ends is None:
            return ok("The certificate is trusted.")
        end = datetime.fromtimestamp(glimpse.certificate_ends, tz=timezone.utc)
        days = (glimpse.certificate_ends - glimpse.our_time) / _DAY
        if days < DAYS_LEFT_TO_SAY:
            return warning(
                f"The certificate ends on {end:%Y-%m-%d}, in {max(days, 0):.0f} days.",
                "Ask whoever runs the host, or the proxy in between, to renew it.",
            )
        return ok(f"The certificate is trusted, and ends on {end:%Y-%m-%d}.")


def look_twice(look: Callable[[], Glimpse]) -> Glimpse:
    """Return the first look; a connection that was cut is tried once more, because that can be chance."""
    try:
        return look()
    except TransportError:
        return look()


def _remedy_for_certificate(why: str) -> str:
    if "another" in why:
        return "Use the name that the certificate is for as the host of the connection."
    if "expired" in why or "yet" in why:
        return "Check this machine's clock; if it is right, the certificate has to be renewed."
    return (
        "Behind a proxy that opens TLS, give the path of its authority in `ca_bundle`; "
        "otherwise somebody may be listening in."
    )
