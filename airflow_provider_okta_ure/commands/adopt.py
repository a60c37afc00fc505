# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure adopt``: members that somebody else put into a group are released when they recover."""

from __future__ import annotations

import sys
from contextlib import closing
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.action_log.entries import Entry
from airflow_provider_okta_ure.clients.okta_group_choice import find_group, require_writable
from airflow_provider_okta_ure.clients.scopes import GROUPS_READ, USERS_READ
from airflow_provider_okta_ure.commands.connections import okta_hook, reading_the_database
from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_kept_clean, say
from airflow_provider_okta_ure.core.adoption import choose
from airflow_provider_okta_ure.core.arguments import to_names
from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.errors import ConfigurationError, GroupError
from airflow_provider_okta_ure.hooks.action_log import open_action_log

if TYPE_CHECKING:
    from argparse import Namespace

    from airflow_provider_okta_ure.action_log.log import ActionLog
    from airflow_provider_okta_ure.core.adoption import Adoption
    from airflow_provider_okta_ure.core.models import OktaGroup
    from airflow_provider_okta_ure.hooks.okta import OktaHook

TASK_ID = "adopt"


def adopt(args: Namespace) -> None:
    """Write into the action log that members of a group are there because of us; Okta is only read."""
    with ending_with_status(interrupted="Interrupted; nothing was written to Okta."):
        refuse_empty(args)
        names = _names(args)
        with output_kept_clean(), reading_the_database():
            hook = okta_hook(args.okta_conn_id or "okta_default")
            hook.scopes = (USERS_READ, GROUPS_READ)
            group = _group(hook, args)
            with closing(open_action_log()) as log:
                org = log.org_at(hook.base_url, hook.client.get_org_id)
                # As the tasks that act on the group, so that none of them decides meanwhile.
                with log.lock(f"{org} group {group.group_id}"):
                    adoption = _adoption(hook, log, org, group, names)
                    if not args.dry_run:
                        log.finish(_entries(adoption, org, group, dag_id=args.from_dag or ""))
        for member in adoption.members:
            sys.stdout.write(f"{in_one_line(member.login)}\n")
        say(_summary(adoption, group, dry_run=args.dry_run))


def _names(args: Namespace) -> list[str] | None:
    if bool(args.users) == bool(args.all):
        raise ConfigurationError(
            "It is not clear who is to be adopted.", remedy="Give either --users or --all."
        )
    if args.all:
        return None
    names = to_names(args.users, "--users")
    if not names:
        raise ConfigurationError("--users names nobody.", remedy="Give names, or --all.")
    return names


def _group(hook: OktaHook, args: Namespace) -> OktaGroup:
    group = find_group(hook.client, args.group_id, args.group)
    if group is None:
        raise GroupError(f"There is no group named {args.group!r}.", reason="group_not_found")
    # Nobody could be released from it.
    require_writable(group)
    return group


def _adoption(
    hook: OktaHook, log: ActionLog, org: str, group: OktaGroup, names: list[str] | None
) -> Adoption:
    ours = set(log.members_by_us(org=org, target=group.group_id))
    return choose(list(hook.client.list_members(group.group_id)), names, ours)


def utc_now() -> datetime:
    """Return the present time; a function of its own so that a test can set it."""
    return datetime.now(tz=timezone.utc)


def _entries(adoption: Adoption, org: str, group: OktaGroup, *, dag_id: str) -> list[Entry]:
    now = utc_now()
    return [
        Entry(
            org=org,
            action="add_to_group",
            target=group.group_id,
            target_name=group.name,
            user_key=member.user_id,
            user_name=member.login,
            user_id=member.user_id,
            login=member.login,
            as_of=now,
            started_at=now,
            recorded_at=now,
            dag_id=dag_id,
            task_id=TASK_ID,
            status="done",
            reason="adopted",
            message="was a member before, and is released like those whom this provider added",
        )
        for member in adoption.members
    ]


def _summary(adoption: Adoption, group: OktaGroup, *, dry_run: bool) -> str:
    did = "Would adopt" if dry_run else "Adopted"
    known = f"; {adoption.known} were added by this provider already" if adoption.known else ""
    return (
        f"{did} {len(adoption.members)} members of the group {group.name!r} ({group.group_id}){known}. "
        "Nothing was written to Okta."
    )
