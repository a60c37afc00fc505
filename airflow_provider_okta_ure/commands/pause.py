# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure pause`` and ``resume``: the switch that stops all writes to Okta."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.commands.auditing import audited, who
from airflow_provider_okta_ure.commands.connections import reading_the_database
from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.options import refuse_empty
from airflow_provider_okta_ure.commands.output import output_kept_clean
from airflow_provider_okta_ure.core.pausing import VARIABLE, Pause
from airflow_provider_okta_ure.errors import OktaUreError, PauseUnknownError
from airflow_provider_okta_ure.hooks.pause import read_pause

if TYPE_CHECKING:
    from argparse import Namespace

_BY_HAND = f"Change the Airflow Variable {VARIABLE} by hand, under Admin > Variables."
_DESCRIPTION = "While this is set, the Okta operators write nothing. `airflow okta-ure resume` removes it."


@audited
def pause(args: Namespace) -> None:
    """Stop all writes to Okta, in running tasks too, and say so."""
    with ending_with_status(
        interrupted="Interrupted; `airflow okta-ure check` says whether writes are paused."
    ):
        refuse_empty(args)
        with output_kept_clean(), reading_the_database():
            before = _before()
            now = Pause(since=utc_now(), by=who(), reason=args.reason)
            _store(now if before is None else _both(before, now))
            told = read_pause()
        if told is None:
            raise OktaUreError("The switch was set, and is not on when it is read.", remedy=_BY_HAND)
        already = "They were paused already; the first time is kept. " if before is not None else ""
        sys.stdout.write(
            f"All writes to Okta are {told.in_words()}.\n{already}"
            "Running tasks stop before their next batch of users; `airflow okta-ure resume` ends it.\n"
        )


@audited
def resume(args: Namespace) -> None:
    """Let the operators write again, and say so."""
    with ending_with_status(
        interrupted="Interrupted; `airflow okta-ure check` says whether writes are paused."
    ):
        refuse_empty(args)
        with output_kept_clean(), reading_the_database():
            before = _before()
            _remove()
            left = read_pause()
        if left is not None:
            raise OktaUreError(
                f"All writes are still {left.in_words()}.",
                remedy="Another place says so: the environment variable "
                f"AIRFLOW_VAR_{VARIABLE.upper()}, or a secrets backend.",
            )
        said = "Nothing was paused." if before is None else f"Resumed; all writes were {before.in_words()}."
        sys.stdout.write(f"{said}\n")
        if before is not None:
            sys.stdout.write("The next run of each DAG does what was left; a cleared task does it at once.\n")


def utc_now() -> datetime:
    """Return the present time in whole seconds; a function of its own so that a test can set it."""
    return datetime.now(tz=timezone.utc).replace(microsecond=0)


def _before() -> Pause | None:
    try:
        return read_pause()
    except PauseUnknownError:
        # Above all the switch has to work.
        return None


def _both(first: Pause, again: Pause) -> Pause:
    """Return the first pause with the second reason besides: who ends it has to know of both."""
    if again.reason == first.reason:
        return first
    more = f"{again.by}: {again.reason}"
    return Pause(since=first.since, by=first.by, reason=f"{first.reason}; {more}" if first.reason else more)


def _store(pause: Pause) -> None:
    from airflow.models import Variable

    with _trouble():
        Variable.set(VARIABLE, pause.to_text(), description=_DESCRIPTION)


def _remove() -> None:
    from airflow.models import Variable

    with _trouble():
        Variable.delete(VARIABLE)


@contextmanager
def _trouble() -> Iterator[None]:
    """Turn what Airflow's database says into an error of ours."""
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        raise OktaUreError(
            f"Airflow's database cannot be written from here: {type(error).__name__}.", remedy=_BY_HAND
        ) from error
