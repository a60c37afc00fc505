# SPDX-License-Identifier: Apache-2.0
"""Why a risk signal that Okta accepted is not in its System Log, as far as can be told."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

Registered: TypeAlias = Literal["active", "inactive", "gone", "unknown"]
"""What became of our security events provider; ``unknown`` = it could not be asked for."""

Existence: TypeAlias = Literal["there", "deprovisioned", "gone", "unknown"]
"""What became of the user; ``unknown`` = he was not asked for."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """
    What is known of one missing signal.

    :param login: the user's login when the signal was pushed.
    :param other_sender: who else, by the System Log, sent a signal about the user at that time.
    :param is_old_news: the System Log has an event from before the push that no push we know of explains.
    """

    provider: Registered = "unknown"
    user: Existence = "unknown"
    login: str = ""
    other_sender: str = ""
    is_old_news: bool = False


class Missing(msgspec.Struct, frozen=True):
    """The likely reason as a code, and in words."""

    reason: str
    message: str


def explain(evidence: Evidence) -> Missing:
    """
    Return the likeliest reason; what would meet everybody comes first.

    >>> explain(Evidence(provider="inactive", user="gone")).reason
    'provider_inactive'
    >>> explain(Evidence()).reason
    'not_in_log'
    """
    reason = _reason_of(evidence)
    message = _IN_WORDS[reason].format(sender=evidence.other_sender, provider=_PROVIDER[evidence.provider])
    return Missing(reason, message)


def _reason_of(evidence: Evidence) -> str:
    causes = {
        "provider_inactive": evidence.provider in _WITHOUT_PROVIDER,
        "user_not_in_okta": evidence.user == _GONE,
        "user_deprovisioned": evidence.user == _DEPROVISIONED,
        "repeated_jti": evidence.is_old_news,
        "other_sender": evidence.other_sender != "",
        "unknown_login": evidence.login != "" and "@" not in evidence.login,
    }
    return next((reason for reason, holds in causes.items() if holds), "not_in_log")


_WITHOUT_PROVIDER: tuple[Registered, ...] = ("inactive", "gone")
_GONE: Existence = "gone"
_DEPROVISIONED: Existence = "deprovisioned"
_PROVIDER: dict[Registered, str] = {
    "active": "is active",
    "inactive": "is not active",
    "gone": "does not exist",
    "unknown": "is not known",
}
_IN_WORDS = {
    "provider_inactive": "the security events provider with our issuer {provider}",
    "user_not_in_okta": "the user does not exist in Okta any more",
    "user_deprovisioned": "the Okta user is deprovisioned",
    "repeated_jti": "Okta took in this signal at an earlier time already, and ignores it now",
    "other_sender": "the System Log has a signal of that time, and names {sender!r} as the sender",
    "unknown_login": "the login is no e-mail address, so the signal names the user's e-mail address, "
    "by which Okta may not know him",
    "not_in_log": "the event is not in Okta's System Log yet",
}
