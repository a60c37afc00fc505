"""Whatever a service, a gateway or somebody in between answers, a call returns or raises an error of ours."""

from __future__ import annotations

import contextlib
import json
import random
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import pytest

from airflow_provider_okta_ure.clients.access_tokens import SignIns
from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.client_assertion import ServiceApp
from airflow_provider_okta_ure.clients.documents import DocumentReader
from airflow_provider_okta_ure.clients.jwks import check_published_key, fetch_configuration, fetch_jwks
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.netskope_probe import NetskopeProbe
from airflow_provider_okta_ure.clients.oauth import ServiceAppAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.okta_exclusions import find_excluded
from airflow_provider_okta_ure.clients.okta_features import has_threat_protection
from airflow_provider_okta_ure.clients.okta_probe import OktaProbe
from airflow_provider_okta_ure.clients.retries import RetryPolicy
from airflow_provider_okta_ure.errors import OktaUreError
from tests.contract.odd_server import read_head
from tests.security.odd_answers import HEADERS, STATUSES, WHOLE, framed, odd_answer
from tests.unit.http_script import Clock

# urllib3 leaves a socket to the garbage collector when it cannot read a Content-Length.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed <socket:ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"
)

SEED = 20261128
TIMES = 25
"""Answers by chance for each call, and as many with only an odd status or an odd body."""

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
KEY = SigningKey.generate()
BRIEF = RetryPolicy(attempts=2, first_wait=0.1, longest_wait=90, total_wait=100)


class Answering:
    """Answers every request with the same bytes and closes the connection; on loopback."""

    def __init__(self) -> None:
        self.answer = b""
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def stop(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), connection:
                connection.settimeout(5)
                head = read_head(connection)
                length = next(
                    (
                        line.split(b":")[1]
                        for line in head.splitlines()
                        if line.lower().startswith(b"content-length")
                    ),
                    b"0",
                )
                left = int(length)
                while left > 0 and (part := connection.recv(left)):
                    left -= len(part)
                connection.sendall(self.answer)


@pytest.fixture(scope="module")
def server() -> Iterator[Answering]:
    running = Answering()
    yield running
    running.stop()


def okta(url: str) -> OktaClient:
    return OktaClient.connect(url, SswsAuth("00token"), retry=BRIEF, timing=Clock().timing)


def netskope(url: str) -> NetskopeClient:
    return NetskopeClient.connect(
        url, NetskopeTokenAuth("token", reread=lambda: "other"), retry=BRIEF, timing=Clock().timing
    )


def service_app(url: str, dpop: Any = "auto") -> ServiceAppAuth:
    app = ServiceApp("0oa1", KEY, ("okta.users.read",), dpop=dpop)
    return ServiceAppAuth.connect(url, app, sign_ins=SignIns(), retry=BRIEF, timing=Clock().timing)


def app_client(url: str) -> OktaClient:
    return OktaClient.connect(url, service_app(url), retry=BRIEF, timing=Clock().timing)


class Published(NamedTuple):
    """A document, and what reads it."""

    reader: DocumentReader
    url: str

    def close(self) -> None:
        """Every reading has a connection of its own."""


def published(url: str) -> Published:
    reader = DocumentReader(allow_private=True, seconds=1e9, retry=BRIEF, timing=Clock().timing)
    return Published(reader, url)


