"""Every switch of the sandbox in one place, with its default and what it decides."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Requests a minute for a whole org, by kind of org and bucket.
RATE_LIMIT_PROFILES: dict[str, dict[str, int]] = {
    "workforce": {
        "/api/v1/users": 600,
        "/api/v1/users/{idOrLogin}": 2000,
        "/api/v1/users/{id}": 600,
        "/api/v1/groups": 500,
        "/api/v1/groups/{id}": 1000,
        "/api/v1/logs": 120,
        "/api/v1": 1200,
        "/oauth2/v1/token": 2000,
    },
    "enterprise": {
        "/api/v1/users": 600,
        "/api/v1/users/{idOrLogin}": 1000,
        "/api/v1/users/{id}": 600,
        "/api/v1/groups": 600,
        "/api/v1/groups/{id}": 600,
        "/api/v1/logs": 50,
        "/api/v1": 600,
        "/oauth2/v1/token": 1200,
    },
    "integrator": {
        "/api/v1/users": 100,
        "/api/v1/users/{idOrLogin}": 100,
        "/api/v1/users/{id}": 100,
        "/api/v1/groups": 100,
        "/api/v1/groups/{id}": 100,
        "/api/v1/logs": 20,
        "/api/v1": 100,
        "/oauth2/v1/token": 300,
    },
}

_CHOICES: dict[str, tuple[str, ...]] = {
    "rate_limit_profile": tuple(RATE_LIMIT_PROFILES),
    "set_subject_matching": ("login_then_email", "login_only"),
    "uci_order": ("ascending", "descending", "random"),
    "uci_unknown_users": ("omit", "empty"),
    "netskope_case": ("as_is", "lower", "upper", "mixed"),
    "uci_from_time_unit": ("milliseconds", "seconds_if_small"),
    "netskope_rate_limit_scope": ("endpoint", "shared"),
    "partly_granted_scopes": ("grant_subset", "refuse"),
    "invalid_token_body": ("management", "oauth", "empty"),
    "doubled_limit_headers": ("no", "lines", "joined"),
    "risk_bucket": tuple(RATE_LIMIT_PROFILES["workforce"]),
}


def _switch(default: Any, text: str) -> Any:
    return dataclasses.field(default=default, metadata={"help": text})


@dataclass(slots=True)
class Options:
    """
    The switches. Where the two services are undocumented, the default is the likelier or the stricter answer.

    Every attribute carries its explanation as ``metadata["help"]``; :meth:`describe` returns them all.
    """

    # --- Okta: directory and groups
    built_in_group_refusal_501: bool = _switch(
        False, "Writing to Everyone answers 501 E0000060 (releases before 2026.04.0) instead of 403 E0000006."
    )
    deprovisioned_member_allowed: bool = _switch(
        False, "A DEPROVISIONED user can be put into a group; otherwise 403 E0000038. Okta documents neither."
    )
    search_max_terms: int = _switch(
        100, "A search with more comparisons than this answers 400 E0000031. Okta gives no number."
    )
    max_url_bytes: int = _switch(8192, "A longer request target answers 414. Okta gives no number.")
    index_delay_seconds: float = _switch(
        0.0, "How long search and filter keep showing a user or group as it was before a change."
    )
    # --- Okta: signing in
    partly_granted_scopes: str = _switch(
        "grant_subset",
        "A token request of which only some scopes were granted to the app: a token with those "
        "(grant_subset), or 400 consent_required (refuse).",
    )
    oauth_iat_max_future_seconds: int = _switch(
        300, "How far the iat of a client assertion or DPoP proof may be ahead of the sandbox clock."
    )
    invalid_token_body: str = _switch(
        "management",
        "The body of the 401 for an access token that is not accepted: E0000011 (management), "
        "error and error_description (oauth), or none (empty). The header is the same.",
    )
    has_itp: bool = _switch(
        True,
        "The org has Identity Threat Protection. Without it, user risk and security events providers answer "
        "401 E0000015; tokens of providers that exist are still taken in.",
    )
    # --- Okta: security event tokens
    set_subject_matching: str = _switch(
        "login_then_email",
        "Who the e-mail of a token's subject names: the login, else a single profile e-mail "
        "(login_then_email), or the login only (login_only).",
    )
    set_audience_strict: bool = _switch(
        False,
        "An audience with a trailing slash is refused. Otherwise accepted, and noted in accepted_events.",
    )
    set_reason_required: bool = _switch(
        False,
        "A token without reason_admin and reason_user is refused. The prose says so, the schema does not.",
    )
    set_body_lenient: bool = _switch(
        False,
        "A token in JSON quotes or sent as application/json is accepted. Otherwise 400 invalid_request.",
    )
    set_timestamp_strict: bool = _switch(
        False, "event_timestamp must be whole seconds. Otherwise milliseconds and fractions are accepted too."
    )
    set_iat_max_future_seconds: int | None = _switch(
        None,
        "A token whose iat is further ahead of the sandbox clock than this is refused. "
        "None accepts it, and notes it in accepted_events.",
    )
    set_changes_risk: bool = _switch(
        True, "An accepted user-risk-change sets what GET risk answers, unless its level is none or secure."
    )
    jwks_cache_seconds: int = _switch(600, "How long fetched signing keys are kept.")
    jwks_refetch_seconds: int = _switch(
        30, "An unknown kid makes the keys be fetched again, but not more often than every so many seconds."
    )
    jwks_timeout_seconds: float = _switch(
        5.0, "How long fetching the signing keys may take, in real seconds."
    )
    jwks_https_only: bool = _switch(
        False, "Creating a security events provider with a http:// address is refused (400)."
    )
    # --- Okta: System Log
    log_delay_seconds: float = _switch(0.0, "How long an event takes to show up in the System Log.")
    # --- Okta: limits
    rate_limit_profile: str = _switch(
        "workforce", "Which kind of org's rate limits apply: workforce, enterprise or integrator."
    )
    token_rate_share: float = _switch(
        0.5, "The part of every bucket a token may use; the limit shown in headers is this effective one."
    )
    rate_limit_window_seconds: int = _switch(
        60, "Length of a rate limit window; it starts at its first request."
    )
    push_rate_limit: int = _switch(1200, "Security event tokens a minute. Okta publishes no number.")
    risk_bucket: str = _switch(
        "/api/v1/users", "The bucket that /users/{id}/risk counts against; undocumented."
    )
    okta_concurrency_limit: int = _switch(
        75, "More requests at the same time than this answer the other 429."
    )
    # --- Netskope
    episodes_one_in: int = _switch(
        1,
        "Only every so-manieth person has episodes of low scores: 1 = 4 % of all are in one on any day, "
        "2 = 2 %, 0 = nobody.",
    )
    uci_order: str = _switch("ascending", "Order of confidences: ascending, descending or random.")
    uci_unknown_users: str = _switch(
        "omit", "Unknown users in uba/getuci: left out (omit) or with empty confidences (empty)."
    )
    netskope_case: str = _switch(
        "as_is", "How user names are spelled in answers: as_is, lower, upper or mixed."
    )
    uci_from_time_unit: str = _switch(
        "milliseconds", "fromTime of uba/getuci: always milliseconds, or seconds_if_small (below 1e11)."
    )
    uci_max_users: int = _switch(512, "More users than this in one uba/getuci call answer 400.")
    active_days_default: int | None = _switch(
        None, "usersActiveInLastDays of users/getuci when the request leaves it out; None means everybody."
    )
    netskope_rate_limit: int = _switch(4, "Requests a second; 0 switches the limit off.")
    netskope_rate_limit_scope: str = _switch("endpoint", "One limit for each endpoint, or one shared by all.")
    netskope_page_limit: int = _switch(
        1000, "The most rows users/getuci and getactiveuci return in one page."
    )
    scim_page_limit: int = _switch(1000, "The most resources scim/Users returns in one page.")
    page_drift: int = _switch(
        0, "Rows every later page of users/getuci is off by: positive skips rows, negative repeats them."
    )
    # --- both: what gateways and serializers were seen doing
    doubled_limit_headers: str = _switch(
        "no", "Headers about rate limits come twice: in two lines (lines) or as one, 600, 600 (joined)."
    )
    half_surrogates: bool = _switch(
        False, "Every entry of a list has a displayName with half a surrogate pair in it."
    )
    null_elements: bool = _switch(False, "Every list that is not empty begins with null.")
    null_for_empty_lists: bool = _switch(False, "A list that is empty is null.")
    repeat_across_pages: bool = _switch(
        False, "The last entry of a page of Okta's is the first one of the next page, too."
    )
    # --- both
    okta_latency_seconds: float = _switch(0.0, "Real seconds every pretend Okta answer takes.")
    netskope_latency_seconds: float = _switch(0.0, "Real seconds every pretend Netskope answer takes.")
    journal_size: int = _switch(50_000, "How many requests the journal remembers; read once, at the start.")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check(field, getattr(self, field.name))

    def update(self, changes: Mapping[str, Any]) -> None:
        """
        Change several switches, or none when one of them is wrong.

        :raises ValueError: naming the unknown switch or the value it cannot take.
        """
        fields = {field.name: field for field in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in fields:
                raise ValueError(f"There is no switch named {name!r}. Known: {', '.join(sorted(fields))}.")
            _check(fields[name], value)
        for name, value in changes.items():
            setattr(self, name, value)

    def to_dict(self) -> dict[str, Any]:
        """Return all switches by name."""
        return dataclasses.asdict(self)

    @classmethod
    def describe(cls) -> list[tuple[str, Any, str]]:
        """Return (name, default, explanation) of every switch."""
        return [(field.name, field.default, field.metadata["help"]) for field in dataclasses.fields(cls)]


def _check(field: dataclasses.Field[Any], value: object) -> None:
    kind = str(field.type)
    if value is None:
        good = "None" in kind
    elif kind == "bool":
        good = isinstance(value, bool)
    elif kind.startswith("int"):
        good = isinstance(value, int) and not isinstance(value, bool)
    elif kind == "float":
        good = isinstance(value, int | float) and not isinstance(value, bool)
    else:
        good = isinstance(value, str)
    if not good:
        raise ValueError(f"The switch {field.name} takes a value of type {kind}, not {value!r}.")
    choices = _CHOICES.get(field.name)
    if choices and value not in choices:
        raise ValueError(f"The switch {field.name} takes one of {', '.join(choices)}, not {value!r}.")
    if field.name != "page_drift" and isinstance(value, int | float) and value < 0:
        raise ValueError(f"The switch {field.name} cannot be negative.")
