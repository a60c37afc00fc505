"""Messages name a document in a way that can be followed: at an address that is set, or by a command."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure import hooks
from airflow_provider_okta_ure.errors import ConfigurationError
from airflow_provider_okta_ure.preflight.report import Finding, refused

ERROR = ConfigurationError("No.", remedy="Read docs/keys.md#rotation first.", topic="okta-api-token")


def finding() -> Finding:
    verdict = refused(ERROR)
    return Finding(
        name="x", status="problem", message=verdict.message, remedy=verdict.remedy, topic=verdict.topic
    )


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "",
            "Read `airflow okta-ure explain rotation` first. More: `airflow okta-ure explain okta-api-token`",
        ),
        (
            "https://git.corp.example/blob/main/docs/",
            "Read https://git.corp.example/blob/main/docs/keys.md#rotation first. "
            "More: https://git.corp.example/blob/main/docs/troubleshooting.md#okta-api-token",
        ),
        (
            "https://docs.corp.example/{page}.html",
            "Read https://docs.corp.example/keys.html#rotation first. "
            "More: https://docs.corp.example/troubleshooting.html#okta-api-token",
        ),
    ],
)
def test_documents_are_where_the_setting_says(monkeypatch, url, said):
    assert hooks  # sets how the address is found
    monkeypatch.setenv("AIRFLOW__OKTA_URE__DOCS_URL", url)
    assert str(ERROR) == f"No. {said}"
    assert finding().message == "No."
    assert finding().advice == said
