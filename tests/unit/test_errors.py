from __future__ import annotations

import inspect
import re

import pytest

from airflow_provider_okta_ure import errors


def classes() -> dict[str, type[errors.OktaUreError]]:
    return {
        name: one
        for name, one in vars(errors).items()
        if inspect.isclass(one) and issubclass(one, errors.OktaUreError)
    }


def drawn() -> dict[str, tuple[str, bool]]:
    """Return the parent of each class in the drawing, and whether it is marked for retry."""
    found: dict[str, tuple[str, bool]] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:[|` ]   |\|-- |`-- )*)([A-Z]\w+Error)\b(.*)", line)
        if match:
            depth = len(match[1]) // 4
            path = [*path[:depth], match[2]]
            found[match[2]] = (path[depth - 1] if depth else "Exception", "[retry]" in match[3])
    return found


def test_the_tree_in_the_docstring_is_the_real_one() -> None:
    real = {name: (one.__bases__[0].__name__, one.retryable) for name, one in classes().items()}
    assert drawn() == real
    assert len(real) > 10


def test_a_wrong_value_is_also_a_value_error_and_a_refusal_is_not() -> None:
    assert issubclass(errors.ConfigurationError, ValueError)
    assert not issubclass(errors.ApiError, ValueError)


def test_the_remedy_follows_the_message() -> None:
    assert str(errors.OktaUreError("It broke.", remedy="Mend it.")) == "It broke. Mend it."
    assert str(errors.OktaUreError("It broke.")) == "It broke."


def test_a_class_has_a_remedy_of_its_own_that_a_better_one_replaces() -> None:
    plain = errors.AuthenticationError("No", service="Okta", status=401)
    better = errors.AuthenticationError("No", service="Okta", status=401, remedy="Log in.")
    assert "create one" in plain.remedy
    assert plain.topic == better.topic == "okta-api-token"
    assert better.remedy == "Log in."


def test_a_class_explains_itself_by_the_service_that_refused() -> None:
    okta = errors.RateLimitedError("Slow", retry_after=1, service="Okta")
    netskope = errors.RateLimitedError("Slow", retry_after=1, service="Netskope")
    assert (okta.topic, netskope.topic) == ("okta-rate-limit", "netskope-rate-limit")


def test_the_link_comes_last_and_only_where_there_is_more_to_read() -> None:
    error = errors.TransportError("Cut.", topic="proxy-trouble")
    assert str(error) == f"{error.explanation} More: `airflow okta-ure explain proxy-trouble`"
    assert str(errors.OktaUreError("It broke.", topic="no-such-topic")) == "It broke."


def test_a_refusal_shows_status_code_summary_and_request_id() -> None:
    error = errors.NotFoundError(
        "No such group",
        service="Okta",
        status=404,
        code="E0000007",
        summary="Not found: x",
        request_id="r1",
    )
    assert str(error) == "No such group (HTTP 404: E0000007 Not found: x) [request id r1]."
    assert str(errors.NotFoundError("Gone", service="Okta", status=404)) == "Gone (HTTP 404)."


def test_a_rule_error_points_at_the_place() -> None:
    error = errors.RuleError("Wrong.", rule="scor < 5", position=0, suggestion="score")
    assert str(error) == "Wrong. Did you mean 'score'?\n  rule: scor < 5\n        ^"
    assert str(errors.RuleError("Wrong.", rule="x")) == "Wrong.\n  rule: x"


def test_a_row_error_knows_row_and_field() -> None:
    error = errors.RowError("Bad.", index=3, field="score")
    assert (error.index, error.field, error.retryable) == (3, "score", False)


@pytest.mark.parametrize("retryable", [True, False])
def test_an_outcome_says_itself_whether_to_try_again(retryable: bool) -> None:
    assert errors.OutcomeError("Two failed.", failed=2, retryable=retryable).retryable is retryable


def test_a_limit_and_a_cut_connection_say_what_happened() -> None:
    limited = errors.RateLimitedError("Slow", retry_after=31.5, service="Okta")
    assert (limited.status, limited.retry_after, limited.retryable) == (429, 31.5, True)
    assert errors.TransportError("Cut").sent
    assert not errors.TransportError("No such host", sent=False).sent
