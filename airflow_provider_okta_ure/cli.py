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
            "--for-dag",
            metavar="DAG_ID",
            help="check what this DAG needs: its tasks and parameters say what the options below would",
        ),
        option(
            "--dags-folder",
            metavar="PATH",
            help="folder with the file of the DAG that --for-dag names; default: Airflow's DAGs folder",
        ),
        option(
            "--params",
            metavar="JSON",
            help="values of parameters of that DAG, as a JSON object; default: their defaults",
        ),
        option(
            "--okta-conn-id",
            metavar="CONN_ID",
            help="id of the Airflow connection to the Okta org (okta_default)",
        ),
        option(
            "--netskope-conn-id",
            metavar="CONN_ID",
            help="id of the connection to the Netskope tenant (netskope_default); empty: not used",
        ),
        option(
            "--actions",
            metavar="KINDS",
            help="what is going to be done: groups, push, upsert, with commas between them; default: groups, "
            "and push if the Okta connection has a signing key",
        ),
        option(
            "--signals",
            choices=("auto", "on", "off"),
            help="whether risk signals are sent; auto: when the connection has a signing key and the org has "
            "Identity Threat Protection; default: as --actions says",
        ),
        option("--group-name", metavar="NAME", help="exact name of the group that is going to be written"),
        option(
            "--group-id",
            metavar="ID",
            help="id of the group that is going to be written, instead of its name",
        ),
        option("--create-group", action="store_true", help="the work creates a group that does not exist"),
        option("--ensure-provider", action="store_true", help="the work registers us as a transmitter"),
        option("--confirm", action="store_true", help="the work looks for its signals in Okta's System Log"),
        option("--no-check-jwks", action="store_true", help="do not look at the published JWKS"),
        option("--strategy", choices=("series", "list"), help="how Netskope is read (series)"),
        option("--users", type=int, metavar="N", help="how many users one run may act on"),
        option(
            "--max-minutes",
            type=float,
            default=60.0,
            metavar="MINUTES",
            help="how long the work with --users users may take before it is worth a warning (60)",
        ),
        option("--json", action="store_true", help="print the report as JSON"),
    ),
)


_ARG_REASON = option(
    "--reason", required=True, metavar="TEXT", help="why; shown in every report, on the page and by check"
)
_STATUS_OF_SWITCH = "Status: 0 = ok, 1 = the switch cannot be set or read, 2 = wrong options."

_PAUSE = ActionCommand(
    name="pause",
    help="Stop all writes to Okta at once, in running tasks too",
    description="Set the Airflow Variable okta_ure_paused: every operator then only plans, and says who "
    "paused, since when and why. Running tasks stop before their next batch of users. Twice keeps the first "
    "time and adds the second reason.",
    epilog=_STATUS_OF_SWITCH,
    func=lazy_load_command(f"{_COMMANDS}.pause.pause"),
    args=(_ARG_REASON,),
)
_RESUME = ActionCommand(
    name="resume",
    help="Let the operators write to Okta again",
    description="Remove the Airflow Variable okta_ure_paused. The next runs do what was left.",
    epilog=_STATUS_OF_SWITCH,
    func=lazy_load_command(f"{_COMMANDS}.pause.resume"),
    args=(_ARG_REASON,),
)


