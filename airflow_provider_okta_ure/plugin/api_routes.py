# SPDX-License-Identifier: Apache-2.0
"""The routes that the page reads; each asks who calls before anything else, and none changes anything."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import APIRouter, Depends, HTTPException, Query, Response

from airflow_provider_okta_ure.action_log import (
    facets,
    holders,
    memberships,
    people,
    searching,
    silent_users,
    summaries,
)
from airflow_provider_okta_ure.action_log.exporting import to_csv
from airflow_provider_okta_ure.action_log.lifecycle import STATUSES
from airflow_provider_okta_ure.action_log.log import ActionLog
from airflow_provider_okta_ure.clients.hosts import admin_console_of
from airflow_provider_okta_ure.core.models import RISK_LEVELS
from airflow_provider_okta_ure.plugin.access import ReaderDep, person_of, reader
from airflow_provider_okta_ure.plugin.advice import title_of
from airflow_provider_okta_ure.plugin.answers import (
    bounds_of,
    entry_answers,
    json_answer,
    membership_answer,
)
from airflow_provider_okta_ure.plugin.exports import CsvExport
from airflow_provider_okta_ure.plugin.overviews import overview_answer
from airflow_provider_okta_ure.plugin.parameters import PeriodDep, Text, WantedDep, to_cursor, to_text
from airflow_provider_okta_ure.plugin.paused import paused_answer
from airflow_provider_okta_ure.plugin.places import InTurn
from airflow_provider_okta_ure.plugin.refusals import RESPONSES, described
from airflow_provider_okta_ure.plugin.reverting import revert_answer, reverted_answer
from airflow_provider_okta_ure.plugin.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.core.holding import Hold

ACTIONS = ("add_to_group", "remove_from_group", "push_risk", "upsert_risk", "no_action", "fetch_scores")
COUNTED_AT_MOST = 10_000
EVENTS_AT_MOST = 500

store = Store()
# Asked of every route, whatever it asks itself: without a login nothing is said.
router = APIRouter(prefix="/api", dependencies=[Depends(reader)], responses=RESPONSES, route_class=InTurn)


def action_log() -> ActionLog:
    """Return the action log."""
    return store.open()


LogDep = Annotated[ActionLog, Depends(action_log)]


def readable(who: ReaderDep, log: LogDep) -> list[str]:
    """Return the DAGs in the log whose rows the user may see."""
    with log.database.reading() as connection:
        in_log = facets.dags_in_log(connection)
    return who.readable(in_log)


ReadableDep = Annotated[list[str], Depends(readable)]


@router.get("/filters")
def filters(log: LogDep, dags: ReadableDep, dag_id: Text = "") -> Response:
    """Return what there is to filter by."""
    chosen = [one for one in dags if dag_id in ("", one)]
    with log.database.reading() as connection:
        found = facets.facets(connection, dag_ids=chosen)
    return json_answer(
        {
            "dags": dags,
            "orgs": found.orgs,
            "groups": found.groups,
            "actions": ACTIONS,
            "statuses": STATUSES,
            "reasons": _titled(found.reasons),
            "risk_levels": list(reversed(RISK_LEVELS)),
            "sources": found.sources,
            "okta": {org: {"admin_url": admin_console_of(org)} for org in found.orgs},
        }
    )


@router.get("/overview")
def overview_(
    period: PeriodDep,
    who: ReaderDep,
    log: LogDep,
    dags: ReadableDep,
    dag_id: Text = "",
    run_id: Text = "",
    org: Text = "",
) -> Response:
    """Return a period in numbers, what failed lately, what its newest run did, and how one run is undone."""
    until = period.until
    since = period.since or _month_before(until or datetime.now(tz=timezone.utc))
    wanted = searching.Filter(
        dag_ids=[one for one in dags if dag_id in ("", one)],
        run_id=run_id,
        org=org,
        since=since,
        until=until,
    )
    answer = overview_answer(log, wanted)
    answer |= {"paused": paused_answer(), "revert": None, "reverted_by": []}
    if run_id and dag_id in dags and answer["runs"]:
        answer["revert"] = revert_answer(who, dag_id=dag_id, run_id=run_id)
        answer["reverted_by"] = reverted_answer(who, log, dag_id=dag_id, run_id=run_id)
    return json_answer(answer)


@router.get("/pause")
def pause() -> Response:
    """Return who has paused all writes to Okta, since when and why; also when there is no action log yet."""
    return json_answer({"paused": paused_answer()})


@router.get("/actions")
def actions(
    wanted: WantedDep,
    log: LogDep,
    dags: ReadableDep,
    sort: Literal["as_of", "-as_of"] = "-as_of",
    cursor: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """
    Return a page of the action log, and how many entries the filter matches.

    ``silent`` is for how many users, besides, nothing had to be done: they are counted and have no entries.
    """
    after = to_cursor(cursor)
    with log.database.reading() as connection:
        chosen = people.with_people_found(
            connection, facets.with_group_found(connection, wanted.within(dags))
        )
        count, only_notable = _counted(connection, chosen)
        silent = silent_users.count_silent(connection, chosen)
        found = searching.search(
            connection,
            chosen,
            limit=limit + 1,
            after=after,
            newest_first=sort == "-as_of",
            only_notable=only_notable,
        )
    rows, more = found[:limit], len(found) > limit
    return json_answer(
        {
            "rows": entry_answers(rows),
            "next": to_text(searching.Cursor(rows[-1].as_of, rows[-1].id or 0)) if more else None,
            "count": min(count, COUNTED_AT_MOST),
            "count_is_exact": count <= COUNTED_AT_MOST,
            "silent": silent,
        }
    )


@router.get(
    "/actions.csv",
    status_code=200,
    response_class=CsvExport,
    responses={429: described("As many exports are running as may; Retry-After says when to try again.")},
)
def actions_csv(wanted: WantedDep, who: ReaderDep, log: LogDep, dags: ReadableDep) -> Response:
    """Return all entries that the filter matches as CSV, the oldest first; however many, in little memory."""
    with log.database.reading() as connection:
        chosen = facets.with_group_found(connection, wanted.within(dags))
    return CsvExport(to_csv(log.iterate(chosen)), person=person_of(who), filename="okta-ure-action-log.csv")


@router.get("/people")
def people_(
    log: LogDep, dags: ReadableDep, q: Text = "", limit: Annotated[int, Query(ge=1, le=100)] = 20
) -> Response:
    """Return the people whose name, login or Okta id has this part, those at risk first."""
    with log.database.reading() as connection:
        found = people.find_people(connection, q.strip(), dag_ids=dags, limit=limit + 1)
    return json_answer({"people": found[:limit], "more": len(found) > limit})


@router.get(
    "/person",
    responses={404: described("Nothing is recorded about this person, or at all.")},
)
def person(
    period: PeriodDep,
    log: LogDep,
    dags: ReadableDep,
    user_name: Text = "",
    user_id: Text = "",
    user_key: Text = "",
    dag_id: Text = "",
    unchanged: bool = False,
) -> Response:
    """Return one person's scores, what was done, and the groups that this provider put them in."""
    if not (user_name or user_id or user_key):
        raise HTTPException(422, "Name a person: user_name, user_id or user_key.")
    chosen = [one for one in dags if dag_id in ("", one)]
    with log.database.reading() as connection:
        keys = people.keys_of(
            connection, user_name=user_name, user_id=user_id, user_key=user_key, dag_ids=chosen
        )
        found = people.describe(connection, keys, dag_ids=chosen)
        if found is None:
            raise HTTPException(404, "Nothing that you may see is recorded about this person.")
        events = people.events_of(
            connection,
            keys,
            dag_ids=chosen,
            since=period.since,
            until=period.until,
            with_unchanged=unchanged,
            limit=EVENTS_AT_MOST + 1,
        )
        scores = people.scores_of(connection, keys, dag_ids=chosen, since=period.since, until=period.until)
        return json_answer(
            {
                "person": found,
                "scores": scores,
                "bounds": bounds_of(scores),
                "events": entry_answers(events[:EVENTS_AT_MOST]),
                "more_events": len(events) > EVENTS_AT_MOST,
                "memberships": [
                    membership_answer(entry, _holds_on(connection, entry), readable=dags)
                    for entry in _memberships(connection, keys, chosen)
                ],
            }
        )


