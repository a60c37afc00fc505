"""The clients' small reads: without a token where nobody has signed in, and patient only for a moment."""

from __future__ import annotations

import pytest

from airflow_provider_okta_ure.errors import ServerError, TransportError
from demo.processes import free_port
from tests.contract.client_support import netskope as netskope
from tests.contract.client_support import netskope_of, okta_of
from tests.contract.client_support import okta as okta
from tests.contract.client_support import sandbox as sandbox


def test_the_first_look_takes_no_token_along_not_even_from_a_netrc_file(sandbox, okta, tmp_path, monkeypatch):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password netrc-canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    glimpse = okta.probe.glimpse()
    assert (glimpse.status, glimpse.is_page, glimpse.untrusted) == (401, False, "")
    assert [entry.has_authorization for entry in sandbox.requests] == [False]


def test_the_first_look_compares_the_clocks(okta, netskope):
    for client in (okta, netskope):
        skew = client.probe.glimpse().skew
        assert skew is not None
        assert abs(skew) <= 1


def test_a_login_page_is_told_from_an_answer(sandbox, okta):
    sandbox.fail_next(status=200, body="<!doctype html><html>log in</html>")
    assert okta.probe.glimpse().is_page
    assert not okta.probe.glimpse().is_page


def test_a_service_that_is_not_there_is_an_error(sandbox):
    port = free_port()
    okta = okta_of(sandbox)
    okta._api.base_url = f"http://127.0.0.1:{port}"
    with pytest.raises(TransportError, match="refused"):
        okta.probe.glimpse()


def test_a_probe_waits_for_seconds_not_for_minutes(sandbox):
    for read in (okta_of(sandbox).probe.read_groups, netskope_of(sandbox).probe.read_list):
        sandbox.fail_next(status=503, times=10)
        before = sandbox.clock.timestamp()
        with pytest.raises(ServerError):
            read()
        assert sandbox.clock.timestamp() - before <= 5
        sandbox.clear_faults()


def test_the_clients_own_patience_is_left_alone(sandbox, okta):
    sandbox.fail_next(status=503, times=3)
    with pytest.raises(ServerError):
        okta.probe.read_groups()
    sandbox.fail_next(status=503, times=3)
    assert list(okta.list_groups())


def test_limits_are_those_of_the_answers_and_shared_with_the_client(okta):
    assert okta.probe.limits == {}
    okta.probe.read_groups()
    okta.count_users()
    assert okta.probe.limits == {"/api/v1/groups": 250}
    assert okta.probe.rate_limit_share == 0.8
