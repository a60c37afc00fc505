# SPDX-License-Identifier: Apache-2.0
"""The one way this package speaks HTTP: authorised, patient, polite, and never in doubt about an answer."""

from __future__ import annotations

import codecs
import copy
import logging
import threading
import weakref
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar
from urllib.parse import urljoin

import msgspec
from urllib3.exceptions import HTTPError

from airflow_provider_okta_ure import __version__
from airflow_provider_okta_ure.clients.answers import (
    Refusal,
    Reply,
    clean_text,
    decoded_object,
    is_html,
    outline,
)
from airflow_provider_okta_ure.clients.auth import NoAuth, OriginAuth
from airflow_provider_okta_ure.clients.bodies import TooNestedError, UnreadableError, read_json
from airflow_provider_okta_ure.clients.calls import Call
from airflow_provider_okta_ure.clients.dialects import retry_after
from airflow_provider_okta_ure.clients.failures import no_answer
from airflow_provider_okta_ure.clients.glimpse import Glimpse, take_glimpse
from airflow_provider_okta_ure.clients.hosts import is_seen_by, origin_of
from airflow_provider_okta_ure.clients.limits import Gate
from airflow_provider_okta_ure.clients.links import joined, next_link
from airflow_provider_okta_ure.clients.lists import LARGEST_PAGE, Listing, ListLimits
from airflow_provider_okta_ure.clients.nesting import MOST_NESTED, MOST_VALUES
from airflow_provider_okta_ure.clients.retries import Again, Patience, RetryPolicy, Timing, repeat
from airflow_provider_okta_ure.clients.sessions import AnswerLimits, Session
from airflow_provider_okta_ure.clients.unpacking import ACCEPTED_CODING, LARGEST_ANSWER, AnswerLimitError
from airflow_provider_okta_ure.errors import (
    ApiError,
    ConfigurationError,
    OktaUreError,
    RateLimitedError,
    TransportError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    import requests

    from airflow_provider_okta_ure.clients.dialects import Dialect
    from airflow_provider_okta_ure.clients.limit_stores import LimitStore

log = logging.getLogger(__name__)

BodyT = TypeVar("BodyT")

USER_AGENT = f"airflow-provider-okta-ure/{__version__}"
TIME_TO_READ = 120.0
"""Seconds that an answer may take once it has begun; a page has a few hundred KiB."""

_HEADERS = {"Accept": "application/json", "User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED_CODING}
_LOOKED_AT = 4096

_REPEATABLE = ("GET", "HEAD", "PUT", "DELETE")  # RFC 9110 section 9.2.2
# 425: the service has not looked at the request (RFC 8470 section 5.2). A 408 does not say so.
_REPEATED_FOR_ALL = (425, 429, 502, 503, 504)


class Transport(TypedDict, total=False):
    """How to reach a service; see :class:`ApiClient`."""

    connect_timeout: float
    read_timeout: float
    answer_timeout: float | None
    largest_answer: int
    list_limits: ListLimits
    verify: bool | str
    proxy: str | None
    retry: RetryPolicy
    rate_limit_share: float
    give_back_after: float | None
    limit_store: LimitStore | None
    timing: Timing


class ApiClient:
    """
    Sends requests to one service; safe to use from many threads.

    :param base_url: scheme, host and port of the service; checked and spelled by ``hosts``.
    :param auth: authorises requests to that origin, and to no other.
    :param dialect: how the service speaks.
    :param connect_timeout: seconds to wait for a connection.
    :param read_timeout: seconds to wait for the next bytes of an answer.
    :param answer_timeout: seconds until an answer is there, to its last byte, each time that a request is
        sent; None = two minutes more than it may take to begin. Unpacking counts.
    :param largest_answer: bytes that an answer may have, on the wire and after unpacking.
    :param list_limits: what all pages of one list may take together.
    :param verify: check the server's certificate; or the path of a file with the authorities to trust.
    :param proxy: URL of a proxy; None = what the environment says.
    :param retry: how patient each call is.
    :param rate_limit_share: how much of each rate limit window we may use, more than 0, at most 1.
    :param give_back_after: a call that would have to wait longer than so many seconds for a rate limit's
        window is not sent, and :class:`WindowUsedUpError` is raised at once; None = it waits.
    :param limit_store: where all processes that use the same limits count together; None = on this machine.
    :param per_second: the most requests per second; None = as many as the headers allow.
    :param timing: where time and chance come from.
    """

    def __init__(
        self,
        base_url: str,
        auth: OriginAuth,
        dialect: Dialect,
        *,
        connect_timeout: float = 10.0,
        read_timeout: float = 60.0,
        answer_timeout: float | None = None,
        largest_answer: int = LARGEST_ANSWER,
        list_limits: ListLimits | None = None,
        verify: bool | str = True,
        proxy: str | None = None,
        retry: RetryPolicy | None = None,
        rate_limit_share: float = 0.8,
        give_back_after: float | None = None,
        limit_store: LimitStore | None = None,
        per_second: float | None = None,
        timing: Timing | None = None,
    ) -> None:
        origin = origin_of(base_url)
        if origin is None or (origin.scheme != "https" and not origin.is_loopback):
            raise ConfigurationError("The base URL is not an https URL.", remedy="Let `hosts` spell it.")
        if proxy and is_seen_by(proxy, base_url):
            raise ConfigurationError(
                "The host of the connection has plain http, and the proxy is not on this machine: "
                "it would see the token.",
                remedy="Leave `proxy` empty for a sandbox on this machine, or use https.",
                topic="proxy-trouble",
            )
        if not 0 < rate_limit_share <= 1:
            raise ConfigurationError(
                f"rate_limit_share is {rate_limit_share}.", remedy="Use a number above 0 and at most 1."
            )
        self.base_url = str(origin)
        self._auth = auth.bound_to(self.base_url)
        self._dialect = dialect
        self._timeout = (connect_timeout, read_timeout)
        self._limits = AnswerLimits(
            read_timeout + TIME_TO_READ if answer_timeout is None else answer_timeout, largest_answer
        )
        self._list_limits = list_limits or ListLimits()
        self._verify = verify
        self._proxies = {"http": proxy, "https": proxy} if proxy else {}
        # A proxy of the environment would look for the sandbox on its own machine.
        self._is_direct = origin.is_loopback and not proxy
        self._retry = retry or RetryPolicy()
        self._timing = timing or Timing()
        self._gate = Gate(
            dialect.service,
            rate_limit_share,
            self._timing,
            per_second=per_second,
            limited=f"{self.base_url} {auth.counted_as}",
            give_back_after=give_back_after,
            store=limit_store,
        )
        self._local = threading.local()
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    @property
    def service(self) -> str:
        """The service's name for messages."""
        return self._dialect.service

    @property
    def timing(self) -> Timing:
        return self._timing

    @property
    def rate_limit_share(self) -> float:
        """How much of each rate limit window we use at most."""
        return self._gate.share

    @property
    def limits(self) -> dict[str, int]:
        """The rate limits that answers described so far: requests per window, by bucket."""
        return self._gate.limits

    @property
    def sent(self) -> dict[str, int]:
        """How many requests were sent so far, by bucket; repeated ones count each time."""
        return self._gate.sent

    def with_patience(self, retry: RetryPolicy) -> ApiClient:
        """Return the same client, on the same connections and limits, with another patience."""
        other = copy.copy(self)
        other._retry = retry  # noqa: SLF001  # a copy of ourselves
        return other

    def glimpse(self, path: str) -> Glimpse:
        """
        Return what the service shows to somebody without a token; sent once.

        :raises OktaUreError: it gives no answer.
        """
        session, settings = self._session()
        headers = {"Accept": "application/json", "User-Agent": USER_AGENT, "Accept-Encoding": "identity"}
        try:
            return take_glimpse(
                session,
                urljoin(self.base_url, path),
                timeout=self._timeout,
                settings=settings,
                headers=headers,
                timing=self._timing,
            )
        except AnswerLimitError as error:
            raise self._too_large(f"GET {path.partition('?')[0]}", error) from None
        except (OSError, ValueError, HTTPError) as error:
            raise no_answer(error, self._dialect.service, self.base_url) from None

    def give_back_after(self, seconds: float | None) -> None:
        """
        From now on, refuse a call that would have to wait longer for a rate limit's window.

        :param seconds: see ``give_back_after``; None = it waits.
        """
        self._gate.give_back_after(seconds)

    def close(self) -> None:
        """Close the connections of all threads; the next request opens new ones."""
        with self._lock:
            for session in list(self._sessions):
                session.close()
        self._gate.close()
        self._auth.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        bucket: str,
        expect: type[BodyT] | None = None,
        params: Mapping[str, Any] | None = None,
        json: object = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accepts: tuple[int, ...] = (200,),
        repeatable: bool | None = None,
        authorised: bool = True,
        secrets: tuple[str, ...] = (),
    ) -> Reply[BodyT]:
        """
        Send a request, repeat it while that is safe and can help, and return the answer.

        :param path: below the base URL, with a leading slash; or a URL of the same origin.
        :param bucket: the name of the rate limit that the request counts against.
        :param expect: the type of the body; ``bytes`` = as it came; None = no body is expected and
            what comes is ignored.
        :param json: becomes the body, as JSON.
        :param body: becomes the body, as it is.
        :param accepts: the statuses with which the service documents that it did what was asked; any other
            one is somebody else's.
        :param repeatable: whether it may be sent again when it is unknown whether it arrived;
            None = as the method says.
        :param authorised: whether to send the token.
        :param secrets: what must not be repeated in messages, besides what authorises the call.
        :raises OktaUreError: the service refused, gave no answer, or one that makes no sense.
        """
        headers = dict(headers or {})
        if json is not None:
            body = msgspec.json.encode(json)
            headers.setdefault("Content-Type", "application/json")
        return self._run(
            Call(
                method=method,
                url=urljoin(self.base_url, path),
                bucket=bucket,
                repeatable=method in _REPEATABLE if repeatable is None else repeatable,
                expect=expect,
                accepts=accepts,
                params=params or {},
                body=body,
                headers=headers,
                auth=self._auth if authorised else NoAuth(),
                secrets=secrets,
            )
        )

    def pages(
        self,
        path: str,
        *,
        bucket: str,
        expect: type[list[BodyT]],
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        until_empty: bool = False,
    ) -> Iterator[list[BodyT]]:
        """
        Yield the pages of a list, following ``Link: rel="next"``; each page is repeated by itself.

        :param until_empty: the service gives a next page for ever, and an empty page is the end.
        :raises UnexpectedAnswerError: the next page is on another origin, was there before, or no end comes.
        """
        size = str((params or {}).get("limit", ""))
        listing = self.listing(int(size) if size.isdigit() else LARGEST_PAGE)
        reply: Reply[list[BodyT]] = listing.page(
            "GET", path, bucket=bucket, expect=expect, params=params, headers=headers
        )
        while True:
            yield reply.body
            target = next_link(reply.headers.get("Link", ""))
            if not target or (until_empty and not reply.body):
                return
            url = listing.after(reply, target)
            reply = listing.page("GET", url, bucket=bucket, expect=expect, headers=headers)

    def listing(self, page_size: int) -> Listing:
        """Return what reads the pages of one list, each within the limits of all of them together."""
        return Listing(self, page_size, self._list_limits)

    def _run(self, call: Call) -> Reply[Any]:
        patience = Patience(self._retry, lambda seconds: self._out_of_patience(call, seconds))
        first: requests.Response | None = None
        count = 0
        mended: set[str] = set()

        def attempt() -> Reply[Any]:
            nonlocal first, count
            while True:
                again = self._repeat_headers(call, first, count) if count else {}
                count += 1
                with self._gate.slot(call.bucket, patience) as note:
                    response, content = self._send(call, again)
                    note(self._dialect.window(response.headers))
                call.auth.learn(response)
                first = response if first is None else first
                try:
                    return self._judge(call, response, content)
                except ApiError as error:
                    # A refused request had no effect, so this is safe whatever the method is.
                    if not call.auth.mend(error, response, mended):
                        raise call.auth.explained(error) from None

        return repeat(attempt, f"{self._dialect.service} {call.title}", self._retry, patience, self._timing)

    def _repeat_headers(self, call: Call, first: requests.Response | None, count: int) -> Mapping[str, str]:
        return self._dialect.repeat_headers("" if first is None else self._request_id(call, first), count)

    def _send(self, call: Call, again: Mapping[str, str]) -> tuple[requests.Response, bytes]:
        """Return an answer and its body."""
        started = self._timing.monotonic()
        try:
            session, settings = self._session()
            prepared = session.prepared(
                call.method,
                call.url,
                params=call.params,
                body=call.body,
                headers={**_HEADERS, **call.headers, **again},
                auth=call.auth,
            )
            response, content = session.exchange(prepared, timeout=self._timeout, **settings)
        except OktaUreError:
            raise  # of the sign-in; some of ours are ValueErrors as well
        except AnswerLimitError as error:
            raise self._too_large(call.title, error) from None
        # Errors of requests are OSErrors, as is a missing CA bundle; what it cannot parse are ValueErrors.
        except (OSError, ValueError, HTTPError) as error:
            raise self._failed(call, no_answer(error, self._dialect.service, self.base_url)) from None
        if log.isEnabledFor(logging.DEBUG):
            log.debug(
                "%s %s -> %s in %.0f ms, request id %s",
                self._dialect.service,
                call.title,
                response.status_code,
                (self._timing.monotonic() - started) * 1000,
                self._request_id(call, response) or "-",
            )
        return response, content

    def _too_large(self, title: str, error: AnswerLimitError) -> UnexpectedAnswerError:
        return UnexpectedAnswerError(
            f"{self._dialect.service}'s answer to {title} {error}. It was not read any further.",
            topic="answer-too-large",
        )

    def _failed(self, call: Call, error: OktaUreError) -> Exception:
        """Return what to raise when there was no usable answer."""
        safe = isinstance(error, TransportError) and (call.repeatable or not error.sent)
        return Again(error) if safe else error

    def _judge(self, call: Call, response: requests.Response, content: bytes) -> Reply[Any]:
        status = response.status_code
        if 300 <= status < 400:
            target = _host_of(joined(call.url, response.headers.get("Location", "")))
            raise UnexpectedAnswerError(
                f"{self._dialect.service} answered {call.title} by sending us to {target} (HTTP {status}); "
                "not followed, because the token would go there."
            )
        if not 200 <= status < 300:
            raise self._refused(call, response, content)
        is_page = is_html(response.headers.get("Content-Type", ""), content)
        if not is_page and self._dialect.is_refusal(outline(content)):
            raise self._refused(call, response, content)
        if is_page or status not in call.accepts:
            raise self._from_elsewhere(call, response, content)
        return Reply(
            status=status,
            request_id=self._request_id(call, response),
            url=response.url,
            headers=response.headers,
            body=self._decoded(call, response, content),
            size=len(content),
        )

    def _decoded(self, call: Call, response: requests.Response, content: bytes) -> Any:
        if call.expect is None or call.expect is bytes:
            return content if call.expect else None
        service = self._dialect.service
        try:
            value, left_out = read_json(content, call.expect)
        except msgspec.ValidationError as error:
            # msgspec names the place and the kinds, never the value.
            raise UnexpectedAnswerError(
                f"{service}'s answer to {call.title} has another form: {error}."
            ) from None
        except TooNestedError:
            said = AnswerLimitError(f"has more than {MOST_NESTED} levels or {MOST_VALUES:,} values")
            raise self._too_large(call.title, said) from None
        except UnreadableError:
            if _is_text(content):
                raise self._from_elsewhere(call, response, content) from None
            cut_off = TransportError(f"{service}'s answer to {call.title} was cut off or is not JSON.")
            raise self._failed(call, cut_off) from None
        if left_out:
            log.warning(
                "%s's answer to %s: %d elements make no sense and were left out.",
                service,
                call.title,
                left_out,
            )
        return value

    def _from_elsewhere(
        self, call: Call, response: requests.Response, content: bytes
    ) -> UnexpectedAnswerError:
        """Return what to raise for an answer that the service does not give to this call."""
        service, status = self._dialect.service, response.status_code
        if is_html(response.headers.get("Content-Type", ""), content):
            return UnexpectedAnswerError(f"{service}'s answer to {call.title} is a page for people.")
        documented = " or ".join(f"HTTP {one}" for one in call.accepts)
        what = f"HTTP {status}" + (" with something else than JSON" if status in call.accepts else "")
        return UnexpectedAnswerError(
            f"{service} answers {call.title} with {documented}, and {what} came: "
            "a proxy or gateway on the way answered in its place.",
            topic="proxy-answered",
        )

    def _refused(self, call: Call, response: requests.Response, content: bytes) -> Exception:
        """Return what to raise for a refusal: its error, or the signal to try again."""
        error = self._dialect.error(self._refusal(call, response, content))
        status = response.status_code
        if status == 429:
            seconds = self._dialect.wait_after_429(response.headers)
            self._gate.slow_down()
            if seconds is not None and self._dialect.window(response.headers) is None:
                self._gate.hold(call.bucket, seconds)
            self._gate.check_wait(call.bucket, seconds or 0.0)
            return Again(error, seconds)
        if error.retryable and (status in _REPEATED_FOR_ALL or call.repeatable):
            return Again(error, retry_after(response.headers))
        return error

    def _refusal(self, call: Call, response: requests.Response, content: bytes) -> Refusal:
        return Refusal(
            method=call.method,
            path=call.path,
            status=response.status_code,
            headers=response.headers,
            said=decoded_object(content),
            is_html=is_html(response.headers.get("Content-Type", ""), content),
            secrets=self._secrets(call),
        )

    def _secrets(self, call: Call) -> tuple[str, ...]:
        """Return what is not to be repeated, also from a call that goes without authorisation."""
        return self._auth.secrets + call.auth.secrets + call.secrets

    def _out_of_patience(self, call: Call, seconds: float) -> ApiError:
        return RateLimitedError(
            f"{call.title} would have to wait {seconds:.0f} s, longer than allowed, "
            f"for our share of {self._dialect.service}'s limit {call.bucket}",
            retry_after=seconds,
            service=self._dialect.service,
        )

    def _request_id(self, call: Call, response: requests.Response) -> str:
        return clean_text(response.headers.get(self._dialect.request_id_header, ""), self._secrets(call))

    def _session(self) -> tuple[Session, Mapping[str, Any]]:
        """Return this thread's session, and what the environment says about proxies and authorities."""
        found: tuple[Session, Mapping[str, Any]] | None = getattr(self._local, "session", None)
        if found is None:
            session = Session(self._limits, self._timing.monotonic)
            # Once, because all requests go to one host and reading the environment takes as long as sending.
            proxies: dict[str, Any] = dict(self._proxies)
            settings = session.merge_environment_settings(self.base_url, proxies, False, self._verify, None)
            if self._is_direct:
                settings["proxies"] = {}
            found = self._local.session = (session, settings)
            with self._lock:
                self._sessions.add(session)
        return found


def _is_text(content: bytes) -> bool:
    """Whether a body is words of somebody, not a piece of JSON or of something that broke."""
    try:
        # The beginning is enough; a letter that the cut takes apart is no error here.
        text = codecs.getincrementaldecoder("utf-8")().decode(content[:_LOOKED_AT]).strip()
    except UnicodeDecodeError:
        return False
    return bool(text) and text[0] not in "[{"


def _host_of(url: str) -> str:
    origin = origin_of(url)
    return str(origin) if origin else "an address that makes no sense"
