# SPDX-License-Identifier: Apache-2.0
"""A Netskope token that was rotated: read again once, used if it is another one, and otherwise a clear error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from requests.adapters import HTTPAdapter

from airflow_provider_okta_ure.clients.auth import NetskopeTokenAuth
from airflow_provider_okta_ure.clients.netskope_errors import NetskopeDialect
from airflow_provider_okta_ure.errors import (
    ApiError,
    AuthenticationError,
    ConfigurationError,
    PermissionDeniedError,
)
from tests.unit.http_script import Said, Script, Step, client

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.http import ApiClient

OLD, NEW = "old-token-canary", "new-token-canary"


class Store:
    """Where the token is kept; counts how often it is read."""

    def __init__(self, token: str = OLD) -> None:
        self.token = token
        self.read = 0

    def __call__(self) -> str:
        self.read += 1
        return self.token


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(*steps: Step) -> Script:
        script = Script(*steps)
        monkeypatch.setattr(
            HTTPAdapter,
            "send",
            lambda adapter, request, **settings: script.send(adapter, request, **settings),
        )
        return script

    return start


def tenant(store: Store | None) -> ApiClient:
    return client(auth=NetskopeTokenAuth(OLD, reread=store), dialect=NetskopeDialect())


def tokens(script: Script) -> list[str]:
    return [request.headers["Netskope-Api-Token"] for request in script.sent]


@pytest.mark.parametrize("status", [401, 403])
def test_a_rotated_token_is_read_again_and_used_from_then_on(play: Any, status: int) -> None:
    script, store = play(Said(status), Said(), Said()), Store(NEW)
    api = tenant(store)
    api.call("POST", "/x", bucket="b", json={"a": 1})
    api.call("GET", "/x", bucket="b")
    assert tokens(script) == [OLD, NEW, NEW]
    assert script.sent[1].body == script.sent[0].body
    assert store.read == 1


@pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationError), (403, PermissionDeniedError)])
def test_the_same_token_is_not_tried_again(play: Any, status: int, kind: type[ApiError]) -> None:
    script, store = play(Said(status)), Store(OLD)
    with pytest.raises(kind) as caught:
        tenant(store).call("GET", "/x", bucket="b")
    assert (tokens(script), store.read) == ([OLD], 1)
    assert "canary" not in str(caught.value)


def test_another_token_that_is_refused_too_ends_it(play: Any) -> None:
    script, store = play(Said(401), Said(401, {"message": f"bad {OLD} {NEW}"})), Store(NEW)
    with pytest.raises(AuthenticationError, match=r"read again.*no token that works") as caught:
        tenant(store).call("GET", "/x", bucket="b")
    assert (tokens(script), store.read) == ([OLD, NEW], 1)
    assert "canary" not in f"{caught.value} {vars(caught.value)}"


@pytest.mark.parametrize("stored", ["", "  "])
def test_a_connection_that_is_gone_leaves_the_refusal(play: Any, stored: str) -> None:
    script = play(Said(401))
    with pytest.raises(AuthenticationError):
        tenant(Store(stored)).call("GET", "/x", bucket="b")
    assert tokens(script) == [OLD]


@pytest.mark.parametrize("status", [400, 404, 409])
def test_other_refusals_are_no_reason_to_read_it_again(play: Any, status: int) -> None:
    play(Said(status))
    store = Store(NEW)
    with pytest.raises(ApiError):
        tenant(store).call("GET", "/x", bucket="b")
    assert store.read == 0


def test_a_token_without_a_store_is_what_it_is(play: Any) -> None:
    script = play(Said(401))
    with pytest.raises(AuthenticationError) as caught:
        tenant(None).call("GET", "/x", bucket="b")
    assert tokens(script) == [OLD]
    assert "read again" not in str(caught.value)


def test_who_was_refused_with_the_old_token_uses_the_one_another_thread_read(play: Any) -> None:
    store = Store(NEW)
    auth = NetskopeTokenAuth(OLD, reread=store)
    api = client(auth=auth, dialect=NetskopeDialect())

    def refuse_late(request: Any) -> Said:
        api._auth._token = NEW  # type: ignore[attr-defined]  # what the other thread did meanwhile
        return Said(401)

    script = play(refuse_late, Said())
    api.call("GET", "/x", bucket="b")
    assert (tokens(script), store.read) == ([OLD, NEW], 0)


def test_a_token_that_cannot_be_one_is_named_and_not_shown(play: Any) -> None:
    play(Said(401))
    with pytest.raises(ConfigurationError, match="Netskope API token") as caught:
        tenant(Store("two canary words")).call("GET", "/x", bucket="b")
    assert "canary" not in str(caught.value)
