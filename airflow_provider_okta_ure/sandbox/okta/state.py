"""The state of the pretend Okta org, with clear methods to arrange and inspect it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_okta_ure.sandbox.clock import SandboxClock, iso_milliseconds
from airflow_provider_okta_ure.sandbox.hashing import text_of
from airflow_provider_okta_ure.sandbox.okta.callers import Callers
from airflow_provider_okta_ure.sandbox.okta.models import (
    GROUP_TYPES,
    USER_STATUSES,
    GroupRule,
    OktaGroup,
    OktaUser,
    SecurityEventsProvider,
    UserRisk,
)
from airflow_provider_okta_ure.sandbox.okta.system_log import SystemLog

if TYPE_CHECKING:
    import threading

    from airflow_provider_okta_ure.sandbox.options import Options


class OktaState(Callers):
    """
    The org: users, groups, providers, risk levels, System Log, callers.

    Every method can be called from any thread.

    :param seed: where identifiers come from.
    :param clock: the sandbox clock.
    :param options: the switches.
    :param lock: held during every change and every request.
    """

    def __init__(self, seed: int, clock: SandboxClock, options: Options, lock: threading.RLock) -> None:
        super().__init__(seed, lock)
        self.clock = clock
        self.options = options
        self._start_empty()

    def _start_empty(self) -> None:
        self.users: list[OktaUser] = []
        self.groups: list[OktaGroup] = []
        self.rules: list[GroupRule] = []
        self.providers: list[SecurityEventsProvider] = []
        self.risks: dict[int, UserRisk] = {}
        self.accepted_events: list[dict[str, Any]] = []
        self.ignored_events: list[dict[str, Any]] = []
        self.rejected_events: list[dict[str, Any]] = []
        self.seen_jtis: set[tuple[str, str]] = set()
        self.administrators: set[str] = set()
        self.log = SystemLog(self.seed, self.clock, self.options)
        self._numbers_by_id: dict[str, int] = {}
        self._numbers_by_login: dict[str, int] = {}
        self._numbers_by_email: dict[str, set[int]] = {}
        self._numbers_by_short_name: dict[str, set[int]] = {}
        self._groups_by_id: dict[str, OktaGroup] = {}
        self._providers_made = 0
        self.stale_users: dict[int, tuple[float, OktaUser | None]] = {}
        self.stale_groups: dict[int, tuple[float, OktaGroup | None]] = {}

    def clear(self) -> None:
        """Forget everything; the default API token and the default service app stay."""
        with self.lock:
            self._start_empty()
            self.forget_callers()

    @property
    def system_log(self) -> list[dict[str, Any]]:
        """All System Log events, oldest first."""
        with self.lock:
            return list(self.log.events)

    # --- users

    def add_user(
        self,
        login: str,
        email: str | None = None,
        status: str = "ACTIVE",
        first_name: str = "Test",
        last_name: str = "Person",
        created: str | None = None,
        **attributes: str,
    ) -> OktaUser:
        """
        Add a user and return it.

        :param login: unique, whatever its letter case and accents.
        :param email: the profile e-mail; the login when left out. Several users may share one.
        :param attributes: further profile attributes such as ``department="Sales"``.
        """
        if status not in USER_STATUSES:
            raise ValueError(f"status is one of {', '.join(USER_STATUSES)}, not {status!r}.")
        with self.lock:
            if fold(login) in self._numbers_by_login:
                raise ValueError(f"There is already a user with the login {login!r}.")
            number = len(self.users)
            made = created or self._now()
            user = OktaUser(
                number=number,
                id="00u" + text_of(17, self.seed, "user", number),
                status=status,
                login=login,
                email=login if email is None else email,
                first_name=first_name,
                last_name=last_name,
                created=made,
                last_updated=made,
                activated=None if status == "STAGED" else made,
                status_changed=None if status == "STAGED" else made,
                attributes=dict(attributes),
            )
            self._note_stale_user(user, before=None)
            self.users.append(user)
            self._numbers_by_id[user.id] = number
            self._index(user)
            self._join_by_rules(user)
            return user

    def change_user(self, user_id: str, **changes: Any) -> OktaUser:
        """Change login, email, status, first_name, last_name or attributes of a user."""
        with self.lock:
            user = self.user(user_id)
            if "status" in changes and changes["status"] not in USER_STATUSES:
                raise ValueError(f"status is one of {', '.join(USER_STATUSES)}, not {changes['status']!r}.")
            taken = self._numbers_by_login.get(fold(changes.get("login", user.login)))
            if taken not in (None, user.number):
                raise ValueError(f"There is already a user with the login {changes['login']!r}.")
            self._note_stale_user(user, before=replace(user))
            self._unindex(user)
            if changes.get("status", user.status) != user.status:
                user.status_changed = self._now()
            for name, value in changes.items():
                setattr(user, name, value)
            user.last_updated = self._now()
            user.rendered = None
            self._index(user)
            if user.status == "DEPROVISIONED":
                for group in self.groups:
                    group.members.discard(user.number)
            return user

    def user(self, user_id: str) -> OktaUser:
        """Return the user with this id; KeyError when there is none."""
        return self.users[self._numbers_by_id[user_id]]

    def make_administrator(self, user_id: str) -> None:
        """Give a user an administrator role."""
        with self.lock:
            self.administrators.add(self.user(user_id).id)

    def find_user_by_id(self, user_id: str) -> OktaUser | None:
        """Return the user with this id, or None."""
        number = self._numbers_by_id.get(user_id)
        return None if number is None else self.users[number]

    def find_user(self, login: str) -> OktaUser | None:
        """Return the user with this login in any letter case, or None."""
        number = self._numbers_by_login.get(fold(login))
        return None if number is None else self.users[number]

    def users_with_email(self, email: str) -> list[OktaUser]:
        """Return the users with this profile e-mail in any letter case."""
        return [self.users[number] for number in sorted(self._numbers_by_email.get(email.lower(), ()))]

    def users_with_short_name(self, short_name: str) -> list[OktaUser]:
        """Return the users whose login starts with this text and an @."""
        return [
            self.users[number] for number in sorted(self._numbers_by_short_name.get(fold(short_name), ()))
        ]

    # --- groups

    def add_group(
        self,
        name: str,
        type: str = "OKTA_GROUP",  # noqa: A002 - the word Okta uses
        description: str | None = None,
        source_id: str | None = None,
        created: str | None = None,
    ) -> OktaGroup:
        """Add a group of any type and return it; names need not be unique here, as after an import."""
        if type not in GROUP_TYPES:
            raise ValueError(f"type is one of {', '.join(GROUP_TYPES)}, not {type!r}.")
        with self.lock:
            made = created or self._now()
            group = OktaGroup(
                number=len(self.groups),
                id="00g" + text_of(17, self.seed, "group", len(self.groups)),
                type=type,
                name=name,
                description=description,
                created=made,
                last_updated=made,
                last_membership_updated=made,
                source_id=source_id,
            )
            self._note_stale_group(group)
            self.groups.append(group)
            self._groups_by_id[group.id] = group
            return group

    def group(self, group_id: str) -> OktaGroup:
        """Return the group with this id; KeyError when there is none."""
        return self._groups_by_id[group_id]

    def find_group_by_id(self, group_id: str) -> OktaGroup | None:
        """Return the group with this id, or None."""
        return self._groups_by_id.get(group_id)

    def find_group(self, name: str) -> OktaGroup | None:
        """Return the first group with exactly this name, or None."""
        return next((group for group in self.groups if group.name == name), None)

    def members(self, group_id: str) -> set[str]:
        """Return the ids of a group's members."""
        with self.lock:
            return {self.users[number].id for number in self.member_numbers(self.group(group_id))}

    def add_member(self, group_id: str, user_id: str) -> None:
        """Put a user into a group, as an import or an administrator would."""
        with self.lock:
            self.group(group_id).members.add(self.user(user_id).number)

    def member_numbers(self, group: OktaGroup) -> list[int]:
        """Return the numbers of a group's members in order of the users' creation."""
        if group.type == "BUILT_IN":
            return [user.number for user in self.users if user.status != "DEPROVISIONED"]
        return sorted(group.members)

    def add_rule(self, name: str, group_id: str, department: str) -> GroupRule:
        """Add a rule that fills a group with a department, and apply it."""
        with self.lock:
            rule = GroupRule(
                "0pr" + text_of(17, self.seed, "rule", len(self.rules)), name, group_id, department
            )
            self.rules.append(rule)
            self.apply_rules()
            return rule

    def apply_rules(self) -> None:
        """Let all rules fill their groups again; those on an exclusion list stay out."""
        with self.lock:
            for user in self.users:
                self._join_by_rules(user)

    # --- risk and security events providers

    def risk(self, user_id: str) -> str:
        """Return the risk level recorded for a user, ``NONE`` when there is none (higher is riskier)."""
        with self.lock:
            recorded = self.risks.get(self.user(user_id).number)
            return recorded.level if recorded else "NONE"

    def set_risk(self, user: OktaUser, risk: UserRisk) -> bool:
        """Record a risk level; return whether it is the first of this user."""
        first = user.number not in self.risks
        self.risks[user.number] = risk
        return first

    def new_provider_id(self) -> str:
        """Return an id for the next security events provider."""
        self._providers_made += 1
        return "sse" + text_of(17, self.seed, "provider", self._providers_made)

    def find_provider(self, provider_id: str) -> SecurityEventsProvider | None:
        """Return the security events provider with this id, or None."""
        return next((provider for provider in self.providers if provider.id == provider_id), None)

    # --- inside

    def _now(self) -> str:
        return iso_milliseconds(self.clock.timestamp())

    def _index(self, user: OktaUser) -> None:
        self._numbers_by_login[fold(user.login)] = user.number
        self._numbers_by_email.setdefault(user.email.lower(), set()).add(user.number)
        short_name = fold(user.login.partition("@")[0])
        self._numbers_by_short_name.setdefault(short_name, set()).add(user.number)

    def _unindex(self, user: OktaUser) -> None:
        del self._numbers_by_login[fold(user.login)]
        self._numbers_by_email[user.email.lower()].discard(user.number)
        self._numbers_by_short_name[fold(user.login.partition("@")[0])].discard(user.number)

    def _join_by_rules(self, user: OktaUser) -> None:
        for rule in self.rules:
            fits = user.attributes.get("department") == rule.department and user.status != "DEPROVISIONED"
            if fits and user.number not in rule.excluded:
                self.group(rule.group_id).members.add(user.number)

    def _note_stale_user(self, user: OktaUser, before: OktaUser | None) -> None:
        if self.options.index_delay_seconds and user.number not in self.stale_users:
            visible_at = self.clock.timestamp() + self.options.index_delay_seconds
            self.stale_users[user.number] = (visible_at, before)

    def _note_stale_group(self, group: OktaGroup) -> None:
        if self.options.index_delay_seconds:
            visible_at = self.clock.timestamp() + self.options.index_delay_seconds
            self.stale_groups[group.number] = (visible_at, None)


def fold(login: str) -> str:
    """Return a login as Okta compares it for uniqueness: without letter case and accents."""
    if login.isascii():
        return login.lower()
    parts = unicodedata.normalize("NFD", login.lower())
    return "".join(character for character in parts if not unicodedata.combining(character))
