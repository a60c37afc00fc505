"""Fills the pretend Okta org with the pretend people, differences to Netskope included."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING

from airflow_provider_okta_ure.sandbox.clock import iso_milliseconds
from airflow_provider_okta_ure.sandbox.hashing import number_of, text_of
from airflow_provider_okta_ure.sandbox.people import DOMAIN, STATUS_OF, People, Person, okta_spelling

if TYPE_CHECKING:
    from airflow_provider_okta_ure.sandbox.okta.models import OktaGroup
    from airflow_provider_okta_ure.sandbox.okta.state import OktaState

_FOUNDED = int(datetime(2020, 1, 6, 9, tzinfo=timezone.utc).timestamp())
_YEARS = 5 * 365 * 86_400

EVERYONE, STAFF, RULE_GROUP = "Everyone", "All Staff", "Contractors"
IMPORTED, BREAK_GLASS = "CORP Domain Users", "Break Glass"


def fill_directory(state: OktaState, people: People, count: int) -> None:
    """
    Add groups, the users who belong to the people 0..count-1, and one in a hundred whom Netskope lacks.

    A person may have no Okta user (``missing_in_okta``) or two with one e-mail (``shared_email``).
    """
    groups = _add_groups(state)
    if not count:
        return
    for index in range(count):
        _add_person(state, people.seed, people.person(index))
    for number in range(max(1, count // 100)):
        _add_person(state, people.seed, people.outsider(number))
    _fill_groups(state, groups)


def _add_groups(state: OktaState) -> dict[str, OktaGroup]:
    made = iso_milliseconds(_FOUNDED)
    everyone = state.add_group(EVERYONE, "BUILT_IN", "All users in your organization", created=made)
    source = "0oa" + text_of(17, state.seed, "directory")
    imported = state.add_group(IMPORTED, "APP_GROUP", "Imported from the directory", source, created=made)
    named = {
        name: state.add_group(name, description=description, created=made)
        for name, description in (
            (STAFF, "Everybody who is not a contractor"),
            ("Engineering", "The engineering department"),
            ("Sales", "The sales department"),
            (BREAK_GLASS, "Emergency accounts that must never be touched"),
            (RULE_GROUP, "Filled by a group rule"),
        )
    }
    state.add_rule("Contractors by department", named[RULE_GROUP].id, "Contractors")
    return {EVERYONE: everyone, IMPORTED: imported, **named}


def _fill_groups(state: OktaState, groups: dict[str, OktaGroup]) -> None:
    for user in state.users:
        if user.status == "DEPROVISIONED":
            continue
        department = user.attributes.get("department", "")
        if department != "Contractors":
            groups[STAFF].members.add(user.number)
        if department in groups and department != RULE_GROUP:
            groups[department].members.add(user.number)
        if user.number % 3 == 0:
            groups[IMPORTED].members.add(user.number)
    groups[BREAK_GLASS].members.update(range(min(2, len(state.users))))


def _add_person(state: OktaState, seed: int, person: Person) -> None:
    if person.peculiarity == "missing_in_okta":
        return
    spread = number_of(seed, "created", person.index)
    created = iso_milliseconds(_FOUNDED + spread % _YEARS)
    for login in _logins(person):
        state.add_user(
            login,
            email=okta_spelling(person.address) if person.peculiarity == "okta_case" else person.address,
            status=STATUS_OF.get(person.peculiarity, "ACTIVE"),
            first_name=person.first_name,
            last_name=person.last_name,
            created=created,
            department=person.department,
        )


def _logins(person: Person) -> list[str]:
    """Return the logins of a person's Okta users; most people have one, which is their address."""
    if person.peculiarity == "okta_case":
        return [okta_spelling(person.address)]
    if person.peculiarity == "other_login":
        return [f"{person.first_name[0]}{person.last_name}{person.index:04d}@login.{DOMAIN}".lower()]
    if person.peculiarity == "shared_email":
        name = f"{person.first_name}.{person.last_name}{person.index:04d}".lower()
        return [f"{name}.a@{DOMAIN}", f"{name}.b@{DOMAIN}"]
    return [person.address]