_ADOPT = ActionCommand(
    name="adopt",
    help="Let members that somebody else put into a group be released when they recover",
    description="Write into the action log that members of a group are there because of this provider, so "
    "that they are removed when they recover: members that Netskope Cloud Exchange or a person added. Writes "
    "nothing to Okta. Prints whom it adopts.",
    epilog="Status: 0 = ok, 1 = Okta or the action log cannot be used, 2 = wrong options or connection.",
    func=lazy_load_command(f"{_COMMANDS}.adopt.adopt"),
    args=(
        option("--group", metavar="NAME", help="exact name of the group"),
        option("--group-id", metavar="ID", help="id of the group, instead of --group"),
        option(
            "--users",
            metavar="NAMES",
            help="logins, e-mail addresses or Okta ids of members, comma-separated or as a JSON list",
        ),
        option("--all", action="store_true", help="adopt all members"),
        option(
            "--from-dag",
            metavar="DAG_ID",
            help="the DAG that is to release them; default: whichever DAG finds that they have recovered",
        ),
        option("--dry-run", action="store_true", help="only say who would be adopted"),
        option(
            "--okta-conn-id",
            metavar="CONN_ID",
            help="id of the Airflow connection to the Okta org (okta_default)",
        ),
    ),
)


_REVERT = ActionCommand(
    name="revert",
    help="Undo what a run did to people in Okta",
    description="Undo what a run did, as far as it is still so and nothing later was decided: who was added "
    "to a group leaves it, who was removed comes back, a risk signal is followed by one that says the level "
    "from before. Prints user by user what is undone and what not. The next run of the DAG acts again on "
    "whoever is at risk then: pause it first.",
    epilog="Status: 0 = ok, 1 = it was refused, failed for somebody, or nothing was undone, 2 = wrong "
    "options, no such run or no such connection.",
    func=lazy_load_command(f"{_COMMANDS}.revert.revert"),
    args=(
        option("--dag-id", required=True, metavar="DAG_ID", help="the DAG whose run is undone"),
        option("--run-id", required=True, metavar="RUN_ID", help="the id of the run"),
        option(
            "--action",
            action="append",
            metavar="ACTION",
            help="only this of its actions: add_to_group, remove_from_group or push_risk; repeatable",
        ),
        option(
            "--user",
            action="append",
            metavar="NAME",
            help="only what was done to this person: a login, a name as in the source, or an Okta id; "
            "repeatable",
        ),
        option("--dry-run", action="store_true", help="only say what would be undone"),
        option(
            "--max-changes",
            type=int,
            metavar="N",
            help="how many users may be changed; default: as the operators have it",
        ),
        option(
            "--max-change-percent",
            type=float,
            metavar="PERCENT",
            help="which part of the group's members or of all users may be changed",
        ),
        option(
            "--approved-plan",
            metavar="IDS",
            help="ids of plans, comma-separated, as --dry-run or a refusal named them: these may be of any "
            "size",
        ),
        option(
            "--okta-conn-id",
            metavar="CONN_ID",
            help="id of the Airflow connection to the Okta org (okta_default)",
        ),
    ),
)


_FILTERS = (
    option("--user", metavar="TEXT", help="part of a name or login, or an Okta id; case does not matter"),
    option("--user-key", metavar="KEY", help="exact user_key: an Okta id, or a name in lower case"),
    option("--group", metavar="NAME", help="name or id of a group"),
    option("--org", metavar="URL", help="URL of the Okta org"),
    option(
        "--action",
        action="append",
        metavar="ACTION",
        help="add_to_group, remove_from_group, push_risk, upsert_risk, no_action or fetch_scores; repeatable",
    ),
    option(
        "--status",
        action="append",
        metavar="STATUS",
        help="started, done, unchanged, skipped, failed or planned; repeatable",
    ),
    option("--reason", action="append", metavar="CODE", help="reason code, as in reports; repeatable"),
    option("--risk-level", action="append", metavar="LEVEL", help="high, medium, low or none; repeatable"),
    option("--dag-id", action="append", metavar="DAG_ID", help="repeatable"),
    option("--run-id", metavar="RUN_ID", help="one DAG run"),
    option("--task-id", metavar="TASK_ID", help="one task"),
    option(
        "--since",
        metavar="WHEN",
        help="entries that speak for this moment or a later one: 2026-11-23, 2026-11-23T03:00:00Z (UTC "
        "when it has no offset), or 7d for seven days ago",
    ),
    option("--until", metavar="WHEN", help="entries that speak for an earlier moment; written like --since"),
)
_STATUS = "Status: 0 = ok, 1 = the action log cannot be used, 2 = wrong options or connection."

