# SPDX-License-Identifier: Apache-2.0
"""What a report or a failed task says of the run itself."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

RUNS = Chapter(
    anchor="runs-and-reports",
    title="Runs and reports",
    introduction="Reason codes stand in the report and in the task log, one line for each user.",
    entries=(
        Entry(
            topic="too-many-failures",
            title="More users failed than allowed",
            what="The task did what it could, and more users failed than `fail_on` allows.",
            why="The message names the most frequent reason and the first user it met.",
            remedy="The task log names each of them. Raise fail_on to accept some failures.",
            seen=("users failed, mostly",),
        ),
        Entry(
            topic="not-attempted",
            title="Not attempted",
            what="This user was left for the next try.",
            why="Ten failures in a row that may pass mean an outage, and a refusal that would meet "
            "everybody (the token, the group, the licence) makes going on pointless.",
            remedy="Look at the first failure; then run the task again.",
            seen=("given up after the failures before",),
            reasons=("not_attempted",),
        ),
        Entry(
            topic="nothing-to-do",
            title="Nothing to do",
            what="Everything is as it should be, so Okta was not told anything.",
            why="The user is in the group already, is not in it, has this risk already, or the level is the "
            "one that was delivered last.",
            remedy="Nothing. To push levels that did not change, set only_changes=False.",
            reasons=("already_member", "not_a_member", "same_level"),
        ),
        Entry(
            topic="recorded",
            title="Recorded",
            what="`OktaNoActionOperator` reports that the user matched.",
            why="That is all it is asked to do.",
            remedy="Nothing.",
            reasons=("recorded",),
        ),
        Entry(
            topic="duplicate-user",
            title="Another row is about the same user",
            what="Two rows name one Okta user, say by login and by e-mail address; one of them was used.",
            why="The row with the least safe score is used, then the one that names the login.",
            remedy="Nothing; or remove one of the two names at its source.",
            seen=("another row is about the same Okta user",),
            reasons=("duplicate_user",),
        ),
        Entry(
            topic="no-score",
            title="Netskope has no score",
            what="Netskope has no score for this user, so there is nothing to tell.",
            why="The user was not active lately, or is new. A missing score is never low and never high.",
            remedy="Nothing, or raise `carry_days` of NetskopeFetchScoresOperator.",
            seen=("Netskope has no score for this user",),
            reasons=("no_score",),
        ),
        Entry(
            topic="reverted",
            title="Undone",
            what="A task of `OktaRevertRunOperator` has undone what an earlier run did to this user.",
            why="Somebody asked for it. The message names the run that was undone.",
            remedy="Nothing. To take it back, revert the run that reverted.",
            reasons=("reverted", "reverted_not_ours"),
        ),
        Entry(
            topic="run-reverted",
            title="The run was reverted",
            what="Nothing was done to this user, because this very run was reverted.",
            why="A run that somebody has undone is not done again by its retry or by clearing it. The "
            "message names the run that reverted it. The next run of the DAG acts as always.",
            remedy="Nothing; or revert the run that reverted it, and clear this one.",
            seen=("this run was reverted by",),
            reasons=("run_reverted",),
        ),
        Entry(
            topic="later-decision",
            title="Something later was decided",
            what="What the reverted run did to this user is not undone.",
            why="A later run has decided about the same user and the same group or signal, and that stands.",
            remedy="Revert the later run first, if that one was wrong, too.",
            seen=("so this one is not undone",),
            reasons=("later_decision",),
        ),
        Entry(
            topic="not-revertible",
            title="Cannot be undone",
            what="What the run did to this user stays as it is.",
            why="The risk that a user had before `OktaUpsertUserRiskOperator` set it is not known; a signal "
            "of another issuer cannot be signed with this connection; a run that both added and removed "
            "somebody left them as they were. Groups that a run created stay, too.",
            remedy="Set the risk in Okta; for signals use the connection that sent them.",
            seen=("so it cannot be set again",),
            reasons=("not_revertible",),
        ),
        Entry(
            topic="nothing-done",
            title="The run did nothing to this user",
            what="There is nothing to undo for this user.",
            why="The run only planned or recorded it, failed, or sent a signal that Okta's System Log does "
            "not have.",
            remedy="Nothing.",
            seen=("the run did nothing to this user",),
            reasons=("nothing_done",),
        ),
        Entry(
            topic="unknown-run",
            title="No such run to undo",
            what="Nothing was undone, because the action log knows no run of this name.",
            why="The id has a typing error, belongs to another DAG, or the run used none of our operators. "
            "Very old runs were deleted with `airflow okta-ure action-log prune`.",
            remedy="Copy DAG id and run id from the run's page in Airflow, or from the page User Risk.",
            seen=("The action log knows no run",),
        ),
        Entry(
            topic="other-error",
            title="Something else",
            what="Something went wrong for this user that has no reason code of its own.",
            why="The message says what.",
            remedy="Read the message of this user in the task log.",
            reasons=("error",),
        ),
    ),
)
