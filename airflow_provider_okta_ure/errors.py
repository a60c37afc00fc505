# SPDX-License-Identifier: Apache-2.0
"""
Every exception of this package; each knows whether trying again can help and what a person should do.

::

    OktaUreError
    |-- ConfigurationError (ValueError)   a connection, argument or parameter is wrong
    |   |-- RuleError                     a business rule cannot be used; knows the position
    |   `-- RowError                      a row handed over by another task is malformed; knows row and field
    |-- TransportError            [retry] no usable answer: refused, timed out, cut off
    |-- ApiError                          a service answered with a refusal
    |   |-- InvalidRequestError           400 and its relatives
    |   |-- AuthenticationError           401
    |   |-- PermissionDeniedError         403
    |   |-- NotFoundError                 404
    |   |-- RateLimitedError      [retry] 429, and the wait is longer than we are allowed to wait
    |   `-- ServerError           [retry] 5xx, 408, 425
    |-- WindowUsedUpError         [retry] the next window of a rate limit is further away than we wait
    |-- UnexpectedAnswerError             the answer is not what the specification says
    |-- JwksError                         our published key set cannot be read, or is not right; knows why
    |-- GroupError                        the group is missing, ambiguous or not ours to write
    |-- PreflightError                    something that the work needs is missing; known before it began
    |-- ActionLogError            [retry] the action log's database cannot be used
    |   `-- BusyError             [retry] it has no connection to spare, or a query took too long
    |-- LockedError               [retry] another run is acting on the same target
    |-- PauseUnknownError         [retry] whether all writes are paused cannot be read
    |-- BlastRadiusError                  a task would change more users than it may
    |-- NotApprovedError                  a task waits for an approval that it does not have
    |-- PlanChangedError                  what a task would do is not what was approved
    |-- NotRestoredError                  a replayed old change was delivered, the newest level after it not
    |-- SourceOutageError         [retry] a source has far fewer users than last time
    |-- StaleScoresError          [retry] a source has stopped sending new scores
    |-- UnexpectedFailureError    [retry] an effect ended in an exception that is a fault of this package
    |-- DeliveryError                     risk signals that Okta accepted are not in its System Log
    `-- OutcomeError                      the work ended, but more users failed than ``fail_on`` allows

``[retry]`` marks the classes whose ``retryable`` is True: the same request can succeed later.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from airflow_provider_okta_ure.catalogue import (
    entry_for_answer,
    entry_for_jwks,
    entry_for_reason,
    entry_for_topic,
    link_to,
    linked,
)


class OktaUreError(Exception):
    """
    An error with a remedy, and with the place in the documents that says more.

    :param message: what went wrong, in one sentence, without secrets.
    :param remedy: what a person can do about it; empty = what the catalogue says of the topic.
    :param topic: the entry of the catalogue that explains it; empty = that of the class, if it has one.
    :param retry_after: seconds after which the service expects us again; None = it did not say.
    """

    retryable: bool = False
    default_topic: ClassVar[str] = ""

    def __init__(
        self, message: str, *, remedy: str = "", topic: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        entry = entry_for_topic(topic or self.default_topic)
        self.message = message
        self.remedy = remedy or (entry.advice() if entry else "")
        self.topic = entry.topic if entry else ""
        self.concerns_everybody = entry is not None and entry.concerns_everybody
        self.retry_after = retry_after

    @property
    def explanation(self) -> str:
        """What went wrong and what to do, without the link."""
        return linked(f"{self.message} {self.remedy}".rstrip())

    def reword(self, change: Callable[[str], str]) -> None:
        """
        Change every text that is shown to people, say to take names out of it.

        :param change: returns the new text.
        """
        for name in ("message", "remedy", "summary", "rule"):
            text = getattr(self, name, None)
            if isinstance(text, str):
                setattr(self, name, change(text))
        self.args = tuple(change(one) if isinstance(one, str) else one for one in self.args)

    def __str__(self) -> str:
        return f"{self.explanation} More: {link_to(self.topic)}" if self.topic else self.explanation


class ConfigurationError(OktaUreError, ValueError):
    """A connection, an argument or a parameter is wrong."""


class RuleError(ConfigurationError):
    """
    A business rule cannot be used.

    :param rule: the text of the rule.
    :param position: where in the text the trouble starts, counted from 0; None = the rule as a whole.
    :param suggestion: the name that was probably meant.
    """

    def __init__(
        self,
        message: str,
        *,
        rule: str,
        position: int | None = None,
        suggestion: str | None = None,
        remedy: str = "",
        topic: str = "",
    ) -> None:
        if suggestion:
            remedy = f"Did you mean {suggestion!r}? {remedy}".rstrip()
        super().__init__(message, remedy=remedy, topic=topic)
        self.rule = rule
        self.position = position
        self.suggestion = suggestion

    def name_argument(self, argument: str) -> None:
        """Put the name of the argument that the rule came from before the message."""
        self.message = f"{argument}: {self.message}"
        self.args = (self.message,)

    def __str__(self) -> str:
        text = super().__str__()
        if self.position is None:
            return f"{text}\n  rule: {self.rule}"
        return f"{text}\n  rule: {self.rule}\n        {' ' * self.position}^"


class RowError(ConfigurationError):
    """
    A row that another task handed over is malformed.

    :param index: which row, counted from 0.
    :param field: which field of it; empty when the row as a whole is not usable.
    """

    def __init__(
        self, message: str, *, index: int, field: str = "", remedy: str = "", topic: str = ""
    ) -> None:
        super().__init__(message, remedy=remedy, topic=topic)
        self.index = index
        self.field = field


class TransportError(OktaUreError):
    """
    No usable answer: the name did not resolve, the connection was refused, timed out or was cut off.

    :param sent: whether the request may have reached the service, so that its effect may have happened.
    """

    retryable = True
    default_topic = "no-answer"

    def __init__(self, message: str, *, sent: bool = True, remedy: str = "", topic: str = "") -> None:
        super().__init__(message, remedy=remedy, topic=topic)
        self.sent = sent


class ApiError(OktaUreError):
    """
    A service answered with a refusal.

    :param message: what was refused, in our words.
    :param service: ``Okta`` or ``Netskope``.
    :param status: the HTTP status.
    :param code: the service's own error code (``E0000007``, ``invalid_audience``); empty when it sent none.
    :param summary: the service's own sentence, shortened and without control characters.
    :param request_id: what the service's support asks for; empty when it sent none.
    :param resource: the kind of thing a 404 is about (``User``, ``UserGroup``); empty when unknown.
    """

    def __init__(
        self,
        message: str,
        *,
        service: str,
        status: int,
        code: str = "",
        summary: str = "",
        request_id: str = "",
        resource: str = "",
        remedy: str = "",
        topic: str = "",
        retry_after: float | None = None,
    ) -> None:
        if not topic and self.default_topic:
            entry = entry_for_answer(service, status=status, code=code, said=summary)
            topic = entry.topic if entry else ""
        super().__init__(message, remedy=remedy, topic=topic, retry_after=retry_after)
        self.service = service
        self.status = status
        self.code = code
        self.summary = summary
        self.request_id = request_id
        self.resource = resource

    @property
    def explanation(self) -> str:
        said = " ".join(part for part in (self.code, self.summary) if part)
        trace = f" [request id {self.request_id}]" if self.request_id else ""
        quoted = f": {said}" if said else ""
        return f"{self.message} (HTTP {self.status}{quoted}){trace}. {self.remedy}".rstrip()


class InvalidRequestError(ApiError):
    """The service understood us and says the request is wrong (400, 405, 409, 411, 414, 422)."""


class AuthenticationError(ApiError):
    """The credential is missing, unknown, expired or revoked (401)."""

    default_topic = "okta-api-token"


class PermissionDeniedError(ApiError):
    """The credential is known but may not do this (403)."""

    default_topic = "okta-not-permitted"


class NotFoundError(ApiError):
    """The thing does not exist (404)."""


class RateLimitedError(ApiError):
    """
    Too many requests (429), and waiting for the next window would take longer than we are allowed to wait.

    :param retry_after: seconds after which the service expects us again; 0 = it named no time.
    """

    retryable = True
    default_topic = "okta-rate-limit"
    retry_after: float

    def __init__(
        self, message: str, *, retry_after: float, service: str, status: int = 429, **said: Any
    ) -> None:
        super().__init__(message, service=service, status=status, **said)
        self.retry_after = retry_after


class WindowUsedUpError(OktaUreError):
    """
    Nothing more may be sent until a rate limit's next window, and that is longer than a worker is to be held.

    It is no failure of the user whom the call was for: nothing was sent, or it was refused without effect.

    :param seconds: until the next window.
    :param bucket: the name of the rate limit.
    :param service: ``Okta`` or ``Netskope``.
    """

    retryable = True
    default_topic = "okta-rate-limit"

    def __init__(self, seconds: float, bucket: str, *, service: str = "Okta") -> None:
        super().__init__(
            f"{service}'s limit {bucket} is used up as far as it is ours; its next window begins in "
            f"{seconds:.0f} s.",
            retry_after=seconds,
        )
        self.seconds = seconds
        self.bucket = bucket


class ServerError(ApiError):
    """The service failed (5xx), or asked for the request once more (408, 425), also after our retries."""

    retryable = True
    default_topic = "okta-server-error"


class UnexpectedAnswerError(OktaUreError):
    """The answer is not what the service's specification says."""

    default_topic = "unexpected-answer"


