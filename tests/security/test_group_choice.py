"""Whoever may choose the group of a DAG cannot make anybody untouchable, and no group but those allowed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.errors import GroupError
from tests.integration.judging_support import ADD, REMOVE, logged, people, rows, run, writes

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox import Sandbox

GLASS = "Break Glass"


@pytest.fixture
def glass(okta: Sandbox) -> str:
    """The id of the group of break-glass accounts, with one member."""
    group = okta.okta.find_group(GLASS) or okta.okta.add_group(GLASS)
    okta.okta.add_member(group.id, okta.okta.add_user(login="glass@new.example").id)
    people(okta, 2)
    return str(group.id)


@pytest.fixture
def extra(okta: Sandbox, connect: Callable[..., None]) -> Callable[..., None]:
    """Store the connection with more fields."""

    def extra(**fields: Any) -> None:
        connect("okta_default", conn_type="okta", host=okta.okta_url, password=okta.okta_token, extra=fields)

    return extra


def refused(operator: type[Any], some: Any = None, **arguments: Any) -> str:
    """Run an operator that has to be refused, and return the reason."""
    with pytest.raises(AirflowFailException) as caught:
        run(operator, rows(2) if some is None else some, **arguments)
    cause = caught.value.__cause__
    assert isinstance(cause, GroupError), caught.value
    return cause.reason


# --- the excluded group


@pytest.mark.parametrize("where", ["operator", "connection"])
def test_a_group_that_is_called_like_the_id_of_an_excluded_one_takes_nobodys_protection_away(
    okta: Sandbox, glass: str, extra: Callable[..., None], where: str
) -> None:
    decoy = okta.okta.add_group(glass)
    (new,) = people(okta, 1, "new")
    okta.okta.add_member(decoy.id, okta.okta.add_user(login="decoy@new.example").id)
    risky = okta.okta.add_group("Risky").id
    if where == "connection":
        extra(exclude_groups=[glass])
    more: dict[str, Any] = {"exclude_groups": [glass]} if where == "operator" else {}
    named = ("new0@new.example", "decoy@new.example", "glass@new.example")
    run(ADD, [{"user": name, "score": 1} for name in named], group_id=risky, **more)
    assert okta.okta.members(risky) == {new}


@pytest.mark.parametrize("where", ["operator", "connection"])
@pytest.mark.parametrize("excluded", ["name", "id", "list", "text"])
@pytest.mark.parametrize("asked", ["name", "id"])
@pytest.mark.parametrize("operator", [ADD, REMOVE])
def test_an_excluded_group_is_no_target(
    okta: Sandbox,
    glass: str,
    extra: Callable[..., None],
    operator: type[Any],
    asked: str,
    excluded: str,
    where: str,
) -> None:
    lists = {"name": GLASS, "id": glass, "list": ["Other", GLASS], "text": f"Other; {GLASS}"}[excluded]
    extra(**({"exclude_groups": lists} if where == "connection" else {}))
    arguments: dict[str, Any] = {"group_name": GLASS} if asked == "name" else {"group_id": glass}
    if where == "operator":
        arguments["exclude_groups"] = lists
    if operator is ADD:
        arguments["create_group"] = True
    before = okta.okta.members(glass)
    for dry_run in (True, False):
        assert refused(operator, dry_run=dry_run, **arguments) == "group_excluded"
    assert okta.okta.members(glass) == before
    assert writes(okta) == []
    assert logged() == []


def test_an_excluded_group_is_not_created_either(okta: Sandbox, extra: Callable[..., None]) -> None:
    """Whoever is first to make it would decide who is untouchable from then on."""
    people(okta, 2)
    extra(exclude_groups="Emergency, Other")
    for name in ("Emergency", "emergency", " Emergency ", "EMERGENCY"):
        assert refused(ADD, group_name=name, create_group=True) == "group_excluded"
    assert writes(okta) == []


def test_a_group_that_has_become_the_excluded_one_is_refused(
    okta: Sandbox, extra: Callable[..., None]
) -> None:
    """The task asks for the name from before; what counts is what the group is called now."""
    people(okta, 2)
    extra()
    run(ADD, rows(1), group_name="Risky", create_group=True)
    group = okta.okta.find_group("Risky")
    assert group is not None
    okta.okta.group(group.id).name = "Emergency"
    extra(exclude_groups="Emergency")
    okta.clear_requests()
    assert refused(ADD, group_name="Risky") == "group_excluded"
    assert refused(REMOVE, group_name="Risky") == "group_excluded"
    assert writes(okta) == []


def test_whoever_made_the_group_first_does_not_matter(
    okta: Sandbox, extra: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the creation somebody made it, or renamed another one to it."""
    people(okta, 2)
    other = okta.okta.add_group(GLASS + " 2")
    extra(exclude_groups=[other.id])
    monkeypatch.setattr(
        OktaClient, "ensure_group", lambda self, name, description="": self.get_group(other.id)
    )
    assert refused(ADD, group_name="New", create_group=True) == "group_excluded"
    assert okta.okta.members(other.id) == set()


