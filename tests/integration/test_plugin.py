# SPDX-License-Identifier: Apache-2.0
"""The public routes of Airflow's API server: they show what is configured, and nothing else exists there."""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI

from airflow_provider_okta_ure.plugin import OktaUrePlugin

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

JWKS = "/okta-ure/jwks.json"
SSF = "/okta-ure/.well-known/ssf-configuration"
ISSUER = "https://airflow.corp.example"


class Visitor:
    """Somebody on the internet."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self._app)
            async with httpx.AsyncClient(transport=transport, base_url="https://airflow.example") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)


@pytest.fixture
def client() -> Visitor:
    """Airflow's way to mount a plugin, on an application of its own."""
    app = FastAPI()
    for one in OktaUrePlugin.fastapi_apps:
        app.mount(one["url_prefix"], one["app"])
    return Visitor(app)


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def configure(**settings: str) -> None:
        for name, value in settings.items():
            section, _, option = name.rpartition("__")
            monkeypatch.setenv(f"AIRFLOW__{(section or 'okta_ure').upper()}__{option.upper()}", value)

    return configure


@pytest.fixture
def published(configure: Any, tmp_path: Path, signing_key: SigningKeyPair) -> Path:
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(signing_key.jwks))
    configure(jwks_file=str(path), issuer=ISSUER, api__base_url=ISSUER + "/")
    return path


def test_these_routes_exist_and_no_others() -> None:
    from airflow_provider_okta_ure.plugin.app import app

    def found(routes: Any) -> list[tuple[str, tuple[str, ...]]]:
        listed: list[tuple[str, tuple[str, ...]]] = []
        for route in routes:
            inner = getattr(route, "original_router", None)
            listed += found(inner.routes) if inner else [(route.path, tuple(sorted(route.methods)))]
        return listed

    assert sorted(found(app.routes)) == [
        ("/.well-known/ssf-configuration", ("GET", "HEAD")),
        ("/api/actions", ("GET",)),
        ("/api/actions.csv", ("GET",)),
        ("/api/filters", ("GET",)),
        ("/api/overview", ("GET",)),
        ("/api/pause", ("GET",)),
        ("/api/people", ("GET",)),
        ("/api/person", ("GET",)),
        ("/jwks.json", ("GET", "HEAD")),
        ("/static/{name:path}", ("GET", "HEAD")),
    ]


@pytest.mark.parametrize(
    "path",
    ["/", "/docs", "/redoc", "/openapi.json", "/jwks", "/jwks.json/", "/..", "/.well-known", "/private"],
)
def test_nothing_else_answers(client: Visitor, published: Path, path: str) -> None:
    assert client.get(f"/okta-ure{path}").status_code == 404
    assert client.get(f"/okta-ure{path.rstrip('/')}x").status_code == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("path", [JWKS, SSF])
def test_nothing_can_be_changed(client: Visitor, published: Path, method: str, path: str) -> None:
    assert client.request(method, path, json={}).status_code == 405


# --- the keys


def test_the_keys_are_shown_as_okta_wants_them(
    client: Visitor, published: Path, signing_key: SigningKeyPair
) -> None:
    answer = client.get(JWKS)
    assert answer.status_code == 200
    assert answer.json() == signing_key.jwks
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert client.request("HEAD", JWKS).headers["etag"] == answer.headers["etag"]


