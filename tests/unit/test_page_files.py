# SPDX-License-Identifier: Apache-2.0
"""The page's own files, read as text: all there, nothing from elsewhere, and names are never markup."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "airflow_provider_okta_ure" / "plugin" / "static"
VENDOR = STATIC / "vendor"
MODULES = sorted(path for path in STATIC.rglob("*.js") if VENDOR not in path.parents)
NAMES = [str(path.relative_to(STATIC)) for path in MODULES]

# As published on npm: chart.js 4.6.1, dist/chart.umd.min.js and LICENSE.md, byte for byte.
VENDORED = {
    "chart.js/chart.umd.min.js": "87364cc2b2a76a6684929e7d6b80b18a897794db38400caff1fcf1791c6925d2",
    "chart.js/LICENSE.md": "41a84aa2caba645f966a18d9c2056b73e6d3a81d80bc0046bc0011a2634d4cce",
}
FROM_ELSEWHERE = re.compile(r"https?://|(?<![:\w])//[a-z]+\.[a-z]", re.I)
# What turns text into markup or code.
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|\beval\(|new Function"
)


def imports_of(text: str) -> list[str]:
    return re.findall(r"""(?:from|import\()\s*["']([^"']+)["']""", text)


def test_there_is_something_to_look_at():
    assert "main.js" in NAMES
    assert len(MODULES) > 15


def test_what_is_not_ours_is_just_what_was_published_and_has_its_licence():
    found = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file()
    }
    assert found == VENDORED
    assert "Chart.js v4.6.1" in (VENDOR / "chart.js" / "chart.umd.min.js").read_text()[:100]
    assert "MIT" in (VENDOR / "chart.js" / "LICENSE.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_every_import_is_a_file_of_ours(name):
    path = STATIC / name
    for imported in imports_of(path.read_text()):
        assert imported.startswith("."), f"{imported} is no file beside it"
        assert (path.parent / imported).resolve().is_file(), f"{imported} is not there"


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_read_from_another_server(name):
    code = "\n".join(line for line in (STATIC / name).read_text().splitlines() if not _is_comment(line))
    assert not FROM_ELSEWHERE.search(code)


@pytest.mark.parametrize("name", NAMES)
def test_no_text_becomes_markup_or_code(name):
    assert not DANGEROUS.search((STATIC / name).read_text())


@pytest.mark.parametrize("name", NAMES)
def test_every_file_says_its_licence_and_what_it_is_for(name):
    first, second, *_ = (STATIC / name).read_text().splitlines()
    assert first == "// SPDX-License-Identifier: Apache-2.0"
    assert second.startswith("// ")


def test_these_checks_see_what_they_are_for():
    assert FROM_ELSEWHERE.search('fetch("https://cdn.example/x.js")')
    assert FROM_ELSEWHERE.search('import x from "//cdn.example/x.js"')
    assert DANGEROUS.search("element.innerHTML = name")
    assert imports_of('import { h } from "./h.js";\nimport("../x.js")') == ["./h.js", "../x.js"]


def test_no_file_is_left_that_nobody_imports():
    imported = {(path.parent / one).resolve() for path in MODULES for one in imports_of(path.read_text())}
    unused = [path.name for path in MODULES if path not in imported]
    assert unused == ["main.js"]


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith(("//", "*", "/*"))
