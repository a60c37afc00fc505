# SPDX-License-Identifier: Apache-2.0
"""The proof that Okta took in the risk signals of a DAG run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from airflow.sdk import BaseSensorOperator, PokeReturnValue, conf
from airflow.sdk.exceptions import AirflowSkipException

from airflow_provider_okta_ure.action_log.confirming import Found
from airflow_provider_okta_ure.catalogue import entry_for_reason
from airflow_provider_okta_ure.core.reports import FailOn
from airflow_provider_okta_ure.core.spans import to_span
from airflow_provider_okta_ure.delivery.diagnosis import Diagnosis
from airflow_provider_okta_ure.delivery.of_run import SCOPES, look, watch_of
from airflow_provider_okta_ure.errors import ConfigurationError, DeliveryError
from airflow_provider_okta_ure.hooks.action_log import open_action_log
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.operators.identities import name_shower
from airflow_provider_okta_ure.operators.identity import RunIdentity
from airflow_provider_okta_ure.operators.retry_policy import ServiceOperator
from airflow_provider_okta_ure.operators.run import failing_for_good, say_as_of, to_flag
from airflow_provider_okta_ure.triggers.okta import OktaRiskEventTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_okta_ure.action_log.entries import Entry
    from airflow_provider_okta_ure.core.missing import Missing
    from airflow_provider_okta_ure.delivery.watch import Progress, Watch

SHOWN = 20
"""So many missing signals are named in the result; the task log names them all."""

NOT_YET = "not_in_log"
"""The one reason that time can mend."""


class OktaRiskEventSensor(ServiceOperator, BaseSensorOperator):
    """
    Find each risk signal that this DAG run pushed in Okta's System Log, or say which are not there and why.

    Okta answers 202 also to a signal that it ignores, so this is the only proof. An event is matched by user,
    sender and time; where several signals for one user are close together, they are counted. The log is
    read once for all users, and each look goes on where the one before stopped. What is found, and what is
    not, is written into the action log.

    A signal that did not arrive has protected nobody, and nobody else will say so: therefore one is enough
    to fail the task unless ``fail_on_missing`` says otherwise. Nothing is undone by that. When the only
    reason is that the event is not there yet, the task's ``retries`` look again, else it fails for good.

    A run that pushed nothing, such as a dry run, is success at once and without a call.

    :param within: how long after the last push an event may take to show up, by Okta's clock: a timedelta,
        or text such as ``5m``. Airflow's own ``timeout`` ends the task without a result. (templated)
    :param fail_on_missing: how many missing signals fail the task: ``1``, ``"10%"`` or ``"never"``.
        (templated)
    :param match_issuer: whether an event has to name our issuer or our security events provider as its
        sender; False = user and time are enough. (templated)
    :param okta_conn_id: the connection to the Okta org. (templated)
    :param poke_interval: seconds between two looks.
    :param deferrable: wait in the triggerer; the default is ``default_deferrable`` in ``[operators]``.
        Without a triggerer leave it off.
    :return: counts of confirmed and missing signals, and the first missing ones with the likely reason.
    """

    scopes: ClassVar[tuple[str, ...]] = SCOPES
    """What a service app has to be granted."""
    template_fields: Sequence[str] = ("within", "fail_on_missing", "match_issuer", "okta_conn_id")

    def __init__(
        self,
        *,
        within: timedelta | str = "5m",
        fail_on_missing: int | str = 1,
        match_issuer: bool | str = True,
        okta_conn_id: str = OktaHook.default_conn_name,
        poke_interval: timedelta | float = 15,
        deferrable: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(poke_interval=poke_interval, **kwargs)
        self.within = within
        self.fail_on_missing = fail_on_missing
        self.match_issuer = match_issuer
        self.okta_conn_id = okta_conn_id
        if deferrable is None:
            deferrable = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = deferrable
        self._watch: Watch | None = None

    def execute(self, context: Context) -> Any:
        with failing_for_good():
            say_as_of(self.log, context)
        if not self.deferrable:
            return super().execute(context)
        first = self.poke(context)
        if not first.is_done:
            self.log.info("Waiting in the triggerer.")
            self.defer(
                trigger=self._trigger(context),
                method_name="execute_complete",
                timeout=timedelta(seconds=self.timeout),
            )
        return first.xcom_value

    def execute_complete(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """Look for ourselves: what the trigger found stands in the action log."""
        if event and event.get("status") == "trouble":
            self.log.warning("The triggerer cannot look, so this task waits itself: %s", event["message"])
        return super().execute(context)

    def poke(self, context: Context) -> PokeReturnValue:
        with failing_for_good():
            fail_on = FailOn.parse(self.fail_on_missing, argument="fail_on_missing")
            watch = self._watch_for(context)
            progress = look(watch)
            if progress.is_over:
                return PokeReturnValue(True, self._end(context, watch, progress, fail_on))
            self.log.info(
                "%d risk signals are in Okta's System Log, %d are not yet.",
                progress.confirmed,
                len(progress.missing),
            )
            return PokeReturnValue(False)

    def _watch_for(self, context: Context) -> Watch:
        """Return the watch, always the same one, so that each page of the log is read once."""
        if self._watch is None:
            self._watch = watch_of(**self._arguments(context))
        return self._watch

    def _trigger(self, context: Context) -> OktaRiskEventTrigger:
        arguments = self._arguments(context)
        within: timedelta = arguments.pop("within")
        return OktaRiskEventTrigger(
            **arguments, within=within.total_seconds(), poke_interval=self.poke_interval
        )

    def _arguments(self, context: Context) -> dict[str, Any]:
        within = to_span(self.within, "within")
        if within is None:
            raise ConfigurationError("within is empty.", remedy="Use a timedelta, or text such as 5m.")
        run = RunIdentity.of(context)
        return {
            "okta_conn_id": self.okta_conn_id,
            "dag_id": run.dag_id,
            "run_id": run.run_id,
            "within": within,
            "match_issuer": to_flag(self.match_issuer, "match_issuer"),
        }

    def _end(self, context: Context, watch: Watch, progress: Progress, fail_on: FailOn) -> dict[str, Any]:
        explained = self._explained(watch, progress) if progress.missing else []
        result = to_result(progress, explained)
        self._say(progress, result, explained)
        error = _verdict(result, explained, fail_on)
        if error is None:
            return result
        # A failed task returns nothing; the result says what arrived all the same.
        context["ti"].xcom_push(key="report", value=result)
        if self.soft_fail:
            raise AirflowSkipException(str(error))
        raise error

    def _explained(self, watch: Watch, progress: Progress) -> list[Explained]:
        shown, log = name_shower(), open_action_log()
        try:
            log.confirm([Found(entry_id=one.id or 0, confirmation="missing") for one in progress.missing])
            diagnosis = Diagnosis(
                watch, log, lambda scope: OktaHook(self.okta_conn_id, scopes=(scope,)).client
            )
            return [
                Explained(shown(entry.user_name), entry, why)
                for entry, why in diagnosis.explain(progress.missing)
            ]
        finally:
            log.close()

    def _say(self, progress: Progress, result: dict[str, Any], explained: Sequence[Explained]) -> None:
        if not result["total"]:
            self.log.info("This run pushed no risk signal to this org.")
        else:
            self.log.info("%d of %d risk signals are in Okta's System Log.", *_shares(result))
        if progress.elsewhere:
            self.log.info("%d risk signals went to other orgs.", progress.elsewhere)
        for one in explained:
            self.log.warning(
                "missing",
                user=one.user,
                reason=one.why.reason,
                message=one.why.message,
                user_id=one.entry.user_id,
                risk_level=one.entry.risk_level,
                jti=one.entry.jti,
                request_id=one.entry.request_id,
            )


class Explained(NamedTuple):
    """A missing signal: the user's name as it may be shown, the entry of the action log, and the reason."""

    user: str
    entry: Entry
    why: Missing


