"""What a handler of the pretend Okta org needs: the state, the switches, the address, the fetcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox.okta.jwks import KeyFetcher
    from airflow_provider_okta_ure.sandbox.okta.state import OktaState
    from airflow_provider_okta_ure.sandbox.options import Options


@dataclass(slots=True)
class OktaContext:
    """
    Shared by all handlers.

    :param base_url: returns the org's address without a slash at the end; known once the port is bound.
    """

    state: OktaState
    options: Options
    base_url: Callable[[], str]
    keys: KeyFetcher
