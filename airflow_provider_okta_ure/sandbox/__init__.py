"""
A pretend Okta org and a pretend Netskope tenant on this machine, to try things out and to test against.

It imports nothing of the rest of this package, so that it can catch mistakes there::

    with Sandbox(users=200, frozen=True) as sandbox:
        requests.Session().get(sandbox.okta_url + "/api/v1/users", headers={...})
"""

from __future__ import annotations

from airflow_provider_okta_ure.sandbox.clock import SandboxClock
from airflow_provider_okta_ure.sandbox.journal import JournalEntry
from airflow_provider_okta_ure.sandbox.options import Options
from airflow_provider_okta_ure.sandbox.sandbox import Sandbox
from airflow_provider_okta_ure.sandbox.server import PortBusyError, Tls

__all__ = ["JournalEntry", "Options", "PortBusyError", "Sandbox", "SandboxClock", "Tls"]
