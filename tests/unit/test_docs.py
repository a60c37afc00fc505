"""The documents keep their word: links lead somewhere, named tests exist, nothing in the code is left out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_okta_ure.get_provider_info import get_provider_info

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "airflow_provider_okta_ure"
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

REASON_ARGUMENT = {"skipped": 0, "unchanged": 0, "_record_refusal": 1}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def syntax_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.S | re.M)


def named_tests() -> list[str]:
    return sorted(set(re.findall(r"`(tests/[^`]+::[^`]+)`", text_of("docs/defects.md"))))


def words(node: ast.AST) -> Iterator[str]:
    """Yield the lower-case words that are written out somewhere in an expression."""
    for one in ast.walk(node):
        if (
            isinstance(one, ast.Constant)
            and isinstance(one.value, str)
            and re.fullmatch("[a-z_]+", one.value)
        ):
            yield one.value
        elif isinstance(one, ast.Name) and one.id in REASON_NAMES:
            yield REASON_NAMES[one.id]


# Reasons that have a name, because several modules have to agree about them.
REASON_NAMES = {
    "EXPIRED": "expired",
    "NOT_ATTEMPTED": "not_attempted",
    "NOT_OURS": "reverted_not_ours",
    "WAITS": "waits_for_rate_limit",
}


def reasons_in(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            for part in reasons_that_are_returned_by(node):
                yield from words(part)
        elif isinstance(node, ast.Call):
            for reason in reasons_given_by(node):
                yield from words(reason)
        elif isinstance(node, ast.AnnAssign) and getattr(node.target, "id", "") == "_REASONS":
            yield from words(node)


def reasons_that_are_returned_by(function: ast.FunctionDef) -> list[ast.stmt]:
    if function.name in ("reason_of", "_reason_of"):
        return function.body
    if function.name == "why_not_applied":
        return [part for part in ast.walk(function) if isinstance(part, ast.Return)]
    return []


def reasons_given_by(call: ast.Call) -> list[ast.expr]:
    called = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if called not in ("Match", "GroupError", "replace", "Entry", "Outcome", "Decision", *REASON_ARGUMENT):
        return []
    # Also what an entry of the action log is given, when its end becomes known.
    place = REASON_ARGUMENT.get(called, len(call.args))
    return [*call.args[place : place + 1], *(one.value for one in call.keywords if one.arg == "reason")]


def reason_codes() -> list[str]:
    folders = ("core/**/*.py", "engine/**/*.py", "operators/*.py", "clients/okta*.py", "commands/*.py")
    files = [path for folder in folders for path in PACKAGE.glob(folder)]
    found = {reason for path in files for reason in reasons_in(syntax_of(path))}
    return sorted(found)


def operators() -> dict[str, set[str]]:
    """Return the operators that users import, each with its own constructor's arguments."""
    exported = set(words_of_all(PACKAGE / "operators" / "okta.py"))
    found: dict[str, set[str]] = {}
    for path in PACKAGE.glob("operators/*.py"):
        for node in syntax_of(path).body:
            if not isinstance(node, ast.ClassDef) or not node.name.endswith("Operator"):
                continue
            if node.name in exported or path.name in ("netskope.py", "rules.py"):
                found[node.name] = arguments_of(node)
    for node in syntax_of(PACKAGE / "sensors" / "okta.py").body:
        if isinstance(node, ast.ClassDef) and node.name.endswith("Sensor"):
            found[node.name] = arguments_of(node)
    assert exported <= found.keys()
    return found


def words_of_all(path: Path) -> list[str]:
    for node in syntax_of(path).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise AssertionError(f"{path} has no __all__")


def arguments_of(node: ast.ClassDef) -> set[str]:
    for one in node.body:
        if isinstance(one, ast.FunctionDef) and one.name == "__init__":
            return {argument.arg for argument in one.args.kwonlyargs}
    return set()


@pytest.mark.parametrize("named", named_tests())
def test_every_test_that_the_defects_name_exists(named):
    path, _, name = named.partition("::")
    functions = {node.name for node in ast.walk(syntax_of(ROOT / path)) if isinstance(node, ast.FunctionDef)}
    assert name in functions


