"""The preflight: all is well in a healthy world, and each way to break it turns the right check red."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import make_url

from airflow_provider_okta_ure.errors import ConfigurationError, OktaUreError, PauseUnknownError
from airflow_provider_okta_ure.hooks.okta import OktaHook
from airflow_provider_okta_ure.preflight import pause
from demo.keys import new_signing_key
from demo.processes import free_port
from tests.integration.preflight_support import GROUP, ISSUER, World, state_of
from tests.integration.preflight_support import one_sandbox as one_sandbox
from tests.integration.preflight_support import world as world
from tests.support.pgbouncer import pooled

if TYPE_CHECKING:
    from airflow_provider_okta_ure.preflight.report import PreflightReport

# What only one of the two ways to sign in can say.
NO_TOKEN_TELLS = {"okta.scopes", "okta.group_write"}
# What a world without exclusions, and with a log in a file, leaves open.
NOT_ASKED = {"netskope.score_list", "okta.exclusions", "action_log.pooler"}
EVERYTHING = (
    "okta.users.read",
    "okta.groups.manage",
    "okta.securityEventsProviders.manage",
    "okta.userRisk.manage",
    "okta.logs.read",
    "okta.roles.read",
)
MISSING_FEATURE = '{"errorCode":"E0000015","errorSummary":"You do not have permission to access the feature"}'


def of(report: PreflightReport, status: str) -> set[str]:
    return {finding.name for finding in report.findings if finding.status == status}


def test_in_a_healthy_world_everything_is_ok(world):
    report = world.check()
    assert of(report, "problem") | of(report, "warning") == set()
    assert of(report, "skipped") == NO_TOKEN_TELLS | NOT_ASKED
    assert report.status == "ok"
    assert report.error(fail_on_warning=True) is None
    assert report.targets == {
        "okta_default": world.sandbox.okta_url,
        "netskope_default": world.sandbox.netskope_url,
    }


def test_in_a_healthy_world_everything_is_ok_for_a_service_app_too(world):
    as_app(world)
    world.wanted |= {"actions": ("groups", "push", "upsert"), "ensure_provider": True}
    report = world.check()
    assert of(report, "problem") | of(report, "warning") == set()
    assert of(report, "skipped") == NOT_ASKED
    assert "okta.groups.manage" in report.finding("okta.group_write").message
    asked = {one["scope"] for one in world.sandbox.okta.token_requests if "scope" in one}
    assert not any("orgs" in scope for scope in asked)


def test_the_preflight_writes_nothing_and_asks_little(world):
    world.wanted |= {"create_group": True, "ensure_provider": True, "actions": ("groups", "push", "upsert")}
    before = state_of(world.sandbox)
    world.check()
    assert state_of(world.sandbox) == before
    asked = [entry.line() for entry in world.sandbox.requests]
    writes = [one.line() for one in world.sandbox.requests_to("okta") if one.method != "GET"]
    assert writes == []
    posts = {one.path for one in world.sandbox.requests_to("netskope") if one.method != "GET"}
    assert posts == {"/api/v2/incidents/uba/getuci"}  # Netskope reads scores with POST
    assert len(asked) < 15


def test_what_is_missing_is_not_written_either(world):
    world.wanted |= {"create_group": True, "ensure_provider": True, "group_name": "New one"}
    world.sandbox.okta.providers.clear()
    before = state_of(world.sandbox)
    report = world.check()
    assert of(report, "problem") == set()
    assert "will be created" in report.finding("okta.group").message
    assert "will be created" in report.finding("okta.registration").message
    assert state_of(world.sandbox) == before


# --- ways to break it


def extra(name: str, value: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.okta["extra"][name] = value

    return change


def okta(name: str, value: Any) -> Callable[[World], None]:
    return lambda world: world.okta.update({name: value})


def netskope(name: str, value: Any) -> Callable[[World], None]:
    return lambda world: world.netskope.update({name: value})


def wanted(**changes: Any) -> Callable[[World], None]:
    return lambda world: world.wanted.update(changes)


def refusing(
    path: str, status: int = 403, body: str | None = None, service: str = "okta"
) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.sandbox.fail_next(service=service, status=status, times=50, path_prefix=path, body=body)

    return change


def clock(seconds: float) -> Callable[[World], None]:
    def change(world: World) -> None:
        world.clock_error = seconds

    return change


def both(*changes: Callable[[World], None]) -> Callable[[World], None]:
    def change(world: World) -> None:
        for one in changes:
            one(world)

    return change


def may_only(*missing: str) -> Callable[[World], None]:
    """Give the token an admin who may do everything but some things."""

    def change(world: World) -> None:
        world.okta["password"] = world.sandbox.okta.add_token(set(EVERYTHING) - set(missing))

    return change


def as_app(world: World) -> None:
    """Sign in as the service app that may do everything."""
    world.okta |= {"password": None, "login": world.sandbox.okta_client_id}
    world.okta["extra"] |= {
        "auth_method": "private_key_jwt",
        "client_private_key": world.sandbox.okta_client_private_key,
    }


def app(**changes: Any) -> Callable[[World], None]:
    def change(world: World) -> None:
        as_app(world)
        world.sandbox.okta.change_app(world.sandbox.okta_client_id, **changes)

    return change


def app_without(scope: str) -> Callable[[World], None]:
    return app(scopes=set(EVERYTHING) - {scope})


def option(name: str, value: Any) -> Callable[[World], None]:
    return lambda world: world.sandbox.options.update({name: value})


def another_key(world: World) -> None:
    as_app(world)
    world.okta["extra"]["client_private_key"] = new_signing_key().pem


def one_key_for_both(world: World) -> None:
    as_app(world)
    world.okta["extra"]["signing_private_key"] = world.okta["extra"]["client_private_key"]


def published(
    content: str | None = None, content_type: str = "application/json", status: int = 200
) -> Callable[[World], None]:
    """Publish something else, or in another way, at the JWKS URL."""

    def change(world: World) -> None:
        document = json.dumps(world.key.jwks) if content is None else content
        world.sandbox.publish("jwks.json", document, content_type, status)

    return change


def port_refused(part: str) -> Callable[[World], None]:
    return lambda world: getattr(world, part).update(host=f"http://127.0.0.1:{free_port()}")


def revoked(world: World) -> None:
    world.sandbox.okta.rotate_token()


def without_group(world: World) -> None:
    world.wanted["group_name"] = "Nobody made it"


def imported_group(world: World) -> None:
    world.sandbox.okta.add_group("From AD", type="APP_GROUP")
    world.wanted["group_name"] = "From AD"


def two_groups(world: World) -> None:
    world.sandbox.okta.add_group(GROUP, type="APP_GROUP")


def no_provider(world: World) -> None:
    world.sandbox.okta.providers.clear()


def inactive_provider(world: World) -> None:
    world.sandbox.okta.providers[0].status = "INACTIVE"


def provider_field(name: str, value: str) -> Callable[[World], None]:
    return lambda world: setattr(world.sandbox.okta.providers[0], name, value)


def split_provider(world: World) -> None:
    hook = OktaHook("okta_default")
    hook.client.create_security_events_provider(
        "Another", issuer="https://other.example", jwks_url="https://other.example/jwks"
    )
    world.okta["extra"]["security_events_provider_name"] = "Another"


def weak_key(world: World) -> None:
    world.okta["extra"]["signing_private_key"] = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"


def used_up(world: World) -> None:
    world.sandbox.use_bucket("/api/v1/users", 299)


BREAKS = [
    # (what is broken, the check that turns, its status, words of the remedy or message)
    pytest.param(okta("host", ""), "okta.host", "problem", "URL", id="no-host"),
    pytest.param(okta("host", "https://acme-admin.okta.com"), "okta.host", "problem", "https://acme.okta.com", id="admin-host"),
    pytest.param(okta("host", "https://okta.evil.example"), "okta.host", "problem", "allow_custom_domain", id="foreign-host"),
    pytest.param(okta("host", "http://acme.okta.com"), "okta.host", "problem", "https://", id="plain-http"),
    pytest.param(extra("timeout", "soon"), "okta.connection", "problem", "timeout", id="wrong-extra"),
    pytest.param(extra("isuer", "x"), "okta.connection", "problem", "'issuer'", id="misspelled-extra"),
    pytest.param(okta("host", "https://no-such-org.okta.com.invalid"), "okta.host", "problem", "allow_custom_domain", id="not-oktas-domain"),
    pytest.param(both(okta("host", "https://org.invalid"), extra("allow_custom_domain", True)), "okta.reachable", "problem", "typing errors", id="unknown-name"),
    pytest.param(port_refused("okta"), "okta.reachable", "problem", "firewall", id="refused-port"),
    pytest.param(refusing("/api", 200, "<!doctype html><html>log in</html>"), "okta.reachable", "problem", "login page", id="html-answer"),
    pytest.param(extra("proxy", "http://127.0.0.1:9"), "okta.reachable", "problem", "proxy", id="dead-proxy"),
    pytest.param(extra("ca_bundle", "/no/such/file.pem"), "okta.host", "ok", "", id="unused-ca-bundle"),
    pytest.param(clock(120), "okta.clock", "warning", "NTP", id="clock-ahead-a-little"),
    pytest.param(clock(3600), "okta.clock", "problem", "NTP", id="clock-ahead"),
    pytest.param(clock(-3600), "okta.clock", "problem", "behind", id="clock-behind"),
    pytest.param(okta("password", ""), "okta.credentials", "problem", "API token", id="no-token"),
    pytest.param(okta("password", "wrong-token-0000"), "okta.credentials", "problem", "30 days", id="bad-token"),
    pytest.param(revoked, "okta.credentials", "problem", "create one", id="revoked-token"),
    pytest.param(refusing("/api/v1/users", 500), "okta.credentials", "problem", "later", id="okta-fails"),
    pytest.param(used_up, "okta.credentials", "problem", "rate_limit_share", id="rate-limit-used-up"),
    pytest.param(may_only("okta.users.read"), "okta.users", "problem", "okta.users.read", id="no-permission-users"),
    pytest.param(may_only("okta.groups.manage"), "okta.groups", "problem", "okta.groups.read", id="no-permission-groups"),
    pytest.param(refusing("/api/v1/groups/"), "okta.group_members", "problem", "members", id="no-permission-members"),
    pytest.param(may_only("okta.securityEventsProviders.manage"), "okta.security_events_providers", "warning", "okta.securityEventsProviders.read", id="no-permission-providers"),
    pytest.param(both(wanted(ensure_provider=True), may_only("okta.securityEventsProviders.manage")), "okta.security_events_providers", "problem", "okta.securityEventsProviders.read", id="no-permission-providers-to-ensure"),
    pytest.param(may_only("okta.logs.read"), "okta.system_log", "warning", "okta.logs.read", id="no-permission-log"),
    pytest.param(both(wanted(actions=("upsert",)), may_only("okta.userRisk.manage")), "okta.identity_threat_protection", "problem", "okta.userRisk.read", id="no-permission-risk"),
    pytest.param(both(as_app, okta("login", "")), "okta.credentials", "problem", "client id", id="app-no-client-id"),
    pytest.param(both(as_app, okta("login", "0oaUnknownUnknown000")), "okta.credentials", "problem", "client", id="app-unknown"),
    pytest.param(another_key, "okta.credentials", "problem", "key", id="app-other-key"),
    pytest.param(app(status="INACTIVE"), "okta.credentials", "problem", "app", id="app-inactive"),
    pytest.param(app(scopes=()), "okta.credentials", "problem", "okta.groups.manage", id="app-no-scope"),
    pytest.param(app_without("okta.groups.manage"), "okta.scopes", "problem", "okta.groups.manage", id="app-no-scope-groups"),
    pytest.param(both(option("partly_granted_scopes", "refuse"), app_without("okta.groups.manage")), "okta.credentials", "problem", "okta.groups.manage", id="app-refused-for-one-scope"),
    pytest.param(both(wanted(ensure_provider=True), app_without("okta.securityEventsProviders.manage")), "okta.scopes", "problem", "okta.securityEventsProviders.manage", id="app-no-scope-providers"),
    pytest.param(both(wanted(confirm=True), may_only("okta.logs.read")), "okta.system_log", "problem", "okta.logs.read", id="no-permission-log-to-confirm"),
    pytest.param(both(wanted(confirm=True), app_without("okta.logs.read")), "okta.scopes", "problem", "okta.logs.read", id="app-no-scope-log-to-confirm"),
    pytest.param(both(wanted(confirm=True, actions=("groups",)), may_only("okta.logs.read")), "okta.system_log", "warning", "okta.logs.read", id="no-permission-log-without-signals"),
    pytest.param(app_without("okta.logs.read"), "okta.system_log", "warning", "okta.logs.read", id="app-no-scope-log"),
    pytest.param(app(role_permissions=("okta.groups.manage",)), "okta.users", "problem", "admin role", id="app-no-role-users"),
    pytest.param(both(app(), extra("dpop", "never")), "okta.credentials", "problem", "dpop", id="app-needs-dpop"),
    pytest.param(one_key_for_both, "okta.credentials", "problem", "key of its own", id="one-key-for-both"),
    pytest.param(without_group, "okta.group", "problem", "create_group", id="no-group"),
    pytest.param(imported_group, "okta.group", "problem", "created in Okta", id="app-group"),
    pytest.param(two_groups, "okta.group", "problem", "by its id", id="two-groups"),
    pytest.param(wanted(group_name=None, group_id="00gnone"), "okta.group", "problem", "group's page", id="unknown-group-id"),
    pytest.param(wanted(group_name="Everyone"), "okta.group", "problem", "created in Okta", id="built-in-group"),
    pytest.param(no_provider, "okta.registration", "problem", "OktaSecurityEventsProviderOperator", id="no-provider"),
    pytest.param(inactive_provider, "okta.registration", "problem", "INACTIVE", id="inactive-provider"),
    pytest.param(provider_field("issuer", "https://old.example"), "okta.registration", "problem", "issuer", id="other-issuer"),
    pytest.param(provider_field("jwks_url", "https://old.example/jwks"), "okta.registration", "problem", "jwks_url", id="other-jwks-url"),
    pytest.param(split_provider, "okta.registration", "problem", "delete one", id="two-providers"),
    pytest.param(extra("issuer", ""), "okta.registration", "problem", "well_known_url", id="no-issuer"),
    pytest.param(weak_key, "signing.key", "problem", "RSA private key", id="public-key"),
    pytest.param(extra("signing_private_key", ""), "signing.key", "problem", "signing_private_key", id="no-key"),
    pytest.param(both(wanted(actions=("groups",)), option("has_itp", False)), "okta.identity_threat_protection", "ok", "changing groups does not need", id="no-itp-for-groups"),
    pytest.param(both(wanted(actions=("upsert",)), option("has_itp", False)), "okta.identity_threat_protection", "problem", "use groups", id="no-itp-for-upsert"),
    pytest.param(refusing("/api/v1/users/00u", 401, MISSING_FEATURE), "okta.identity_threat_protection", "warning", "System Log", id="no-itp-for-push"),
    pytest.param(option("has_itp", False), "okta.identity_threat_protection", "problem", "use groups", id="no-itp-and-no-receiver"),
    pytest.param(extra("allow_private_jwks_url", False), "signing.jwks", "problem", "allow_private_jwks_url", id="jwks-at-a-private-address"),
    pytest.param(published(status=404), "signing.jwks", "problem", "404", id="jwks-not-there"),
    pytest.param(published(status=503), "signing.jwks", "problem", "503", id="jwks-host-fails"),
    pytest.param(published(content_type="text/plain"), "signing.jwks", "problem", "application/json", id="jwks-content-type"),
    pytest.param(published(content="<html>"), "signing.jwks", "problem", "JSON", id="jwks-no-json"),
    pytest.param(published(content=json.dumps(new_signing_key().jwks)), "signing.jwks", "problem", "keys jwks", id="jwks-without-our-key"),
    pytest.param(wanted(users=100_000), "okta.rate_limits", "warning", "rate_limit_share", id="too-many-users"),
    pytest.param(netskope("host", ""), "netskope.host", "problem", "URL", id="netskope-no-host"),
    pytest.param(port_refused("netskope"), "netskope.reachable", "problem", "firewall", id="netskope-refused-port"),
    pytest.param(netskope("password", "wrong"), "netskope.credentials", "problem", "rotation", id="netskope-bad-token"),
    pytest.param(refusing("/api/v2", service="netskope"), "netskope.credentials", "problem", "valid REST API v2 token", id="netskope-refuses-all"),
    pytest.param(refusing("/api/v2/scim", service="netskope"), "netskope.users", "problem", "/api/v2/scim/Users", id="netskope-no-users"),
    pytest.param(refusing("/api/v2/incidents/uba", service="netskope"), "netskope.daily_scores", "problem", "/api/v2/incidents/uba/getuci", id="netskope-no-series"),
    pytest.param(both(wanted(strategy="list"), refusing("/api/v2/incidents/users", service="netskope")), "netskope.credentials", "problem", "/api/v2/incidents/users/getuci", id="netskope-no-list"),
    pytest.param(refusing("/api/v2/incidents/uba", 200, '{"status":"error","message":"no licence"}', service="netskope"), "netskope.daily_scores", "problem", "no licence", id="netskope-says-error-with-200"),
    pytest.param(refusing("/api/v2", 500, service="netskope"), "netskope.credentials", "problem", "later", id="netskope-fails"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "name", "status", "says"), BREAKS)
def test_what_is_broken_turns_its_check_and_says_what_to_do(world, change, name, status, says):
    change(world)
    before = state_of(world.sandbox)
    report = world.check()
    finding = report.finding(name)
    assert finding.status == status, finding
    assert says in f"{finding.message} {finding.remedy}", finding
    if status in ("problem", "warning"):
        assert finding.remedy
        # The first thing that is wrong is the one that was broken, not something that follows from it.
        assert next(one.name for one in report.findings if one.status in ("problem", "warning")) == name
    assert state_of(world.sandbox) == before


def test_at_least_twenty_ways_to_break_it_are_tried():
    assert len([one for one in BREAKS if one.values[2] == "problem"]) >= 20


def test_what_depends_on_a_failed_check_is_skipped_and_says_so(world):
    world.sandbox.okta.rotate_token()
    report = world.check()
    assert of(report, "problem") == {"okta.credentials"}
    assert report.finding("okta.users").status == "skipped"
    assert "okta.credentials" in report.finding("okta.users").message
    # The other service and the key are looked at all the same.
    assert report.finding("netskope.users").status == "ok"
    assert report.finding("signing.key").status == "ok"


def test_a_connection_that_does_not_exist_says_how_to_make_it(world, monkeypatch):
    world.store()
    monkeypatch.delenv("AIRFLOW_CONN_NETSKOPE_DEFAULT")
    from airflow_provider_okta_ure.preflight.run import preflight
    from airflow_provider_okta_ure.preflight.wanted import Wanted

    report = preflight("okta_default", "netskope_default", Wanted(group_name=GROUP))
    finding = report.finding("netskope.connection")
    assert (finding.status, "AIRFLOW_CONN_NETSKOPE_DEFAULT" in finding.remedy) == ("problem", True)


def test_without_netskope_only_okta_is_looked_at(world):
    world.netskope_conn_id = None
    report = world.check()
    assert not [one.name for one in report.findings if one.name.startswith("netskope")]
    assert world.sandbox.requests_to("netskope") == []


def test_what_nobody_is_going_to_do_is_not_checked(world):
    world.wanted = {"actions": ("upsert",)}
    world.sandbox.fail_next(service="okta", status=403, times=50, path_prefix="/api/v1/groups")
    world.okta["extra"] = {}
    report = world.check()
    assert report.status == "ok"
    for name in ("okta.groups", "okta.group", "okta.security_events_providers", "signing.key"):
        assert report.finding(name).status == "skipped"
        assert "going to be" in report.finding(name).message


def test_by_default_the_connection_says_what_is_going_to_be_done(world):
    world.wanted = {"group_name": GROUP}
    assert world.check().finding("okta.registration").status == "ok"
    world.okta["extra"] = {"issuer": ISSUER}
    assert world.check().finding("okta.registration").status == "skipped"


def test_a_registration_that_the_work_mends_is_no_problem(world):
    world.wanted["ensure_provider"] = True
    world.sandbox.okta.providers[0].status = "INACTIVE"
    assert "will be activated" in world.check().finding("okta.registration").message
    world.sandbox.okta.providers[0].jwks_url = "https://old.example/jwks"
    assert "will be updated" in world.check().finding("okta.registration").message
    assert world.check().status == "ok"


def test_trouble_that_may_pass_is_told_from_trouble_for_good(world):
    world.sandbox.fail_next(service="okta", status=503, times=50)
    error = world.check().error()
    assert error is not None
    assert error.retryable
    world.netskope["password"] = "wrong"
    error = world.check().error()
    assert error is not None
    assert not error.retryable


def test_no_secret_is_in_a_report(world):
    world.okta["password"] = "okta-canary-0000"
    world.netskope["password"] = "netskope-canary-0000"
    world.okta["extra"]["proxy"] = None
    said = str(world.check().to_dict())
    world.okta["extra"]["signing_private_key"] = "canary-key"
    said += str(world.check().to_dict())
    assert "canary" not in said
    assert new_signing_key().pem.splitlines()[1][:20] not in said
    assert all(line not in said for line in world.key.pem.splitlines()[1:-1])


# --- who is excluded


@pytest.mark.parametrize("where", ["connection", "work"])
@pytest.mark.parametrize(
    ("excluded", "status", "says"),
    [
        pytest.param({"exclude_users": "vip@new.example"}, "ok", "1 users are excluded", id="found"),
        pytest.param(
            {"exclude_users": "vip@new.example; vpi@new.example"}, "warning", "vpi@", id="typing-error"
        ),
        pytest.param({"exclude_users": "vip boss"}, "problem", "one name or several", id="not-understood"),
        pytest.param({"exclude_groups": "Break glass"}, "ok", "1 users are excluded", id="group"),
        pytest.param({"exclude_groups": "Nobody made it"}, "problem", "cannot be read", id="no-group"),
    ],
)
def test_exclusions_are_looked_at_before_the_work_begins(world, where, excluded, status, says):
    vip = world.sandbox.okta.add_user(login="vip@new.example")
    world.sandbox.okta.add_member(world.sandbox.okta.add_group("Break glass").id, vip.id)
    if where == "connection":
        world.okta["extra"] |= excluded
    else:
        world.wanted |= {name: (value,) for name, value in excluded.items()}
    found = world.check().finding("okta.exclusions")
    assert (found.status, says in found.message) == (status, True)


def test_an_app_that_only_pushes_can_read_excluded_groups(world):
    as_app(world)
    world.sandbox.okta.add_member(world.sandbox.okta.add_group("Break glass").id, first_user(world))
    world.wanted |= {"actions": ("push",), "exclude_groups": ("Break glass",)}
    report = world.check()
    assert report.finding("okta.exclusions").status == "ok"
    assert "okta.groups.read" in report.finding("okta.scopes").message


def first_user(world: World) -> str:
    return str(world.sandbox.okta.add_user(login="first@new.example").id)


@pytest.mark.parametrize(
    ("excluded", "status"), [("always", "problem"), ("if_readable", "warning"), ("never", "skipped")]
)
def test_administrators_who_cannot_be_read_are_as_bad_as_it_matters(world, excluded, status):
    world.wanted["exclude_administrators"] = excluded
    assert world.check().finding("okta.administrators").status == ("skipped" if excluded == "never" else "ok")
    refusing("/api/v1/iam")(world)
    found = world.check().finding("okta.administrators")
    assert found.status == status
    assert ("see who is an administrator" in found.remedy) is (excluded != "never")


# --- the action log


@pytest.mark.parametrize(
    ("change", "check", "status", "says"),
    [
        pytest.param("several", "action_log.place", "problem", "several machines", id="executor"),
        pytest.param("mysql", "action_log.place", "problem", "is of type 'mysql'", id="another-type"),
        pytest.param("broken", "action_log.place", "problem", "is not JSON", id="broken-extra"),
        pytest.param("down", "action_log.version", "problem", "cannot be used", id="server-down"),
        pytest.param("nowhere", "action_log.write", "problem", "there is no folder", id="no-folder"),
        pytest.param("other", "action_log.version", "problem", "not a database", id="another-file"),
        pytest.param("newer", "action_log.version", "problem", "does not know", id="newer-version"),
    ],
)
def test_an_action_log_that_cannot_be_used_is_a_problem(
    world, connect, monkeypatch, tmp_path, change, check, status, says
):
    from airflow_provider_okta_ure.hooks.action_log import open_action_log

    place: dict[str, Any] = {"conn_type": "sqlite", "host": str(tmp_path / "log.db")}
    if change == "several":
        monkeypatch.delenv("AIRFLOW_CONN_OKTA_URE_ACTION_LOG")
        monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    elif change == "newer":
        connect("okta_ure_action_log", **place)
        log = open_action_log()
        with log.database.writing() as connection:
            connection.exec_driver_sql("UPDATE okta_ure_alembic_version SET version_num = '9999'")
        log.close()
    else:
        if change == "other":
            (tmp_path / "log.db").write_text("something else " * 100)
        places: dict[str, dict[str, Any]] = {
            "mysql": {"conn_type": "mysql", "host": "db"},
            "broken": {"conn_type": "postgres", "host": "db", "extra": "{broken"},
            "down": {"conn_type": "postgres", "host": "127.0.0.1", "port": 1, "password": "canary"},
            "nowhere": {"conn_type": "sqlite", "host": str(tmp_path / "nowhere" / "log.db")},
            "other": place,
        }
        connect("okta_ure_action_log", **places[change])
    report = world.check()
    found = report.finding(check)
    assert (found.status, says in found.message) == (status, True)
    assert found.remedy
    assert "canary" not in str(report.to_dict())
    assert not (tmp_path / "nowhere").exists()


def test_looking_at_the_action_log_does_not_make_it(world, connect, tmp_path):
    connect("okta_ure_action_log", conn_type="sqlite", host=str(tmp_path / "fresh.db"))
    report = world.check()
    assert report.finding("action_log.write").status == "ok"
    assert "the first task makes it" in report.finding("action_log.version").message
    assert not list(tmp_path.glob("fresh.db*"))


@pytest.mark.parametrize("mode", ["session", "transaction", "statement"])
def test_a_connection_pooler_is_seen(world, connect, postgres, mode):
    with pooled(postgres.new_database(), mode) as url:
        at = make_url(url)
        connect(
            "okta_ure_action_log",
            conn_type="postgres",
            host=at.host,
            port=at.port,
            login=at.username,
            schema=at.database,
        )
        report = world.check()
    of_log = {one.name: one for one in report.findings if one.name.startswith("action_log.")}
    if mode == "statement":
        assert "problem" in {one.status for one in of_log.values()}
    else:
        assert {one.status for one in of_log.values()} == {"ok"}
        assert ("transaction mode" in of_log["action_log.pooler"].message) is (mode == "transaction")


def test_a_user_who_may_not_write_the_action_log_is_a_problem(world, connect, postgres):
    from airflow_provider_okta_ure.hooks.action_log import open_action_log

    at = make_url(postgres.new_database())
    where = {"conn_type": "postgres", "host": at.host, "port": at.port, "schema": at.database}
    connect("okta_ure_action_log", **where, login=at.username)
    log = open_action_log()
    with log.database.writing() as connection:
        connection.exec_driver_sql(f"CREATE ROLE reader_{at.database} LOGIN")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{at.database}")
    log.close()
    connect("okta_ure_action_log", **where, login=f"reader_{at.database}")
    found = world.check().finding("action_log.write")
    assert (found.status, "has no INSERT" in found.message) == ("problem", True)


# --- signals: auto, on, off


def no_key(world: World) -> None:
    world.okta["extra"] = {}


def no_protection(world: World) -> None:
    world.sandbox.options.has_itp = False


def nothing(_: World) -> None:
    """Leave the healthy world as it is."""


@pytest.mark.parametrize("sign_in", ["token", "app"])
@pytest.mark.parametrize(
    ("signals", "change", "sends", "says"),
    [
        pytest.param("auto", nothing, True, "", id="auto"),
        pytest.param("auto", no_key, False, "has no signing key", id="auto-without-key"),
        pytest.param("auto", no_protection, False, "not have Identity Threat", id="auto-without-itp"),
        pytest.param("off", nothing, False, "signals is off", id="off"),
        pytest.param("off", no_protection, False, "signals is off", id="off-without-itp"),
        pytest.param("on", nothing, True, "", id="on"),
    ],
)
def test_an_org_without_signals_is_green(world, sign_in, signals, change, sends, says):
    if sign_in == "app":
        as_app(world)
        keep = {
            name: world.okta["extra"][name]
            for name in ("auth_method", "client_private_key", "client_key_id", "writable_groups")
            if name in world.okta["extra"]
        }
        change(world)
        world.okta["extra"] |= keep
    else:
        change(world)
        world.okta["extra"] |= {"writable_groups": "*"}
    world.wanted |= {"signals": signals, "ensure_provider": True, "confirm": True}
    report = world.check()
    assert of(report, "problem") | of(report, "warning") == set()
    assert (report.finding("okta.registration").status == "ok") is sends
    assert says in report.finding("signing.key").message


@pytest.mark.parametrize("change", [no_key, no_protection])
def test_signals_that_must_be_sent_and_cannot_are_a_problem(world, change):
    change(world)
    world.wanted |= {"signals": "on"}
    assert world.check().status == "problem"


def test_auto_sends_where_it_cannot_be_seen_what_the_org_has(world):
    may_only("okta.userRisk.manage", "okta.securityEventsProviders.manage")(world)
    world.store()
    sends, why = OktaHook().signals_wanted("auto")
    assert (sends, "cannot be seen" in why) == (True, True)


def test_auto_is_not_decided_by_an_outage(world):
    world.store()
    world.sandbox.fail_next(service="okta", status=503, times=50)
    with pytest.raises(OktaUreError) as caught:
        OktaHook().signals_wanted("auto")
    assert caught.value.retryable


@pytest.mark.parametrize("mode", ["sometimes", "", None, 1])
def test_another_mode_is_an_error(world, mode):
    world.store()
    with pytest.raises(ConfigurationError, match="signals is"):
        OktaHook().signals_wanted(mode)


def test_registering_without_a_key_is_a_problem(world):
    no_key(world)
    world.wanted = {"group_name": GROUP, "ensure_provider": True}
    report = world.check()
    assert report.finding("signing.key").status == "problem"


def test_the_registration_of_another_transmitter_is_a_problem_before_the_work(world):
    world.okta["extra"]["issuer"] = "https://risk.staging.example"
    world.wanted["ensure_provider"] = True
    found = world.check().finding("okta.registration")
    assert found.status == "problem"
    assert "https://risk.staging.example" in found.message
    assert ISSUER in found.message
    world.okta["extra"]["take_over"] = True
    assert world.check().finding("okta.registration").status == "ok"


# --- the pause switch


def test_who_paused_since_when_and_why_is_a_warning(world, monkeypatch):
    monkeypatch.setenv(
        "AIRFLOW_VAR_OKTA_URE_PAUSED",
        '{"since": "2026-11-23T02:10:00Z", "by": "ann", "reason": "wrong tenant"}',
    )
    finding = world.check().finding("pause.switch")
    assert finding.status == "warning"
    assert finding.message == (
        "All writes to Okta are paused since 2026-11-23 02:10 UTC by ann: wrong tenant."
    )
    assert "airflow okta-ure resume" in finding.remedy


def test_nothing_paused_is_ok(world):
    assert world.check().finding("pause.switch").status == "ok"


@pytest.mark.parametrize(("is_task", "status"), [(True, "problem"), (False, "skipped")])
def test_a_switch_that_cannot_be_read_is_a_problem_of_tasks(monkeypatch, is_task, status):
    """A command may run where Airflow's database is not; a task finds what those after it will find."""

    def unreadable() -> None:
        raise PauseUnknownError("It cannot be read: TimeoutError.")

    monkeypatch.setattr(pause, "read_pause", unreadable)
    verdict = pause.PauseChecks(is_task=is_task).switch()
    assert (verdict.status, verdict.retryable) == (status, is_task)
    assert "TimeoutError" in verdict.message