def test_an_answer_that_is_known_is_not_sent_again(client: Visitor, published: Path) -> None:
    tag = client.get(JWKS).headers["etag"]
    again = client.get(JWKS, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(JWKS, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_new_key_is_shown_without_a_restart(client: Visitor, published: Path) -> None:
    from airflow_provider_okta_ure.clients.keys import SigningKey

    tag = client.get(JWKS).headers["etag"]
    new = SigningKey.generate()
    published.write_text(json.dumps(new.jwks()))
    answer = client.get(JWKS, headers={"If-None-Match": tag})
    assert answer.json() == new.jwks()


def test_the_keys_can_stand_in_the_configuration_itself(
    client: Visitor, configure: Any, signing_key: SigningKeyPair
) -> None:
    configure(jwks=json.dumps(signing_key.jwks))
    assert client.get(JWKS).json() == signing_key.jwks


@pytest.mark.parametrize(("path", "setting"), [(JWKS, "jwks_file"), (SSF, "issuer")])
def test_without_configuration_there_is_nothing_and_it_says_what_to_set(
    client: Visitor, path: str, setting: str
) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert setting in answer.text
    assert "[okta_ure]" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["cache-control"] == "no-store"


def private_jwks(signing_key: SigningKeyPair) -> str:
    from jwt.algorithms import RSAAlgorithm

    algorithm = RSAAlgorithm(RSAAlgorithm.SHA256)
    jwk: dict[str, Any] = RSAAlgorithm.to_jwk(algorithm.prepare_key(signing_key.pem), as_dict=True)
    return json.dumps({"keys": [{**jwk, "kid": "k"}]})


@pytest.mark.parametrize(
    ("content", "logged"),
    [
        pytest.param(private_jwks, "holds a private key", id="private-jwks"),
        pytest.param(lambda key: key.pem, "not a JSON object", id="private-pem"),
        pytest.param(
            lambda _: '{"keys": [{"kty": "oct", "k": "canary", "kid": "k"}]}',
            "private key: k",
            id="symmetric",
        ),
        pytest.param(lambda _: '{"keys": []}', "holds no key", id="empty"),
        pytest.param(lambda _: "{}", "no `keys`", id="no-jwks"),
        pytest.param(lambda _: "[]", "not a JSON object", id="list"),
        pytest.param(lambda _: " " * 70_000, "longer than 64 KiB", id="long"),
    ],
)
def test_what_may_not_be_public_is_not_shown_and_the_log_says_why(
    client: Visitor,
    published: Path,
    signing_key: SigningKeyPair,
    content: Callable[[Any], str],
    logged: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(
        logging.getLogger("airflow_provider_okta_ure.plugin.public_routes"),
        "error",
        lambda text, *values: said.append(text % values),
    )
    secret = content(signing_key)
    published.write_text(secret)
    answer = client.get(JWKS)
    assert answer.status_code == 500
    assert logged in said[0]
    for text in (answer.text, said[0]):
        assert str(published) not in answer.text
        assert not [part for part in secret.split('"') if len(part) > 5 and part in text]


def test_a_file_that_is_missing_is_an_error_of_the_server_and_not_told_to_the_world(
    client: Visitor, published: Path
) -> None:
    published.unlink()
    answer = client.get(JWKS)
    assert answer.status_code == 500
    assert str(published) not in answer.text


def test_two_sources_of_keys_are_refused(client: Visitor, published: Path, configure: Any) -> None:
    configure(jwks='{"keys": []}')
    assert client.get(JWKS).status_code == 500


# --- who we are


def test_the_well_known_document_names_issuer_and_keys(client: Visitor, published: Path) -> None:
    answer = client.get(SSF, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert answer.json() == {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/okta-ure/jwks.json"}
    assert answer.headers["content-type"] == "application/json"


def test_the_keys_can_be_elsewhere(client: Visitor, published: Path, configure: Any) -> None:
    configure(jwks_url="https://cdn.corp.example/keys.json")
    assert client.get(SSF).json()["jwks_uri"] == "https://cdn.corp.example/keys.json"


def test_without_a_public_address_it_says_what_to_set(client: Visitor, configure: Any) -> None:
    configure(issuer=ISSUER)
    answer = client.get(SSF)
    assert answer.status_code == 404
    assert "jwks_url" in answer.text


@pytest.mark.parametrize("url", ["http://airflow.corp.example", "ftp://x", "airflow"])
def test_an_address_that_okta_cannot_trust_is_not_shown(client: Visitor, configure: Any, url: str) -> None:
    configure(issuer=ISSUER, jwks_url=url)
    assert client.get(SSF).status_code == 500


# --- in Airflow


# Airflow's own import of starlette's test client
@pytest.mark.filterwarnings("ignore:Using `httpx` with `starlette.testclient`")
def test_airflow_finds_and_mounts_it(published: Path, signing_key: SigningKeyPair) -> None:
    from airflow.api_fastapi.app import init_plugins

    app = FastAPI()
    init_plugins(app)
    assert Visitor(app).get(JWKS).json() == signing_key.jwks


def test_it_is_an_entry_point_and_not_part_of_the_provider_info() -> None:
    from airflow_provider_okta_ure.get_provider_info import get_provider_info

    found = importlib.metadata.entry_points(group="airflow.plugins", name="okta_ure")
    assert [one.value for one in found] == ["airflow_provider_okta_ure.plugin:OktaUrePlugin"]
    assert "plugins" not in get_provider_info()


def test_importing_it_loads_nothing_of_what_answers() -> None:
    script = (
        "import sys, airflow.plugins_manager; before = set(sys.modules);"
        "import airflow_provider_okta_ure.plugin;"
        "print(sorted(m for m in set(sys.modules) - before if not m.startswith('airflow_provider_okta_ure')"
        " or m.count('.') > 1))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['airflow_provider_okta_ure.plugin.pages']"
