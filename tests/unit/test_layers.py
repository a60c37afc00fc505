from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = "airflow_provider_okta_ure"
ROOT = Path(__file__).parents[2]

# What each layer may import of ours.
ALLOWED = {
    "catalogue": {"catalogue"},
    "errors": {"catalogue"},
    "core": {"errors", "core"},
    "clients": {"catalogue", "errors", "core", "clients"},
    "action_log": {"catalogue", "errors", "core", "action_log"},
    "engine": {"catalogue", "errors", "core", "clients", "action_log", "engine"},
    "hooks": {"catalogue", "errors", "core", "clients", "action_log", "hooks"},
    "preflight": {"catalogue", "errors", "core", "clients", "action_log", "hooks", "preflight"},
    "delivery": {"catalogue", "errors", "core", "clients", "action_log", "hooks", "delivery"},
    "operators": {
        "catalogue",
        "errors",
        "core",
        "clients",
        "action_log",
        "engine",
        "hooks",
        "preflight",
        "operators",
    },
    "triggers": {"errors", "delivery", "triggers"},
    "sensors": {
        "catalogue",
        "errors",
        "core",
        "action_log",
        "hooks",
        "delivery",
        "operators",
        "triggers",
        "sensors",
    },
    "dags": {"errors", "core", "hooks", "operators", "sensors"},
    "cli": set(),
    "commands": {
        "catalogue",
        "errors",
        "core",
        "clients",
        "action_log",
        "engine",
        "hooks",
        "preflight",
        # A revert by command is the same code as a revert by a task.
        "operators",
        "commands",
    },
    "plugin": {"catalogue", "errors", "core", "clients", "action_log", "plugin"},
    "sandbox": {"sandbox"},
    "get_provider_info": set(),
}
# Single modules besides: the page has to know where the action log is and whether writes are paused, and no
# other connection.
ALLOWED_MODULES = {"plugin": {"hooks.action_log", "hooks.pause"}}
# What somebody may not import of others.
IO = {
    "requests",
    "urllib",
    "urllib3",
    "http",
    "socket",
    "ssl",
    "os",
    "pathlib",
    "io",
    "subprocess",
    "sqlite3",
}
IO |= {
    "time",
    "random",
    "secrets",
    "uuid",
    "logging",
    "airflow",
    "asyncio",
    "threading",
    "tempfile",
    "shutil",
}
FORBIDDEN = {
    "catalogue": IO,
    "errors": IO,
    "core": IO,
    "clients": {"airflow"},
    "action_log": {"airflow"},
    "sandbox": {"airflow"},
}
# Every `airflow` command imports these.
ONLY = {"get_provider_info": {"__future__", "typing"}, "cli": {"__future__", "typing", "airflow"}}


def violations(source: str, layer: str) -> list[str]:
    """Return the imports of a module that its layer may not have."""
    found = []
    for name in imported(source):
        top, _, rest = name.partition(".")
        if top == PACKAGE:
            part = rest.partition(".")[0]
            if rest in ALLOWED_MODULES.get(layer, set()):
                continue
            if part and part in ALLOWED and part not in ALLOWED.get(layer, set()):
                found.append(name)
        elif top in FORBIDDEN.get(layer, set()) or (layer in ONLY and top not in ONLY[layer]):
            found.append(name)
    return found


def imported(source: str) -> Iterator[str]:
    """Yield every imported module; ``from package import module`` counts as the module."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they lead"
            if node.module == PACKAGE:
                yield from (f"{PACKAGE}.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


def modules() -> list[tuple[str, Path]]:
    """Return each source file with its layer."""
    ours = [(path.relative_to(ROOT / PACKAGE), path) for path in sorted((ROOT / PACKAGE).rglob("*.py"))]
    package = [(relative.parts[0].removesuffix(".py"), path) for relative, path in ours]
    return package + [("dags", path) for path in sorted((ROOT / "dags").glob("*.py"))]


@pytest.mark.parametrize(
    ("layer", "path"), [pytest.param(layer, path, id=f"{layer}-{path.stem}") for layer, path in modules()]
)
def test_a_module_imports_only_what_its_layer_may(layer: str, path: Path) -> None:
    assert violations(path.read_text(), layer) == []


def test_every_layer_has_modules() -> None:
    assert {layer for layer, _ in modules()} >= set(ALLOWED)


@pytest.mark.parametrize(
    ("layer", "line"),
    [
        pytest.param("core", "import requests", id="core-does-io"),
        pytest.param("core", "from os.path import join", id="core-knows-files"),
        pytest.param("core", "def f():\n    import time", id="core-reads-the-clock-late"),
        pytest.param("core", f"from {PACKAGE}.clients.http import x", id="core-knows-clients"),
        pytest.param("core", f"from {PACKAGE} import clients", id="core-knows-clients-by-name"),
        pytest.param("clients", "from airflow.sdk import BaseHook", id="clients-know-airflow"),
        pytest.param("clients", f"import {PACKAGE}.hooks.okta", id="clients-know-hooks"),
        pytest.param("action_log", "from airflow.sdk import BaseHook", id="action-log-knows-airflow"),
        pytest.param("action_log", f"from {PACKAGE}.hooks.okta import x", id="action-log-knows-hooks"),
        pytest.param("hooks", f"from {PACKAGE}.operators.run import x", id="hooks-know-operators"),
        pytest.param("preflight", f"import {PACKAGE}.operators.run", id="preflight-knows-operators"),
        pytest.param("hooks", f"import {PACKAGE}.preflight.run", id="hooks-know-the-preflight"),
        pytest.param("hooks", f"import {PACKAGE}.delivery.watch", id="hooks-know-the-delivery"),
        pytest.param("delivery", f"import {PACKAGE}.operators.run", id="delivery-knows-operators"),
        pytest.param("operators", f"import {PACKAGE}.sensors.okta", id="operators-know-sensors"),
        pytest.param("triggers", f"import {PACKAGE}.operators.run", id="triggers-know-operators"),
        pytest.param("triggers", f"import {PACKAGE}.sensors.okta", id="triggers-know-sensors"),
        pytest.param("operators", f"from {PACKAGE}.sandbox import Sandbox", id="operators-know-the-sandbox"),
        pytest.param("sandbox", f"from {PACKAGE}.errors import OktaUreError", id="sandbox-knows-ours"),
        pytest.param("get_provider_info", "import requests", id="provider-info-is-heavy"),
        pytest.param("cli", f"from {PACKAGE}.hooks.okta import OktaHook", id="cli-is-heavy"),
        pytest.param("plugin", f"from {PACKAGE}.hooks.okta import OktaHook", id="plugin-knows-connections"),
        pytest.param("plugin", f"from {PACKAGE}.hooks import action_log", id="plugin-knows-all-hooks"),
        pytest.param("plugin", f"from {PACKAGE}.operators.run import x", id="plugin-knows-operators"),
        pytest.param("errors", f"from {PACKAGE}.core.models import Row", id="errors-know-core"),
        pytest.param("catalogue", f"from {PACKAGE}.errors import ApiError", id="catalogue-knows-errors"),
        pytest.param("catalogue", "import pathlib", id="catalogue-does-io"),
    ],
)
def test_a_planted_violation_is_found(layer: str, line: str) -> None:
    assert violations(f"from __future__ import annotations\n{line}\n", layer)


def test_what_is_allowed_is_not_reported() -> None:
    source = f"import msgspec\nfrom {PACKAGE}.errors import RuleError\nfrom {PACKAGE}.core import levels\n"
    assert violations(source, "core") == []
