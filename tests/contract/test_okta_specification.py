# SPDX-License-Identifier: Apache-2.0
"""Every request of our client is one that Okta's own OpenAPI description allows, and every answer is read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import jwt
import pytest
import requests
import yaml
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.security_event import build_risk_change
from tests.contract.client_support import NOW, okta, sandbox
from tests.contract.sandbox_support import private_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from airflow_provider_okta_ure.clients.okta import OktaClient
    from airflow_provider_okta_ure.sandbox import Sandbox

__all__ = ["okta", "sandbox"]

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "okta-openapi.yaml"
ISSUER = "https://airflow.example"

pytestmark = pytest.mark.skipif(not CONTRACT.is_file(), reason=f"the contract is not here: {CONTRACT.name}")


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    # The contract's server is a template for a host of Okta's; here it is this machine.
    loaded["servers"] = [{"url": "/"}]
    return loaded


@pytest.fixture(scope="module")
def contract(description: dict[str, Any]) -> OpenAPI:
    # The body is the token as it is, and its schema is a string.
    config = Config(
        extra_media_type_deserializers={"application/secevent+jwt": lambda body, **_: body.decode()}
    )
    return OpenAPI.from_dict(description, config=config)


@pytest.fixture
def conforming(contract: OpenAPI, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Check every request on its way out; yields what was sent, as ``PUT /api/v1/...``."""
    sent: list[str] = []
    original = HTTPAdapter.send

    def checked(adapter: HTTPAdapter, request: requests.PreparedRequest, *args: Any, **settings: Any) -> Any:
        if request.path_url.startswith("/sandbox/"):  # the sandbox itself, fetching our public key
            return original(adapter, request, *args, **settings)
        contract.validate_request(RequestsOpenAPIRequest(request))
        sent.append(f"{request.method} {request.path_url.partition('?')[0]}")
        return original(adapter, request, *args, **settings)

    monkeypatch.setattr(HTTPAdapter, "send", checked)
    yield sent
    assert sent, "nothing was checked"


def _provider(client: OktaClient, url: str) -> str:
    return client.ensure_security_events_provider("N", issuer=ISSUER, jwks_url=url).provider_id


CALLS: list[Any] = [
    pytest.param(lambda client, user, group, url: list(client.list_users()), id="list_users"),
    pytest.param(lambda client, user, group, url: client.get_user(user), id="get_user"),
    pytest.param(lambda client, user, group, url: client.count_users(), id="count_users"),
    pytest.param(
        lambda client, user, group, url: list(client.find_users(['a"b@x.example', "c@x.example"])),
        id="find_users",
    ),
    pytest.param(lambda client, user, group, url: client.get_user_risk(user), id="get_user_risk"),
    pytest.param(
        lambda client, user, group, url: client.put_user_risk(user, "high", "UCI=3 (x)"), id="put_user_risk"
    ),
    pytest.param(lambda client, user, group, url: list(client.list_groups(stats=True)), id="list_groups"),
    pytest.param(lambda client, user, group, url: client.find_group("Sales"), id="find_group"),
    pytest.param(lambda client, user, group, url: client.get_group(group), id="get_group"),
    pytest.param(lambda client, user, group, url: client.create_group("New", "d"), id="create_group"),
    pytest.param(lambda client, user, group, url: client.ensure_group("New"), id="ensure_group"),
    pytest.param(lambda client, user, group, url: list(client.list_members(group)), id="list_members"),
    pytest.param(lambda client, user, group, url: client.add_member(group, user), id="add_member"),
    pytest.param(lambda client, user, group, url: client.remove_member(group, user), id="remove_member"),
    pytest.param(lambda client, user, group, url: _provider(client, url), id="ensure_provider"),
    pytest.param(
        lambda client, user, group, url: client.get_security_events_provider(_provider(client, url)),
        id="get_provider",
    ),
    pytest.param(
        lambda client, user, group, url: client.deactivate_security_events_provider(_provider(client, url)),
        id="deactivate",
    ),
    pytest.param(
        lambda client, user, group, url: client.activate_security_events_provider(_provider(client, url)),
        id="activate",
    ),
    pytest.param(
        lambda client, user, group, url: client.delete_security_events_provider(_provider(client, url)),
        id="delete",
    ),
    pytest.param(
        lambda client, user, group, url: list(client.list_log_events(NOW, until=NOW)), id="list_log_events"
    ),
    pytest.param(lambda client, user, group, url: client.get_org(), id="get_org"),
    pytest.param(lambda client, user, group, url: client.check(), id="check"),
]


@pytest.mark.parametrize("call", CALLS)
def test_a_request_of_ours_is_one_that_okta_describes(
    okta: OktaClient, sandbox: Sandbox, conforming: list[str], call: Callable[..., object]
) -> None:
    group = sandbox.okta.find_group("Sales")
    assert group is not None
    url = sandbox.publish_jwks(SigningKey(private_key(0)).jwks())
    call(okta, sandbox.okta.users[0].id, group.id, url)


