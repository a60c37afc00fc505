# SPDX-License-Identifier: Apache-2.0
"""An answer counts only if it is the one that the service documents for the call; a proxy's is none."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth, SswsAuth
from airflow_provider_okta_ure.clients.netskope import NetskopeClient
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import OktaUreError, UnexpectedAnswerError
from tests.unit.http_script import ORG, TOKEN, Clock, Said, Script

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 23, 3, tzinfo=timezone.utc)
SET = "eyJh.eyJp.c2ln"
USER = {"id": "00u1", "status": "ACTIVE", "profile": {"login": "a@x", "email": "a@x"}}
GROUP = {"id": "00g1", "type": "OKTA_GROUP", "profile": {"name": "Risky"}}
PROVIDER = {"id": "sse1", "name": "n", "type": "t", "status": "ACTIVE", "settings": {}}
ISSUER = {"issuer": "https://i.example", "jwks_url": "https://i.example/jwks"}

# What is asked, the status that Okta documents for it (reference and OpenAPI), and a body that fits.
OKTA: dict[str, tuple[Callable[[OktaClient], Any], tuple[int, ...], Any]] = {
    "add": (lambda okta: okta.add_member("00g1", "00u1"), (204,), b""),
    "remove": (lambda okta: okta.remove_member("00g1", "00u1"), (204,), b""),
    "set risk": (lambda okta: okta.put_user_risk("00u1", "high"), (200, 201), {"riskLevel": "HIGH"}),
    "push": (lambda okta: okta.publish_security_event(SET), (202,), b""),
    "delete provider": (lambda okta: okta.delete_security_events_provider("sse1"), (204,), b""),
    "create provider": (
        lambda okta: okta.create_security_events_provider("n", **ISSUER),
        (200,),
        PROVIDER,
    ),
    "update provider": (
        lambda okta: okta.update_security_events_provider("sse1", "n", **ISSUER),
        (200,),
        PROVIDER,
    ),
    "activate": (lambda okta: okta.activate_security_events_provider("sse1"), (200,), PROVIDER),
    "deactivate": (lambda okta: okta.deactivate_security_events_provider("sse1"), (200,), PROVIDER),
    "create group": (lambda okta: okta.create_group("Risky"), (200,), GROUP),
    "get group": (lambda okta: okta.get_group("00g1"), (200,), GROUP),
    "find group": (lambda okta: okta.find_group("Risky"), (200,), [GROUP]),
    "members": (lambda okta: list(okta.list_members("00g1")), (200,), [USER]),
    "users": (lambda okta: list(okta.list_users()), (200,), [USER]),
    "find users": (lambda okta: list(okta.find_users(["a@x"])), (200,), [USER]),
    "find by id": (lambda okta: list(okta.find_users_by_id(["00u1"])), (200,), [USER]),
    "user": (lambda okta: okta.get_user("00u1"), (200,), USER),
    "risk": (lambda okta: okta.get_user_risk("00u1"), (200,), {"riskLevel": "HIGH"}),
    "providers": (lambda okta: list(okta.list_security_events_providers()), (200,), [PROVIDER]),
    "administrators": (lambda okta: list(okta.list_administrators()), (200,), {"value": [{"id": "00u1"}]}),
    "log": (lambda okta: list(okta.list_log_events(NOW, NOW)), (200,), []),
}
SCORE = [{"start": 1_795_392_000_000, "confidenceScore": 7}]
NETSKOPE: dict[str, tuple[Callable[[NetskopeClient], Any], Any]] = {
    "series": (
        lambda one: list(one.scores(NOW, users=["a@x"], now=NOW)),
        {"usersUci": [{"userId": "a@x", "confidences": SCORE}]},
    ),
    "list": (
        lambda one: list(one.scores(NOW, strategy="list", now=NOW)),
        {"totalCount": 1, "results": [{"user": "a@x", **SCORE[0]}]},
    ),
    "users": (lambda one: list(one.list_users()), {"totalResults": 1, "Resources": [{"userName": "a@x"}]}),
}
FOREIGN = [
    pytest.param("text/plain", b"Blocked by policy 4711", id="text"),
    pytest.param("application/json", b"Blocked by policy 4711", id="said-to-be-json"),
    pytest.param("", b"blocked", id="no-content-type"),
    pytest.param("text/html", b"<html><body>Blocked</body></html>", id="page"),
    pytest.param("application/json", b"<!doctype html><p>Blocked", id="page-said-to-be-json"),
    pytest.param("application/json", b'{"blocked": "by policy 4711"}', id="json"),
    pytest.param("text/plain", b' {"errorCode": "E0000006", "errorSummary": "no"}', id="refusal"),
    pytest.param("application/json", b'"blocked"', id="json-text"),
]


@pytest.fixture
def okta(monkeypatch: pytest.MonkeyPatch) -> Callable[[Said], OktaClient]:
    def start(said: Said) -> OktaClient:
        _play(monkeypatch, said)
        return OktaClient.connect(ORG, SswsAuth(TOKEN), timing=Clock().timing)

    return start


@pytest.fixture
def netskope(monkeypatch: pytest.MonkeyPatch) -> Callable[[Said], NetskopeClient]:
    def start(said: Said) -> NetskopeClient:
        _play(monkeypatch, said)
        return NetskopeClient.connect(
            "https://acme.goskope.com", NetskopeTokenAuth("token"), timing=Clock().timing
        )

    return start


def _play(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    script = Script(*[said] * 9)
    monkeypatch.setattr(
        HTTPAdapter, "send", lambda adapter, request, **settings: script.send(adapter, request, **settings)
    )


@pytest.mark.parametrize("name", OKTA)
def test_the_documented_answer_counts_and_no_other_status_of_success(okta: Any, name: str) -> None:
    ask, documented, body = OKTA[name]
    for status in (200, 201, 202, 203, 204, 206):
        client = okta(Said(status, b"" if status == 204 else body))
        if status in documented:
            ask(client)
        else:
            with pytest.raises(UnexpectedAnswerError) as caught:
                ask(client)
            assert caught.value.topic == "proxy-answered"
            assert "proxy" in str(caught.value)


@pytest.mark.parametrize(("content_type", "body"), FOREIGN)
@pytest.mark.parametrize("name", OKTA)
def test_a_block_page_with_status_200_is_never_an_answer_of_okta(
    okta: Any, name: str, content_type: str, body: bytes
) -> None:
    ask, documented, _ = OKTA[name]
    with pytest.raises(OktaUreError) as caught:
        ask(okta(Said(200, body, [("Content-Type", content_type)])))
    assert not caught.value.retryable
    if 200 not in documented and b"<" not in body and b"errorCode" not in body:
        assert caught.value.topic == "proxy-answered"


@pytest.mark.parametrize(("content_type", "body"), FOREIGN)
@pytest.mark.parametrize("name", NETSKOPE)
def test_a_block_page_with_status_200_is_never_an_answer_of_netskope(
    netskope: Any, name: str, content_type: str, body: bytes
) -> None:
    ask, good = NETSKOPE[name]
    assert ask(netskope(Said(200, good)))
    with pytest.raises(OktaUreError):
        ask(netskope(Said(200, body, [("Content-Type", content_type)])))
