# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure keys``: make the key that signs risk signals, print its public half, replace it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.catalogue import linked
from airflow_provider_okta_ure.clients.keys import SigningKey
from airflow_provider_okta_ure.clients.public_halves import public_halves
from airflow_provider_okta_ure.clients.public_keys import check_published, is_same_key
from airflow_provider_okta_ure.commands.connections import okta_hook
from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.files import PRIVATE_MODE, PUBLIC_MODE, read_text, write_file
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.passwords import password_for
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from airflow_provider_okta_ure.clients.public_keys import PublicJwk


def generate(args: Namespace) -> None:
    """Make a key, write its private half to a file of ours alone, and its public half where it is wanted."""
    with _ending():
        refuse_empty(args)
        path, target = _path(args.private_key_file), _target(args)
        _refuse_same(path, target)
        key = SigningKey.generate(args.bits)
        keys = [key.public_jwk()]
        _check_stays_public(target, keys, force=args.force)
        _write_private(path, key, force=args.force)
        _publish(target, keys)
        _say(f"Private key {key.key_id}: {path}, readable by you alone.")
        _say("Put its content into the Okta connection as signing_private_key.")
        _say(linked("Publish the JWKS; docs/keys.md shows three ways."))


def jwks(args: Namespace) -> None:
    """Print the public JWKS of the key in a file, on the standard input or in a connection."""
    with _ending():
        refuse_empty(args)
        keys = _keys_in_use(args.key_file, args, option="--key-file")
        target = _target(args)
        _check_stays_public(target, keys, force=args.force)
        _publish(target, keys)


def rotate(args: Namespace) -> None:
    """Make the next key and a JWKS with the old one and the new one, and say what to do when."""
    with _ending():
        refuse_empty(args)
        path, target = _path(args.private_key_file), _target(args)
        _refuse_same(path, target)
        if args.old_key_file and args.old_key_file != "-":
            _refuse_same(path, _path(args.old_key_file))
        old = _keys_in_use(args.old_key_file, args, option="--old-key-file")
        new = SigningKey.generate(args.bits)
        keys = [*old, new.public_jwk()]
        _check_stays_public(target, keys, force=args.force)
        _write_private(path, new, force=args.force)
        _publish(target, keys)
        _say(_plan(old, new, path, target))


def _ending() -> AbstractContextManager[None]:
    return ending_with_status(interrupted="Interrupted.")


def _keys_in_use(name: str | None, args: Namespace, *, option: str) -> list[PublicJwk]:
    if bool(name) == bool(args.okta_conn_id):
        raise ConfigurationError(
            "It is not clear which key is meant.", remedy=f"Give either {option} or --okta-conn-id."
        )
    if args.okta_conn_id:
        return [dict(_key_of_connection(args.okta_conn_id).public_jwk())]
    text = read_text(str(name))
    password = password_for(text, args.password_file)
    return public_halves(text, key_id=getattr(args, "key_id", None), password=password)


def _key_of_connection(conn_id: str) -> SigningKey:
    settings = okta_hook(conn_id).settings
    if not settings.signing_private_key:
        raise ConfigurationError(
            f"Connection {conn_id!r} has no signing_private_key.",
            remedy="Make one with `airflow okta-ure keys generate`, and put it there.",
        )
    return SigningKey.load(settings.signing_private_key, key_id=settings.signing_key_id)


def _path(name: str) -> Path:
    return Path(name).expanduser()


def _target(args: Namespace) -> Path | None:
    return _path(args.jwks_file) if args.jwks_file else None


def _refuse_same(path: Path, other: Path | None) -> None:
    if other is not None and path.resolve() == other.resolve():
        raise ConfigurationError(
            f"{path} cannot hold two things at once.", remedy="Give the new private key a file of its own."
        )


def _check_stays_public(target: Path | None, keys: Sequence[PublicJwk], *, force: bool) -> None:
    """
    Refuse to take a key offline by mistake.

    :raises ConfigurationError: the file publishes keys that are not among the new ones.
    """
    if target is None or force or not target.exists():
        return
    try:
        published = check_published(msgspec.json.decode(read_text(str(target)), type=dict[str, Any]))["keys"]
    except (ConfigurationError, msgspec.DecodeError, RecursionError):
        raise ConfigurationError(
            f"{target} is there already and is no JWKS.", remedy="Choose another name, or add --force."
        ) from None
    gone = [one["kid"] for one in published if not any(is_same_key(one, key) for key in keys)]
    if gone:
        raise ConfigurationError(
            f"{target} publishes {', '.join(gone)}, which would be taken offline: "
            "Okta would refuse what is signed with it.",
            remedy="To replace a key use `airflow okta-ure keys rotate`; to take it offline add --force.",
        )


def _write_private(path: Path, key: SigningKey, *, force: bool) -> None:
    write_file(path, key.private_pem(), mode=PRIVATE_MODE, replace=force)


def _publish(target: Path | None, keys: Sequence[PublicJwk]) -> None:
    document = check_published({"keys": list(keys)})
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"
    if target is None:
        sys.stdout.write(text)
        return
    write_file(target, text, mode=PUBLIC_MODE, replace=True)
    _say(f"JWKS: {target}, public.")


def _plan(old: Sequence[PublicJwk], new: SigningKey, path: Path, target: Path | None) -> str:
    olds = ", ".join(str(key["kid"]) for key in old)
    where = str(target) if target else "the JWKS above"
    return f"""\
Old key: {olds}
New key: {new.key_id} in {path}, readable by you alone.

1. Now: publish {where} at the address that Okta knows. It holds the old key and the new one;
   signals are still signed with the old one, so nothing changes yet.
2. Wait until nobody remembers the old JWKS: as long as your web server lets it be cached, and an hour
   for Okta, which does not say how long it keeps one.
3. Then put the content of {path} into the Okta connection as signing_private_key.
   If the connection has a signing_key_id, clear it or set it to the new one.
4. A day later, when no task from before the switch can still be running, publish the new key alone:
   airflow okta-ure keys jwks --key-file {path} --force --jwks-file {target or "PATH"}
5. Destroy the old private key."""


def _say(text: str) -> None:
    # The standard output is for the JWKS alone, so that it can go into a file.
    sys.stderr.write(f"{text}\n")
