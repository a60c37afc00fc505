# SPDX-License-Identifier: Apache-2.0
"""What a connection's fields mean: checked, typed, with their defaults, in the JSON and in the URI form."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from airflow_provider_okta_ure.core.guardrails.limits import DailyBound
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError
from airflow_provider_okta_ure.hooks.extras import extra_of, wrong_field

if TYPE_CHECKING:
    from airflow.sdk import Connection

SettingsT = TypeVar("SettingsT", bound="TransportSettings")


class TransportSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    How to reach a service.

    :param timeout: seconds to wait for the next bytes of an answer; None = the client's default.
    :param verify: check the server's certificate.
    :param ca_bundle: path of a PEM file with the certificate authorities to trust.
    :param proxy: URL of a proxy; None = what the environment says.
    :param rate_limit_share: how much of each rate limit bucket we may use, more than 0, at most 1;
        None = the client's default.
    :param max_answer_mib: how large an answer may be, on the wire and after unpacking; None = the client's
        default.
    :param allow_custom_domain: the host is on no domain of the service's own, and may receive the token.
    """

    timeout: int | None = None
    verify: bool = True
    ca_bundle: str | None = None
    proxy: str | None = None
    rate_limit_share: float | None = None
    max_answer_mib: int | None = None
    allow_custom_domain: bool = False

    @property
    def tls(self) -> bool | str:
        """What ``requests`` calls ``verify``: False, True, or the path of the CA bundle."""
        return (self.ca_bundle or True) if self.verify else False

    @property
    def transport(self) -> dict[str, Any]:
        """The client's transport arguments, without those that the connection leaves to the client."""
        chosen = {
            "proxy": self.proxy,
            "read_timeout": self.timeout,
            "rate_limit_share": self.rate_limit_share,
            "largest_answer": self.max_answer_mib and self.max_answer_mib * 1024 * 1024,
        }
        return {"verify": self.tls, **{name: value for name, value in chosen.items() if value is not None}}

    def __repr__(self) -> str:
        # Keys and the password of a proxy are among the fields.
        return f"{type(self).__name__}(***)"


class OktaSettings(TransportSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """
    The extra fields of a connection of type ``okta``.

    :param auth_method: how we sign in; ``ssws`` is an API token, ``private_key_jwt`` an OAuth service app.
    :param client_private_key: the app's RSA key, PEM or JWK.
    :param client_key_id: the ``kid`` under which Okta knows that key; None = the one in the JWK, else its
        RFC 7638 thumbprint.
    :param scopes: what to ask for, whatever an operator needs; between spaces or commas.
    :param dpop: whether access tokens are bound to a key of the process; ``auto`` = when Okta asks for it.
    :param issuer: who we are as a transmitter of risk signals.
    :param jwks_url: public address of the key set with our signing key.
    :param well_known_url: public address of our SSF configuration.
    :param security_events_provider_name: its name in Okta.
    :param take_over: a security events provider of that name that has another issuer is changed to be ours.
    :param signing_private_key: the RSA key that signs risk signals, PEM or JWK.
    :param signing_key_id: the key's ``kid``; None = its RFC 7638 thumbprint.
    :param exclude_users: logins, e-mail addresses or Okta ids of users who are never touched.
    :param exclude_groups: names or ids of groups whose members are never touched.
    :param writable_groups: names, ids or beginnings of names (``Netskope*``) of the groups that may be
        written; None = every group that is not excluded.
    :param max_changed_users_per_day: so many users are changed in the org on a UTC day without approval, by
        all tasks and DAGs together: a number, a part of the source's users (``10%``), or ``none``; None = 500
        or half of the source's users, whichever are more.
    :param allow_private_jwks_url: our published key set may be at a private or loopback address.
    """

    auth_method: Literal["ssws", "private_key_jwt"] = "ssws"
    client_private_key: str | None = None
    client_key_id: str | None = None
    scopes: str | None = None
    dpop: Literal["auto", "always", "never"] = "auto"
    issuer: str | None = None
    jwks_url: str | None = None
    well_known_url: str | None = None
    security_events_provider_name: str = "Netskope User Risk (Airflow)"
    take_over: bool = False
    signing_private_key: str | None = None
    signing_key_id: str | None = None
    exclude_users: str | list[str] | None = None
    exclude_groups: str | list[str] | None = None
    writable_groups: str | list[str] | None = None
    max_changed_users_per_day: int | str | None = None
    allow_private_jwks_url: bool = False


def read_settings(connection: Connection, settings_type: type[SettingsT]) -> SettingsT:
    """
    Return the extra fields of a connection, with what a form left empty at its default.

    :raises ConfigurationError: a field is unknown or has a value of the wrong kind.
    """
    # A form stores what was left empty as null or "".
    extra: dict[str, Any] = {
        name: value for name, value in extra_of(connection).items() if value not in (None, "")
    }
    for name in extra:
        _refuse_unknown(connection.conn_id, name, settings_type.__struct_fields__)
    try:
        # strict=False, because every value of the URI form is text: "false", "30".
        settings = msgspec.convert(extra, type=settings_type, strict=False)
    except msgspec.ValidationError as error:
        raise wrong_field(connection.conn_id, str(error), extra, settings_type) from None
    _check_numbers(connection.conn_id, settings)
    return settings


def said_in_test(error: OktaUreError, conn_id: str) -> str:
    """
    Return an error as the answer of Test Connection, where the connection has no id that anybody knows.

    Airflow tests a copy under an id made up for it.
    """
    return str(error).replace(f"Connection {conn_id!r}", "The connection")


def base_host(connection: Connection) -> str:
    """
    Return host and port as one text, whichever way the connection spells them.

    :raises ConfigurationError: there is no host.
    """
    host = (connection.host or "").strip()
    if not host:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has no host.",
            remedy="Set it to the org or tenant URL.",
            topic="connection-field",
        )
    return f"{host.rstrip('/')}:{connection.port}" if connection.port else host


