# SPDX-License-Identifier: Apache-2.0
"""
Buttons on a task's page: the group, the events and the rows that it is about.

Airflow asks for them in the task's own process once it has ended, keeps the answers, and shows these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlencode, urlsplit

from airflow.sdk import BaseOperatorLink, conf

from airflow_provider_okta_ure.clients.hosts import admin_console_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import BaseOperator

PAGE = "/plugin/risk-exchange"
"""Where Airflow shows the page of this package."""

ABOUT = "okta_about"
"""The XCom that says what a task was about; not the links themselves, because Airflow writes those."""


def say_what_it_is_about(ti: Any, *, org: str, target: Mapping[str, str]) -> None:
    """
    Leave for the links what a task was about.

    :param org: the Okta org's URL.
    :param target: as in the report.
    """
    ti.xcom_push(key=ABOUT, value={"org": org, "group_id": target.get("group_id", "")})


class _Link(BaseOperatorLink):
    """
    A button.

    :param text: what stands on it.
    """

    text: ClassVar[str]

    @property
    def name(self) -> str:
        return self.text

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """Return where the button leads; empty = nowhere."""
        return self.address(_about(ti_key), ti_key)

    def address(self, about: Mapping[str, str], ti_key: Any) -> str:
        raise NotImplementedError


class OktaGroupLink(_Link):
    """The group in Okta's admin console."""

    text = "Group in Okta"

    def address(self, about: Mapping[str, str], ti_key: Any) -> str:
        console, group_id = admin_console_of(about.get("org", "")), about.get("group_id", "")
        return f"{console}/admin/group/{quote(group_id, safe='')}" if console and group_id else ""


class OktaRiskEventsLink(_Link):
    """The risk signals in Okta's System Log."""

    text = "User risk events in the System Log"

    def address(self, about: Mapping[str, str], ti_key: Any) -> str:
        console = admin_console_of(about.get("org", ""))
        # Okta documents neither the address nor its parameters; without them the whole log is shown.
        search = {"search": 'eventType eq "security.events.provider.receive_event"'}
        return f"{console}/report/system_log_2?{urlencode(search)}" if console else ""


class ActionLogLink(_Link):
    """The rows that this task wrote."""

    text = "Action log of this task"

    def address(self, about: Mapping[str, str], ti_key: Any) -> str:
        base = urlsplit(str(conf.get("api", "base_url", fallback="") or "")).path.rstrip("/")
        # The page's own parameters begin with re-.
        wanted = {
            "re-view": "log",
            "re-dag_id": ti_key.dag_id,
            "re-run_id": ti_key.run_id,
            "re-task_id": ti_key.task_id,
        }
        return f"{base}{PAGE}?{urlencode(wanted)}"


def _about(ti_key: Any) -> Mapping[str, str]:
    from airflow.sdk.execution_time.xcom import XCom

    found = XCom.get_value(ti_key=ti_key, key=ABOUT)
    return found if isinstance(found, dict) else {}
