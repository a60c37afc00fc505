"""Faults on demand: planned ones (the next N requests) and random ones (rates)."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a fault can do. ``lost_answer`` has its effect, but the client sees a closed connection; ``hold``
#: waits until it is released; ``ok_with_error`` is Netskope's 200 whose body says ``"status": "error"``.
#: ``block_page`` and ``retry_after`` come from a gateway, without the service's own headers: a 200 that says
#: "Blocked by policy", and a refusal that has ``Retry-After`` and nothing else.
KINDS = (
    "status",
    "reset",
    "truncate",
    "lost_answer",
    "concurrency_429",
    "rate_limit_429",
    "ok_with_error",
    "slow",
    "hold",
    "block_page",
    "retry_after",
)

#: Names that can carry a rate, besides a status code such as "503".
RATED = ("reset", "truncate", "lost_answer", "concurrency_429", "rate_limit_429", "ok_with_error", "slow")


@dataclass(slots=True)
class Fault:
    """
    One planned fault.

    :param kind: one of :data:`KINDS`.
    :param service: ``okta``, ``netskope``, or None for both.
    :param status: the HTTP status of kind ``status``.
    :param times: how many matching requests it hits.
    :param method: only requests with this method.
    :param path_prefix: only requests whose path starts so.
    :param seconds: real seconds that kind ``slow`` adds.
    :param body: the body to answer with, instead of the usual one.
    :param content_type: the Content-Type of kind ``block_page``.
    :param retry_after: what kind ``retry_after`` asks for: seconds, or a moment as HTTP writes it.
    """

    kind: str = "status"
    service: str | None = None
    status: int = 503
    times: int = 1
    method: str | None = None
    path_prefix: str | None = None
    seconds: float = 0.1
    body: str | None = None
    content_type: str = "text/plain"
    retry_after: str = "30"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no fault kind {self.kind!r}. Known: {', '.join(KINDS)}.")
        if self.service not in (None, "okta", "netskope"):
            raise ValueError(f"service is 'okta', 'netskope' or None, not {self.service!r}.")
        if not 200 <= self.status <= 599:
            raise ValueError(f"status is between 200 and 599, not {self.status!r}.")
        if self.times < 1:
            raise ValueError("times is at least 1.")

    @property
    def label(self) -> str:
        """The fault in a word, for the journal."""
        return f"status {self.status}" if self.kind == "status" else self.kind

    def matches(self, service: str, method: str, path: str) -> bool:
        """Whether the fault is meant for such a request."""
        return (
            self.service in (None, service)
            and (self.method is None or self.method.upper() == method)
            and (self.path_prefix is None or path.startswith(self.path_prefix))
        )


class FaultPlan:
    """All planned faults and rates; the first planned fault that matches wins, then the dice."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._planned: list[Fault] = []
        self._rates: dict[str, dict[str, float]] = {}
        self._dice = random.Random(seed)  # noqa: S311 - reproducible, not secret

    def fail_next(self, fault: Fault) -> None:
        """Plan a fault, after those already planned."""
        self._planned.append(fault)

    def set_rates(self, service: str | None, rates: Mapping[str, float]) -> None:
        """Replace the rates of a service, or of both; the keys are statuses (``"503"``) or fault kinds."""
        for name, rate in rates.items():
            if name not in RATED and not (name.isdigit() and 200 <= int(name) <= 599):
                raise ValueError(f"A rate is for a status or one of {', '.join(RATED)}, not {name!r}.")
            if not 0 <= rate <= 1:
                raise ValueError(f"The rate of {name} is between 0 and 1, not {rate!r}.")
        if service not in (None, "okta", "netskope"):
            raise ValueError(f"service is 'okta', 'netskope' or None, not {service!r}.")
        for name in (service,) if service else ("okta", "netskope"):
            self._rates[name] = dict(rates)

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """Return the fault for this request, if any, and count it as used."""
        for fault in self._planned:
            if fault.matches(service, method, path):
                fault.times -= 1
                if not fault.times:
                    self._planned.remove(fault)
                return fault
        return self._rolled(service)

    def clear(self) -> None:
        """Forget all planned faults and rates and start the dice again."""
        self._planned.clear()
        self._rates.clear()
        self._dice.seed(self._seed)

    def to_dict(self) -> dict[str, Any]:
        """Return what is still planned."""
        return {"planned": [asdict(fault) for fault in self._planned], "rates": self._rates}

    def _rolled(self, service: str) -> Fault | None:
        rates = self._rates.get(service)
        if not rates:
            return None
        number = self._dice.random()
        for name, rate in rates.items():
            if number < rate:
                return Fault(kind="status", status=int(name)) if name.isdigit() else Fault(kind=name)
            number -= rate
        return None
