# SPDX-License-Identifier: Apache-2.0
"""Registering at Okta, and the look at the published key before a push, against the sandbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.clients.documents import DocumentReader
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.okta_signals import TRIES_TO_ENSURE
from airflow_provider_okta_ure.errors import JwksError
from airflow_provider_okta_ure.operators.okta import OktaPushRiskOperator, OktaSecurityEventsProviderOperator
from tests.integration.conftest import context_of

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import SecurityEventsProvider
    from airflow_provider_okta_ure.sandbox import Sandbox
    from demo.keys import SigningKeyPair

ISSUER = "https://risk.corp.example"
PROVIDERS = "/api/v1/security-events-providers"
PUSHES = "/security/api/v1/security-events"
OTHER = SigningKey.generate()


@pytest.fixture
def reconnect(
    sandbox: Sandbox, connect: Callable[..., None], signing_key: SigningKeyPair
) -> Callable[..., None]:
    """Store ``okta_default`` with other fields; None leaves a field out."""

    def reconnect(**changes: Any) -> None:
        extra = {
            "issuer": ISSUER,
            "jwks_url": sandbox.publish_jwks(signing_key.jwks),
            "signing_private_key": signing_key.pem,
            "allow_private_jwks_url": True,
            **changes,
        }
        extra = {name: value for name, value in extra.items() if value is not None}
        connect(
            "okta_default", conn_type="okta", host=sandbox.okta_url, password=sandbox.okta_token, extra=extra
        )

    return reconnect


def push(okta: Sandbox, **arguments: Any) -> dict[str, Any]:
    if okta.okta.find_user("ann@new.example") is None:
        okta.okta.add_user(login="ann@new.example")
    rows = arguments.pop(
        "rows", [{"user": "ann@new.example", "risk_level": "high", "previous_risk_level": "low"}]
    )
    operator: Any = OktaPushRiskOperator(task_id="push", rows=rows, **arguments)
    result: dict[str, Any] = operator.execute(context_of())
    return result


def register(**arguments: Any) -> dict[str, Any]:
    operator: Any = OktaSecurityEventsProviderOperator(task_id="register", **arguments)
    result: dict[str, Any] = operator.execute(context_of())
    return result


def well_known(sandbox: Sandbox, signing_key: SigningKeyPair, issuer: str = ISSUER) -> str:
    jwks_uri = sandbox.publish_jwks(signing_key.jwks)
    return sandbox.publish("ssf.json", json.dumps({"issuer": issuer, "jwks_uri": jwks_uri}))


def writes(okta: Sandbox) -> list[str]:
    return [f"{one.method} {one.path}" for one in okta.requests_to("okta") if one.method != "GET"]


@pytest.fixture
def looks(okta: Sandbox, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What had been written when we looked at a published document; the sandbox keeps no record of that."""
    seen: list[list[str]] = []
    really = DocumentReader.read

    def read(reader: DocumentReader, url: str) -> dict[str, Any]:
        seen.append(writes(okta))
        return really(reader, url)

    monkeypatch.setattr(DocumentReader, "read", read)
    return seen


# --- before a push


@pytest.mark.parametrize("dry_run", [False, True])
def test_the_published_key_is_looked_at_once_and_before_anything_is_written(
    okta: Sandbox, looks: list[list[str]], dry_run: bool
) -> None:
    for number in range(30):
        okta.okta.add_user(login=f"u{number}@new.example")
    rows = [{"user": f"u{number}@new.example", "risk_level": "high"} for number in range(30)]
    push(okta, rows=rows, ensure_provider=True, dry_run=dry_run, max_change_percent=100)
    assert looks == [[]]
    assert len(writes(okta)) == (0 if dry_run else 31)


@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize(
    ("jwks", "says"),
    [
        pytest.param(OTHER.jwks(), "is not among those published", id="another-key"),
        pytest.param(None, "is not the one that signs", id="another-modulus"),
    ],
)
def test_a_key_that_is_not_published_ends_the_task_before_anything_is_written(
    okta: Sandbox, signing_key: SigningKeyPair, jwks: Any, says: str, dry_run: bool
) -> None:
    kid = signing_key.jwks["keys"][0]["kid"]
    okta.publish_jwks(jwks or {"keys": [{**OTHER.public_jwk(), "kid": kid}]})
    with pytest.raises(AirflowFailException, match=says):
        push(okta, ensure_provider=True, dry_run=dry_run)
    assert writes(okta) == []


