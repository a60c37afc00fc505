# SPDX-License-Identifier: Apache-2.0
"""The preflight says when scores have stopped coming, without one call more."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.integration.preflight_support import NOW, World
from tests.integration.preflight_support import one_sandbox as one_sandbox
from tests.integration.preflight_support import world as world

CHECK = {"series": "netskope.daily_scores", "list": "netskope.score_list"}


def only_scores_of(world: World, *days_ago: int) -> None:
    """Leave the tenant with three users who have scores of these days and no others."""
    tenant: Any = world.sandbox.netskope
    for name in list(tenant.names()):
        tenant.remove_user(name)
    for number in range(3):
        tenant.add_user(f"n{number}@new.example")
        for days in days_ago:
            tenant.set_score(f"n{number}@new.example", NOW - timedelta(days=days), 900)


@pytest.mark.parametrize(
    ("strategy", "days_ago", "status", "message"),
    [
        pytest.param("series", (0, 1), "ok", "the newest one is of 2026-11-23", id="today"),
        pytest.param("series", (1, 2), "ok", "the newest one is of 2026-11-22", id="yesterday"),
        pytest.param("series", (2, 3), "warning", "the newest one is of 2026-11-21", id="the-day-before"),
        pytest.param("series", (9,), "warning", "none is of the last 7 days", id="long-ago"),
        # The sandbox's list is always of today.
        pytest.param("list", (0, 1), "ok", "the newest one is of 2026-11-23", id="list-today"),
        pytest.param("list", (9,), "warning", "none is of the last 7 days", id="list-long-ago"),
    ],
)
def test_scores_that_stopped_coming_are_a_warning(world, strategy, days_ago, status, message):
    world.wanted["strategy"] = strategy
    only_scores_of(world, *days_ago)
    finding = world.check().finding(CHECK[strategy])
    assert (finding.status, message in finding.message) == (status, True), finding.message
    assert bool(finding.remedy) == (status == "warning")
    reads = [one for one in world.sandbox.requests_to("netskope") if "sandbox" not in one.path]
    assert len(reads) <= 4
