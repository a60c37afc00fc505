# SPDX-License-Identifier: Apache-2.0
"""Troubles with what a person put into a connection."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

CONNECTIONS = Chapter(
    anchor="connections",
    title="Connections",
    introduction="What is found wrong in a connection fails the task at once, before the first request.",
    entries=(
        Entry(
            topic="okta-domain",
            title="The Okta domain is not usable",
            what="The host of the connection is not one that may receive the token.",
            why="It is the admin console (`-admin`), no host name at all, plain http, or a domain that is "
            "not Okta's.",
            remedy="Set the host to the org's URL, such as https://acme.okta.com.",
            steps=(
                "In Okta, click your name at the top right: the org's domain stands below your address.",
                "Write it without `-admin` and without a path: `https://acme.okta.com`, "
                "`https://acme.oktapreview.com` or `https://acme.okta-emea.com`.",
                "If the org has a domain of its own, such as `https://login.acme.example`, set "
                "`allow_custom_domain`.",
            ),
            seen=(
                "Invalid Okta Domain provided.",
                "is not an Okta org",
                "is the org's admin console",
                "has plain http, which shows the token to others",
            ),
        ),
        Entry(
            topic="netskope-domain",
            title="The Netskope host is not usable",
            what="The host of the connection is not one that may receive the token.",
            why="It is no host name at all, plain http, holds more than the host, or is on a domain that is "
            "not Netskope's.",
            remedy="Set the host to the tenant's URL, such as https://acme.goskope.com.",
            steps=(
                "Copy the host from the address of the tenant's admin console.",
                "If it is on another domain, such as that of a tenant for a government, ask Netskope whether "
                "the domain is theirs, and set `allow_custom_domain`.",
            ),
            seen=("The Netskope host",),
        ),
        Entry(
            topic="private-key",
            title="The private key is not usable",
            what="The private key in the connection cannot be read, or cannot sign.",
            why="It was copied with its line ends lost, is a public key or a certificate, is encrypted, is "
            "not RSA, or is too short.",
            remedy="Paste the whole private key: PEM from -----BEGIN to -----END, or a JWK with `d`; RSA, "
            "2048 bits or more.",
            steps=(
                "Copy the whole block, with both the BEGIN and the END line.",
                "Line ends may be real ones or the two characters `\\n`: both are understood.",
                "If it is encrypted, decrypt it first: `openssl pkey -in key.pem -out plain.pem`.",
                "If in doubt, make a new pair and publish the new public key.",
            ),
            seen=(
                "Invalid Private Key provided, make sure the Private Key is in PEM format.",
                "The signing key is neither PEM nor JWK.",
                "The signing key is damaged",
                "The signing key is encrypted, and no password was given.",
                "The signing key is not an RSA key, which RS256 needs.",
                "which cannot sign",
            ),
        ),
        Entry(
            topic="connection-field",
            title="A field of a connection is missing or wrong",
            what="The connection lacks something that the task needs, or has an extra field that nobody "
            "knows.",
            why="Risk signals need more than group operations do; and a misspelled field would otherwise "
            "have no effect without anybody noticing.",
            remedy="Set the field that the message names; docs/connections.md explains every field.",
            seen=("has no host", "has no password", "has an unknown extra field", "which pushing risk needs"),
        ),
    ),
)