def _month_before(moment: datetime) -> datetime:
    """
    Return the beginning of a period that nobody named.

    :raises HTTPException: 400; there is none before that.
    """
    try:
        return moment - timedelta(days=30)
    except OverflowError:
        raise HTTPException(400, "until is too early for a period that ends there.") from None


def _counted(connection: Connection, chosen: searching.Filter) -> tuple[int, bool]:
    """Return how many entries there are, not beyond what is counted, and whether all are notable."""
    if chosen.user or chosen.user_key or chosen.user_keys is not None:
        return searching.count(connection, chosen, most=COUNTED_AT_MOST + 1), False
    by_status = summaries.count_by_status(connection, chosen)
    return sum(by_status.values()), "unchanged" not in by_status


def _memberships(connection: Connection, keys: Sequence[str], dag_ids: Sequence[str]) -> list[Entry]:
    """Return what these DAGs added a person to, and what they hold although another DAG added the person."""
    added = memberships.memberships(connection, users=keys, dag_ids=dag_ids)
    known = {(one.org, one.target) for one in added}
    held = people.held_by(connection, keys, dag_ids=dag_ids, now=datetime.now(tz=timezone.utc))
    return [*added, *(one for one in held if (one.org, one.target) not in known)]


def _holds_on(connection: Connection, entry: Entry) -> list[Hold]:
    """Return the claims on a membership that still count."""
    now = datetime.now(tz=timezone.utc)
    found = holders.holds_on(connection, org=entry.org, target=entry.target, users=[entry.user_key])
    return [one for one in found.get(entry.user_key, []) if one.is_active(now)]


def _titled(reasons: Iterable[tuple[str, bool]]) -> list[dict[str, Any]]:
    """Return the reasons to choose from; those with the same words are one, and so is each code."""
    titles: dict[str, list[str]] = {}
    for code, is_planned in reasons:
        title = title_of(code, is_planned=is_planned)
        if title not in titles.setdefault(code, []):
            titles[code].append(title)
    codes: dict[str, list[str]] = {}
    for code, some in titles.items():
        codes.setdefault(" / ".join(some), []).append(code)
    return [{"title": title, "codes": codes[title]} for title in sorted(codes)]
