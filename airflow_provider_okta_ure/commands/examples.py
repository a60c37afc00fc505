# SPDX-License-Identifier: Apache-2.0
"""``airflow okta-ure examples``: list the example DAGs of this package, and copy them to the DAGs folder."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.configuration import conf

from airflow_provider_okta_ure.commands.endings import ending_with_status
from airflow_provider_okta_ure.commands.files import PUBLIC_MODE, new_file
from airflow_provider_okta_ure.commands.output import say
from airflow_provider_okta_ure.commands.shipped import shipped_files
from airflow_provider_okta_ure.core.suggestions import did_you_mean
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Sequence


def list_examples(args: Namespace) -> None:
    """Print name and title of every example DAG."""
    del args
    with ending_with_status(interrupted="Interrupted."):
        found = _examples()
        width = max(map(len, found))
        for name, path in found.items():
            sys.stdout.write(f"{name:<{width}}  {_title(path)}\n")


def copy(args: Namespace) -> None:
    """
    Copy the named example DAGs, or all of them, and print where they are now.

    A file that is there already with the same content is left alone; one with other content is an error
    before anything is copied.
    """
    with ending_with_status(interrupted="Interrupted; what was printed is copied."):
        folder = Path(args.to or conf.get("core", "dags_folder")).expanduser()
        targets = {path: folder / path.name for path in _chosen(args.names)}
        if not args.force:
            _require_no_other_content(targets)
        _make(folder)
        for source, target in targets.items():
            text = source.read_text(encoding="utf-8")
            if not _holds(target, text):
                with new_file(target, mode=PUBLIC_MODE, replace=args.force) as file:
                    file.write(text)
            sys.stdout.write(f"{target}\n")
        say("Read the documentation of a DAG before you turn it on: it says what the DAG writes, and when.")


def _examples() -> dict[str, Path]:
    """
    Return the files of the example DAGs by DAG id.

    The folder is not called ``example_dags``: Airflow would load it by itself while ``[core] load_examples``
    is on, and the DAG of a copy would exist twice.

    :raises ConfigurationError: this installation has none.
    """
    return shipped_files("examples", "dags", ".py")


def _chosen(names: Sequence[str]) -> list[Path]:
    known = _examples()
    wanted = [name.removesuffix(".py") for name in names]
    for name in wanted:
        if name not in known:
            raise ConfigurationError(
                f"There is no example {name!r}.{did_you_mean(name, known)}",
                remedy=f"The examples are {', '.join(known)}.",
            )
    return [known[name] for name in dict.fromkeys(wanted)] or list(known.values())


def _require_no_other_content(targets: dict[Path, Path]) -> None:
    for source, target in targets.items():
        if target.exists() and not _holds(target, source.read_text(encoding="utf-8")):
            raise ConfigurationError(
                f"{target} already exists with other content; nothing was copied.",
                remedy="Rename it or choose another folder with --to; --force replaces it.",
            )


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"The folder {folder} cannot be used: {error.strerror}.", remedy="Choose another one with --to."
        ) from None


def _title(path: Path) -> str:
    """Return the heading of a DAG's own documentation."""
    documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return documentation.partition("\n")[0].lstrip("# ")
