# SPDX-License-Identifier: Apache-2.0
"""Reason texts: a sentence with the fields of a row filled in."""

from __future__ import annotations

from string import Formatter

from airflow_provider_okta_ure.core.models import Row
from airflow_provider_okta_ure.core.plain_text import shown
from airflow_provider_okta_ure.errors import ConfigurationError


class ReasonText:
    """
    A sentence such as ``Netskope score {score} ({score_level})``, to be filled in per user.

    :param template: text with names of row fields in braces; ``{{`` and ``}}`` stand for a brace.
    :param argument: the operator argument it came from, for the error message.
    :raises ConfigurationError: the braces do not match, or a name is not a field of a row.
    """

    def __init__(self, template: str, *, argument: str = "reason") -> None:
        fields = ", ".join(Row.__struct_fields__)
        if not isinstance(template, str):
            raise ConfigurationError(f"{argument} is {shown(template)}, which is no text.")
        try:
            pieces = list(Formatter().parse(template))
        except ValueError as error:
            raise ConfigurationError(
                f"{argument}: {error}.", remedy=f"Write a field as {{score}}; the fields are {fields}."
            ) from None
        for _, name, spec, conversion in pieces:
            # Only plain names: an attribute or index would reach into Python objects.
            if name is not None and (name not in Row.__struct_fields__ or spec or conversion):
                raise ConfigurationError(
                    f"{argument}: {{{name}}} is not a field of a row.", remedy=f"The fields are {fields}."
                )
        self._template = template

    def fill(self, row: Row) -> str:
        """
        Return the sentence for one row; a missing value reads ``none``.

        >>> ReasonText("score {score}, was {previous_score}").fill(Row(user="ann@x.example", score=312))
        'score 312, was none'
        """
        values = {name: getattr(row, name) for name in Row.__struct_fields__}
        return self._template.format(
            **{name: "none" if value is None else value for name, value in values.items()}
        )
