"""The preflight and certificates: trusted, not trusted, for another host, expired, about to expire, not looked at."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from airflow_provider_okta_ure.preflight.run import preflight
from airflow_provider_okta_ure.preflight.wanted import Wanted
from airflow_provider_okta_ure.sandbox import Sandbox
from airflow_provider_okta_ure.sandbox.server import Tls

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.report import Finding

KEY = rsa.generate_private_key(65537, 2048)


def certificate_files(folder: Path, *, days: float, host: str) -> Tls:
    """Write a certificate that ends in so many days, signed by itself, and its key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    names: list[Any] = [x509.IPAddress(ip_address(host))] if host[0].isdigit() else [x509.DNSName(host)]
    end = datetime.now(timezone.utc) + timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(KEY.public_key())
        .serial_number(1)
        .not_valid_before(end - timedelta(days=400))
        .not_valid_after(end)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(KEY, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    key = KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(key)
    return Tls(str(folder / "certificate.pem"), str(folder / "key.pem"))


def findings(
    folder: Path, monkeypatch: pytest.MonkeyPatch, days: float, host: str, extra: dict[str, Any]
) -> dict[str, Finding]:
    tls = certificate_files(folder, days=days, host=host)
    if extra.pop("trust", False):
        extra["ca_bundle"] = tls.certificate
    with Sandbox(users=5, tls=tls) as sandbox:
        for conn_id, url, token in (
            ("okta", sandbox.okta_url, sandbox.okta_token),
            ("netskope", sandbox.netskope_url, sandbox.netskope_token),
        ):
            stored = {"conn_type": conn_id, "host": url, "password": token, "extra": extra}
            monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}_DEFAULT", json.dumps(stored))
        report = preflight("okta_default", "netskope_default", Wanted(actions=("groups",)))
    return {one.name: one for one in report.findings}


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize(
    ("days", "host", "extra", "status", "says"),
    [
        pytest.param(100, "127.0.0.1", {"trust": True}, "ok", "ends on", id="trusted"),
        pytest.param(100, "127.0.0.1", {}, "problem", "ca_bundle", id="unknown-authority"),
        pytest.param(100, "acme.okta.com", {"trust": True}, "problem", "Use the name", id="another-host"),
        pytest.param(-1, "127.0.0.1", {"trust": True}, "problem", "renewed", id="expired"),
        pytest.param(5, "127.0.0.1", {"trust": True}, "warning", "in 5 days", id="about-to-expire"),
        pytest.param(100, "127.0.0.1", {"verify": False}, "warning", "`verify` to true", id="not-checked"),
    ],
)
def test_certificates(tmp_path, monkeypatch, days, host, extra, status, says):
    found = findings(tmp_path, monkeypatch, days, host, dict(extra))
    for part in ("okta", "netskope"):
        tls = found[f"{part}.tls"]
        assert (tls.status, says in f"{tls.message} {tls.remedy}") == (status, True), tls
        assert found[f"{part}.reachable"].status == "ok"
        # What nobody can be sure of receives no token.
        assert (found[f"{part}.credentials"].status == "ok") == (status != "problem")


def test_a_missing_file_of_authorities_is_named(tmp_path, monkeypatch):
    found = findings(tmp_path, monkeypatch, 100, "127.0.0.1", {"ca_bundle": "/no/such/file.pem"})
    assert found["okta.reachable"].status == "problem"
    assert "ca_bundle" in found["okta.reachable"].remedy
