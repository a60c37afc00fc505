# SPDX-License-Identifier: Apache-2.0
"""Options with an empty value, which is nearly always a variable of a script that was not set."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace


def refuse_empty(args: Namespace, *, allowed: Collection[str] = ()) -> None:
    """
    Refuse options whose value is empty or blank; without the option something else is meant.

    :param allowed: the options for which an empty value has a meaning, without the dashes.
    :raises ConfigurationError: there is one.
    """
    for name, value in vars(args).items():
        values = value if isinstance(value, list) else [value]
        option = name.replace("_", "-")
        if option not in allowed and any(isinstance(one, str) and not one.strip() for one in values):
            raise ConfigurationError(
                f"--{option} is empty.", remedy="Give it a value, or leave the option out."
            )