USER = {
    "id": "00u1",
    "status": "ACTIVE",
    "profile": {"login": "ann@corp.example", "email": "ann@corp.example"},
}
GROUP = {
    "id": "00g1",
    "type": "OKTA_GROUP",
    "profile": {"name": "At risk", "description": ""},
    "_embedded": {"stats": {"usersCount": 3}},
}
PROVIDER = {
    "id": "sse1", "name": "N", "status": "ACTIVE", "type": "Netskope",
    "settings": {"issuer": "https://i.example", "jwks_url": "https://i.example/jwks.json", "well_known_url": None},
}  # fmt: skip
EVENT = {
    "uuid": "u1", "published": "2026-11-23T03:00:00.000Z", "eventType": "security.events.provider.receive_event",
    "actor": {"id": "a", "type": "X", "alternateId": "b", "displayName": "c"}, "target": [{"id": "00u1", "type": "User"}],
}  # fmt: skip
RISK = {"riskLevel": "HIGH", "reason": "because"}
ADMINS = {"value": [{"id": "00u1"}], "_links": {"next": {"href": "/api/v1/iam/assignees/users?after=x"}}}
TOKEN = {
    "access_token": "eyJabcdefgh",
    "token_type": "Bearer",
    "expires_in": 3600,
    "scope": "okta.users.read",
}
SCIM = {"totalResults": 1, "Resources": [{"userName": "ann@corp.example"}]}
SERIES = {
    "usersUci": [
        {"userId": "ann@corp.example", "confidences": [{"start": 1795388400000, "confidenceScore": 480}]}
    ]
}
LISTED = {
    "results": [{"user": "ann@corp.example", "start": 1795388400000, "confidenceScore": 480}],
    "totalCount": 1,
}
JWKS = KEY.jwks()
CONFIGURATION = {"issuer": "https://i.example", "jwks_uri": "http://127.0.0.1:1/jwks.json"}

Call = tuple[Callable[[str], Any], Callable[[Any], Any], Any]
"""What makes a client, what is done with it, and the body of a right answer."""


def _tail(client: OktaClient) -> list[datetime]:
    tail = client.tail_received(NOW)
    return sorted(one.published for _ in range(2) for page in tail.read() for one in page)


def _received(client: OktaClient) -> list[datetime]:
    found = client.list_received(NOW, NOW + timedelta(hours=1), ["00u1"])
    return sorted(max(one.published, NOW) for one in found)


def _ensure(client: OktaClient, **how: Any) -> Any:
    return client.ensure_security_events_provider(
        "N", issuer="https://i.example", jwks_url="https://i.example/jwks.json", **how
    )