class JwksError(OktaUreError):
    """
    The published key set, or the document that names it, cannot be read or does not hold what it should.

    :param url: where it is published, without a query.
    :param reason: ``address_forbidden``, ``not_https``, ``no_answer``, ``not_trusted``, ``refused``,
        ``redirected``, ``content_type``, ``too_large``, ``malformed``, ``issuer_differs``,
        ``private_key_published``, ``key_missing`` or ``key_differs``.
    :param retryable: whether another try can change that.
    """

    def __init__(
        self, message: str, *, url: str, reason: str, retryable: bool = False, remedy: str = ""
    ) -> None:
        entry = entry_for_jwks(reason)
        super().__init__(message, remedy=remedy, topic=entry.topic if entry else "")
        self.url = url
        self.reason = reason
        self.retryable = retryable


class GroupError(OktaUreError):
    """
    The group is missing, exists more than once under this name, or is not ours to write.

    :param reason: the code for the report: ``group_not_found``, ``ambiguous_group``, ``group_not_writable``,
        ``group_excluded``, ``group_not_allowed``.
    """

    def __init__(self, message: str, *, reason: str, remedy: str = "") -> None:
        entry = entry_for_reason(reason)
        super().__init__(message, remedy=remedy, topic=entry.topic if entry else "")
        self.reason = reason