def test_a_provider_with_a_well_known_url_is_one_that_okta_describes(
    okta: OktaClient, sandbox: Sandbox, conforming: list[str]
) -> None:
    jwks_url = sandbox.publish_jwks(SigningKey(private_key(0)).jwks())
    well_known_url = sandbox.publish("ssf.json", f'{{"issuer": "{ISSUER}", "jwks_uri": "{jwks_url}"}}')
    okta.ensure_security_events_provider("N", well_known_url=well_known_url)
    assert "POST /api/v1/security-events-providers" in conforming


def test_an_update_of_a_provider_is_one_that_okta_describes(
    okta: OktaClient, sandbox: Sandbox, conforming: list[str]
) -> None:
    _provider(okta, "https://a.example/jwks")
    _provider(okta, "https://b.example/jwks")
    assert any(line.startswith("PUT /api/v1/security-events-providers/") for line in conforming)


def test_a_push_is_one_that_okta_describes(okta: OktaClient, sandbox: Sandbox, conforming: list[str]) -> None:
    key = SigningKey(private_key(0))
    _provider(okta, sandbox.publish_jwks(key.jwks()))
    okta.publish_security_event(_token(key, sandbox.okta_url))
    assert conforming[-1] == "POST /security/api/v1/security-events"


def _token(key: SigningKey, audience: str, **changes: Any) -> str:
    event: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": audience,
        "subject": "ann@corp.example",
        "current_level": "high",
        "previous_level": "none",
        "event_timestamp": int(NOW.timestamp()),
        "issued_at": int(NOW.timestamp()),
        "reason_admin": "score 200",
        "reason_user": "Your risk rose",
        "jti": "j",
    }
    return build_risk_change(key, **{**event, **changes})


@pytest.fixture(scope="module")
def schema_of(description: dict[str, Any]) -> Callable[[str], Any]:
    from openapi_schema_validator import OAS30Validator

    def find(name: str) -> Any:
        reference = {"$ref": f"#/components/schemas/{name}"}
        return OAS30Validator({"components": description["components"], "allOf": [reference]})

    return find


@pytest.mark.parametrize("level", ["none", "low", "medium", "high"])
def test_the_token_is_what_okta_describes(schema_of: Callable[[str], Any], level: str) -> None:
    key = SigningKey(private_key(0))
    token = _token(key, "https://acme.okta.com", current_level=level, previous_level=level)
    schema_of("SecurityEventTokenRequestJwtHeader").validate(jwt.get_unverified_header(token))
    claims = jwt.decode(token, options={"verify_signature": False})
    schema_of("SecurityEventTokenRequestJwtBody").validate(claims)
    (event,) = claims["events"].values()
    schema_of("OktaUserRiskChangeEvent").validate(event)


@pytest.mark.parametrize(
    ("name", "value"),
    [("event_timestamp", 1.5), ("current_level", "critical"), ("previous_level", "unknown")],
)
def test_the_description_would_notice_a_wrong_token(
    schema_of: Callable[[str], Any], name: str, value: object
) -> None:
    claims = jwt.decode(
        _token(SigningKey(private_key(0)), "https://acme.okta.com"), options={"verify_signature": False}
    )
    (event,) = claims["events"].values()
    assert not schema_of("OktaUserRiskChangeEvent").is_valid({**event, name: value})


def test_the_description_would_notice_a_wrong_request(contract: OpenAPI) -> None:
    request = requests.Request(
        "PUT",
        "https://acme.okta.com/api/v1/users/00u1/risk",
        json={"riskLevel": "NONE"},
        headers={"Authorization": "SSWS x"},
    )
    with pytest.raises(Exception, match=r"Request body|not one of"):
        contract.validate_request(RequestsOpenAPIRequest(request.prepare()))


def test_every_example_of_okta_is_read(description: dict[str, Any]) -> None:
    import msgspec

    from airflow_provider_okta_ure.clients.okta_wire import WireGroup, WireProvider, WireRisk, WireUser

    kinds: dict[str, type] = {
        "ListUsersResponse": list[WireUser],
        "list-groups-examples": list[WireGroup],
        "list-groups-search": list[WireGroup],
        "ListOfSecurityEventsProviderInstances": list[WireProvider],
        "SecurityEventsProviderResponseWellKnownUrl": WireProvider,
        "SecurityEventsProviderResponseIssuerAndJwksUrl": WireProvider,
    }
    examples = description["components"]["examples"]
    read: dict[str, Any] = {
        name: msgspec.convert(examples[name]["value"], kind) for name, kind in kinds.items()
    }
    assert all(read.values())
    risks = [value["value"] for name, value in examples.items() if "riskLevel" in str(value.get("value"))]
    assert [msgspec.convert(value, WireRisk).to_level() for value in risks if "riskLevel" in value]