def to_result(progress: Progress, explained: Sequence[Explained]) -> dict[str, Any]:
    """Return what the task hands over; its size does not depend on the number of users."""
    reasons = Counter(f"missing:{one.why.reason}" for one in explained)
    return {
        "total": progress.confirmed + len(explained),
        "counts": {"confirmed": progress.confirmed, "missing": len(explained)},
        "reasons": dict(sorted(reasons.items())),
        "missing": [
            {
                "user": one.user,
                "reason": one.why.reason,
                "message": one.why.message,
                "user_id": one.entry.user_id,
                "risk_level": one.entry.risk_level,
                "jti": one.entry.jti,
                "request_id": one.entry.request_id,
            }
            for one in explained[:SHOWN]
        ],
    }


def _shares(result: dict[str, Any]) -> tuple[int, int]:
    return result["counts"]["confirmed"], result["total"]


def _verdict(result: dict[str, Any], explained: Sequence[Explained], fail_on: FailOn) -> DeliveryError | None:
    if not fail_on.is_reached(failed=len(explained), total=result["total"]):
        return None
    common = Counter(one.why.reason for one in explained).most_common(1)[0][0]
    first = next(one for one in explained if one.why.reason == common)
    entry = entry_for_reason(common)
    return DeliveryError(
        f"{len(explained)} of {result['total']} risk signals are not in Okta's System Log, mostly {common}: "
        f"{first.user}: {first.why.message}.",
        missing=len(explained),
        retryable=any(one.why.reason == NOT_YET for one in explained),
        topic=entry.topic if entry else "",
    )
