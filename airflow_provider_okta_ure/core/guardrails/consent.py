# SPDX-License-Identifier: Apache-2.0
"""The plans that somebody has approved, or looked at and named."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from airflow_provider_okta_ure.core.plans import PlanInOrg  # noqa: TC001  # msgspec reads it

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Action


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """
    The plans that a person has approved, of those that a task is to carry out.

    :param by: the name of who answered.
    :param asked_at: when it was asked (aware).
    :param plans: as they were shown.
    :param changed: the tasks whose plans are not any more what was shown, so that they are not approved.
    """

    by: str
    asked_at: datetime
    plans: tuple[PlanInOrg, ...] = ()
    changed: tuple[str, ...] = ()

    def allows_nothing(self, action: Action) -> bool:
        """Whether to do nothing with an action can be what was approved."""
        about = [one.plan for one in self.plans if one.plan.action == action]
        return not self.changed and (not about or any(not plan.changes for plan in about))


class AcceptedPlans(msgspec.Struct, frozen=True, kw_only=True):
    """
    The plans that may be of any size, because somebody has looked at them and named their ids.

    :param unknown: the ids that stand for no plan.
    """

    plans: tuple[PlanInOrg, ...] = ()
    unknown: tuple[str, ...] = ()
