# SPDX-License-Identifier: Apache-2.0
"""Troubles with reading and setting a user's risk."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Answer, Chapter, Entry

_RISK = "/api/v1/users/*/risk"

OKTA_RISK = Chapter(
    anchor="user-risk",
    title="A user's risk",
    introduction="`OktaUpsertUserRiskOperator` sets it, `OktaFetchUsersOperator` with `with_risk` reads it.",
    entries=(
        Entry(
            topic="okta-risk-unavailable",
            title="The org has no user risk, or does not show it to us",
            what="Okta lets the credential neither read nor set the risk of its users.",
            why="A user's risk exists with Identity Engine and Identity Threat Protection only. Okta "
            "answers an org without it, and a credential without the permission, in much the same way.",
            remedy="Reading and setting a user's risk needs Identity Engine with Identity Threat "
            "Protection, and the scope okta.userRisk.manage or an admin role that covers it.",
            steps=(
                "Ask whoever buys your licences of Okta whether Identity Threat Protection is among them.",
                "With OAuth, grant the app `okta.userRisk.read`, and `okta.userRisk.manage` for setting.",
                "An org without it can still use groups: `OktaAddToGroupOperator` needs no extra licence.",
            ),
            seen=(
                "E0000015 You do not have permission to access the feature you are requesting",
                "HTTP 401 or 403 on /api/v1/users/.../risk",
            ),
            answers=(
                Answer("Okta", code="E0000015", path=_RISK),
                Answer("Okta", code="E0000008", path=_RISK),
                Answer("Okta", statuses=(404,), path=_RISK),
            ),
            concerns_everybody=True,
        ),
        Entry(
            topic="okta-risk-not-permitted",
            title="The credential may not read or set the risk of this user",
            what="Okta refuses the call with 403.",
            why="The org lacks Identity Threat Protection, or the admin role of the credential does not "
            "cover the risk of this user.",
            remedy="Check that the org has Identity Threat Protection, and that the admin role of the "
            "credential covers the risk of these users.",
            seen=("E0000006 on /api/v1/users/.../risk",),
            answers=(
                Answer("Okta", code="E0000006", path=_RISK),
                Answer("Okta", statuses=(403,), path=_RISK),
            ),
        ),
        Entry(
            topic="okta-risk-level",
            title="Okta does not accept the level",
            what="Okta takes no such risk level; mostly this is about MEDIUM.",
            why="Before release 2026.04.2, orgs could be told HIGH and LOW only.",
            remedy="Orgs before release 2026.04.2 take only HIGH and LOW: map medium to one of them with "
            "`level_mapping`, or ask Okta for the newer release.",
            seen=("E0000001 Api validation failed: riskLevel",),
            answers=(Answer("Okta", code="E0000001", says="risklevel", path=_RISK, methods=("PUT",)),),
        ),
        Entry(
            topic="okta-risk-reason",
            title="Okta does not accept the reason",
            what="Okta refuses the text that says why the risk is set.",
            why="A reason has at most 500 letters, digits, spaces, `-`, `,` and `.`; ours are made so. "
            "Before release 2026.04.0 there was no reason at all.",
            remedy='Set reason="" on OktaUpsertUserRiskOperator, so that none is sent.',
            seen=("E0000001 Api validation failed: riskReason",),
            answers=(Answer("Okta", code="E0000001", says="riskreason", path=_RISK, methods=("PUT",)),),
        ),
        Entry(
            topic="risk-level-none",
            title="The level none cannot be set",
            what="The row's level is `none`, and Okta cannot be told to forget a user's risk.",
            why="Okta takes HIGH, MEDIUM and LOW only; `none` is what it says when nothing is recorded.",
            remedy="Leave such rows out with a rule, or map `none` to `low` with `level_mapping`.",
            seen=("Okta cannot set the risk none",),
            reasons=("level_not_settable",),
        ),
    ),
)
