"""Netskope's own Python SDK, which knows nothing of this project, gets along with the pretend Netskope."""

from __future__ import annotations

import pytest

from tests.contract.sandbox_support import make_sandbox

netskope = pytest.importorskip("netskope", reason="Netskope's SDK is not installed")
httpx = pytest.importorskip("httpx")


@pytest.fixture
def sandbox():
    with make_sandbox(users=250) as sandbox:
        yield sandbox


@pytest.fixture
def client(sandbox):
    client = netskope.NetskopeClient(tenant="sandbox.goskope.com", api_token=sandbox.netskope_token)
    # The SDK talks to https://*.goskope.com only; its transport is pointed at the sandbox instead.
    client._transport._client.base_url = httpx.URL(sandbox.netskope_url)
    yield client
    client._transport._client.close()


def test_one_users_scores(sandbox, client):
    name = sandbox.netskope.name(0)
    answer = client.incidents.get_uci(name)
    sent = sandbox.requests_to("netskope", "POST", "/api/v2/ubadatasvc/user/uci")
    assert [entry.status for entry in sent] == [200]
    assert b'"username"' in sent[0].body
    extras = answer.model_extra or {}
    newest = max(extras["confidences"], key=lambda bucket: bucket["start"])
    assert newest["confidenceScore"] == sandbox.netskope.score(name)


def test_identities_are_listed_page_by_page(sandbox, client):
    users = client.scim.users.list(page_size=100).to_list()
    assert len({user.id for user in users}) == 250
    starts = [
        entry.parameters["startIndex"] for entry in sandbox.requests_to("netskope", "GET", "/api/v2/scim")
    ]
    assert starts[:3] == ["1", "101", "201"]


def test_a_revoked_token_is_an_error_of_the_sdk(sandbox, client):
    sandbox.netskope.rotate_token()
    with pytest.raises(netskope.NetskopeError):
        client.incidents.get_uci(sandbox.netskope.name(0))


def test_a_rate_limit_is_waited_out_by_the_sdk(sandbox, client, monkeypatch):
    sandbox.options.netskope_rate_limit = 1
    monkeypatch.setattr("time.sleep", sandbox.clock.advance)
    for _ in range(3):
        client.incidents.get_uci(sandbox.netskope.name(0))
    assert [entry.status for entry in sandbox.requests] == [200, 429, 200, 429, 200]