def token_of(connection: Connection, called: str) -> str:
    """
    Return the token of a connection.

    :param called: what people call it, for the error message.
    :raises ConfigurationError: there is none.
    """
    token = (connection.password or "").strip()
    if not token:
        raise ConfigurationError(
            f"Connection {connection.conn_id!r} has no password.",
            remedy=f"Put the {called} there.",
            topic="connection-field",
        )
    return token


def _refuse_unknown(conn_id: str | None, name: str, known: tuple[str, ...]) -> None:
    if name in known:
        return
    close = difflib.get_close_matches(name, known, n=1)
    meant = f"Did you mean {close[0]!r}?" if close else f"Known fields: {', '.join(sorted(known))}."
    raise ConfigurationError(
        f"Connection {conn_id!r} has an unknown extra field {name!r}.", remedy=meant, topic="connection-field"
    )


def _check_bound(conn_id: str | None, value: object) -> None:
    try:
        DailyBound.parse(value)
    except ConfigurationError as error:
        raise ConfigurationError(
            f"Connection {conn_id!r}: {error.message}", remedy=error.remedy, topic="connection-field"
        ) from None


def _check_numbers(conn_id: str | None, settings: TransportSettings) -> None:
    if settings.timeout is not None and not 1 <= settings.timeout <= 600:
        raise ConfigurationError(
            f"Connection {conn_id!r}: timeout is {settings.timeout} seconds.",
            remedy="Use 1 to 600.",
            topic="connection-field",
        )
    if settings.max_answer_mib is not None and not 1 <= settings.max_answer_mib <= 1024:
        raise ConfigurationError(
            f"Connection {conn_id!r}: max_answer_mib is {settings.max_answer_mib}.",
            remedy="Use 1 to 1024; a page of 200 users has less than 1.",
            topic="connection-field",
        )
    _check_bound(conn_id, getattr(settings, "max_changed_users_per_day", None))
    share = settings.rate_limit_share
    if share is not None and not 0 < share <= 1:
        raise ConfigurationError(
            f"Connection {conn_id!r}: rate_limit_share is {share}.",
            remedy="Use a number above 0 and at most 1; 0.5 means half of every rate limit.",
            topic="connection-field",
        )