_ACTION_LOG = (
    ActionCommand(
        name="init",
        help="Make the table of the action log; runs do it by themselves, too",
        epilog=_STATUS,
        func=lazy_load_command(f"{_COMMANDS}.action_log.init"),
        args=(),
    ),
    ActionCommand(
        name="upgrade",
        help="Bring the table up to date; runs do it by themselves, too",
        epilog=_STATUS,
        func=lazy_load_command(f"{_COMMANDS}.action_log.upgrade"),
        args=(),
    ),
    ActionCommand(
        name="prune",
        help="Delete old entries, but none that later runs have to know",
        epilog=_STATUS,
        func=lazy_load_command(f"{_COMMANDS}.action_log.prune"),
        args=(
            option("--older-than", required=True, metavar="AGE", help="for example 90d; at least 1d"),
            option("--dry-run", action="store_true", help="only say how many"),
        ),
    ),
    ActionCommand(
        name="export",
        help="Write entries as CSV or JSON Lines",
        description="Write the entries that all of the options choose, the oldest first. Holds names of "
        "people; a file is readable by you alone.",
        epilog=_STATUS,
        func=lazy_load_command(f"{_COMMANDS}.action_log.export"),
        args=(
            option(
                "--format",
                choices=("csv", "jsonl"),
                default="csv",
                help="csv: text that a spreadsheet could take for a formula has an apostrophe in front; "
                "jsonl: one JSON object per line, nothing is changed (csv)",
            ),
            option("--output", metavar="PATH", help="write there instead of printing"),
            option("--force", action="store_true", help="replace a file that is there"),
            *_FILTERS,
        ),
    ),
)


_EXPLAIN = ActionCommand(
    name="explain",
    help="Print what an error or a reason code means and what to do, or a document",
    description="Print a topic of the troubleshooting page, or a document. Without a name: list all of them.",
    epilog="Status: 0 = ok, 2 = no such topic.",
    func=lazy_load_command(f"{_COMMANDS}.explain.explain"),
    args=(
        option(
            "topic",
            nargs="?",
            metavar="TOPIC",
            help="a topic as messages name it, a reason or error code, a part of a message, or a document",
        ),
    ),
)

_EXAMPLES = (
    ActionCommand(
        name="list",
        help="List the example DAGs",
        func=lazy_load_command(f"{_COMMANDS}.examples.list_examples"),
        args=(),
    ),
    ActionCommand(
        name="copy",
        help="Copy example DAGs to the DAGs folder",
        description="Copy the named example DAGs, or all of them. A file with other content is not replaced.",
        epilog="Status: 0 = ok, 2 = no such example, or the file cannot be written.",
        func=lazy_load_command(f"{_COMMANDS}.examples.copy"),
        args=(
            option("names", nargs="*", metavar="NAME", help="which ones; default: all"),
            option("--to", metavar="DIR", help="where to; default: Airflow's DAGs folder"),
            option("--force", action="store_true", help="replace files with other content"),
        ),
    ),
)


def get_commands() -> list[CLICommand]:
    """Return the commands, in the shape of Airflow's own."""
    return [
        GroupCommand(
            name="okta-ure",
            help="Okta User Risk Exchange: checks, keys, action log, examples",
            subcommands=(
                _CHECK,
                _REVERT,
                _PAUSE,
                _RESUME,
                _ADOPT,
                _EXPLAIN,
                GroupCommand(name="examples", help="Example DAGs", subcommands=_EXAMPLES),
                GroupCommand(name="keys", help="The key that signs risk signals", subcommands=_KEYS),
                GroupCommand(
                    name="action-log", help="What was done to whom, when and why", subcommands=_ACTION_LOG
                ),
            ),
        )
    ]
