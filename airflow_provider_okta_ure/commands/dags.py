# SPDX-License-Identifier: Apache-2.0
"""A DAG as its file makes it, for commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.core.suggestions import did_you_mean
from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import DAG


def read_dag(dag_id: str, folder: str | None) -> DAG:
    """
    Return the DAG of this id.

    :param folder: a folder of DAG files, or one of them; None = Airflow's DAGs folder.
    :raises ConfigurationError: there is none, or its file cannot be read.
    """
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(folder)
    found: DAG | None = bag.dags.get(dag_id)
    if found is not None:
        return found
    broken = [f"{path}: {_last_line(error)}" for path, error in sorted(bag.import_errors.items())]
    if broken:
        raise ConfigurationError(
            f"There is no DAG {dag_id!r} among those that can be read.",
            remedy=f"These files cannot be read: {'; '.join(broken[:3])}.",
        )
    raise ConfigurationError(
        f"There is no DAG {dag_id!r} in {folder or bag.dag_folder}.{did_you_mean(dag_id, bag.dags)}",
        remedy="Give the folder of its file with --dags-folder.",
    )


def read_params(text: str | None) -> dict[str, Any]:
    """
    Return the values of parameters in JSON.

    :raises ConfigurationError: it is not a JSON object.
    """
    if text is None:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise ConfigurationError(
            f"--params is {shown(text)}.", remedy='Use a JSON object, such as {"group": "Netskope at risk"}.'
        ) from None


def _last_line(error: str) -> str:
    lines = error.strip().splitlines()
    return lines[-1] if lines else "unknown error"
