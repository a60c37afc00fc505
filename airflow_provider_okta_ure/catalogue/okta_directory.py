# SPDX-License-Identifier: Apache-2.0
"""Troubles with Okta's users, groups and log: finding them, and changing who is in a group."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Answer, Chapter, Entry

_MEMBERSHIP = "/api/v1/groups/*/users/*"
_NOT_WRITABLE = (
    "Only groups of type OKTA_GROUP can be written, not those of an application or directory, "
    "not Everyone; and the token's admin must be allowed to manage this group."
)

OKTA_DIRECTORY = Chapter(
    anchor="users-and-groups",
    title="Users and groups",
    entries=(
        Entry(
            topic="group-not-found",
            title="The group does not exist",
            what="Okta has no group with this id or name, or does not show it to the credential.",
            why="The name differs in a letter or in case, the group was deleted, or the admin of the token "
            "may not see it.",
            remedy="Check the name letter by letter, or set create_group=True on OktaAddToGroupOperator.",
            steps=(
                "In Okta: Directory > Groups. The id is the last part of the address of the group's page.",
                "Change the group in the task, create it in Okta, or set `create_group=True`.",
                "Everyone is not shown to group administrators.",
            ),
            seen=(
                "Group with id '...' does not exist on Okta.",
                "There is no group named",
                "There is no group with the id",
                "E0000007 Not found: Resource not found: ... (UserGroup)",
            ),
            answers=(Answer("Okta", code="E0000007", says="(usergroup)"),),
            reasons=("group_not_found",),
            concerns_everybody=True,
        ),
        Entry(
            topic="ambiguous-group",
            title="Several groups have this name",
            what="More than one group is called exactly so, and nobody is moved on a guess.",
            why="A group that is imported from an application may have the name of one of Okta's own.",
            remedy="Name the group by its id.",
            seen=("groups are called",),
            reasons=("ambiguous_group",),
            concerns_everybody=True,
        ),
        Entry(
            topic="group-not-writable",
            title="The group cannot be written",
            what="Okta does not let us change who is in this group.",
            why="Groups of applications and directories, and Okta's own such as Everyone, get their members"
            " from elsewhere; or the admin role of the token does not cover this group.",
            remedy=_NOT_WRITABLE,
            steps=(
                "Use a group that was created in Okta: Directory > Groups > Add group.",
                "A group rule may feed such a group as well; Okta then puts whom we remove on the rule's "
                "exclusion list.",
            ),
            seen=(
                "E0000060 Unsupported operation.",
                "E0000111 Cannot modify the ... object because it is read-only.",
                "alone decides about its members",
                "whose members cannot be changed",
            ),
            answers=(
                Answer("Okta", code="E0000060"),
                Answer("Okta", code="E0000111"),
                Answer("Okta", code="E0000006", path=_MEMBERSHIP, methods=("PUT", "DELETE")),
            ),
            reasons=("group_not_writable",),
        ),
        Entry(
            topic="group-name-taken",
            title="The group's name is taken",
            what="Okta does not create the group, because another one has its name.",
            why="A group of any kind holds the name, perhaps spelled with other capitals, or one that the "
            "token may not see.",
            remedy="Look for a group whose name differs in case, or that the token may not see.",
            seen=("name: An object with this field already exists in the current organization",),
            answers=(Answer("Okta", code="E0000001", says="already exists", path="/api/v1/groups"),),
            concerns_everybody=True,
        ),
        Entry(
            topic="user-not-in-okta",
            title="No Okta user has this name",
            what="Nobody in the org has this login or e-mail address, so nothing was done.",
            why="The person exists in Netskope only, is spelled otherwise in Okta, or was deleted during "
            "the run.",
            remedy="Nothing, or correct the name at its source: it is compared with login and e-mail "
            "address.",
            seen=(
                "no Okta user has this login or e-mail address",
                "E0000007 Not found: Resource not found: ... (User)",
            ),
            answers=(Answer("Okta", code="E0000007", says="(user)"),),
            reasons=("user_not_in_okta",),
        ),
        Entry(
            topic="okta-not-found",
            title="Okta does not find it",
            what="Okta has nothing with the id that was asked for.",
            why="It was deleted in the meantime, or the id belongs to another org.",
            remedy="Check the id: it may have been deleted meanwhile, or belong to another org.",
            seen=("E0000007 Not found",),
            answers=(Answer("Okta", code="E0000007"),),
        ),
        Entry(
            topic="ambiguous-user",
            title="Several Okta users have this e-mail address",
            what="The name is the e-mail address of several users and the login of none: nobody was touched.",
            why="Okta does not require e-mail addresses to be unique.",
            remedy="Let the source send logins, or correct the addresses in Okta.",
            seen=("several Okta users have this e-mail address and none has it as login",),
            reasons=("ambiguous_user",),
        ),
        Entry(
            topic="user-deprovisioned",
            title="The user is deprovisioned, or in a status that allows no change",
            what="Okta lets nobody change a user in this status.",
            why="The user was deactivated, so their risk no longer matters to Okta.",
            remedy="Nothing; or activate the user first, because a deactivated user cannot be changed.",
            seen=(
                "the Okta user is deprovisioned",
                "E0000038 This operation is not allowed in the user's current status.",
            ),
            answers=(Answer("Okta", code="E0000038"),),
            reasons=("user_deprovisioned",),
        ),
        Entry(
            topic="okta-search",
            title="Okta does not accept the search",
            what="Okta cannot run the search expression.",
            why="It has a typing error, is too long, or uses a field that the token's admin may not search "
            "for; an admin role with conditions on attributes may not use `or`.",
            remedy="The search is too long or uses a field that the token's admin may not search for.",
            steps=(
                'Write it like `status eq "ACTIVE" and profile.department eq "Sales"`; `ne` and `not` do '
                "not exist.",
                "Our own searches are made smaller by themselves when Okta finds them too long.",
            ),
            seen=("E0000031 Invalid search criteria.", "Invalid search query.", "HTTP 414"),
            answers=(Answer("Okta", code="E0000031"), Answer("Okta", statuses=(414,))),
        ),
        Entry(
            topic="okta-log-query",
            title="Okta does not accept the question to its System Log",
            what="Okta cannot run a filter, or is asked about a time that it does not keep.",
            why="The System Log keeps 90 days, and refuses to look back more than 180.",
            remedy="Ask about the last 90 days, and check the filter.",
            seen=(
                "E0000053 Invalid SCIM filter.",
                "The since parameter is over 180 days prior to the current day.",
            ),
            answers=(
                Answer("Okta", code="E0000053"),
                Answer("Okta", code="E0000001", path="/api/v1/logs"),
            ),
        ),
    ),
)
