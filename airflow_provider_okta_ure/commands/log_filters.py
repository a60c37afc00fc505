# SPDX-License-Identifier: Apache-2.0
"""Options of a command become the filter of the action log; a wrong word is an error, not an empty result."""

from __future__ import annotations

import contextlib
import difflib
from collections.abc import Iterable
from datetime import date, datetime, time, timezone
from typing import TYPE_CHECKING, get_args

from airflow_provider_okta_ure.action_log.entries import LogAction, LogStatus
from airflow_provider_okta_ure.action_log.searching import Filter
from airflow_provider_okta_ure.catalogue import known_reasons
from airflow_provider_okta_ure.core.models import RISK_LEVELS
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace


def to_filter(args: Namespace, now: datetime) -> Filter:
    """
    Return the filter that the options of ``action-log export`` mean.

    :param now: what ``7d`` counts back from (aware).
    :raises ConfigurationError: an option has a value that no entry can have.
    """
    since, until = to_moment(args.since, "--since", now), to_moment(args.until, "--until", now)
    if since is not None and until is not None and since >= until:
        raise ConfigurationError(
            f"--since is {since.isoformat()}, which is not before --until, {until.isoformat()}.",
            remedy="Give the earlier moment as --since.",
        )
    return Filter(
        user=args.user or "",
        user_key=args.user_key or "",
        org=args.org or "",
        group=args.group or "",
        action=_known(args.action, get_args(LogAction), "--action"),
        status=_known(args.status, get_args(LogStatus), "--status"),
        reason=_known(args.reason, known_reasons(), "--reason"),
        risk_level=_known(args.risk_level, RISK_LEVELS, "--risk-level"),
        dag_ids=args.dag_id or None,
        run_id=args.run_id or "",
        task_id=args.task_id or "",
        since=since,
        until=until,
    )


def to_moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """
    Return the moment that ``2026-11-23``, ``2026-11-23T03:00:00Z`` or ``7d`` means; None stays None.

    A day is its beginning in UTC, a time without an offset is UTC, and a span counts back from ``now``.

    :raises ConfigurationError: it is none of these.
    """
    if text is None:
        return None
    moment = _on_a_day(text.strip()) or _at_a_time(text.strip())
    if moment is not None:
        return moment
    with contextlib.suppress(ConfigurationError, OverflowError):
        ago = to_span(text.strip(), option)
        if ago is not None:
            return now - ago
    raise ConfigurationError(
        f"{option} is {text!r}.",
        remedy="Use a day such as 2026-11-23, a time such as 2026-11-23T03:00:00Z, or 7d for seven days ago.",
    )


def _on_a_day(text: str) -> datetime | None:
    try:
        return datetime.combine(date.fromisoformat(text), time(), tzinfo=timezone.utc)
    except ValueError:
        return None


def _at_a_time(text: str) -> datetime | None:
    try:
        # Python 3.10 does not know Z.
        moment = datetime.fromisoformat(f"{text[:-1]}+00:00" if text[-1:] in "Zz" else text)
        return moment.replace(tzinfo=moment.tzinfo or timezone.utc).astimezone(timezone.utc)
    except (ValueError, OverflowError):
        return None


def _known(given: list[str] | None, known: Iterable[str], option: str) -> list[str]:
    words = sorted(known)
    for one in given or ():
        if one not in words:
            close = difflib.get_close_matches(one, words, n=1)
            raise ConfigurationError(
                f"{option} is {one!r}, which no entry has.",
                remedy=f"Did you mean {close[0]!r}?" if close else f"Use one of {', '.join(words)}.",
            )
    return given or []
