"""The control routes ``/sandbox/*``: what the Python API does, for other processes."""

from __future__ import annotations

import asyncio
import json
import re
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from airflow_provider_okta_ure.sandbox.clock import parse_iso
from airflow_provider_okta_ure.sandbox.documents import PREFIX
from airflow_provider_okta_ure.sandbox.http import Answer, Request, Router
from airflow_provider_okta_ure.sandbox.okta.callers_view import app_json
from airflow_provider_okta_ure.sandbox.okta.wire import group_json, user_json
from airflow_provider_okta_ure.sandbox.options import Options

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_okta_ure.sandbox.sandbox import Sandbox

Body = dict[str, Any]

HEADER = "X-Okta-Ure-Sandbox"
"""What every control request carries: a browser does not send it to another site without asking first."""

_OPEN = "/sandbox/health"
_OURSELVES = re.compile(r"(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?", re.IGNORECASE)


class Control:
    """
    Answers the control routes.

    They need no credentials, because only this machine can reach them. So that no web page in a browser on
    this machine can use them, they need a header of ours, and a ``Host`` that is this machine: a page whose
    name was made to point here is of the same site for the browser, and can send any header.

    :param sandbox: what they control.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._router = Router()
        for method, path, handler in self._routes():
            self._router.add(method, path, handler)

    async def answer(self, request: Request) -> Answer:
        """Answer one control request."""
        if request.path.startswith(PREFIX) and request.method in ("GET", "HEAD"):
            return await self._sandbox.documents.answer(unquote(request.path[len(PREFIX) :]))
        if refusal := _refusal(request):
            return refusal
        if request.path.startswith(PREFIX):
            return _answered(lambda: self._change_document(request))
        route, request.arguments, allowed = self._router.find(request.method, request.path)
        if route is None or route.handler is None:
            return _refused(405 if allowed else 404, "There is no such control route.")
        # A dump or a reset of a large state takes a while; requests to the services go on meanwhile.
        handler = route.handler
        return await asyncio.to_thread(_answered, lambda: handler(request))

    def _routes(self) -> list[tuple[str, str, Callable[[Request], Answer]]]:
        return [
            ("GET", "/sandbox/health", self._health),
            ("GET", "/sandbox/clock", self._clock),
            ("PUT", "/sandbox/clock", self._set_clock),
            ("POST", "/sandbox/clock/advance", self._advance),
            ("POST", "/sandbox/clock/freeze", self._freeze),
            ("POST", "/sandbox/clock/unfreeze", self._unfreeze),
            ("GET", "/sandbox/faults", lambda _: Answer.json(self._sandbox.faults())),
            ("POST", "/sandbox/faults", self._fail_next),
            ("PUT", "/sandbox/faults/rates", self._fault_rates),
            ("DELETE", "/sandbox/faults", self._clear_faults),
            ("POST", "/sandbox/release", self._release),
            ("GET", "/sandbox/buckets", lambda _: Answer.json(self._sandbox.buckets())),
            ("PUT", "/sandbox/buckets", self._set_bucket),
            ("POST", "/sandbox/buckets/use", self._use_bucket),
            ("GET", "/sandbox/options", lambda _: Answer.json(self._sandbox.options.to_dict())),
            ("PUT", "/sandbox/options", self._set_options),
            ("GET", "/sandbox/options/help", self._describe_options),
            ("GET", "/sandbox/requests", self._requests),
            ("DELETE", "/sandbox/requests", self._clear_requests),
            ("GET", "/sandbox/state", lambda _: Answer.json(self._sandbox.dump())),
            ("POST", "/sandbox/reset", self._reset),
            ("POST", "/sandbox/jwks", self._publish_jwks),
            ("POST", "/sandbox/okta/users", self._add_user),
            ("PATCH", "/sandbox/okta/users/{id}", self._change_user),
            ("POST", "/sandbox/okta/groups", self._add_group),
            ("GET", "/sandbox/okta/groups/{id}/members", self._members),
            ("PUT", "/sandbox/okta/groups/{id}/members/{userId}", self._add_member),
            ("POST", "/sandbox/okta/rules/apply", self._apply_rules),
            ("POST", "/sandbox/okta/tokens", self._add_token),
            ("GET", "/sandbox/okta/apps", self._apps),
            ("POST", "/sandbox/okta/apps", self._add_app),
            ("PATCH", "/sandbox/okta/apps/{clientId}", self._change_app),
            ("POST", "/sandbox/okta/access-tokens/revoke", self._revoke_access_tokens),
            ("POST", "/sandbox/okta/dpop-nonce/renew", self._renew_dpop_nonce),
            ("POST", "/sandbox/netskope/users", self._add_netskope_user),
            ("DELETE", "/sandbox/netskope/users/{name}", self._remove_netskope_user),
            ("GET", "/sandbox/netskope/users/{name}/score", self._score),
            ("PUT", "/sandbox/netskope/users/{name}/score", self._set_score),
            ("DELETE", "/sandbox/netskope/users/{name}/score", self._remove_score),
        ]

    # --- health, clock, faults, limits, switches

    def _health(self, _request: Request) -> Answer:
        sandbox = self._sandbox
        return Answer.json(
            {
                "status": "ok",
                "okta_url": sandbox.okta_url,
                "netskope_url": sandbox.netskope_url,
                "static_url": sandbox.static_url,
                "now": sandbox.clock.now().isoformat(),
                "okta_users": len(sandbox.okta.users),
                "netskope_users": sandbox.netskope.count,
            }
        )

    def _clock(self, _request: Request) -> Answer:
        clock = self._sandbox.clock
        return Answer.json({"now": clock.now().isoformat(), "frozen": clock.is_frozen})

    def _set_clock(self, request: Request) -> Answer:
        moment = parse_iso(_body(request, "now")["now"])
        self._sandbox.clock.set(datetime.fromtimestamp(moment, tz=timezone.utc))
        return self._clock(request)

    def _advance(self, request: Request) -> Answer:
        self._sandbox.clock.advance(float(_body(request, "seconds")["seconds"]))
        return self._clock(request)

    def _freeze(self, request: Request) -> Answer:
        self._sandbox.clock.freeze()
        return self._clock(request)

    def _unfreeze(self, request: Request) -> Answer:
        self._sandbox.clock.unfreeze()
        return self._clock(request)

    def _fail_next(self, request: Request) -> Answer:
        self._sandbox.fail_next(**_body(request))
        return Answer.json(self._sandbox.faults())

    def _fault_rates(self, request: Request) -> Answer:
        body = _body(request, "rates")
        self._sandbox.set_fault_rates(body["rates"], body.get("service"))
        return Answer.json(self._sandbox.faults())

    def _clear_faults(self, _request: Request) -> Answer:
        self._sandbox.clear_faults()
        return Answer(204)

    def _release(self, _request: Request) -> Answer:
        self._sandbox.release_held()
        return Answer(204)

    def _set_bucket(self, request: Request) -> Answer:
        body = _body(request, "name", "limit")
        self._sandbox.set_bucket(body["name"], body["limit"])
        return Answer.json(self._sandbox.buckets())

    def _use_bucket(self, request: Request) -> Answer:
        body = _body(request, "name", "count")
        self._sandbox.use_bucket(body["name"], body["count"])
        return Answer.json(self._sandbox.buckets())

    def _set_options(self, request: Request) -> Answer:
        with self._sandbox.lock:
            self._sandbox.options.update(_body(request))
        return Answer.json(self._sandbox.options.to_dict())

    def _describe_options(self, _request: Request) -> Answer:
        return Answer.json(
            [{"name": name, "default": default, "help": text} for name, default, text in Options.describe()]
        )

    # --- journal, state, documents

    def _requests(self, request: Request) -> Answer:
        query = request.query
        found = self._sandbox.requests_to(query.get("service"), query.get("method"), query.get("path_prefix"))
        return Answer.json([entry.to_dict() for entry in found])

    def _clear_requests(self, _request: Request) -> Answer:
        self._sandbox.clear_requests()
        return Answer(204)

    def _reset(self, _request: Request) -> Answer:
        self._sandbox.reset()
        return Answer(204)

    def _publish_jwks(self, request: Request) -> Answer:
        return Answer.json({"url": self._sandbox.publish_jwks(_body(request, "keys"))})

    def _change_document(self, request: Request) -> Answer:
        name = unquote(request.path[len(PREFIX) :])
        if request.method == "DELETE":
            self._sandbox.documents.withdraw(name)
            return Answer(204)
        if request.method != "PUT":
            return _refused(405, "Documents are put, read and deleted.")
        content_type = request.headers.get("content-type", "application/json")
        wanted = request.query
        headers = {"Location": wanted["location"]} if "location" in wanted else {}
        address = self._sandbox.publish(
            name,
            request.body,
            content_type,
            int(wanted.get("status", "200")),
            headers=headers,
            delay=float(wanted.get("delay", "0")),
            drip=float(wanted.get("drip", "0")),
        )
        return Answer.json({"url": address})

    # --- arranging the org and the tenant

    def _add_user(self, request: Request) -> Answer:
        user = self._sandbox.okta.add_user(**_body(request, "login"))
        return Answer.json(user_json(user, self._sandbox.okta_url))

    def _change_user(self, request: Request) -> Answer:
        changes = _body(request)
        unknown = changes.keys() - {"login", "email", "status", "first_name", "last_name", "attributes"}
        if unknown:
            raise ValueError(f"A user has no {', '.join(sorted(unknown))} that could be changed.")
        return Answer.json(
            user_json(self._sandbox.okta.change_user(request.arguments[0], **changes), self._url)
        )

    def _add_group(self, request: Request) -> Answer:
        return Answer.json(group_json(self._sandbox.okta.add_group(**_body(request, "name")), self._url))

    def _members(self, request: Request) -> Answer:
        return Answer.json(sorted(self._sandbox.okta.members(request.arguments[0])))

    def _add_member(self, request: Request) -> Answer:
        self._sandbox.okta.add_member(*request.arguments)
        return Answer(204)

    def _apply_rules(self, _request: Request) -> Answer:
        self._sandbox.okta.apply_rules()
        return Answer(204)

    def _add_token(self, request: Request) -> Answer:
        return Answer.json({"token": self._sandbox.okta.add_token(_body(request).get("permissions"))})

    def _apps(self, _request: Request) -> Answer:
        return Answer.json([app_json(app) for app in self._sandbox.okta.apps.values()])

    def _add_app(self, request: Request) -> Answer:
        return Answer.json(app_json(self._sandbox.okta.add_app(**_body(request))))

    def _change_app(self, request: Request) -> Answer:
        return Answer.json(app_json(self._sandbox.okta.change_app(request.arguments[0], **_body(request))))

    def _revoke_access_tokens(self, request: Request) -> Answer:
        revoked = self._sandbox.okta.revoke_access_tokens(_body(request).get("client_id"))
        return Answer.json({"revoked": revoked})

    def _renew_dpop_nonce(self, _request: Request) -> Answer:
        self._sandbox.okta.renew_dpop_nonce()
        return Answer(204)

    def _add_netskope_user(self, request: Request) -> Answer:
        body = _body(request, "name")
        self._sandbox.netskope.add_user(body["name"], body.get("score"))
        return Answer(204)

    def _remove_netskope_user(self, request: Request) -> Answer:
        self._sandbox.netskope.remove_user(request.arguments[0])
        return Answer(204)

    def _score(self, request: Request) -> Answer:
        day = _day(request.query.get("day"))
        return Answer.json({"score": self._sandbox.netskope.score(request.arguments[0], day)})

    def _set_score(self, request: Request) -> Answer:
        body = _body(request, "score")
        self._sandbox.netskope.set_score(request.arguments[0], _day(body.get("day")), body["score"])
        return Answer(204)

    def _remove_score(self, request: Request) -> Answer:
        self._sandbox.netskope.remove_score(request.arguments[0], _day(request.query.get("day")))
        return Answer(204)

    @property
    def _url(self) -> str:
        return self._sandbox.okta_url


def _refusal(request: Request) -> Answer | None:
    """Return the answer to a request that could be of a web page; None = it is not."""
    if not _OURSELVES.fullmatch(request.headers.get("host", "")):
        return _refused(403, "The control routes are only for this machine: use 127.0.0.1 or localhost.")
    if request.path == _OPEN or request.headers.get(HEADER.lower()):
        return None
    return _refused(
        403, f"The control routes need the header {HEADER}: 1, which no web page of another site can send."
    )


def _answered(work: Callable[[], Answer]) -> Answer:
    """Return the answer of a handler, or 400 with the reason when the request made no sense."""
    try:
        return work()
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        return _refused(400, str(error.args[0] if error.args else error))


def _refused(status: int, text: str) -> Answer:
    return Answer.json({"error": text}, status)


def _body(request: Request, *needed: str) -> Body:
    value = json.loads(request.body or b"{}")
    if not isinstance(value, dict):
        raise TypeError("The body must be a JSON object.")
    missing = [name for name in needed if name not in value]
    if missing:
        raise ValueError(f"The body lacks {', '.join(missing)}.")
    return value


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
