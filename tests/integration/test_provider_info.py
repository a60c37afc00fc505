"""What Airflow reads about the provider is right for the Airflow that is installed."""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib import resources
from typing import Any, cast

import jsonschema
import pytest
from airflow.providers_manager import ProvidersManager
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import airflow_provider_okta_ure
from airflow_provider_okta_ure.get_provider_info import get_provider_info
from airflow_provider_okta_ure.hooks.settings import OktaSettings, TransportSettings

INFO = get_provider_info()
PARTS = ("operators", "sensors", "triggers", "hooks")
CONNECTIONS = {one["connection-type"]: one for one in INFO["connection-types"]}


def schema(name: str) -> dict[str, Any]:
    text = (resources.files("airflow") / name).read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_metadata_fits_the_schema_of_the_installed_airflow():
    jsonschema.validate(INFO, schema("provider_info.schema.json"))


def test_the_connection_types_fit_the_stricter_schema_for_authors():
    author_schema = schema("provider.yaml.schema.json")
    part = {
        **author_schema["properties"]["connection-types"],
        "definitions": author_schema.get("definitions", {}),
    }
    jsonschema.validate(INFO["connection-types"], part)


def test_a_wrong_field_would_be_noticed():
    author_schema = schema("provider.yaml.schema.json")["properties"]["connection-types"]
    broken = [{**CONNECTIONS["okta"], "conn-fields": {"x": {"label": "no schema"}}}]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, author_schema)


def test_every_class_and_module_it_names_can_be_imported():
    modules = [module for part in PARTS for one in INFO[part] for module in one["python-modules"]]
    for module in modules:
        importlib.import_module(module)
    for one in CONNECTIONS.values():
        module, _, name = one["hook-class-name"].rpartition(".")
        hook = getattr(importlib.import_module(module), name)
        assert hook.conn_type == one["connection-type"]
        assert hook.hook_name == one["hook-name"]


def test_every_integration_it_uses_is_declared():
    declared = {one["integration-name"] for one in INFO["integrations"]}
    used = {one["integration-name"] for part in PARTS for one in INFO[part]}
    assert used == declared


@pytest.mark.parametrize(
    ("conn_type", "settings"),
    [("okta", OktaSettings), ("netskope", TransportSettings)],
    ids=["okta", "netskope"],
)
def test_the_form_has_exactly_the_fields_that_the_hook_reads(conn_type, settings):
    assert set(CONNECTIONS[conn_type]["conn-fields"]) == set(settings.__struct_fields__)


@pytest.mark.parametrize("conn_type", ["okta", "netskope"])
def test_every_field_of_the_form_explains_itself_and_may_stay_empty(conn_type):
    for name, field in CONNECTIONS[conn_type]["conn-fields"].items():
        assert field["label"], name
        assert field["description"], name
        assert "null" in field["schema"]["type"], name


def test_the_names_of_secret_fields_are_ones_that_airflow_masks():
    from airflow.sdk._shared.secrets_masker import should_hide_value_for_key

    hides: Callable[[str], bool] = should_hide_value_for_key
    for name in ("signing_private_key", "proxy", "password"):
        assert hides(name), name
    assert not hides("signing_key_id")


def test_importing_it_pulls_in_nothing_heavy():
    script = (
        "import sys; from airflow_provider_okta_ure.get_provider_info import get_provider_info as g; g();"
        "print([m for m in ('requests','rule_engine','cryptography','jwt','msgspec','airflow') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_airflow_finds_the_installed_provider_its_hooks_and_its_forms():
    manager: Any = cast("Any", ProvidersManager)()
    assert "airflow-provider-okta-ure" in manager.providers
    assert manager.providers["airflow-provider-okta-ure"].version == airflow_provider_okta_ure.__version__
    hooks = cast("Any", ProvidersManagerTaskRuntime)().hooks
    for conn_type in ("okta", "netskope"):
        hook = hooks[conn_type]
        assert hook is not None
        assert hook.package_name == "airflow-provider-okta-ure"


def test_the_version_stands_in_one_place():
    assert importlib.metadata.version("airflow-provider-okta-ure") == airflow_provider_okta_ure.__version__
    assert re.fullmatch(r"\d+\.\d+\.\d+", airflow_provider_okta_ure.__version__)