OKTA: dict[str, tuple[Callable[[OktaClient], Any], Any]] = {
    "activate_security_events_provider": (lambda c: c.activate_security_events_provider("sse1"), PROVIDER),
    "add_member": (lambda c: c.add_member("00g1", "00u1"), {}),
    "check": (lambda c: c.check(), [USER]),
    "count_users": (lambda c: c.count_users(), [GROUP]),
    "create_group": (lambda c: c.create_group("At risk"), GROUP),
    "create_security_events_provider": (
        lambda c: c.create_security_events_provider(
            "N", issuer="https://i.example", jwks_url="https://i.example/j"
        ),
        PROVIDER,
    ),
    "deactivate_security_events_provider": (
        lambda c: c.deactivate_security_events_provider("sse1"),
        PROVIDER,
    ),
    "delete_security_events_provider": (lambda c: c.delete_security_events_provider("sse1"), {}),
    "describe_user_risk": (lambda c: c.describe_user_risk("00u1"), RISK),
    "ensure_group": (lambda c: c.ensure_group("At risk"), [GROUP]),
    "ensure_security_events_provider": (_ensure, [PROVIDER]),
    "find_group": (lambda c: c.find_group("At risk"), [GROUP]),
    "find_security_events_provider": (
        lambda c: c.find_security_events_provider(issuer="https://i.example"),
        [PROVIDER],
    ),
    "find_users": (lambda c: list(c.find_users([f"u{n}@corp.example" for n in range(101)])), [USER]),
    "find_users_by_id": (lambda c: list(c.find_users_by_id(["00u1", "00u2"])), [USER]),
    "get_group": (lambda c: c.get_group("00g1"), GROUP),
    "get_org": (lambda c: c.get_org(), {"id": "00o1", "settings": {"x": 1}}),
    "get_org_id": (lambda c: c.get_org_id(), {"id": "00o1"}),
    "get_security_events_provider": (lambda c: c.get_security_events_provider("sse1"), PROVIDER),
    "get_user": (lambda c: c.get_user("ann@corp.example"), USER),
    "get_user_risk": (lambda c: c.get_user_risk("00u1"), RISK),
    "list_administrators": (lambda c: list(c.list_administrators()), ADMINS),
    "list_groups": (lambda c: list(c.list_groups(stats=True)), [GROUP]),
    "list_log_events": (lambda c: list(c.list_log_events(NOW)), [EVENT]),
    "list_members": (lambda c: list(c.list_members("00g1")), [USER]),
    "list_received": (_received, [EVENT]),
    "list_security_events_providers": (lambda c: list(c.list_security_events_providers()), [PROVIDER]),
    "list_users": (lambda c: list(c.list_users()), [USER]),
    "publish_security_event": (lambda c: c.publish_security_event("a.b.c"), {}),
    "put_user_risk": (lambda c: c.put_user_risk("00u1", "high", "why"), RISK),
    "remove_member": (lambda c: c.remove_member("00g1", "00u1"), {}),
    "search_users": (lambda c: list(c.search_users('status eq "ACTIVE"')), [USER]),
    "tail_received": (_tail, [EVENT]),
    "update_security_events_provider": (
        lambda c: c.update_security_events_provider(
            "sse1", "N", issuer="https://i.example", jwks_url="https://i.example/j"
        ),
        PROVIDER,
    ),
}
OKTA_PROBE: dict[str, tuple[Callable[[OktaProbe], Any], Any]] = {
    "find_group": (lambda p: p.find_group(None, "At risk"), [GROUP]),
    "glimpse": (lambda p: (p.glimpse(), p.glimpse().skew), [USER]),
    "read_groups": (lambda p: p.read_groups(), [GROUP]),
    "read_log": (lambda p: p.read_log(), [EVENT]),
    "read_members": (lambda p: p.read_members("00g1"), [USER]),
    "read_risk": (lambda p: p.read_risk("00u1"), RISK),
    "read_security_events_providers": (lambda p: p.read_security_events_providers(), [PROVIDER]),
    "read_user": (lambda p: p.read_user(), [USER]),
}
NETSKOPE: dict[str, tuple[Callable[[NetskopeClient], Any], Any]] = {
    "check": (lambda c: c.check(), SCIM | SERIES),
    "list_users": (lambda c: list(c.list_users()), SCIM),
    "listed_scores": (lambda c: c.listed_scores(NOW, until=500, now=NOW), LISTED),
    "names": (lambda c: list(c.names()), SCIM),
    "rows_of": (lambda c: list(c.rows_of(c.listed_scores(NOW, now=NOW))), LISTED),
    "scores": (lambda c: list(c.scores(NOW, users=["ann@corp.example"], now=NOW)), SERIES),
}
NETSKOPE_PROBE: dict[str, tuple[Callable[[NetskopeProbe], Any], Any]] = {
    "age_of": (lambda p: p.age_of(p.read_list() or NOW), LISTED),
    "glimpse": (lambda p: (p.glimpse(), p.glimpse().skew), SCIM),
    "read_list": (lambda p: p.read_list(), LISTED),
    "read_series": (lambda p: p.read_series(), SERIES),
    "read_users": (lambda p: p.read_users(), SCIM),
}
OTHERS: dict[str, Call] = {
    "exclusions": (
        okta,
        lambda c: find_excluded(c, users=["ann@corp.example"], groups=["At risk"]),
        [USER | GROUP],
    ),
    "features": (
        okta,
        lambda c: has_threat_protection(users=c.probe, risk=lambda: c.probe, providers=lambda: c.probe),
        [USER],
    ),
    "list-strategy": (netskope, lambda c: list(c.scores(NOW, strategy="list", now=NOW)), LISTED),
    "everybodys-scores": (netskope, lambda c: list(c.scores(NOW, now=NOW)), SCIM | SERIES),
    "sign-in": (service_app, lambda auth: auth.granted_scopes(), TOKEN),
    "sign-in-with-proof": (
        lambda url: service_app(url, "always"),
        lambda auth: auth.granted_scopes(),
        TOKEN | {"token_type": "DPoP"},
    ),
    "call-of-an-app": (app_client, lambda c: list(c.list_users()), TOKEN),
    "document": (published, lambda one: one.reader.read(one.url), {"a": 1}),
    "jwks": (published, lambda one: fetch_jwks(*one), JWKS),
    "configuration": (published, lambda one: fetch_configuration(*one), CONFIGURATION),
    "published-key": (
        published,
        lambda one: check_published_key(one.reader, KEY, issuer="https://i.example", jwks_url=one.url),
        JWKS,
    ),
}