def test_other_groups_are_written_as_before(okta: Sandbox, glass: str, extra: Callable[..., None]) -> None:
    extra(exclude_groups=GLASS)
    assert run(ADD, rows(2), group_name=f"{GLASS} watchers", create_group=True)["counts"]["done"] == 2


# --- the groups that may be written


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param("Risky", id="name"),
        pytest.param("rISKY", id="case"),
        pytest.param("Risk*", id="prefix"),
        pytest.param("risk*", id="prefix-in-another-case"),
        pytest.param("Other, Risky", id="text"),
        pytest.param(["Other", "Risky"], id="list"),
        pytest.param('["Other", "Risky"]', id="json-as-text"),
        pytest.param("*", id="every-group"),
    ],
)
def test_a_listed_group_is_written(okta: Sandbox, extra: Callable[..., None], allowed: object) -> None:
    ids = people(okta, 2)
    extra(writable_groups=allowed)
    assert run(ADD, rows(2), group_name="Risky", create_group=True)["counts"]["done"] == 2
    group = okta.okta.find_group("Risky")
    assert group is not None
    run(REMOVE, rows(1), group_id=group.id)
    assert okta.okta.members(group.id) == {ids[1]}


def test_a_group_is_allowed_by_its_id_whatever_it_is_called(
    okta: Sandbox, extra: Callable[..., None]
) -> None:
    people(okta, 2)
    group = okta.okta.add_group("Risky")
    extra(writable_groups=[group.id])
    okta.okta.group(group.id).name = "Called otherwise"
    assert run(ADD, rows(2), group_id=group.id)["counts"]["done"] == 2


@pytest.mark.parametrize(
    "allowed",
    [
        pytest.param("Other", id="another"),
        pytest.param("Risk", id="no-star"),
        pytest.param("*isky", id="star-in-front"),
        pytest.param("R*y", id="star-inside"),
        pytest.param("Risky2*", id="longer"),
        pytest.param([], id="no-group"),
        pytest.param("00gNoSuchGroup", id="another-id"),
    ],
)
def test_every_other_group_is_refused(okta: Sandbox, extra: Callable[..., None], allowed: object) -> None:
    people(okta, 2)
    extra(writable_groups=allowed)
    assert refused(ADD, group_name="Risky", create_group=True) == "group_not_allowed"
    group = okta.okta.add_group("Risky")
    for operator in (ADD, REMOVE):
        assert refused(operator, group_name="Risky") == "group_not_allowed"
        assert refused(operator, group_id=group.id) == "group_not_allowed"
    assert writes(okta) == []
    assert logged() == []


def test_a_group_that_was_renamed_is_judged_by_its_name_of_now(
    okta: Sandbox, extra: Callable[..., None]
) -> None:
    people(okta, 2)
    extra()
    run(ADD, rows(1), group_name="Risky", create_group=True)
    group = okta.okta.find_group("Risky")
    assert group is not None
    okta.okta.group(group.id).name = "Executives"
    extra(writable_groups="Risky")
    okta.clear_requests()
    assert refused(ADD, group_name="Risky") == "group_not_allowed"
    assert writes(okta) == []
    extra(writable_groups="Executives")
    assert run(ADD, rows(2), group_name="Risky")["counts"]["done"] == 1


@pytest.mark.parametrize("value", ['["Risky"', {"Risky": 1}, 7, ["Risky", ""], "Risky\n', Other"])
def test_a_list_that_cannot_be_understood_allows_nothing(
    okta: Sandbox, extra: Callable[..., None], value: object
) -> None:
    people(okta, 1)
    extra(writable_groups=value)
    with pytest.raises(AirflowFailException):
        run(ADD, rows(1), group_name="Risky", create_group=True)
    assert writes(okta) == []


def test_an_excluded_group_is_refused_also_when_it_is_listed(
    okta: Sandbox, glass: str, extra: Callable[..., None]
) -> None:
    extra(exclude_groups=GLASS, writable_groups="*")
    assert refused(ADD, group_id=glass) == "group_excluded"
