"""What make and CI install is pinned, with the hashes of its files, and names no server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = ("constraints.txt", "requirements.txt", "tests/constraints-airflow-3.2.txt", ".ci/uv.txt")
SCRIPTS = [ROOT / "Makefile", *sorted(ROOT.glob(".ci/*"))]


def entries(name: str) -> dict[str, str]:
    """Return the hashes of each pinned version, by the whole line that pins it."""
    text = (ROOT / name).read_text().replace("\\\n", " ")
    found = [line.partition("--hash") for line in text.splitlines() if line and not line.startswith("#")]
    return {pin.strip(): mark + rest for pin, mark, rest in found}


@pytest.mark.parametrize("name", FILES)
def test_each_version_has_hashes_and_no_server(name: str) -> None:
    pinned = entries(name)
    assert pinned
    for pin, hashes in pinned.items():
        assert re.fullmatch(r"[a-z0-9.-]+==[0-9][\w.+-]*( ; .+)?", pin)
        assert re.fullmatch(r"(--hash=sha256:[0-9a-f]{64}\s*)+", hashes), pin
    assert "://" not in (ROOT / name).read_text()


def test_what_the_product_needs_is_part_of_what_is_tested() -> None:
    everything = entries("constraints.txt")
    for pin, hashes in entries("requirements.txt").items():
        version = pin.partition(" ;")[0]
        assert any(
            one.partition(" ;")[0] == version and sorted(hashes.split()) == sorted(all_.split())
            for one, all_ in everything.items()
        ), pin


def test_every_dependency_is_pinned() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    section = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    named = {
        one.lower().replace("_", "-") for one in re.findall(r'"([A-Za-z][\w.-]*?)(?:\[|>=|==|<|;|")', section)
    }
    pinned = {pin.partition("==")[0] for pin in entries("constraints.txt")}
    assert {"apache-airflow", "pytest", "ruff", "pip-audit"} <= named
    assert named - pinned == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_nothing_is_installed_without_a_hash(path: Path) -> None:
    text = path.read_text().replace("\\\n", " ")
    for line in text.splitlines():
        installs = re.search(r"pip\"? install\b|(?:^|! )install --", line) and not line.lstrip().startswith(
            ("#", "install()")
        )
        if installs:
            assert "--require-hashes" in line or "--no-deps" in line, line
    assert "--index" not in text
