# SPDX-License-Identifier: Apache-2.0
"""What Airflow reads about this provider: data only, so that every ``airflow`` command stays fast."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_okta_ure"

# Airflow 3.3's "Test Connection" sends port 0 for a stored connection without one, and its own API refuses
# that as a change of the address; with the port spelled out it works.
_PORT = "443"

_TRANSPORT_FIELDS: dict[str, Any] = {
    "timeout": {
        "label": "Timeout (seconds)",
        "description": "How long to wait for the next bytes of an answer.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 600},
    },
    "verify": {
        "label": "Verify TLS",
        "description": "Leave this on. Off means that anybody on the way can read the token.",
        "schema": {"type": ["boolean", "null"], "default": True},
    },
    "ca_bundle": {
        "label": "CA bundle",
        "description": "Path of a PEM file with the certificate authorities to trust.",
        "schema": {"type": ["string", "null"]},
    },
    "proxy": {
        "label": "Proxy",
        "description": "For example http://proxy.corp.example:3128. Empty: what the environment says.",
        "schema": {"type": ["string", "null"], "format": "password"},
    },
    "rate_limit_share": {
        "label": "Share of the rate limit",
        "description": "How much of each rate limit we may use, more than 0, at most 1. "
        "The rest stays free for the other clients of the same token and org.",
        "schema": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    },
    "max_answer_mib": {
        "label": "Largest answer (MiB)",
        "description": "An answer that is larger, on the wire or after unpacking, is refused. Default: 64.",
        "schema": {"type": ["integer", "null"], "minimum": 1, "maximum": 1024},
    },
    "allow_custom_domain": {
        "label": "Allow a custom domain",
        "description": "On: the host above is not on one of the service's own domains, and may receive the "
        "token.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
}

_OKTA_FIELDS: dict[str, Any] = {
    "auth_method": {
        "label": "Auth method",
        "description": "ssws: the API token above. private_key_jwt: an OAuth service app, with the client id "
        "above and the client private key below; leave the API token empty.",
        "schema": {"type": ["string", "null"], "default": "ssws", "enum": ["ssws", "private_key_jwt"]},
    },
    "client_private_key": {
        "label": "Client private key",
        "description": "private_key_jwt: the app's RSA key, PEM or JWK, 2048 bits or more; not the key that "
        "signs risk signals. Shown while typing, masked once saved.",
        "schema": {"type": ["string", "null"], "format": "multiline"},
    },
    "client_key_id": {
        "label": "Client key id",
        "description": "private_key_jwt: the key's kid at Okta. Default: the kid in the JWK, else its "
        "RFC 7638 thumbprint.",
        "schema": {"type": ["string", "null"]},
    },
    "scopes": {
        "label": "Scopes",
        "description": "private_key_jwt: what to ask for, such as okta.users.read okta.groups.manage. "
        "Empty: what each task needs.",
        "schema": {"type": ["string", "null"]},
    },
    "dpop": {
        "label": "DPoP",
        "description": "private_key_jwt: bind access tokens to a key of the process. "
        "auto: when Okta asks for it.",
        "schema": {"type": ["string", "null"], "default": "auto", "enum": ["auto", "always", "never"]},
    },
    "issuer": {
        "label": "Issuer",
        "description": "Who we are as a transmitter of risk signals, for example "
        "https://risk.corp.example. Needed to push risk.",
        "schema": {"type": ["string", "null"]},
    },
    "jwks_url": {
        "label": "JWKS URL",
        "description": "Public address of the key set with our signing key. Give this or a well-known URL.",
        "schema": {"type": ["string", "null"]},
    },
    "well_known_url": {
        "label": "Well-known URL",
        "description": "Public address of our SSF configuration, instead of issuer and JWKS URL at Okta.",
        "schema": {"type": ["string", "null"]},
    },
    "security_events_provider_name": {
        "label": "Security events provider",
        "description": "Its name in Okta. Default: Netskope User Risk (Airflow).",
        "schema": {"type": ["string", "null"], "maxLength": 100},
    },
    "take_over": {
        "label": "Take over the provider",
        "description": "On: a security events provider of that name with another issuer is changed to be "
        "ours. Okta then refuses the signals of whoever sends with the other issuer.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
    "signing_private_key": {
        "label": "Signing private key",
        "description": "The RSA key that signs risk signals: PEM or JWK, 2048 bits or more. "
        "Shown while typing, masked once saved.",
        "schema": {"type": ["string", "null"], "format": "multiline"},
    },
    "signing_key_id": {
        "label": "Signing key id",
        "description": "The key's kid in the JWKS. Default: its RFC 7638 thumbprint.",
        "schema": {"type": ["string", "null"]},
    },
    "exclude_users": {
        "label": "Excluded users",
        "description": "Logins, e-mail addresses or Okta ids, comma-separated. No operator ever touches "
        "them, whatever a rule says: put break-glass accounts here.",
        "schema": {"type": ["string", "null"]},
    },
    "exclude_groups": {
        "label": "Excluded groups",
        "description": "Names or ids of Okta groups, comma-separated, whose members no operator ever "
        "touches. When one of them cannot be read, nobody is touched.",
        "schema": {"type": ["string", "null"]},
    },
    "writable_groups": {
        "label": "Writable groups",
        "description": "Names, ids or beginnings of names (Netskope*) of the Okta groups that operators may "
        "change, comma-separated. Every other group is refused, whatever a DAG or who triggers it asks for. "
        "Empty: every group that is not excluded.",
        "schema": {"type": ["string", "null"]},
    },
    "max_changed_users_per_day": {
        "label": "Changed users per day",
        "description": "How many users all tasks of all DAGs together may change on a UTC day without "
        "approval: a number, a part of the source's users such as 10%, or none for no bound. Empty: 500 or "
        "half of the source's users, whichever are more.",
        "schema": {"type": ["string", "null"]},
    },
    "allow_private_jwks_url": {
        "label": "Allow a private JWKS URL",
        "description": "On: our published key set may be at a private or loopback address. "
        "Okta has to reach it all the same.",
        "schema": {"type": ["boolean", "null"], "default": False},
    },
}


_CONFIG: dict[str, Any] = {
    "okta_ure": {
        "description": "How names stand in task logs; and what Airflow's API server shows to everybody "
        "under /okta-ure, for Okta to verify risk signals: nothing until it is set here, and never a "
        "private key.",
        "options": {
            "log_identities": {
                "description": "How people's names stand in task logs: clear, masked (the first letter and "
                "the domain) or hashed (twelve digits, the same for the same person). The action log "
                "always has the names.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "masked",
                "default": "clear",
            },
            "log_identities_key": {
                "description": "A secret for log_identities = hashed. Without it, whoever knows addresses "
                "can find out whose digits are whose.",
                "version_added": "0.1.0",
                "type": "string",
                "example": None,
                "sensitive": True,
                "default": "",
            },
            "docs_url": {
                "description": "Where messages point to: the web address of a folder with this package's "
                "documents, or an address with {page} where the name of a document belongs. Empty: they name "
                "the command that prints the document.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "https://docs.corp.example/okta-ure/{page}.html",
                "default": "",
            },
            "jwks_file": {
                "description": "Path of the public JWKS to show at /okta-ure/jwks.json. Read anew for each "
                "request. Make it with `airflow okta-ure keys jwks`.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "/etc/airflow/okta-ure-jwks.json",
                "default": "",
            },
            "jwks": {
                "description": "The public JWKS itself, as JSON, instead of jwks_file.",
                "version_added": "0.1.0",
                "type": "string",
                "example": '{"keys": [...]}',
                "default": "",
            },
            "issuer": {
                "description": "The issuer to show at /okta-ure/.well-known/ssf-configuration: the same as "
                "in the Okta connection.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "https://risk.corp.example",
                "default": "",
            },
            "jwks_url": {
                "description": "The address of the JWKS to show at /okta-ure/.well-known/ssf-configuration. "
                "Default: [api] base_url and /okta-ure/jwks.json.",
                "version_added": "0.1.0",
                "type": "string",
                "example": "https://risk.corp.example/jwks.json",
                "default": "",
            },
        },
    }
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the shape of Airflow's ``provider_info.schema.json``."""
    return {
        "package-name": "airflow-provider-okta-ure",
        "name": "Okta User Risk Exchange",
        "description": "Reads user risk scores from Netskope and acts on the same users in Okta.",
        "integrations": [
            {
                "integration-name": "Okta",
                "external-doc-url": "https://developer.okta.com/docs/api/",
                "tags": ["service"],
            },
            {
                "integration-name": "Netskope",
                "external-doc-url": "https://docs.netskope.com/en/rest-api-v2-overview-312207/",
                "tags": ["service"],
            },
        ],
        "operators": [
            {
                "integration-name": "Okta",
                "python-modules": [f"{_PACKAGE}.operators.okta", f"{_PACKAGE}.operators.rules"],
            },
            {"integration-name": "Netskope", "python-modules": [f"{_PACKAGE}.operators.netskope"]},
        ],
        "sensors": [{"integration-name": "Okta", "python-modules": [f"{_PACKAGE}.sensors.okta"]}],
        "triggers": [{"integration-name": "Okta", "python-modules": [f"{_PACKAGE}.triggers.okta"]}],
        "hooks": [
            {"integration-name": "Okta", "python-modules": [f"{_PACKAGE}.hooks.okta"]},
            {"integration-name": "Netskope", "python-modules": [f"{_PACKAGE}.hooks.netskope"]},
        ],
        "extra-links": [
            f"{_PACKAGE}.operators.links.{name}"
            for name in ("ActionLogLink", "OktaGroupLink", "OktaRiskEventsLink")
        ],
        "cli": [f"{_PACKAGE}.cli.get_commands"],
        "config": _CONFIG,
        "connection-types": [
            {
                "connection-type": "okta",
                "hook-class-name": f"{_PACKAGE}.hooks.okta.OktaHook",
                "hook-name": "Okta",
                "ui-field-behaviour": {
                    "hidden-fields": ["schema", "extra"],
                    "relabeling": {"host": "Okta org URL", "login": "Client ID", "password": "API token"},
                    "placeholders": {
                        "host": "https://acme.okta.com",
                        "port": _PORT,
                        "login": "of an OAuth service app; empty with an API token",
                        "password": "from Security > API > Tokens",
                    },
                },
                "conn-fields": {**_OKTA_FIELDS, **_TRANSPORT_FIELDS},
            },
            {
                "connection-type": "netskope",
                "hook-class-name": f"{_PACKAGE}.hooks.netskope.NetskopeHook",
                "hook-name": "Netskope",
                "ui-field-behaviour": {
                    "hidden-fields": ["login", "schema", "extra"],
                    "relabeling": {"host": "Tenant URL", "password": "REST API v2 token"},
                    "placeholders": {
                        "host": "https://acme.goskope.com",
                        "port": _PORT,
                        "password": "from Settings > Tools > REST API v2",
                    },
                },
                "conn-fields": dict(_TRANSPORT_FIELDS),
            },
        ],
    }
