# SPDX-License-Identifier: Apache-2.0
"""The commands ``airflow okta-ure ...``: names and arguments only; every ``airflow`` command reads this."""

from __future__ import annotations

from typing import Any, cast

from airflow.cli.cli_config import ActionCommand, Arg, CLICommand, GroupCommand, lazy_load_command

_COMMANDS = "airflow_provider_okta_ure.commands"


def option(*flags: str, **how: Any) -> Arg:
    """Return an option; ``how`` is what ``argparse`` takes."""
    argument: Arg = cast("Any", Arg)(flags, **how)  # Airflow's own class has no types
    return argument


ARG_OKTA_CONN_ID = option(
    "--okta-conn-id",
    help="id of the Airflow connection to the Okta org",
    metavar="CONN_ID",
)
_ARG_BITS = option(
    "--bits", type=int, default=2048, help="size of the new key: 2048 (default) or more", metavar="N"
)
_ARG_NEW_KEY = option(
    "--private-key-file",
    required=True,
    metavar="PATH",
    help="where to write the new private key (PEM, PKCS#8, readable by you alone)",
)
_ARG_JWKS_FILE = option(
    "--jwks-file", metavar="PATH", help="write the public JWKS there instead of printing it"
)
_ARG_FORCE = option(
    "--force",
    action="store_true",
    help="replace a file that is there, and take keys offline that it publishes",
)
_ARG_KEY_FILE = option(
    "--key-file", metavar="PATH", help="the key: PEM, JWK or JWKS; - reads it from the standard input"
)
_ARG_KEY_ID = option(
    "--key-id", metavar="KID", help="the key's kid, when it is not the one in the JWK or the thumbprint"
)
_ARG_OLD_KEY = option(
    "--old-key-file",
    metavar="PATH",
    help="the key in use, private or public: PEM, JWK or the published JWKS; - reads the standard input",
)
_ARG_PASSWORD_FILE = option(
    "--password-file",
    metavar="PATH",
    help="file whose first line opens an encrypted key; else OKTA_URE_KEY_PASSWORD, else you are asked",
)

_KEYS = (
    ActionCommand(
        name="generate",
        help="Make the key that signs risk signals, and print its public half",
        func=lazy_load_command(f"{_COMMANDS}.keys.generate"),
        args=(_ARG_NEW_KEY, _ARG_BITS, _ARG_JWKS_FILE, _ARG_FORCE),
    ),
    ActionCommand(
        name="jwks",
        help="Print the public JWKS of a key",
        func=lazy_load_command(f"{_COMMANDS}.keys.jwks"),
        args=(_ARG_KEY_FILE, ARG_OKTA_CONN_ID, _ARG_KEY_ID, _ARG_PASSWORD_FILE, _ARG_JWKS_FILE, _ARG_FORCE),
    ),
    ActionCommand(
        name="rotate",
        help="Make the next key, and a JWKS with the old and the new one",
        description="Make the next key and a JWKS with both, and say what to do when.",
        func=lazy_load_command(f"{_COMMANDS}.keys.rotate"),
        args=(
            _ARG_OLD_KEY,
            ARG_OKTA_CONN_ID,
            _ARG_NEW_KEY,
            _ARG_BITS,
            _ARG_PASSWORD_FILE,
            _ARG_JWKS_FILE,
            _ARG_FORCE,
        ),
    ),
)

_CHECK = ActionCommand(
    name="check",
    help="Check everything that a run needs, and say what to do; writes nothing",
    description="Check everything that a run needs of Okta and Netskope, and say what to do about what is "
    "wrong. Writes nothing.",
    epilog="Status: 0 = ok or warnings, 1 = a problem, 2 = wrong options or no such connection.",
    func=lazy_load_command(f"{_COMMANDS}.check.check"),
    args=(
        option(
            "--okta-conn-id",
            default="okta_default",
            metavar="CONN_ID",
            help="id of the Airflow connection to the Okta org (okta_default)",
        ),
        option(
            "--netskope-conn-id",
            default="netskope_default",
            metavar="CONN_ID",
            help="id of the connection to the Netskope tenant (netskope_default); empty: not used",
        ),
        option(
            "--actions",
            metavar="KINDS",
            help="what is going to be done: groups, push, upsert, with commas between them; default: groups, "
            "and push if the Okta connection has a signing key",
        ),
        option("--group-name", metavar="NAME", help="exact name of the group that is going to be written"),
        option("--group-id", metavar="ID", help="its id, instead of the name"),
        option("--create-group", action="store_true", help="the work creates a group that does not exist"),
        option("--ensure-provider", action="store_true", help="the work registers us as a transmitter"),
        option("--no-check-jwks", action="store_true", help="do not look at the published JWKS"),
        option("--strategy", choices=("series", "list"), default="series", help="how Netskope is read"),
        option("--users", type=int, metavar="N", help="how many users one run may act on"),
        option(
            "--max-minutes",
            type=float,
            default=60.0,
            metavar="MINUTES",
            help="how long that many may take before it is worth a warning (60)",
        ),
        option("--json", action="store_true", help="print the report as JSON"),
    ),
)


def get_commands() -> list[CLICommand]:
    """Return the commands, in the shape of Airflow's own."""
    return [
        GroupCommand(
            name="okta-ure",
            help="Okta User Risk Exchange: keys and checks",
            subcommands=(
                _CHECK,
                GroupCommand(name="keys", help="The key that signs risk signals", subcommands=_KEYS),
            ),
        )
    ]
