"""The whole state of the sandbox as JSON-ready data, without secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.okta.callers_view import callers_json
from airflow_provider_okta_ure.sandbox.okta.wire import group_json, user_json

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.sandbox import Sandbox


def dump_state(sandbox: Sandbox) -> dict[str, Any]:
    """Return everything that tests and people like to look at."""
    okta, netskope = sandbox.okta, sandbox.netskope
    return {
        "seed": sandbox.seed,
        "now": sandbox.clock.now().isoformat(),
        "frozen": sandbox.clock.is_frozen,
        "options": sandbox.options.to_dict(),
        "faults": sandbox.faults(),
        "buckets": sandbox.buckets(),
        "documents": sandbox.documents.names(),
        "okta": {
            "url": sandbox.okta_url,
            "users": [user_json(user, sandbox.okta_url) for user in okta.users],
            "groups": [
                {**group_json(group, sandbox.okta_url), "members": sorted(okta.members(group.id))}
                for group in okta.groups
            ],
            "rules": [
                {**asdict(rule), "excluded": sorted(okta.users[number].id for number in rule.excluded)}
                for rule in okta.rules
            ],
            "risks": {okta.users[number].id: asdict(risk) for number, risk in okta.risks.items()},
            "providers": [asdict(provider) for provider in okta.providers],
            "accepted_events": list(okta.accepted_events),
            "ignored_events": list(okta.ignored_events),
            "rejected_events": list(okta.rejected_events),
            "system_log": okta.system_log,
            "callers": callers_json(okta),
        },
        "netskope": {
            "url": sandbox.netskope_url,
            "users": netskope.count,
            "days": netskope.days,
            "anomalies": [dict(anomaly) for anomaly in netskope.anomalies],
        },
    }
