# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure keys``: makes, prints and replaces keys, and shows nothing that is secret."""

from __future__ import annotations

import base64
import getpass
import io
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from airflow.cli.cli_parser import get_parser
from cryptography.hazmat.primitives import serialization

from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.public_halves import public_halves

if TYPE_CHECKING:
    from demo.keys import SigningKeyPair

PASSWORD = "open sesame"


class Said:
    """What a command said, and how it ended."""

    def __init__(self, out: str, err: str, error: str, status: int) -> None:
        self.status = status
        self.out = out
        self.err = err
        self.error = error

    @property
    def kids(self) -> list[str]:
        return [key["kid"] for key in json.loads(self.out)["keys"]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    monkeypatch.delenv("OKTA_URE_KEY_PASSWORD", raising=False)

    def run(*arguments: object, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        args = get_parser().parse_args(["okta-ure", "keys", *map(str, arguments)])
        status = 0
        try:
            args.func(args)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 1
        captured = capsys.readouterr()
        error = captured.err if status else ""
        secrets = [line for line in stdin.splitlines() if len(line) > 30 and "----" not in line]
        assert not [line for line in [*secrets, PASSWORD] if line in captured.out + captured.err + error]
        assert "PRIVATE KEY-" not in captured.out + captured.err + error
        return Said(captured.out, captured.err, error, status)

    return run


@pytest.fixture
def encrypted(signing_key: SigningKeyPair) -> str:
    key: Any = serialization.load_pem_private_key(signing_key.pem.encode(), None)
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(PASSWORD.encode()),
    )
    return pem.decode()


def kid_of(path: Path) -> str:
    return SigningKey.load(path.read_text()).key_id


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["jwks"], id="no-key"),
        pytest.param(["jwks", "--key-file", ""], id="empty-key-file"),
        pytest.param(["jwks", "--key-file", "k", "--jwks-file", " "], id="blank-jwks-file"),
        pytest.param(["generate", "--private-key-file", ""], id="empty-private-key-file"),
    ],
)
def test_wrong_options_are_status_2(run: Any, arguments: list[str]) -> None:
    assert run(*arguments).status == 2


# --- generate


