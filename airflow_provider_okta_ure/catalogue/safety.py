# SPDX-License-Identifier: Apache-2.0
"""What keeps many people from being acted on by mistake, and what is remembered for it."""

from __future__ import annotations

from airflow_provider_okta_ure.catalogue.entries import Chapter, Entry

SAFETY = Chapter(
    anchor="safety-and-memory",
    title="Safety and memory",
    introduction="Before the first write the whole change of a task is known, and is judged. The action log "
    "remembers what was done, so that a run can be repeated.",
    entries=(
        Entry(
            topic="blast-radius",
            title="More users would change than allowed",
            what="Nothing was written: the task would have changed more users than it may without a person "
            "who looks.",
            why="A rule that is too wide, a source that changed its scale, or simply the first run for a "
            "large group. Allowed are `max_changes` (500) and `max_change_percent` (20 %) of the group's "
            "members, or, for additions and risk signals, of all users of the source when it was last read "
            "(of the rows, when it never was); 25 users are always allowed. The limit is for one "
            "UTC day of the task: its runs, its groups and the parts it is mapped to share it. Members who "
            "were added together with `expires_after` also leave together.",
            remedy="Look at the names. If they are right, raise max_changes or max_change_percent, or "
            "approve this change: run the DAG again with approved_plan set to the id of the plan.",
            steps=(
                "The message names the number, the limits, the first users and the id of the plan. The "
                "page User Risk names everybody.",
                "The id stands for exactly these users, scores and levels, as the action log has them; a run "
                "that would change anything else is refused again. An id counts for the DAG that made the "
                "plan, until the plan is pruned.",
                "`dags/okta_risk_sync_with_approval.py` asks a person each time and applies what was "
                "approved.",
            ),
            seen=("would change", "was written. First"),
            reasons=("plan_refused",),
        ),
        Entry(
            topic="daily-bound",
            title="More users would change in the org today than allowed",
            what="Nothing was written: with this change, all tasks of all DAGs together would have changed "
            "more users of the Okta org on this UTC day than `max_changed_users_per_day` allows.",
            why="Each task is within its own limits, and their sum is not. Users count once, whatever was "
            "done with them; changes that a person approved in an approval task do not count, and are not "
            "refused. Without the setting, 500 users or "
            "half of the source's users may be changed, whichever are more.",
            remedy="Look at what the tasks in the message have changed. If all of it is right, let a person "
            "approve this change (okta_risk_sync_with_approval), raise max_changed_users_per_day in the Okta "
            "connection, or wait until the next UTC day. The id of a plan (approved_plan) does not lift this "
            "bound.",
            seen=("max_changed_users_per_day of the Okta connection",),
        ),
        Entry(
            topic="paused",
            title="All writes are paused",
            what="Nothing was written to Okta: the action only planned. Every warning says who paused, since "
            "when and why.",
            why="The Airflow Variable `okta_ure_paused` is set: by `airflow okta-ure pause`, or by hand. "
            "Empty, `false`, `0` and `no` mean that nothing is paused; any other value pauses, also one "
            "that cannot be read.",
            remedy="Find out whether the reason still holds; `airflow okta-ure resume --reason ...` ends it. "
            "The next run does what was left.",
            steps=(
                "A task that is running asks again before each batch of users, so it stops within seconds; "
                "what it has done stays done.",
                "Fetching, filtering and mapping go on, so that the plans of the meantime can be looked at.",
            ),
            seen=("Nothing is written, because all writes are paused",),
            reasons=("paused",),
        ),
        Entry(
            topic="pause-unknown",
            title="The pause switch cannot be read",
            what="Nothing was written to Okta: whether somebody has paused all writes is not known.",
            why="Airflow's API server or a secrets backend did not answer when it was asked for the Airflow "
            "Variable `okta_ure_paused`, or refused. That the Variable does not exist is an answer.",
            remedy="Look at Airflow's API server and the secrets backend; the next run does what was left.",
            seen=("which pauses all writes, cannot be read",),
        ),
        Entry(
            topic="unexpected-failure",
            title="A fault of this package",
            what="Acting on one user ended in an exception that this package did not expect. The users who "
            "were not begun yet were left alone.",
            why="A fault of this package, or a machine that is out of memory.",
            remedy="Report it with the traceback in the task log. Another try first finds out whether the "
            "user was changed.",
            seen=("was acted on.",),
        ),
        Entry(
            topic="plan-changed",
            title="The approved plan is out of date",
            what="Nothing was written: what the task would do now is not what was approved.",
            why="Between the plan and now somebody was added, removed or deactivated, or a score changed. Or "
            "the planning task ran again, so that its plan is another one, also if it says the same. Or "
            "somebody has edited the rows in an XCom.",
            remedy="Clear the task that planned, with everything after it: it plans again, and somebody is "
            "asked again.",
            seen=("is not the plan that was approved", "was made again or changed since it was shown"),
        ),
        Entry(
            topic="not-approved",
            title="Not approved",
            what="Nothing was written: the task acts only on what a person has approved, and the action log "
            "has no approval that counts.",
            why="Nobody was asked or has answered, the answer was no, or it came from whoever triggered the "
            "run. A task that is marked as successful by hand has asked nobody. Or the approval does not "
            "have the seal that the task which received it makes with the secret of the Okta connection: "
            "somebody has edited the action log, the API token or key was rotated after the answer, or the "
            "task that asked uses another connection. Or what was approved was done, and undone since.",
            remedy="Clear the task that asks, with everything after it: it asks again.",
            seen=(
                "Nobody has approved this",
                "does not have the seal of the connection",
                "has triggered this run, so somebody else has to approve it",
                "The question is not in the action log as this task wrote it",
                "somebody has undone it since",
            ),
            reasons=("not_approved",),
        ),
        Entry(
            topic="source-outage",
            title="The source has far fewer users than before",
            what="The scores were not used: the source returned nobody with a fresh score, or under 80 % of "
            "last time's users and more than 25 users fewer. A score from an earlier day is not fresh.",
            why="An outage, a token with fewer rights, or a filter looks like this. Users who are missing "
            "have not recovered, so nobody is released because of it.",
            remedy="Look at the source. If it is right that it shrank, run the task once with "
            "min_source_percent=0. If people have no score on days off, raise max_score_age.",
            seen=("That looks like an outage",),
        ),
        Entry(
            topic="stale-scores",
            title="Scores have stopped coming",
            what="Nobody has a new score: the newest score of the source is older than `max_score_age` (a "
            'warning, or a failure with `stale_scores="fail"`) or than `stale_limit` (a failure). Old scores '
            "are carried over for `carry_days`.",
            why="Netskope computes a score for every UTC day. When none comes, its analytics do not run, "
            "have no license any more, or get no events.",
            remedy="Look at User Confidence in the Netskope tenant: is there a score of yesterday? Raise "
            "max_score_age and stale_limit if it is right that there is none.",
            seen=("sends no new scores",),
        ),
        Entry(
            topic="excluded",
            title="Excluded",
            what="The user is never touched.",
            why="He is named in `exclude_users`, is a member of a group in `exclude_groups`, or is an "
            "administrator and `exclude_administrators` is on. The operator and the Okta connection both "
            "name exclusions.",
            remedy="Nothing; or take the user out of the exclusions.",
            seen=("named in exclude_users", "is a member of the excluded group", "is an Okta administrator"),
            reasons=("excluded",),
        ),
        Entry(
            topic="group-excluded",
            title="The group is excluded",
            what="Nothing was written: the group that the task would change is in `exclude_groups`.",
            why="Whoever is in an excluded group is never touched. Somebody who could put people into it, "
            "say by triggering a DAG with its name, would make them untouchable.",
            remedy="Choose another group. Who belongs in an excluded group is changed in Okta alone.",
            seen=("is excluded: its members are never touched",),
            reasons=("group_excluded",),
        ),
        Entry(
            topic="group-not-allowed",
            title="The group may not be written",
            what="Nothing was written: the Okta connection lists `writable_groups`, and the group that the "
            "task would change, or create, is none of them.",
            why="With `writable_groups` no DAG, and nobody who triggers one, can choose another group. What "
            "counts is what the group is called in Okta now, and its id.",
            remedy="Choose one of these groups, or add this one to writable_groups in the Okta connection.",
            seen=("is not among the writable_groups",),
            reasons=("group_not_allowed",),
        ),
        Entry(
            topic="list-of-names",
            title="A list of names cannot be read",
            what="Nothing was written: a list of users or groups could not be understood, and a list that is "
            "misread protects nobody.",
            why="The message says which part. Understood are lists in Python and JSON, and text with commas, "
            "semicolons or line ends between the names; addresses may also have blanks between them. A name "
            "that has a comma or a blank in it is understood as an item of a list, or between quotes.",
            remedy="Write it as a list, in a connection or a template in JSON: "
            '["ann@corp.example", "bob@corp.example"].',
            seen=("is not a list of names, so it is not known",),
        ),
        Entry(
            topic="exclusions-unreadable",
            title="The exclusions cannot be read",
            what="Nothing was written, because it is not known who must not be touched.",
            why="An excluded group does not exist, exists twice, or the token may not read it. Or "
            "exclude_administrators is True, and the token may not read who is an administrator.",
            remedy="Correct exclude_groups, or let the token read the group's members; for administrators "
            "grant okta.roles.read, or the role to view admin roles.",
            seen=("so nobody is touched",),
        ),
        Entry(
            topic="superseded",
            title="Superseded by a later decision",
            what="Nothing was done for this user: the run speaks for an earlier moment than one that was "
            "decided already.",
            why="A backfill, or a run that was repeated after a later one. The newest knowledge counts.",
            remedy='Nothing. To tell Okta about past changes on purpose, use history="replay".',
            seen=("a later decision, as of",),
            reasons=("superseded",),
        ),
        Entry(
            topic="past-interval",
            title="Only planned, because the interval is past",
            what="The group was left as it is: the run makes up for a past interval.",
            why="Who was at risk last week may not be today. A backfill, and a run that a later one has "
            "overtaken, change groups only when they are told to.",
            remedy='Nothing; or set past_intervals="apply".',
            reasons=("past_interval",),
        ),
        Entry(
            topic="already-delivered",
            title="Delivered already",
            what="Okta has got this very signal before: same user, same moment.",
            why="The task was repeated: a retry, a cleared task, a second run of the same interval.",
            remedy="Nothing.",
            reasons=("already_delivered",),
        ),
        Entry(
            topic="never-told",
            title="Okta was never told about this user",
            what="No signal was pushed, because `only_known` is on and Okta was never told a level of this "
            "user.",
            why="There is nothing to take back.",
            remedy="Nothing; or set only_known=False.",
            reasons=("never_told",),
        ),
        Entry(
            topic="record-only",
            title="Only recorded",
            what="The change was written into the action log, and Okta was not told.",
            why='`history` is "record".',
            remedy="Nothing.",
            reasons=("record_only",),
        ),
        Entry(
            topic="adopted",
            title="Adopted",
            what="The user was a member of the group before, and is released when they recover, like those "
            "whom this provider added. Okta was not written to.",
            why="Somebody ran `airflow okta-ure adopt`, say after moving from Netskope Cloud Exchange.",
            remedy="Nothing.",
            reasons=("adopted",),
        ),
        Entry(
            topic="recovered",
            title="Finished after an interruption",
            what="An earlier try had this effect in Okta and was interrupted before it could write it down; "
            "this one did.",
            why="The task process was killed, or the action log was not reachable for a moment.",
            remedy="Nothing.",
            reasons=("recovered",),
        ),
        Entry(
            topic="replayed",
            title="An old change, pushed late",
            what="Okta was told of a past change with its own time, and then the newest level again.",
            why='`history` is "replay".',
            remedy="Nothing.",
            reasons=("replayed",),
        ),
        Entry(
            topic="not-restored",
            title="The newest level did not follow an old change",
            what="Okta was told of a past change, and the newest level, which has to come after it, did not "
            "get there. Okta may take the old level for the newest.",
            why="Okta refused the second signal or gave no answer to it; the message says which.",
            remedy="Run the task again. If you cannot, the next run of a later moment tells Okta the level "
            "anew, whether or not it has changed.",
            seen=("was delivered, and the newest",),
            reasons=("not_restored",),
        ),
        Entry(
            topic="interrupted",
            title="Interrupted before it had an effect",
            what="A task was about to change the group for this user and was stopped. The group shows that "
            "it had not happened.",
            why="The task process was killed, or the action log was not reachable for a moment.",
            remedy="Nothing, if the task was tried again; else run it again.",
            seen=("the try was interrupted before it had an effect",),
            reasons=("interrupted",),
        ),
        Entry(
            topic="expired",
            title="Removed because the time was over",
            what="The user was removed from the group although his score may not have changed.",
            why="He was added with `expires_after`, and that time is over.",
            remedy="Nothing.",
            reasons=("expired",),
        ),
        Entry(
            topic="not-added-by-us",
            title="A member that somebody else added",
            what="The user stays in the group.",
            why="The action log knows of no addition by this provider, and `only_added_by_us` is on.",
            remedy="Nothing; or set only_added_by_us=False to remove whoever the rule names.",
            seen=("somebody else added this user to the group",),
            reasons=("not_added_by_us",),
        ),
        Entry(
            topic="held-by-others",
            title="Another DAG wants the member in the group",
            what="The user stays in the group; the message names the tasks that hold the membership.",
            why="Each DAG that decides that a user belongs in the group holds the membership. A member "
            "leaves when the last of them lets go.",
            remedy="Nothing; the member leaves when the other DAG's rule releases them, too.",
            steps=(
                "If the other DAG does not exist any more, take its members over: "
                "`airflow okta-ure adopt --group NAME --all --from-dag DAG`.",
                'Or let this task remove whoever its rows name: releases="all".',
            ),
            seen=("leaves it when the last of them lets go",),
            reasons=("held_by_others",),
        ),
        Entry(
            topic="less-safe-row",
            title="Another row about the same person is less safe",
            what="This row was left alone: the rule that picked it does not match the person's least "
            "safe score.",
            why="One person can have several rows in a run: by login and by e-mail address, or from two "
            "tenants. The least safe score decides, in every task of the run.",
            remedy="Nothing; or remove one of the names at its source.",
            seen=("another row of this run is about the same person",),
            reasons=("less_safe_row",),
        ),
        Entry(
            topic="time-over",
            title="The time in the group is over",
            what="The user was not added again.",
            why="His membership had an end (`expires_after`), it is reached, the band of his score is the "
            "same as when he was added, and no rule has released him since.",
            remedy="Nothing; another band, or a recovery and a relapse, begins a new membership.",
            seen=("was in the group for the whole time",),
            reasons=("time_over",),
        ),
        Entry(
            topic="signals-missing",
            title="A risk signal is not in Okta's System Log",
            what="Okta answered 202 to the signal, and its System Log has no event for it, so it had no "
            "effect as far as can be told.",
            why="Okta ignores without a word what it cannot use. Or the event is late: how long one takes is "
            "not documented.",
            remedy="Run the task again: it looks once more. If the event is still missing, search Okta's "
            "System Log in the Admin Console.",
            steps=(
                'Search the System Log for eventType eq "security.events.provider.receive_event" around the '
                "time of the push.",
                "If all events are there, and late: raise `within`. If they name another sender than our "
                "issuer: set `match_issuer` to False.",
            ),
            seen=("risk signals are not in Okta's System Log",),
            reasons=("not_in_log",),
        ),
        Entry(
            topic="provider-inactive",
            title="The security events provider was switched off",
            what="Okta has no active security events provider with our issuer, so signals have no effect.",
            why="Somebody deactivated or deleted it, or its issuer was changed.",
            remedy="Run OktaSecurityEventsProviderOperator, or push with ensure_provider=True; then push the "
            "levels again with only_changes=False.",
            seen=("the security events provider with our issuer",),
            reasons=("provider_inactive",),
        ),
        Entry(
            topic="repeated-jti",
            title="Okta knows the signal from before",
            what="Okta took in the very same signal earlier, which the action log does not know of.",
            why="The action log was lost, pruned or replaced, or another Airflow pushes for the same issuer. "
            "Okta ignores a token whose `jti` it has seen.",
            remedy="Nothing for this user, who has the level already. Keep one action log for one issuer.",
            seen=("Okta took in this signal at an earlier time already",),
            reasons=("repeated_jti",),
        ),
        Entry(
            topic="other-sender",
            title="The System Log names another sender",
            what="At that time the System Log has a signal about this user, from somebody who is not named "
            "like our issuer or our security events provider.",
            why="Another product sends signals about the same user, or this org's log names senders in "
            "another way.",
            remedy="If the sender in the message is us, set match_issuer to False; else look at the user in "
            "the System Log.",
            seen=("as the sender",),
            reasons=("other_sender",),
        ),
        Entry(
            topic="unknown-login",
            title="The user's login is no e-mail address",
            what="The signal named the user's e-mail address, because his login is none, and there is no "
            "event for it.",
            why="Okta's documents say that the address has to be the one that the user signs in with.",
            remedy="Give such users a login that is an e-mail address, or use groups for them.",
            seen=("the login is no e-mail address",),
            reasons=("unknown_login",),
        ),
        Entry(
            topic="action-log",
            title="The action log cannot be used",
            what="The database with the action log is not reachable, full, or of another version.",
            why="Without its memory the task cannot know what was done before, so it does nothing.",
            remedy="Check the connection okta_ure_action_log and the database behind it.",
            seen=("The action log at",),
        ),
        Entry(
            topic="action-log-place",
            title="The action log needs a database server",
            what="There is no connection `okta_ure_action_log`, and this Airflow runs tasks on several "
            "machines.",
            why="Without the connection the action log is an SQLite file under AIRFLOW_HOME, which several "
            "machines cannot share.",
            remedy="Create the connection okta_ure_action_log to a PostgreSQL database (type postgres).",
            steps=(
                "Every executor but Airflow's own LocalExecutor is taken for one of several machines. If "
                "yours runs on one, say so with a connection of type sqlite whose host is the file's "
                "absolute path.",
            ),
            seen=("runs tasks on several machines",),
        ),
        Entry(
            topic="action-log-unknown",
            title="It is not known which action log is the right one",
            what="Nothing was done. A new, empty action log would know of nobody who is in a group because "
            "of us, and of nothing that Okta was told.",
            why="Airflow says the same of a connection that does not exist and of one that its secrets "
            "backend or its environment has and that cannot be read.",
            remedy="Create the connection okta_ure_action_log where the other connections are, and look at "
            "the secrets backend if it is there.",
            steps=(
                "For PostgreSQL the connection is of type postgres.",
                "With a secrets backend the SQLite file is never chosen by itself. If it is right, say so "
                "with a connection of type sqlite whose host is the absolute path of the file; without that "
                "connection it was `okta_ure_action_log.db` under AIRFLOW_HOME.",
            ),
            seen=("gave no connection 'okta_ure_action_log'", "holds no connection that can be read"),
        ),
        Entry(
            topic="locked",
            title="Another run is acting on the same target",
            what="The task waited for another one that writes to the same group or for the same issuer.",
            why="Two runs that act on one target take turns, so that the newest knowledge counts.",
            remedy="Let it end; this task can then be tried again.",
            seen=("Another run has been acting on",),
        ),
    ),
)
