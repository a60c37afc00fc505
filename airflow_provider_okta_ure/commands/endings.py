# SPDX-License-Identifier: Apache-2.0
"""How an error of ours ends a command: a sentence on the error stream, not a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_okta_ure.errors import OktaUreError


@contextmanager
def ending_plainly() -> Iterator[None]:
    """
    Let an error of ours end the command with status 1 and what to do about it.

    :raises SystemExit: instead of an :class:`OktaUreError`.
    """
    try:
        yield
    except OktaUreError as error:
        raise SystemExit(f"Error: {error}") from None