def test_a_host_that_is_down_is_left_to_airflows_retries_and_names_the_option(
    okta: Sandbox, reconnect: Any
) -> None:
    reconnect(jwks_url="http://127.0.0.1:9/jwks.json")
    with pytest.raises(JwksError) as caught:
        push(okta, ensure_provider=True)
    assert caught.value.retryable
    assert "check_jwks=False" in str(caught.value)
    assert writes(okta) == []


@pytest.mark.parametrize("check_jwks", [False, "false"])
def test_the_look_can_be_left_out(
    okta: Sandbox, reconnect: Any, looks: list[list[str]], check_jwks: Any
) -> None:
    reconnect(allow_private_jwks_url=None)
    with pytest.raises(AirflowFailException, match="allow_private_jwks_url"):
        push(okta, ensure_provider=True)
    assert push(okta, ensure_provider=True, check_jwks=check_jwks)["counts"]["done"] == 1
    assert len(looks) == 1


def test_nobody_to_push_needs_no_look(okta: Sandbox, looks: list[list[str]]) -> None:
    report = push(okta, rows=[{"user": "nobody@new.example", "risk_level": "high"}])
    assert report["reasons"] == {"skipped:user_not_in_okta": 1}
    assert looks == []


def test_without_an_address_the_look_says_what_to_set(okta: Sandbox, reconnect: Any) -> None:
    reconnect(jwks_url=None)
    with pytest.raises(AirflowFailException, match="`jwks_url` or `well_known_url`"):
        push(okta)


def test_with_a_well_known_url_the_key_is_found_and_signals_arrive(
    okta: Sandbox, reconnect: Any, signing_key: SigningKeyPair
) -> None:
    reconnect(jwks_url=None, well_known_url=well_known(okta, signing_key))
    assert push(okta, ensure_provider=True)["counts"]["done"] == 1
    assert len(okta.okta.accepted_events) == 1
    (provider,) = okta.okta.providers
    assert (provider.issuer, bool(provider.well_known_url)) == (ISSUER, True)


def test_with_a_well_known_url_another_issuer_is_seen_before_okta_sees_it(
    okta: Sandbox, reconnect: Any, signing_key: SigningKeyPair
) -> None:
    reconnect(jwks_url=None, well_known_url=well_known(okta, signing_key, "https://other.example"))
    with pytest.raises(AirflowFailException, match=r"names the issuer 'https://other\.example'"):
        push(okta, ensure_provider=True)
    assert writes(okta) == []


# --- the registration


def test_signals_arrive_after_registering_by_issuer_and_jwks_url(okta: Sandbox) -> None:
    assert register()["status"] == "ACTIVE"
    push(okta)
    assert len(okta.okta.accepted_events) == 1


def test_a_registration_changes_from_keys_to_well_known_and_back(
    okta: Sandbox, reconnect: Any, signing_key: SigningKeyPair
) -> None:
    first = register()
    url = well_known(okta, signing_key)
    # Another name, so that it is the issuer by which it is found.
    moved = register(provider_name="New name", well_known_url=url)
    assert (moved["provider_id"], moved["well_known_url"]) == (first["provider_id"], url)
    back = register()
    assert (back["provider_id"], back["well_known_url"]) == (first["provider_id"], "")
    assert len(okta.okta.providers) == 1


def test_a_registration_that_is_right_is_not_written_again(
    okta: Sandbox, signing_key: SigningKeyPair
) -> None:
    for arguments in ({}, {"well_known_url": well_known(okta, signing_key)}):
        register(**arguments)
        okta.clear_requests()
        register(**arguments)
        assert writes(okta) == []


def test_a_registration_with_another_issuer_than_ours_is_refused(
    okta: Sandbox, signing_key: SigningKeyPair
) -> None:
    with pytest.raises(AirflowFailException, match="we sign as"):
        register(well_known_url=well_known(okta, signing_key, "https://other.example"))


STAGING = {"issuer": "https://risk.staging.example"}


