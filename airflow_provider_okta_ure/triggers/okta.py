# SPDX-License-Identifier: Apache-2.0
"""Waiting in the triggerer for a DAG run's risk signals to show up in Okta's System Log."""

from __future__ import annotations

import asyncio
import contextvars
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_okta_ure.delivery.of_run import look, watch_of
from airflow_provider_okta_ure.errors import OktaUreError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.delivery.watch import Progress, Watch

SHORTEST_INTERVAL = 1.0
PATIENCE = timedelta(minutes=5)
"""How much longer than the signals may take a trigger keeps trying while Okta does not answer."""

# Threads of our own: a look may wait for a rate limit, and must not take the triggerer's threads from others.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="okta-ure-trigger")


class OktaRiskEventTrigger(BaseTrigger):
    """
    Look into Okta's System Log until all risk signals of a DAG run are there, or their time is over.

    What it finds goes straight into the action log, so it can be started anew at any moment, also in two
    triggerers at once. The event that ends it only says that the sensor is to look for itself; it holds
    no name, and neither do the arguments, which Airflow stores.

    :param okta_conn_id: the connection to the Okta org.
    :param dag_id: the DAG whose run pushed.
    :param run_id: that run.
    :param within: seconds after the last push in which an event has to show up.
    :param poke_interval: seconds between two looks; at least one.
    :param match_issuer: whether an event has to name our issuer.
    """

    def __init__(
        self,
        *,
        okta_conn_id: str,
        dag_id: str,
        run_id: str,
        within: float,
        poke_interval: float,
        match_issuer: bool,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Airflow's own has no types
        self.okta_conn_id = okta_conn_id
        self.dag_id = dag_id
        self.run_id = run_id
        self.within = within
        self.poke_interval = poke_interval
        self.match_issuer = match_issuer

    def serialize(self) -> tuple[str, dict[str, Any]]:
        arguments = ("okta_conn_id", "dag_id", "run_id", "within", "poke_interval", "match_issuer")
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {name: getattr(self, name) for name in arguments}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        watch: Watch | None = None
        give_up = time.monotonic() + self.within + PATIENCE.total_seconds()
        while True:
            wait = max(self.poke_interval, SHORTEST_INTERVAL)
            try:
                watch = watch or await _in_thread(self._watch)
                progress: Progress = await _in_thread(partial(look, watch))
            except OktaUreError as error:
                if not error.retryable or time.monotonic() > give_up:
                    yield _event("trouble", message=str(error))
                    return
                self.log.warning("Looking again later: %s", error.message)
                wait = max(wait, error.retry_after or 0.0)
            else:
                if progress.is_over:
                    yield _event("over")
                    return
                self.log.info("%d risk signals are not in Okta's System Log yet.", len(progress.missing))
            await asyncio.sleep(wait)

    def _watch(self) -> Watch:
        return watch_of(
            self.okta_conn_id,
            dag_id=self.dag_id,
            run_id=self.run_id,
            within=timedelta(seconds=self.within),
            match_issuer=self.match_issuer,
        )


def _event(status: str, **more: str) -> TriggerEvent:
    return TriggerEvent({"status": status, **more})  # type: ignore[no-untyped-call]  # as above


async def _in_thread(work: Any) -> Any:
    """
    Return what blocking work returns.

    Reading a connection is part of it: the triggerer answers that from another thread, and only there
    without being held up by itself.
    """
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_threads, context.run, work)