def test_every_defect_has_a_number_and_a_test_or_a_reason():
    rows = re.findall(r"^\| ([AB]\d+) \|.*\| ([^|]*) \|$", text_of("docs/defects.md"), flags=re.M)
    assert [number for number, _ in rows] == [
        *(f"A{number}" for number in range(1, 33)),
        *(f"B{number}" for number in range(1, 20)),
    ]
    assert [number for number, test in rows if not re.match(r"`(tests/|make )|does not apply", test)] == []


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(document):
    targets = re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", without_code(document.read_text(encoding="utf-8")))
    relative = [target for target in targets if "://" not in target]
    assert [target for target in relative if not (document.parent / target).exists()] == []


def anchors_of(path: Path) -> set[str]:
    """Return what can follow the # in a link to a Markdown file, as GitHub makes it of the headings."""
    text = path.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.M)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)">', text))


@pytest.mark.parametrize("document", DOCS, ids=lambda path: path.name)
def test_every_link_to_a_section_leads_to_one(document):
    links = re.findall(r"\]\(([^)\s#:]*)#([^)\s]+)\)", without_code(document.read_text(encoding="utf-8")))
    wrong = [
        f"{target}#{anchor}"
        for target, anchor in links
        if anchor not in anchors_of((document.parent / target) if target else document)
    ]
    assert wrong == []


def test_what_a_package_index_shows_has_nothing_relative():
    assert 'readme = "docs/package.md"' in text_of("pyproject.toml")
    text = text_of("docs/package.md")
    targets = re.findall(r"\]\(([^)\s]+)\)|<(?:img|a) [^>]*(?:src|href)=\"([^\"]+)", text)
    assert [one for pair in targets for one in pair if one and not one.startswith("https://")] == []


def test_every_page_is_in_the_index():
    index = text_of("docs/index.md")
    assert [path.name for path in DOCS if f"{path.name})" not in index and path.name != "index.md"] == []


@pytest.mark.parametrize(("operator", "arguments"), sorted(operators().items()), ids=sorted(operators()))
def test_every_operator_and_its_arguments_are_described(operator, arguments):
    text = text_of("docs/operators.md")
    _, heading, rest = text.partition(f"### {operator}\n")
    assert heading
    section = re.split(r"^##+ ", rest, flags=re.M)[0]
    assert [name for name in sorted(arguments) if f"`{name}`" not in section] == []
    assert f"`{operator}`" in text_of("README.md")


def test_the_reasons_are_found_in_the_code():
    assert {"user_not_in_okta", "already_member", "group_not_found", "no_answer", "no_score"} <= set(
        reason_codes()
    )


@pytest.mark.parametrize("reason", reason_codes())
def test_every_reason_is_in_the_table(reason):
    assert f"\n| `{reason}` |" in text_of("docs/operators.md")


def test_no_reason_is_in_the_table_that_nothing_gives():
    table = text_of("docs/operators.md").partition("## Reasons")[2].partition("## When")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, flags=re.M)) == set(reason_codes())


def test_every_field_of_a_connection_is_described():
    fields = {
        field for connection in get_provider_info()["connection-types"] for field in connection["conn-fields"]
    }
    for document in ("docs/connections.md", "README.md", "CHANGELOG.md"):
        assert [field for field in sorted(fields) if f"`{field}`" not in text_of(document)] == []


def paths_of(source: str) -> set[str]:
    """Return the paths of a client's calls; ``...`` stands for what is filled in."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        text = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        elif isinstance(node, ast.JoinedStr):
            parts = [part.value if isinstance(part, ast.Constant) else "..." for part in node.values]
            text = "".join(str(part) for part in parts)
        # One that ends with a slash is the beginning of a text that something is filled into.
        if re.match(r"/(api/v[12]/|security/|oauth2/|\.well-known/)\S*[^/\s]$", text):
            found.add(re.sub(r"\{\w+\}", "...", text.partition("?")[0]))
    return found


def test_every_path_that_a_client_calls_is_in_the_requirements():
    described = re.sub(r"\{\w+\}", "...", text_of("docs/requirements.md"))
    described_paths = set(re.findall(r"(?:GET|POST|PUT|DELETE) (/\S+?)`", described))
    called = {path for file in PACKAGE.glob("clients/*.py") for path in paths_of(file.read_text("utf-8"))}
    assert {
        "/api/v1/groups/.../users/...",
        "/api/v2/scim/Users",
        "/security/api/v1/security-events",
    } <= called
    assert sorted(called - described_paths) == []


def test_the_python_in_the_documents_can_be_read():
    for document in DOCS:
        for block in re.findall(r"^```python\n(.*?)^```$", document.read_text(encoding="utf-8"), re.S | re.M):
            ast.parse(block)
