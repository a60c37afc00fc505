# SPDX-License-Identifier: Apache-2.0
"""How people's names stand in task logs: as they are, or hidden from those who may not know them."""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

from airflow.sdk import conf

from airflow_provider_okta_ure.core.names import fold
from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError

log = logging.getLogger(__name__)

SECTION = "okta_ure"
_DIGITS = 12
_SHORTEST_NAME = 3
# What looks like an e-mail address, also in a URL; wider than addresses are: hiding too much is no harm.
_ADDRESS = re.compile(r"""[^\s@"'<>(),;:/\[\]{}=]+(?:@|%40)[\w.-]*\w""")


class Names:
    """
    How names of people stand in task logs and in errors.

    :param shown: returns a login or e-mail address as it may stand there.
    :param are_clear: whether names stand there as they are.
    """

    def __init__(self, shown: Callable[[str], str], *, are_clear: bool = False) -> None:
        self.shown = shown
        self.are_clear = are_clear

    @classmethod
    def as_configured(cls) -> Names:
        """
        Return what the setting ``log_identities`` in ``[okta_ure]`` of Airflow's configuration says.

        ``clear`` leaves names as they are, ``masked`` leaves the first letter and the domain, ``hashed``
        gives the same person the same twelve hexadecimal digits everywhere. The action log always has the
        names.

        :raises ConfigurationError: the setting is none of these.
        """
        how = str(conf.get(SECTION, "log_identities", fallback="") or "clear").strip().lower()
        if how == "clear":
            return cls(in_one_line, are_clear=True)
        if how == "masked":
            return cls(lambda name: masked(in_one_line(name)))
        if how == "hashed":
            key = str(conf.get(SECTION, "log_identities_key", fallback="") or "").encode()
            if not key:
                _warn_of_missing_key()
            return cls(lambda name: hashed(name, key))
        raise ConfigurationError(
            f"[okta_ure] log_identities is {how!r}.", remedy='Use "clear", "masked" or "hashed".'
        )

    def hidden(self, text: str, *names: str) -> str:
        """
        Return a text as it may stand in a log: without these names, and without what looks like an address.

        :param names: names that are known to be people's; needed for logins that are no addresses.
        """
        text = in_one_line(text)
        if self.are_clear:
            return text
        folded = fold(text)
        plain = map(in_one_line, names)
        known = {name for name in plain if len(name) >= _SHORTEST_NAME and fold(name) in folded}
        for name in sorted(known, key=len, reverse=True):
            whole_word = rf"(?<!\w){re.escape(name)}(?!\w)"
            text = re.sub(whole_word, lambda found: self.shown(found[0]), text, flags=re.IGNORECASE)
        return _ADDRESS.sub(lambda found: self.shown(found[0].replace("%40", "@")), text)

    def hide_in(self, error: OktaUreError, names: Iterable[str] = ()) -> None:
        """
        Take names out of an error before it reaches the log, and its causes, whose words are not ours.

        :param names: see :meth:`hidden`.
        """
        listed = tuple(names)
        error.reword(lambda text: self.hidden(text, *listed))
        if self.are_clear:
            return
        error.__cause__, error.__context__, error.__suppress_context__ = None, None, True

    def quieten_libraries(self) -> None:
        """Keep the HTTP library from logging URLs, which it does at DEBUG and which can hold names."""
        if not self.are_clear:
            logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


@lru_cache(maxsize=1)
def _warn_of_missing_key() -> None:
    # Once in a process, which is once in a task.
    log.warning(
        "log_identities is hashed and there is no log_identities_key, so whoever knows the addresses can "
        "find out whose digits are whose. Set [okta_ure] log_identities_key to a long random text."
    )


def name_shower() -> Callable[[str], str]:
    """
    Return what turns a login or e-mail address into what may stand in a task log; see :class:`Names`.

    :raises ConfigurationError: the setting cannot be understood.
    """
    return Names.as_configured().shown


def names_for_errors() -> Names:
    """Return how names stand in errors; hidden when the setting cannot be understood."""
    try:
        return Names.as_configured()
    except ConfigurationError:
        return Names(masked)


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
    return hmac.new(key, fold(name).encode(), hashlib.sha256).hexdigest()[:_DIGITS]
