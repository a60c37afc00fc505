# SPDX-License-Identifier: Apache-2.0
"""The password of an encrypted key: from a file, the environment or a person, never from an argument."""

from __future__ import annotations

import getpass
import os
import warnings

from airflow_provider_okta_ure.clients.pem import is_encrypted
from airflow_provider_okta_ure.commands.files import read_text
from airflow_provider_okta_ure.errors import ConfigurationError

PASSWORD_VARIABLE = "OKTA_URE_KEY_PASSWORD"  # noqa: S105  # the name of the variable


def password_for(text: str, password_file: str | None) -> str | None:
    """
    Return the password of a key; None when it needs none.

    :param text: the key.
    :param password_file: its first line is the password; None = the environment, else a person.
    :raises ConfigurationError: a password is needed, and there is nobody to ask.
    """
    if not is_encrypted(text):
        return None
    if password_file is not None:
        first = read_text(password_file).splitlines()[:1]
        if not first or not first[0]:
            raise ConfigurationError(
                f"The first line of {password_file} is empty.", remedy="Put the password there."
            )
        return first[0]
    return os.environ.get(PASSWORD_VARIABLE) or _asked()


def _asked() -> str:
    try:
        with warnings.catch_warnings():
            # getpass would show what is typed, where there is no terminal.
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass("Password of the key: ")
    except (getpass.GetPassWarning, EOFError):
        raise ConfigurationError(
            "The key is encrypted, and there is no terminal to ask for the password.",
            remedy=f"Give --password-file, or set {PASSWORD_VARIABLE}.",
        ) from None
