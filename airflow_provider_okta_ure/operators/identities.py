# SPDX-License-Identifier: Apache-2.0
"""How people's names stand in task logs: as they are, or hidden from those who may not know them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable

from airflow.sdk import conf

from airflow_provider_okta_ure.errors import ConfigurationError

SECTION = "okta_ure"
_DIGITS = 12


def name_shower() -> Callable[[str], str]:
    """
    Return what turns a login or e-mail address into what may stand in a task log.

    The setting ``log_identities`` in ``[okta_ure]`` of Airflow's configuration decides: ``clear`` leaves
    names as they are, ``masked`` leaves the first letter and the domain, ``hashed`` gives the same person
    the same twelve hexadecimal digits everywhere. The action log always has the names.

    :raises ConfigurationError: the setting is none of these.
    """
    how = str(conf.get(SECTION, "log_identities", fallback="") or "clear").strip().lower()
    if how == "clear":
        return lambda name: name
    if how == "masked":
        return masked
    if how == "hashed":
        key = str(conf.get(SECTION, "log_identities_key", fallback="") or "").encode()
        return lambda name: hashed(name, key)
    raise ConfigurationError(
        f"[okta_ure] log_identities is {how!r}.", remedy='Use "clear", "masked" or "hashed".'
    )


def masked(name: str) -> str:
    """
    Return the first letter of a name and its domain.

    >>> masked("ann.lee@corp.example")
    'a***@corp.example'
    >>> masked("ann")
    'a***'
    """
    if not name:
        return ""
    before, at, domain = name.rpartition("@")
    return f"{(before or domain)[:1]}***{at}{domain if at else ''}"


def hashed(name: str, key: bytes) -> str:
    """
    Return the same digits for the same person, whatever the case of the name.

    :param key: without it, whoever knows the addresses can find out which digits are whose.
    """
    if not name:
        return ""
    return hmac.new(key, name.casefold().encode(), hashlib.sha256).hexdigest()[:_DIGITS]
