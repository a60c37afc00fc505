"""Every answer of the pretend Okta conforms to Okta's own OpenAPI description, and every path of it exists."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml
from openapi_core import OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from tests.contract.oauth_support import Client
from tests.contract.sandbox_support import (
    PROVIDERS,
    Transmitter,
    group_id,
    make_sandbox,
    okta_api,
)

if TYPE_CHECKING:
    import requests

CONTRACT = Path(__file__).resolve().parents[2].parent / "shared" / "contracts" / "okta-openapi.yaml"

pytestmark = pytest.mark.skipif(not CONTRACT.is_file(), reason=f"the contract is not here: {CONTRACT.name}")


@pytest.fixture(scope="module")
def contract():
    description = yaml.safe_load(CONTRACT.read_text())
    # The contract's server is a template for a host of Okta's; here it is this machine.
    description["servers"] = [{"url": "/"}]
    for operations in description["paths"].values():
        for operation in operations.values():
            for answer in operation.get("responses", {}).values() if isinstance(operation, dict) else ():
                # "content: {}" means no content; openapi-core reads it as content that is missing.
                if answer.get("content") == {}:
                    del answer["content"]
    return OpenAPI.from_dict(description)


@pytest.fixture
def sandbox():
    with make_sandbox(users=250) as sandbox:
        yield sandbox


@pytest.fixture
def conforms(contract):
    """Return a function that checks an answer and hands it back."""

    def check(answer, status):
        assert answer.status_code == status, answer.text
        if status in (401, 404, 405, 411, 414, 500, 501, 503) or (
            status == 400 and answer.request.method == "GET"
        ):
            # Not every path of the contract names these; their body is the same everywhere.
            assert_error_body(answer)
            return answer
        contract.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
        return answer

    return check


def assert_error_body(answer: requests.Response) -> None:
    body = answer.json()
    assert set(body) == {"errorCode", "errorSummary", "errorLink", "errorId", "errorCauses"}
    assert body["errorCode"] == body["errorLink"]
    assert body["errorId"].startswith("oae")
    assert len(body["errorId"]) == 25
    assert all(set(cause) == {"errorSummary"} for cause in body["errorCauses"])


def test_users(sandbox, conforms):
    okta = okta_api(sandbox)
    user = sandbox.okta.users[0]
    for query in (
        "",
        "?limit=3",
        '?search=profile.lastName sw "a"&sortBy=profile.lastName&sortOrder=desc&limit=2',
        '?filter=status eq "SUSPENDED"',
        f"?q={user.first_name}",
        "?fields=id,status,profile:(login,email)",
    ):
        conforms(okta.get("/api/v1/users" + query), 200)
    for one in sandbox.okta.users[:60]:
        conforms(okta.get(f"/api/v1/users/{one.id}"), 200)
    conforms(okta.get("/api/v1/users/me"), 200)
    conforms(okta.get("/api/v1/users/unknown"), 404)
    conforms(okta.get('/api/v1/users?search=profile.login ne "a"'), 400)
    conforms(okta.get('/api/v1/users?filter=profile.city eq "a"'), 400)
    conforms(okta.get("/api/v1/users?after=forged"), 400)


def test_access_tokens(sandbox, contract):
    # Answers of the type DPoP are left out: the description forgets that type, which Okta's own SDK expects.
    without_proof = Client(sandbox).ask()
    bearer = Client(sandbox, dpop_required=False)
    good, wrong = bearer.ask(), bearer.ask(client_assertion="nonsense")
    assert [one.status_code for one in (without_proof, good, wrong)] == [400, 200, 401]
    for answer in (without_proof, good, wrong):
        contract.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))


def test_risk(sandbox, conforms):
    okta = okta_api(sandbox)
    here = f"/api/v1/users/{sandbox.okta.users[0].id}/risk"
    assert conforms(okta.get(here), 200).json()["riskLevel"] == "NONE"
    assert conforms(okta.put(here, json={"riskLevel": "HIGH"}), 201).json()["reason"] == "override.by.admin"
    conforms(okta.put(here, json={"riskLevel": "MEDIUM", "riskReason": "A reason, with-dots."}), 200)
    assert conforms(okta.get(here), 200).json()["riskLevel"] == "MEDIUM"
    conforms(okta.put(here, json={"riskLevel": "NONE"}), 400)
    conforms(okta.put("/api/v1/users/unknown/risk", json={"riskLevel": "LOW"}), 404)


def test_groups(sandbox, conforms):
    okta = okta_api(sandbox)
    for query in (
        "",
        "?limit=2",
        "?expand=stats",
        "?q=c",
        '?filter=type eq "OKTA_GROUP"',
        '?search=profile.name eq "Sales"',
    ):
        conforms(okta.get("/api/v1/groups" + query), 200)
    made = conforms(okta.post("/api/v1/groups", json={"profile": {"name": "Risky", "description": "d"}}), 200)
    here = f"/api/v1/groups/{made.json()['id']}"
    user = sandbox.okta.users[0].id
    conforms(okta.get(here), 200)
    conforms(okta.put(f"{here}/users/{user}"), 204)
    assert [member["id"] for member in conforms(okta.get(f"{here}/users"), 200).json()] == [user]
    conforms(okta.delete(f"{here}/users/{user}"), 204)
    conforms(okta.post("/api/v1/groups", json={"profile": {"name": "Risky"}}), 400)
    everyone = group_id(sandbox, "Everyone")
    conforms(okta.put(f"/api/v1/groups/{everyone}/users/{user}"), 403)
    conforms(okta.get("/api/v1/groups/unknown"), 404)
    conforms(okta.get("/api/v1/groups/unknown/users"), 404)
    conforms(okta.put(f"{here}/users/unknown"), 404)


def test_providers_and_tokens(sandbox, conforms):
    sender = Transmitter(sandbox)
    okta = sender.okta
    conforms(okta.get(PROVIDERS), 200)
    here = f"{PROVIDERS}/{sender.provider['id']}"
    body = {"name": "N", "type": "Netskope", "settings": sender.provider["settings"]}
    conforms(okta.get(here), 200)
    conforms(okta.put(here, json=body), 200)
    conforms(okta.post(PROVIDERS, json=body), 400)
    conforms(sender.push(sender.token()), 202)
    conforms(sender.push("x"), 400)
    conforms(okta.post(here + "/lifecycle/deactivate"), 200)
    conforms(okta.post(here + "/lifecycle/activate"), 200)
    conforms(okta.delete(here), 204)
    conforms(okta.get(here), 404)


def test_logs_and_org(sandbox, conforms):
    sender = Transmitter(sandbox)
    sender.push(sender.token())
    group = sender.okta.post("/api/v1/groups", json={"profile": {"name": "G"}}).json()
    user = sandbox.okta.users[0].id
    sender.okta.put(f"/api/v1/groups/{group['id']}/users/{user}")
    sender.okta.delete(f"/api/v1/groups/{group['id']}/users/{user}")
    assert len(conforms(sender.okta.get("/api/v1/logs"), 200).json()) == 6
    conforms(sender.okta.get("/api/v1/logs?filter=published eq 1"), 400)
    conforms(sender.okta.get("/api/v1/org"), 200)


def test_limits_and_credentials(sandbox, conforms):
    okta = okta_api(sandbox)
    sandbox.set_bucket("/api/v1/groups", 1)
    conforms(okta.get("/api/v1/groups"), 200)
    conforms(okta.get("/api/v1/groups"), 429)
    okta.headers["Authorization"] = "SSWS wrong"
    conforms(okta.get("/api/v1/users"), 401)
    conforms(okta.get("/api/v1/org"), 401)


def test_every_path_and_method_of_the_contract_is_served(sandbox):
    okta = okta_api(sandbox)
    missing = []
    for path, operations in yaml.safe_load(CONTRACT.read_text())["paths"].items():
        for method in operations.keys() & {"get", "put", "post", "delete"}:
            filled = path.replace("{", "").replace("}", "")
            answer = okta.request(method, filled, data=b"")
            if answer.status_code == 405 or (
                answer.status_code == 404 and answer.json().get("errorCode") != "E0000007"
            ):
                missing.append(path)
    assert missing == []


def test_every_query_parameter_of_links_is_one_of_the_contract(sandbox):
    """A self or next link repeats what it understood and nothing else."""
    okta = okta_api(sandbox)
    answer = okta.get('/api/v1/users?limit=2&bogus=1&search=profile.lastName sw "a"')
    assert list(parse_qs(urlsplit(answer.links["next"]["url"]).query)) == ["after", "limit", "search"]
