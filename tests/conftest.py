"""Marks every test by its folder, and refuses a test that has no tier."""

from __future__ import annotations

from pathlib import Path

import pytest

TIERS = ("unit", "contract", "integration", "e2e", "bench")
_HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE not in item.path.parents:
            continue  # a doctest of the package
        tier = item.path.relative_to(_HERE).parts[0]
        if tier not in TIERS:
            raise pytest.UsageError(f"{item.nodeid} is in no tier: move it to tests/{'|'.join(TIERS)}.")
        item.add_marker(tier)
