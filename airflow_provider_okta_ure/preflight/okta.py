# SPDX-License-Identifier: Apache-2.0
"""What the credential may do in the Okta org, and what is there to work with; read, never written."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowNotFoundException

from airflow_provider_okta_ure.clients.auth import NoAuth
from airflow_provider_okta_ure.clients.okta import OktaClient
from airflow_provider_okta_ure.clients.okta_features import is_denial
from airflow_provider_okta_ure.clients.okta_group_choice import require_writable
from airflow_provider_okta_ure.clients.scopes import (
    GROUPS_MANAGE,
    GROUPS_READ,
    LOGS_READ,
    USERS_READ,
    covers,
)
from airflow_provider_okta_ure.core.guardrails.group_rules import GroupRules
from airflow_provider_okta_ure.errors import OktaUreError, PermissionDeniedError
from airflow_provider_okta_ure.preflight.attempt import Attempt, attempt
from airflow_provider_okta_ure.preflight.checks import Check
from airflow_provider_okta_ure.preflight.pace import okta_pace
from airflow_provider_okta_ure.preflight.report import Status, Verdict, ok, problem, refused, skipped, warning
from airflow_provider_okta_ure.preflight.transport import TransportChecks

if TYPE_CHECKING:
    from airflow_provider_okta_ure.clients.glimpse import Glimpse
    from airflow_provider_okta_ure.clients.okta_probe import OktaProbe
    from airflow_provider_okta_ure.core.models import OktaGroup, OktaUser
    from airflow_provider_okta_ure.hooks.okta import OktaHook
    from airflow_provider_okta_ure.preflight.wanted import ActionKind, Wanted

NO_SCOPES = "An API token has no scopes; the roles of the admin who made it decide."
NO_GROUPS = "No group is going to be written."
NO_GROUP_NAMED = "No group was named."


class OktaChecks:
    """
    Checks of an Okta org, apart from what concerns risk signals.

    :param hook: reads the connection.
    :param wanted: what is going to be done.
    :param actions: the kinds of actions that are meant.
    """

    def __init__(self, hook: OktaHook, wanted: Wanted, actions: tuple[ActionKind, ...]) -> None:
        self._hook = hook
        self._wanted = wanted
        self._actions = actions
        self._transport = TransportChecks("okta", "Okta", hook.okta_conn_id, hook, self._look)

    def checks(self) -> list[Check]:
        """Return the checks, from the address to what stands at the end of the work."""
        signed_in = ("okta.credentials",)
        no_groups = "" if "groups" in self._actions else NO_GROUPS
        no_group = no_groups or ("" if self._has_group else NO_GROUP_NAMED)
        return [
            *self._transport.checks(),
            Check("okta.credentials", self.credentials, ("okta.tls",)),
            Check("okta.scopes", self.scopes, signed_in, "" if self._is_app else NO_SCOPES),
            Check("okta.users", self.users, signed_in),
            Check("okta.groups", self.groups, signed_in, no_groups),
            Check("okta.writable_groups", self.writable_groups, ("okta.connection",), no_groups),
            Check("okta.group", self.group, ("okta.groups",), no_group),
            Check("okta.group_members", self.group_members, ("okta.group",), no_group),
            Check("okta.group_write", self.group_write, ("okta.group",), no_group),
            Check("okta.system_log", self.system_log, signed_in),
            Check("okta.rate_limits", self.rate_limits, signed_in),
        ]

    def credentials(self) -> Verdict:
        """Whether Okta knows the credential, whatever it may do."""
        error = self.first_user.error
        if error is None or isinstance(error, PermissionDeniedError):
            return ok(f"Okta accepts {self._who}.")
        return refused(error)

    def scopes(self) -> Verdict:
        """Whether the service app has the scopes that the work needs."""
        granted = self._hook.granted_scopes() or frozenset()
        needed = self._hook.scopes or ()
        missing = [scope for scope in needed if not covers(granted, scope)]
        if missing:
            return problem(
                f"Okta does not grant the app {', '.join(missing)}.",
                f"Grant the app {', '.join(missing)} on its page in Okta (Okta API Scopes), and list them in "
                "`scopes` if the connection has that field.",
            )
        return ok(f"The app has {', '.join(needed)}.")

    def users(self) -> Verdict:
        """Whether users can be read, by which everybody is looked up."""
        return self.judged(self.first_user.error, "read users", USERS_READ, "Users can be read.")

    def groups(self) -> Verdict:
        """Whether groups can be read."""
        error = attempt(self.probe.read_groups).error
        return self.judged(error, "read groups", GROUPS_READ, "Groups can be read.")

    def group(self) -> Verdict:
        """Whether the group exists, is one, and is of a type that can be written."""
        wanted, group = self._wanted, self._group
        if group is None:
            self._rules.require_target(wanted.group_name or "")
        if group is None and wanted.create_group:
            return ok(f"There is no group {wanted.group_name!r} yet; it will be created.")
        if group is None:
            return problem(
                f"There is no group named {wanted.group_name!r}.",
                "Check the name letter by letter, or set create_group if it is to be created.",
            )
        require_writable(group)
        self._rules.require_target(group.name, group.group_id)
        return ok(f"The group {group.name!r} ({group.group_id}) exists and is of type {group.type}.")

    def writable_groups(self) -> Verdict:
        """Whether the connection says which groups may be written, so that nobody can choose another."""
        writable = self._rules.writable
        if writable is None:
            return warning(
                "The connection does not say which groups may be written, so whoever may trigger a DAG with "
                "a field for the group can choose any that is not excluded.",
                "List the groups in `writable_groups` of the Okta connection.",
            )
        return ok(f"{len(writable)} groups may be written, as listed in writable_groups.")

    def group_members(self) -> Verdict:
        """Whether it can be read who is in the group; only the difference is ever written."""
        group = self._group
        if group is None:
            return skipped("The group does not exist yet.")
        error = attempt(lambda: self.probe.read_members(group.group_id)).error
        return self.judged(
            error, "read this group's members", GROUPS_READ, "The group's members can be read."
        )

    def group_write(self) -> Verdict:
        """Whether the credential may write the group, as far as that shows without writing."""
        if self._is_app:
            # okta.scopes has found it; a role with a resource set can still leave this group out.
            return ok(
                f"The app has {GROUPS_MANAGE}; that its admin role covers this group shows only in writing."
            )
        return skipped(
            "Not provable without writing: an API token does not say what its admin may change.",
            "Make sure that the admin who made the token may manage this group's members.",
        )

    def system_log(self) -> Verdict:
        """Whether the System Log can be read, which alone proves that a risk signal arrived."""
        error = attempt(lambda: self._hook.probe_for(LOGS_READ).read_log()).error
        return self.judged(
            error,
            "read the System Log",
            LOGS_READ,
            "The System Log can be read.",
            status="problem" if self._wanted.confirm and "push" in self._actions else "warning",
        )

    def rate_limits(self) -> Verdict:
        """Whether our share of Okta's limits is enough for the work."""
        return okta_pace(self.probe.limits, self.probe.rate_limit_share, self._wanted, self._actions)

    @cached_property
    def probe(self) -> OktaProbe:
        """The client that reads one thing of each kind."""
        return self._hook.client.probe

    @cached_property
    def first_user(self) -> Attempt[OktaUser | None]:
        """Some user of the org."""
        return attempt(lambda: self.probe.read_user())

    def judged(
        self, error: OktaUreError | None, what: str, scope: str, fine: str, *, status: Status = "problem"
    ) -> Verdict:
        """
        Return the verdict on a permission, from what came of a read that needs it.

        :param what: what the credential has to be allowed to do, after "may".
        :param scope: the OAuth scope for it.
        :param fine: what to say when it worked.
        :param status: how bad it is when it did not.
        """
        if error is None:
            return ok(fine)
        is_denied = is_denial(error)
        return refused(error, status=status, remedy=self.how_to_permit(what, scope) if is_denied else "")

    def how_to_permit(self, what: str, scope: str) -> str:
        """Return what an administrator has to do so that the credential may do something."""
        return self._hook.how_to_permit(what, scope)

    @property
    def _rules(self) -> GroupRules:
        settings = self._hook.settings
        return GroupRules.read(
            excluded=(settings.exclude_groups, *self._wanted.exclude_groups),
            writable=settings.writable_groups,
        )

    @cached_property
    def _is_app(self) -> bool:
        try:
            return self._hook.settings.auth_method != "ssws"
        except (OktaUreError, AirflowNotFoundException):
            return False  # the check of the connection says why

    @property
    def _who(self) -> str:
        return f"the service app {self._hook.connection.login}" if self._is_app else "the API token"

    @property
    def _has_group(self) -> bool:
        return bool(self._wanted.group_id or self._wanted.group_name)

    @cached_property
    def _group(self) -> OktaGroup | None:
        return self.probe.find_group(self._wanted.group_id, self._wanted.group_name)

    def _look(self) -> Glimpse:
        # Nobody has to be signed in for it, and a missing token must not hide what else is wrong.
        client = OktaClient.connect(self._hook.base_url, NoAuth(), **self._hook.settings.transport)
        try:
            return client.probe.glimpse()
        finally:
            client.close()
