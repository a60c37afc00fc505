# SPDX-License-Identifier: Apache-2.0
"""How many risk signals one core signs: ours, next to what RSA costs at least and to parsing the key every time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import datetime, timezone

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.security_event import build_risk_change, derive_jti

REQUIRED = 1000
"""Signatures a second that this package promises."""

SECONDS = 2.0
ISSUER, AUDIENCE = "https://airflow.example", "https://acme.okta.com"
AS_OF = datetime(2026, 11, 23, tzinfo=timezone.utc)


def per_second(work: Callable[[int], object]) -> float:
    """Return how often the work is done in a second of this process's own time."""
    work(0)
    count, started = 0, time.process_time()
    while (spent := time.process_time() - started) < SECONDS:
        for _ in range(10):
            count += 1
            work(count)
    return count / spent


def main() -> int:
    """Print the three figures; 0 when ours is what is promised."""
    private_key = rsa.generate_private_key(65537, 2048)
    pem = private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = SigningKey.load(pem.decode())
    seconds = int(AS_OF.timestamp())

    def ours(number: int) -> str:
        user = f"user{number}@corp.example"
        jti = derive_jti(
            issuer=ISSUER, audience=AUDIENCE, user=user, as_of=AS_OF, previous="low", current="high"
        )
        return build_risk_change(
            key,
            issuer=ISSUER,
            audience=AUDIENCE,
            subject=user,
            current_level="high",
            previous_level="low",
            event_timestamp=seconds,
            issued_at=seconds,
            reason_admin="Netskope confidence 200 of 1000 (critical), before 800",
            jti=jti,
        )

    claims = jwt.decode(ours(0), options={"verify_signature": False})
    message = ours(0).rpartition(".")[0].encode()
    figures = {
        "raw RSA signature, key loaded once (the limit)": per_second(
            lambda _: private_key.sign(message, PKCS1v15(), SHA256())
        ),
        "ours: derive jti, build, sign": per_second(ours),
        "PyJWT with the PEM text every time (what to avoid)": per_second(
            lambda _: jwt.encode(claims, pem, algorithm="RS256")
        ),
    }
    limit = max(figures.values())
    for name, figure in figures.items():
        print(f"{name:<52} {figure:8.0f}/s {figure / limit:6.1%}")
    enough = figures["ours: derive jti, build, sign"] >= REQUIRED
    print(f"promised: {REQUIRED}/s on one core - {'kept' if enough else 'NOT KEPT'}")
    return 0 if enough else 1


if __name__ == "__main__":
    sys.exit(main())
