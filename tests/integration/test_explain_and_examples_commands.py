"""``airflow okta-ure explain`` and ``examples``: what a user who installed with pip has instead of the repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from airflow.cli.cli_parser import get_parser

ROOT = Path(__file__).resolve().parents[2]
DAGS = {path.name: path.read_text() for path in (ROOT / "dags").glob("*.py")}


class Ended(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    def run(*arguments: object) -> Ended:
        args = get_parser().parse_args(["okta-ure", *map(str, arguments)])
        status = 0
        try:
            args.func(args)
        except SystemExit as end:
            status = int(str(end.code))
        return Ended(status, *capsys.readouterr())

    return run


# --- explain


@pytest.mark.parametrize(
    "asked",
    ["ambiguous-user", "docs/troubleshooting.md#ambiguous-user", "ambiguous_user", "Ambiguous-User"],
)
def test_a_topic_is_explained_however_a_message_or_report_names_it(run, asked):
    ended = run("explain", asked)
    assert ended.status == 0
    assert ended.out.startswith("### Several Okta users have this e-mail address\n")
    assert "**What to do.**" in ended.out
    assert "<a id" not in ended.out


def test_an_error_code_of_okta_finds_what_explains_it(run):
    assert run("explain", "E0000047").out.startswith("### The rate limit is used up\n")


def test_a_misspelled_topic_gets_a_suggestion(run):
    ended = run("explain", "ambigous_user")
    assert (ended.status, ended.out) == (2, "")
    assert "Did you mean 'ambiguous_user'" in ended.err.replace("ambiguous-user", "ambiguous_user")


def test_a_topic_like_no_other_gets_the_way_to_the_list(run):
    ended = run("explain", "zzzzzz")
    assert (ended.status, ended.out) == (2, "")
    assert "Did you mean" not in ended.err
    assert "`airflow okta-ure explain` lists all topics" in ended.err


def test_without_a_topic_all_are_listed(run):
    lines = run("explain").out.splitlines()
    assert "Reaching the services" in lines
    topic, title = "ambiguous-user", "Several Okta users have this e-mail address"
    assert [topic, title] in [line.split(maxsplit=1) for line in lines]


@pytest.mark.parametrize("asked", ["keys", "keys.md", "docs/keys.md"])
def test_a_document_is_printed_however_a_message_names_it(run, asked):
    assert run("explain", asked).out == (ROOT / "docs" / "keys.md").read_text()


def test_a_name_that_a_topic_and_a_document_share_prints_both(run):
    document = (ROOT / "docs" / "action-log.md").read_text()
    out = run("explain", "action-log").out
    assert out.startswith("### ")
    assert out.endswith(document)
    assert run("explain", "docs/action-log.md").out == document


# --- examples


def test_every_example_is_listed_with_its_title(run):
    lines = run("examples", "list").out.splitlines()
    assert sorted(line.split()[0] for line in lines) == sorted(name.removesuffix(".py") for name in DAGS)
    assert any(line.split(maxsplit=1) == ["okta_risk_sync", "Okta follows Netskope"] for line in lines)


def test_all_examples_are_copied_to_a_folder_that_is_made(run, tmp_path):
    ended = run("examples", "copy", "--to", tmp_path / "new" / "dags")
    assert ended.status == 0
    assert {path.name: path.read_text() for path in (tmp_path / "new" / "dags").iterdir()} == DAGS
    assert sorted(ended.out.split()) == sorted(str(tmp_path / "new" / "dags" / name) for name in DAGS)


def test_only_the_named_ones_are_copied_and_twice_is_as_good_as_once(run, tmp_path):
    for _ in range(2):
        assert run("examples", "copy", "--to", tmp_path, "okta_watchlist", "okta_risk_sync.py").status == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["okta_risk_sync.py", "okta_watchlist.py"]


def test_they_go_to_the_dags_folder_when_none_is_named(run, tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__CORE__DAGS_FOLDER", str(tmp_path / "dags"))
    assert run("examples", "copy", "okta_watchlist").status == 0
    assert (tmp_path / "dags" / "okta_watchlist.py").read_text() == DAGS["okta_watchlist.py"]


def test_a_changed_copy_is_not_replaced_and_nothing_else_copied(run, tmp_path):
    (tmp_path / "okta_watchlist.py").write_text("# with my exclusions")
    ended = run("examples", "copy", "--to", tmp_path)
    assert ended.status == 2
    assert "already exists with other content; nothing was copied" in ended.err
    assert [path.name for path in tmp_path.iterdir()] == ["okta_watchlist.py"]
    assert (tmp_path / "okta_watchlist.py").read_text() == "# with my exclusions"
    assert run("examples", "copy", "--to", tmp_path, "--force", "okta_watchlist").status == 0
    assert (tmp_path / "okta_watchlist.py").read_text() == DAGS["okta_watchlist.py"]


def test_an_unknown_example_is_named_and_nothing_copied(run, tmp_path):
    ended = run("examples", "copy", "--to", tmp_path, "okta_risk_sync", "okta_watchlst")
    assert ended.status == 2
    assert "There is no example 'okta_watchlst'. Did you mean 'okta_watchlist'" in ended.err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_said(run, tmp_path):
    (tmp_path / "file").touch()
    ended = run("examples", "copy", "--to", tmp_path / "file" / "dags")
    assert ended.status == 2
    assert "Choose another one with --to" in ended.err
