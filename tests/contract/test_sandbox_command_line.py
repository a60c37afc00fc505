"""The command ``okta-ure-sandbox`` as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.oid import NameOID

from airflow_provider_okta_ure.sandbox import Sandbox, Tls
from airflow_provider_okta_ure.sandbox.__main__ import main
from airflow_provider_okta_ure.sandbox.server import PortBusyError
from demo.processes import free_port
from tests.contract.sandbox_support import Api, Transmitter, make_sandbox, private_key

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "airflow_provider_okta_ure.sandbox"]
FREE = ["--okta-port", "0", "--netskope-port", "0", "--users", "60"]


@contextlib.contextmanager
def running(ready: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [*COMMAND, *FREE, "--ready-file", str(ready), *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        # Written after the ready file.
        assert process.stdout is not None
        assert any(line == "Press Ctrl-C to stop.\n" for line in process.stdout)
        yield process, json.loads(ready.read_text())
    finally:
        process.kill()
        process.communicate()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20)


def test_it_serves_says_where_and_ends_on_a_signal(tmp_path):
    ready = tmp_path / "ready.json"
    with running(ready, "--now", "2026-11-23T03:00:00Z", "--log-requests") as (process, said):
        assert stat.S_IMODE(ready.stat().st_mode) == 0o600
        assert said["pid"] == process.pid
        assert list(tmp_path.iterdir()) == [ready]
        okta = Api(said["okta_url"], {"Authorization": f"SSWS {said['okta_token']}"})
        answer = okta.get("/api/v1/users?limit=1")
        assert answer.status_code == 200
        assert answer.headers["Date"].startswith("Mon, 23 Nov 2026 03:00:")
        netskope = Api(said["netskope_url"], {"Netskope-Api-Token": said["netskope_token"]})
        assert netskope.get("/api/v2/scim/Users").json()["totalResults"] == 60
        assert okta.get("/sandbox/health").json()["static_url"] == said["static_url"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert err == ""
    lines = out.splitlines()
    assert lines[0].startswith("okta GET /api/v1/users?limit=1 -> 200 [")
    assert lines[1].startswith("netskope GET /api/v2/scim/Users -> 200 [")
    assert len(lines) == 2
    assert said["okta_token"] not in out
    assert said["netskope_token"] not in out
    assert said["okta_client_id"].startswith("0oa")
    assert said["okta_client_private_key"].startswith("-----BEGIN PRIVATE KEY-----\n")


def test_what_it_prints_is_enough_to_use_both_services(tmp_path):
    ready = tmp_path / "ready.json"
    command = [*COMMAND, *FREE, "--ready-file", str(ready)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        printed = list(iter(process.stdout.readline, "Press Ctrl-C to stop.\n"))
        said = json.loads(ready.read_text())
        assert printed[0] == f"Pretend Okta:     {said['okta_url']}  token {said['okta_token']}\n"
        assert printed[1] == f"Pretend Netskope: {said['netskope_url']}  token {said['netskope_token']}\n"
        assert printed[-1].endswith(f"is in {ready}.\n")
        exported = [line for line in printed if line.startswith("  export AIRFLOW_CONN_")]
        okta, netskope = (json.loads(shlex.split(line)[1].partition("=")[2]) for line in exported)
        assert (okta["conn_type"], netskope["conn_type"]) == ("okta", "netskope")
        answers = [
            Api(okta["host"], {"Authorization": f"SSWS {okta['password']}"}).get("/api/v1/users?limit=1"),
            Api(netskope["host"], {"Netskope-Api-Token": netskope["password"]}).get("/api/v2/scim/Users"),
        ]
        assert [answer.status_code for answer in answers] == [200, 200]
        process.terminate()


def test_it_ends_on_ctrl_c_without_a_traceback(tmp_path):
    with running(tmp_path / "ready.json") as (process, _):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=5)
        assert (process.returncode, out, err) == (0, "", "")


def test_the_same_seed_gives_the_same_tokens_in_every_process(tmp_path):
    with running(tmp_path / "1.json") as (_, one), running(tmp_path / "2.json") as (_, two):
        for name in ("okta_token", "okta_client_id", "okta_client_private_key"):
            assert one[name] == two[name]
        assert one["okta_url"] != two["okta_url"]


def test_a_busy_port_is_one_helpful_line(tmp_path):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        done = run("--okta-port", str(port), "--netskope-port", "0", "--ready-file", str(tmp_path / "r"))
    assert done.returncode == 3
    assert done.stderr == (
        f"okta-ure-sandbox: Port {port} for the pretend Okta cannot be used on 127.0.0.1 (address already in use). "
        "Choose another with --okta-port, or 0 for any free one.\n"
    )
    assert not list(tmp_path.iterdir())


def test_one_port_for_both_services_is_refused(tmp_path, capsys):
    port = str(free_port())
    with pytest.raises(SystemExit) as stopped:
        main(["--okta-port", port, "--netskope-port", port, "--ready-file", str(tmp_path / "r")])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert f"port {port} cannot be for both services" in error
    assert "--okta-port and --netskope-port" in error
    assert not list(tmp_path.iterdir())


def test_the_python_sandbox_has_no_port_twice_either():
    port = free_port()
    with pytest.raises(PortBusyError, match=f"Port {port} for the pretend Netskope"):
        Sandbox(users=3, okta_port=port, netskope_port=port).start()
    with Sandbox(users=3, okta_port=port) as sandbox:
        assert sandbox.okta_url == f"http://127.0.0.1:{port}"


WRONG = [
    (["--users", "-1"], "--users"),
    (["--users", "many"], "--users"),
    (["--days", "0"], "--days"),
    (["--okta-port", "70000"], "--okta-port"),
    (["--now", "soon"], "--now"),
    (["--tls-certificate", "x"], "belong together"),
]


@pytest.mark.parametrize(("arguments", "named"), WRONG)
def test_a_wrong_argument_is_explained(arguments, named, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert named in capsys.readouterr().err


def test_files_that_cannot_be_used_are_explained(tmp_path):
    missing = str(tmp_path / "missing" / "file")
    done = run(*FREE, "--tls-certificate", missing, "--tls-private-key", missing)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)
    assert "Cannot start" in done.stderr
    done = run(*FREE, "--ready-file", missing)
    assert (done.returncode, done.stderr.count("\n")) == (4, 1)


def test_help_names_every_argument():
    done = subprocess.run(
        [*COMMAND, "--help"], cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert done.returncode == 0
    for name in (
        "okta-port",
        "users",
        "seed",
        "days",
        "now",
        "ready-file",
        "log-requests",
        "tls-certificate",
    ):
        assert f"--{name}" in done.stdout


def test_https(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(self_signed())
    key.write_bytes(pem())
    files = ("--tls-certificate", str(certificate), "--tls-private-key", str(key))
    with running(tmp_path / "ready.json", *files) as (_, said):
        assert said["okta_url"].startswith("https://127.0.0.1:")
        okta = Api(said["okta_url"], {"Authorization": f"SSWS {said['okta_token']}"})
        okta.verify = str(certificate)
        answer = okta.get("/api/v1/users?limit=1")
        assert answer.links["next"]["url"].startswith(said["okta_url"])
        assert (
            Api(said["netskope_url"], {}).get("/sandbox/health", verify=str(certificate)).status_code == 200
        )


def test_keys_on_the_static_host_are_read_over_https_too(tmp_path):
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    certificate.write_bytes(self_signed())
    key.write_bytes(pem())
    with make_sandbox(tls=Tls(str(certificate), str(key))) as sandbox:
        sender = Transmitter(sandbox, verify=str(certificate))
        assert sender.jwks_url.startswith("https://")
        assert sender.push(sender.token()).status_code == 202
        assert len(sandbox.okta.accepted_events) == 1


def pem() -> bytes:
    return private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def self_signed() -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sandbox")])
    names: list[Any] = [x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")]
    now = datetime.now(timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private_key().public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private_key(), hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)
