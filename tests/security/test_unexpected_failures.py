"""An exception of which nobody thought ends a task with an error of ours, and leaves nothing half done."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import UnexpectedFailureError
from tests.integration.judging_support import ADD, PUSH, UPSERT, Task, context, logged, people, rows, run

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

CALL: dict[type[Any], str] = {ADD: "add_member", PUSH: "publish_security_event", UPSERT: "put_user_risk"}
ARGUMENTS: dict[type[Any], dict[str, Any]] = {
    ADD: {"group_name": "Risky", "create_group": True},
    PUSH: {"ensure_provider": True},
    UPSERT: {},
}


def failing_at(number: int, error: Exception, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the n-th call raise, after Okta has done what it was asked."""
    before, made = getattr(OktaClient, call), []

    def made_and_lost(self: OktaClient, *arguments: Any) -> Any:
        answer = before(self, *arguments)
        made.append(arguments)
        if len(made) == number:
            raise error
        return answer

    monkeypatch.setattr(OktaClient, call, made_and_lost)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("canary"),
        RecursionError("canary"),
        ValueError("canary"),
        UnicodeDecodeError("utf-8", b"canary", 0, 1, "no"),
        MemoryError(),
        KeyError("canary"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("operator", [ADD, PUSH, UPSERT])
def test_nothing_stays_begun(
    okta: Sandbox, monkeypatch: pytest.MonkeyPatch, operator: type[Any], error: Exception
) -> None:
    people(okta, 20)
    failing_at(3, error, CALL[operator], monkeypatch)
    task = Task("act")
    # One worker, so that it is the third user; a batch is eight of them.
    with pytest.raises(UnexpectedFailureError) as caught:
        run(operator, rows(20), context(task=task), workers=1, **ARGUMENTS[operator])
    assert f"{type(error).__name__} while p2@new.example was acted on." in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.__cause__ is error
    counts = task.pushed["report"]["counts"]
    assert (counts["done"], counts["failed"]) == (2, 18)
    assert logged(status="started") == []
    (lost,) = logged(status="failed", reason="error")
    assert lost.user_name == "p2@new.example"
    # It may have arrived, and it did.
    assert lost.is_in_doubt
    assert {one.reason for one in logged(status="failed")} == {"error", "not_attempted"}


@pytest.mark.parametrize("operator", [ADD, PUSH, UPSERT])
def test_the_next_try_finds_out_and_does_the_rest(
    okta: Sandbox, monkeypatch: pytest.MonkeyPatch, operator: type[Any]
) -> None:
    ids = people(okta, 20)
    with monkeypatch.context() as patch:
        failing_at(3, RuntimeError(), CALL[operator], patch)
        with pytest.raises(UnexpectedFailureError):
            run(operator, rows(20), workers=1, **ARGUMENTS[operator])
    report = run(operator, rows(20), workers=1, **ARGUMENTS[operator])
    assert report["counts"]["failed"] == 0
    if operator is ADD:
        group = okta.okta.find_group("Risky")
        assert group is not None
        assert set(okta.okta.members(group.id)) == set(ids)
        # The third was found in the group; the first two need nothing.
        assert report["counts"] == {"done": 18, "planned": 0, "unchanged": 2, "skipped": 0, "failed": 0}
    assert logged(status="started") == []


def test_names_are_hidden_in_the_message_when_they_are_to_be(
    okta: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__OKTA_URE__LOG_IDENTITIES", "masked")
    people(okta, 1)
    failing_at(1, RuntimeError(), "add_member", monkeypatch)
    with pytest.raises(UnexpectedFailureError) as caught:
        run(ADD, rows(1), **ARGUMENTS[ADD])
    assert "RuntimeError while p***@new.example was acted on." in str(caught.value)
