# SPDX-License-Identifier: Apache-2.0
"""Folders that a wheel holds inside the package, and that a checkout has beside it."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_okta_ure import __file__ as package_file
from airflow_provider_okta_ure.errors import ConfigurationError


def shipped_files(folder: str, in_checkout: str, suffix: str) -> dict[str, Path]:
    """
    Return the files of a folder by name without suffix.

    :param folder: its name in the package.
    :param in_checkout: its name in the repository.
    :raises ConfigurationError: this installation has neither.
    """
    package = Path(package_file).parent
    places = [package / folder]
    if (package.parent / "pyproject.toml").exists():
        places.append(package.parent / in_checkout)
    for place in places:
        if found := {path.stem: path for path in sorted(place.glob(f"*{suffix}"))}:
            return found
    raise ConfigurationError(
        f"This installation has no {folder}.", remedy="Install the package again, as a wheel."
    )