class PreflightError(OktaUreError):
    """
    Something that the work needs is missing; known before it began.

    :param retryable: whether all that is wrong may pass by itself.
    """

    def __init__(self, message: str, *, retryable: bool, remedy: str = "", topic: str = "") -> None:
        super().__init__(message, remedy=remedy, topic=topic)
        self.retryable = retryable


class ActionLogError(OktaUreError):
    """
    The action log's database cannot be used: unreachable, full, or of a newer version.

    :param retryable: whether another try may find it usable.
    """

    retryable = True
    default_topic = "action-log"

    def __init__(self, message: str, *, remedy: str = "", retryable: bool = True, topic: str = "") -> None:
        super().__init__(message, remedy=remedy, topic=topic)
        self.retryable = retryable


class BusyError(ActionLogError):
    """The action log's database has no connection to spare, or a query took longer than it may."""


class LockedError(OktaUreError):
    """Another run has been acting on the same target for longer than we are to wait."""

    retryable = True
    default_topic = "locked"


class PauseUnknownError(OktaUreError):
    """Whether somebody has paused all writes cannot be read, so nothing is written."""

    retryable = True
    default_topic = "pause-unknown"


class BlastRadiusError(OktaUreError):
    """
    A task would change more users than it may; nothing was written.

    :param plan_id: what a person can approve.
    :param retryable: another try may be allowed it: the other parts of a mapped task were not known yet.
    """

    default_topic = "blast-radius"

    def __init__(self, message: str, *, plan_id: str, retryable: bool = False, topic: str = "") -> None:
        super().__init__(message, topic=topic)
        self.plan_id = plan_id
        self.retryable = retryable


class NotApprovedError(OktaUreError):
    """A task acts only on what a person has approved, and nobody has, or it cannot be proved."""

    default_topic = "not-approved"


class PlanChangedError(OktaUreError):
    """What a task would do now is not what was approved; nothing was written."""

    default_topic = "plan-changed"


class NotRestoredError(OktaUreError):
    """
    An old change was pushed late and delivered, and the newest level, which has to follow it, was not.

    :param retryable: whether another try may deliver it.
    """

    default_topic = "not-restored"

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable


class UnexpectedFailureError(OktaUreError):
    """An effect on a user ended in an exception that this package did not expect, which is its fault."""

    retryable = True
    default_topic = "unexpected-failure"


class SourceOutageError(OktaUreError):
    """A source has far fewer users than it had last time."""

    retryable = True
    default_topic = "source-outage"


class StaleScoresError(OktaUreError):
    """A source has stopped sending new scores."""

    retryable = True
    default_topic = "stale-scores"


class DeliveryError(OktaUreError):
    """
    Risk signals that Okta accepted are not in its System Log.

    :param missing: how many are not.
    :param retryable: whether another look, later, may find one of them.
    """

    default_topic = "signals-missing"

    def __init__(self, message: str, *, missing: int, retryable: bool, topic: str = "") -> None:
        super().__init__(message, topic=topic)
        self.missing = missing
        self.retryable = retryable


class OutcomeError(OktaUreError):
    """
    The work ended, but more users failed than ``fail_on`` allows.

    :param failed: how many failed.
    :param retryable: whether another try can change that.
    """

    default_topic = "too-many-failures"

    def __init__(
        self,
        message: str,
        *,
        failed: int,
        retryable: bool,
        remedy: str = "",
        topic: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy, topic=topic, retry_after=retry_after)
        self.failed = failed
        self.retryable = retryable
