# SPDX-License-Identifier: Apache-2.0
"""A session of ``requests`` that takes each answer as it is, whole, and within limits."""

from __future__ import annotations

from collections.abc import Callable
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from urllib3.exceptions import ProtocolError, ReadTimeoutError, SSLError

from airflow_provider_okta_ure.clients.timed_answers import TimedAnswerAdapter
from airflow_provider_okta_ure.clients.timed_sockets import Deadline
from airflow_provider_okta_ure.clients.unpacking import LARGEST_ANSWER, GarbledError, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from requests.auth import AuthBase

_CHUNK = 64 * 1024


class AnswerLimits(NamedTuple):
    """
    What one answer may take.

    :param seconds: from the end of the request to the end of the answer, unpacking included.
    :param size: bytes, both on the wire and after unpacking.
    """

    seconds: float
    size: int = LARGEST_ANSWER


class Session(requests.Session):
    """
    Connections to one host, without cookies and redirects.

    :param limits: what each answer may take.
    :param monotonic: seconds of a clock that never goes back.
    """

    def __init__(self, limits: AnswerLimits, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._limits = limits
        self._monotonic = monotonic
        # A cookie would make one request's fate depend on another's.
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        for scheme in ("https://", "http://"):
            adapter = TimedAnswerAdapter(
                limits.seconds, limits.size, monotonic, pool_connections=1, pool_maxsize=1, max_retries=0
            )
            self.mount(scheme, adapter)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """
        Return None for every answer.

        Asked also when redirects are not followed: ``requests`` then reads the body, without our limits, and
        takes apart an address that can be anything.
        """
        return

    @staticmethod
    def prepared(
        method: str,
        url: str,
        *,
        params: Mapping[str, Any],
        body: bytes | None,
        headers: Mapping[str, str],
        auth: AuthBase,
    ) -> requests.PreparedRequest:
        """
        Return a request as it is sent.

        ``requests`` would merge the cookies and defaults of the session; there are none, and it takes long.
        """
        request = requests.PreparedRequest()
        request.prepare_method(method)
        request.prepare_url(url, params or None)
        request.prepare_headers({**headers, "Connection": "keep-alive"})
        request.prepare_body(body, None)
        request.prepare_auth(auth, url)
        return request

    def exchange(self, request: requests.PreparedRequest, **settings: Any) -> tuple[requests.Response, bytes]:
        """
        Send a request and return its answer and the body.

        :param settings: as ``requests`` takes them.
        :raises AnswerLimitError: the answer is larger than allowed, or compressed as it should not be.
        :raises OSError: as ``requests`` raises it.
        """
        options = {**settings, "stream": True, "allow_redirects": False}
        deadline = Deadline.after(self._limits.seconds, self._monotonic)
        response = self.send(request, **options)
        encoding = response.headers.get("Content-Encoding", "")
        try:
            body = unpacked(_chunks(response), encoding, most=self._limits.size, deadline=deadline)
        except BaseException as error:
            response.close()
            if isinstance(error, GarbledError):
                raise requests.exceptions.ContentDecodingError(error) from None
            raise
        return response, body


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """Yield the body as it comes; what goes wrong is called as ``requests`` calls it."""
    try:
        yield from response.raw.stream(_CHUNK, decode_content=False)
    except ProtocolError as error:
        raise requests.exceptions.ChunkedEncodingError(error) from None
    except ReadTimeoutError as error:
        raise requests.exceptions.ConnectionError(error) from None
    except SSLError as error:
        raise requests.exceptions.SSLError(error) from None