@pytest.mark.parametrize("by", ["operator", "ensure_provider"])
def test_the_registration_of_another_environment_is_left_alone(
    okta: Sandbox, reconnect: Any, by: str
) -> None:
    push(okta, ensure_provider=True)
    reconnect(**STAGING)
    with pytest.raises(AirflowFailException, match="belongs to another transmitter") as caught:
        register() if by == "operator" else push(okta, ensure_provider=True)
    assert ISSUER in str(caught.value)
    assert STAGING["issuer"] in str(caught.value)
    assert [one.issuer for one in okta.okta.providers] == [ISSUER]


@pytest.mark.parametrize("where", ["connection", "operator", "template"])
def test_it_is_taken_over_when_somebody_says_so(okta: Sandbox, reconnect: Any, where: str) -> None:
    first = register()
    reconnect(**STAGING, **({"take_over": True} if where == "connection" else {}))
    said: dict[str, Any] = {"operator": True, "template": "True", "connection": None}
    assert register(take_over=said[where])["provider_id"] == first["provider_id"]
    assert [one.issuer for one in okta.okta.providers] == [STAGING["issuer"]]


def test_with_a_name_of_its_own_each_environment_has_its_registration(okta: Sandbox, reconnect: Any) -> None:
    register()
    reconnect(**STAGING, security_events_provider_name="Staging")
    register()
    assert {one.issuer for one in okta.okta.providers} == {ISSUER, STAGING["issuer"]}


def test_a_registration_that_was_switched_off_is_switched_on(okta: Sandbox) -> None:
    register()
    okta.okta.providers[0].status = "INACTIVE"
    assert register()["status"] == "ACTIVE"
    assert okta.okta.providers[0].status == "ACTIVE"


@pytest.mark.parametrize("kind", ["lost_answer", "reset", "status"])
def test_six_who_register_at_once_while_answers_are_lost_make_one(okta: Sandbox, kind: str) -> None:
    together = threading.Barrier(6)
    okta.fail_next(kind=kind, status=500, method="POST", path_prefix=PROVIDERS, times=2)

    def go(_number: int) -> str:
        together.wait(10)
        return str(register()["provider_id"])

    with ThreadPoolExecutor(6) as pool:
        ids = set(pool.map(go, range(6)))
    assert [one.id for one in okta.okta.providers] == list(ids)
    assert okta.okta.providers[0].status == "ACTIVE"


def test_a_registration_that_is_deleted_while_we_change_it_is_made_anew(okta: Sandbox) -> None:
    register()
    body = '{"errorCode":"E0000007","errorSummary":"Not found","errorId":"x","errorCauses":[]}'
    okta.fail_next(status=404, method="PUT", path_prefix=PROVIDERS, body=body)
    assert register(jwks_url="https://new.corp.example/jwks.json")["jwks_url"].startswith("https://new")


@pytest.mark.parametrize("who", ["we", "somebody-else"])
def test_a_registration_that_is_made_during_our_last_try_is_found(
    okta: Sandbox, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Two tries are cut off; in the third our answer is lost, or another task is faster since we looked."""
    create = OktaClient.create_security_events_provider
    tries: list[str] = []

    def faster(client: OktaClient, name: str, **settings: str) -> SecurityEventsProvider:
        tries.append(name)
        if len(tries) == TRIES_TO_ENSURE and who == "somebody-else":
            create(client, name, **settings)
        return create(client, name, **settings)

    monkeypatch.setattr(OktaClient, "create_security_events_provider", faster)
    okta.fail_next(kind="reset", method="POST", path_prefix=PROVIDERS, times=TRIES_TO_ENSURE - 1)
    if who == "we":
        okta.fail_next(kind="lost_answer", method="POST", path_prefix=PROVIDERS, times=1)
    made = register()
    assert len(tries) == TRIES_TO_ENSURE
    assert [(one.id, one.status) for one in okta.okta.providers] == [(made["provider_id"], "ACTIVE")]


def test_a_failure_of_okta_that_stays_is_raised_and_makes_nothing_twice(okta: Sandbox) -> None:
    from airflow_provider_okta_ure.errors import ServerError

    okta.fail_next(status=500, method="POST", path_prefix=PROVIDERS, times=10)
    with pytest.raises(ServerError):
        register()
    assert len(okta.requests_to("okta", "POST", PROVIDERS)) == 3
    assert not okta.okta.providers
