# SPDX-License-Identifier: Apache-2.0
"""How an error of ours ends a command: a sentence on the error stream, not a traceback."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from airflow_provider_okta_ure.core.plain_text import in_one_line
from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError

PROBLEM = 1
WRONG_USAGE = 2
INTERRUPTED = 128 + signal.SIGINT


@contextmanager
def ending_with_status(*, interrupted: str) -> Iterator[None]:
    """
    Let an error of ours end the command with a status for scripts.

    :param interrupted: what to say after Ctrl-C.
    :raises SystemExit: with 2 for wrong options or settings, 1 for another error of ours, 130 for Ctrl-C.
    """
    try:
        yield
    except KeyboardInterrupt:
        status, text = INTERRUPTED, interrupted
    except ConfigurationError as error:
        status, text = WRONG_USAGE, _told(error)
    except OktaUreError as error:
        status, text = PROBLEM, _told(error)
    else:
        return
    sys.stderr.write(f"{text}\n")
    raise SystemExit(status)


def _told(error: OktaUreError) -> str:
    # Names and answers in it come from outside, and a terminal obeys control characters.
    error.reword(in_one_line)
    return f"Error: {error}"