def test_a_new_key_is_ours_alone_and_its_public_half_is_printed(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    said = run("generate", "--private-key-file", path)
    assert said.error == ""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert said.kids == [kid_of(path)]
    assert json.loads(said.out) == SigningKey.load(path.read_text()).jwks()
    assert "signing_private_key" in said.err


def test_the_private_file_is_ours_alone_whatever_the_umask_says(run: Any, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("generate", "--private-key-file", tmp_path / "k.pem", "--jwks-file", tmp_path / "jwks.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "jwks.json").stat().st_mode) == 0o644


def test_a_key_that_is_there_is_not_replaced_by_mistake(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    path.write_text("precious")
    said = run("generate", "--private-key-file", path)
    assert "is there already" in said.error
    assert "--force" in said.error
    assert said.out == ""
    assert path.read_text() == "precious"
    assert run("generate", "--private-key-file", path, "--force").kids == [kid_of(path)]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir()] == ["signing.pem"]


def test_a_link_is_not_followed(run: Any, tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link.pem"
    target.write_text("precious")
    link.symlink_to(target)
    assert "is there already" in run("generate", "--private-key-file", link).error
    run("generate", "--private-key-file", link, "--force")
    assert target.read_text() == "precious"
    assert not link.is_symlink()


def test_the_size_can_be_chosen_and_a_weak_one_is_refused(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    assert "1024 bits is not made" in run("generate", "--private-key-file", path, "--bits", 1024).error
    assert not path.exists()
    (key,) = json.loads(run("generate", "--private-key-file", path, "--bits", 3072).out)["keys"]
    assert len(base64.urlsafe_b64decode(key["n"] + "==")) == 3072 // 8


def test_a_folder_that_is_not_there_is_named(run: Any, tmp_path: Path) -> None:
    said = run("generate", "--private-key-file", tmp_path / "no" / "k.pem")
    assert "cannot be written: No such file or directory" in said.error


def test_what_is_published_is_not_taken_offline_by_mistake(run: Any, tmp_path: Path) -> None:
    jwks, first, second = (tmp_path / name for name in ("jwks.json", "1.pem", "2.pem"))
    run("generate", "--private-key-file", first, "--jwks-file", jwks)
    before = jwks.read_text()
    said = run("generate", "--private-key-file", second, "--jwks-file", jwks)
    assert f"publishes {kid_of(first)}, which would be taken offline" in said.error
    assert "rotate" in said.error
    assert (jwks.read_text(), second.exists()) == (before, False)
    assert run("generate", "--private-key-file", second, "--jwks-file", jwks, "--force").error == ""
    assert [key["kid"] for key in json.loads(jwks.read_text())["keys"]] == [kid_of(second)]


def test_a_file_that_is_no_jwks_is_not_replaced_by_one(run: Any, tmp_path: Path) -> None:
    other = tmp_path / "important.json"
    other.write_text("{}")
    assert "is no JWKS" in run("generate", "--private-key-file", tmp_path / "k", "--jwks-file", other).error
    assert other.read_text() == "{}"


def test_private_and_public_do_not_go_into_one_file(run: Any, tmp_path: Path) -> None:
    said = run("generate", "--private-key-file", tmp_path / "k", "--jwks-file", tmp_path / "." / "k")
    assert "two things" in said.error
    assert not (tmp_path / "k").exists()


# --- jwks


def test_the_jwks_of_a_file_of_the_standard_input_and_of_a_connection_is_the_same(
    run: Any, connect: Any, tmp_path: Path, signing_key: SigningKeyPair
) -> None:
    (tmp_path / "k.pem").write_text(signing_key.pem)
    connect(
        "okta_default", conn_type="okta", host="acme.okta.com", extra={"signing_private_key": signing_key.pem}
    )
    expected = signing_key.jwks
    assert json.loads(run("jwks", "--key-file", tmp_path / "k.pem").out) == expected
    assert json.loads(run("jwks", "--key-file", "-", stdin=signing_key.pem).out) == expected
    pasted = signing_key.pem.replace("\n", "\\n")
    assert json.loads(run("jwks", "--key-file", "-", stdin=pasted).out) == expected
    assert json.loads(run("jwks", "--okta-conn-id", "okta_default").out) == expected
    assert run("jwks", "--key-file", "-", "--key-id", "mine", stdin=signing_key.pem).kids == ["mine"]


def test_the_kid_of_a_connection_is_the_one_it_signs_with(
    run: Any, connect: Any, signing_key: SigningKeyPair
) -> None:
    extra = {"signing_private_key": signing_key.pem, "signing_key_id": "mine"}
    connect("okta_default", conn_type="okta", host="acme.okta.com", extra=extra)
    assert run("jwks", "--okta-conn-id", "okta_default").kids == ["mine"]


@pytest.mark.parametrize("way", ["file", "environment", "terminal"])
def test_an_encrypted_key_opens_with_a_password_that_is_no_argument(
    run: Any, encrypted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    more = []
    if way == "file":
        (tmp_path / "password").write_text(f"{PASSWORD}\nsomething else\n")
        more = ["--password-file", str(tmp_path / "password")]
    elif way == "environment":
        monkeypatch.setenv("OKTA_URE_KEY_PASSWORD", PASSWORD)
    else:
        monkeypatch.setattr("getpass.getpass", lambda prompt: PASSWORD if "Password" in prompt else "")
    said = run("jwks", "--key-file", "-", *more, stdin=encrypted)
    assert said.kids == [public_halves(encrypted, password=PASSWORD)[0]["kid"]]


def test_a_password_is_not_taken_from_where_it_would_be_shown(
    run: Any, encrypted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As getpass does where there is no terminal: it would show what is typed.
    monkeypatch.setattr("getpass.getpass", getpass.fallback_getpass)  # type: ignore[attr-defined]  # not in typeshed
    (tmp_path / "k.pem").write_text(encrypted)
    said = run("jwks", "--key-file", tmp_path / "k.pem", stdin=f"{PASSWORD}\n")
    assert "no terminal" in said.error
    assert "OKTA_URE_KEY_PASSWORD" in said.error
    assert said.out == ""


def test_a_wrong_password_is_said_and_not_shown(run: Any, encrypted: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2")
    said = run("jwks", "--key-file", "-", "--password-file", tmp_path / "password", stdin=encrypted)
    assert "does not open" in said.error
    assert "hunter2" not in said.error
    (tmp_path / "password").write_text("\n")
    said = run("jwks", "--key-file", "-", "--password-file", tmp_path / "password", stdin=encrypted)
    assert "first line" in said.error


@pytest.mark.parametrize(
    ("arguments", "stdin", "says"),
    [
        ((), "", "Give either --key-file or --okta-conn-id"),
        (("--key-file", "-", "--okta-conn-id", "okta_default"), "", "Give either"),
        (("--key-file", "/nowhere"), "", "/nowhere cannot be read: No such file"),
        (("--key-file", "-"), "", "empty"),
        (("--key-file", "-"), "x" * 70_000, "longer than 64 KiB"),
        (("--key-file", "-"), "garbage", "neither PEM nor JWK"),
        (("--okta-conn-id", "missing"), "", "There is no connection 'missing'"),
        (("--okta-conn-id", "keyless"), "", "has no signing_private_key"),
    ],
)
def test_what_is_no_key_is_refused(
    run: Any, connect: Any, arguments: tuple[str, ...], stdin: str, says: str
) -> None:
    connect("keyless", conn_type="okta", host="acme.okta.com")
    said = run("jwks", *arguments, stdin=stdin)
    assert says in said.error
    assert said.error.startswith("Error: ")
    assert said.out == ""


def test_der_is_not_guessed_at(run: Any, tmp_path: Path) -> None:
    (tmp_path / "k.der").write_bytes(b"\x30\x82\xff\xfe")
    assert "not a text file" in run("jwks", "--key-file", tmp_path / "k.der").error


# --- rotate


@pytest.mark.parametrize("form", ["private", "jwks", "connection", "encrypted"])
def test_the_next_key_is_published_with_the_old_one(
    run: Any,
    connect: Any,
    tmp_path: Path,
    signing_key: SigningKeyPair,
    encrypted: str,
    monkeypatch: pytest.MonkeyPatch,
    form: str,
) -> None:
    (old_kid,) = (key["kid"] for key in signing_key.jwks["keys"])
    texts = {"private": signing_key.pem, "jwks": json.dumps(signing_key.jwks), "encrypted": encrypted}
    old = tmp_path / "old"
    old.write_text(texts.get(form, ""))
    given: list[object] = ["--old-key-file", old]
    if form == "connection":
        connect(
            "okta_default",
            conn_type="okta",
            host="a.okta.com",
            extra={"signing_private_key": signing_key.pem},
        )
        given = ["--okta-conn-id", "okta_default"]
    if form == "encrypted":
        monkeypatch.setenv("OKTA_URE_KEY_PASSWORD", PASSWORD)
    new, jwks = tmp_path / "next.pem", tmp_path / "jwks.json"
    said = run("rotate", *given, "--private-key-file", new, "--jwks-file", jwks)
    assert said.error == ""
    document = json.loads(jwks.read_text())
    assert [key["kid"] for key in document["keys"]] == [old_kid, kid_of(new)]
    assert not {name for key in document["keys"] for name in key} & {"d", "p", "q"}
    assert stat.S_IMODE(new.stat().st_mode) == 0o600
    steps = said.err
    assert steps.index("publish") < steps.index("Wait") < steps.index("signing_private_key")
    assert f"--key-file {new} --force --jwks-file {jwks}" in steps


def test_the_last_step_of_a_rotation_works_as_it_is_printed(
    run: Any, tmp_path: Path, signing_key: SigningKeyPair
) -> None:
    jwks, new = tmp_path / "jwks.json", tmp_path / "next.pem"
    jwks.write_text(json.dumps(signing_key.jwks))
    said = run("rotate", "--old-key-file", jwks, "--private-key-file", new, "--jwks-file", jwks)
    assert len(json.loads(jwks.read_text())["keys"]) == 2
    command = next(line.split() for line in said.err.splitlines() if "keys jwks" in line)
    assert run(*command[command.index("jwks") :]).error == ""
    assert [key["kid"] for key in json.loads(jwks.read_text())["keys"]] == [kid_of(new)]


def test_a_rotation_does_not_replace_the_old_key_by_the_new_one(
    run: Any, tmp_path: Path, signing_key: SigningKeyPair
) -> None:
    old = tmp_path / "k.pem"
    old.write_text(signing_key.pem)
    said = run("rotate", "--old-key-file", old, "--private-key-file", old, "--force")
    assert "two things" in said.error
    assert old.read_text() == signing_key.pem


def test_a_rotation_without_an_old_key_says_what_to_give(run: Any, tmp_path: Path) -> None:
    said = run("rotate", "--private-key-file", tmp_path / "k.pem")
    assert "Give either --old-key-file or --okta-conn-id" in said.error
    assert not (tmp_path / "k.pem").exists()


# --- as people call it


def test_airflow_has_the_command_and_prints_nothing_but_the_jwks(tmp_path: Path) -> None:
    path = tmp_path / "k.pem"
    command = [
        sys.executable,
        "-m",
        "airflow",
        "okta-ure",
        "keys",
        "generate",
        "--private-key-file",
        str(path),
    ]
    environment = {**os.environ, "AIRFLOW_HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert json.loads(done.stdout) == SigningKey.load(path.read_text()).jwks()


def test_knowing_the_commands_loads_nothing_of_what_they_do() -> None:
    script = (
        "import sys, airflow.cli.cli_config; before = set(sys.modules);"
        "from airflow_provider_okta_ure.cli import get_commands; get_commands();"
        "print([m for m in set(sys.modules) - before if not m.startswith('airflow_provider_okta_ure')"
        " or 'clients' in m or 'commands' in m])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_airflow_is_asked_for_connections_as_its_own_commands_ask(
    run: Any, connect: Any, signing_key: SigningKeyPair, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow_provider_okta_ure.hooks.okta import OktaHook

    asked: list[str | None] = []
    really = OktaHook.get_connection

    def get_connection(conn_id: str) -> Any:
        asked.append(os.environ.get("_AIRFLOW_PROCESS_CONTEXT"))
        return really(conn_id)

    monkeypatch.setattr(OktaHook, "get_connection", staticmethod(get_connection))
    monkeypatch.delenv("_AIRFLOW_PROCESS_CONTEXT", raising=False)
    connect(
        "okta_default", conn_type="okta", host="a.okta.com", extra={"signing_private_key": signing_key.pem}
    )
    assert run("jwks", "--okta-conn-id", "okta_default").kids
    assert asked == ["server"]
    assert "_AIRFLOW_PROCESS_CONTEXT" not in os.environ