def _on_probe(call: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda client: call(client.probe)


CALLS: dict[str, Call] = {
    **{f"okta.{name}": (okta, call, right) for name, (call, right) in OKTA.items()},
    **{f"okta.probe.{name}": (okta, _on_probe(call), right) for name, (call, right) in OKTA_PROBE.items()},
    **{f"netskope.{name}": (netskope, call, right) for name, (call, right) in NETSKOPE.items()},
    **{
        f"netskope.probe.{name}": (netskope, _on_probe(call), right)
        for name, (call, right) in NETSKOPE_PROBE.items()
    },
    **OTHERS,
}


@pytest.mark.parametrize(
    ("client", "calls"),
    [
        (OktaClient, OKTA),
        (OktaProbe, OKTA_PROBE),
        (NetskopeClient, NETSKOPE),
        (NetskopeProbe, NETSKOPE_PROBE),
    ],
)
def test_every_call_that_there_is_is_tried(client: type[Any], calls: dict[str, Any]) -> None:
    public = {name for name in dir(client) if not name.startswith("_") and callable(getattr(client, name))}
    assert public - {"connect", "close", "give_back_after"} == set(calls)


def _answers(chance: random.Random, right: Any) -> Iterator[bytes]:
    rightly = json.dumps(right).encode()
    for status in chance.sample(STATUSES, TIMES // 2):
        yield framed(chance, status, [], rightly)
    for body in chance.sample(WHOLE, TIMES // 2):
        yield framed(chance, chance.choice(("200", "200", "403", "429", "503")), [], body)
    for _ in range(TIMES):
        yield odd_answer(chance, right)


def _tried(server: Answering, call: Call, answer: bytes) -> None:
    make, do, _right = call
    server.answer = answer
    client = make(server.url)
    try:
        do(client)
    except OktaUreError as error:
        str(error)
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error} after {answer[:600]!r}") from error
    finally:
        client.close()


@pytest.mark.parametrize("name", CALLS)
def test_no_answer_ends_a_call_with_an_error_of_another_kind(server: Answering, name: str) -> None:
    chance = random.Random(f"{SEED} {name}")  # noqa: S311  # the same answers each time
    for answer in _answers(chance, CALLS[name][2]):
        _tried(server, CALLS[name], answer)


@pytest.mark.parametrize(
    "name", ["okta.list_users", "okta.add_member", "netskope.list_users", "sign-in", "jwks"]
)
def test_no_header_ends_a_call_with_an_error_of_another_kind(server: Answering, name: str) -> None:
    chance = random.Random(f"{SEED} {name} headers")  # noqa: S311  # the same answers each time
    body = json.dumps(CALLS[name][2]).encode()
    for header, values in HEADERS.items():
        fixed = {"Content-Type": "application/json", "Content-Length": str(len(body))}
        fixed.pop(header, None)
        if header == "Transfer-Encoding":
            del fixed["Content-Length"]
        for value in values:
            lines = [f"{header}: {value}", *(f"{name}: {value}" for name, value in fixed.items()), "", ""]
            head = "\r\n".join(lines).encode("latin-1", "replace")
            status = chance.choice(("200", "302", "403", "429", "503"))
            _tried(server, CALLS[name], f"HTTP/1.1 {status} Odd\r\n".encode() + head + body)
