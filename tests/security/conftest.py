"""Attacks meet the operators as their users do: what integration tests have is here as well."""

from __future__ import annotations

from tests.integration.conftest import (
    _action_log,
    _airflow_home,
    _no_run_is_in_the_future,
    _nothing_masked_from_other_tests,
    connect,
    netskope,
    okta,
    sandbox,
    signing_key,
)

__all__ = [
    "_action_log",
    "_airflow_home",
    "_no_run_is_in_the_future",
    "_nothing_masked_from_other_tests",
    "connect",
    "netskope",
    "okta",
    "sandbox",
    "signing_key",
]
