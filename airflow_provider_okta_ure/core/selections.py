# SPDX-License-Identifier: Apache-2.0
"""Which rows a filter picks: those that one rule matches, unless another rule matches them too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_okta_ure.core.rules import EMPTY, Rule
from airflow_provider_okta_ure.errors import RuleError

if TYPE_CHECKING:
    from airflow_provider_okta_ure.core.models import Row


class Selection:
    """
    A rule and its exception, parsed one by one; made by :meth:`parse`.

    They are combined as values. The text of one is never put inside the text of the other, where a bracket
    or a comment could change what both of them mean.
    """

    def __init__(self, rule: Rule, unless: Rule | None = None) -> None:
        self._rule = rule
        self._unless = unless
        self.fields = rule.fields | (unless.fields if unless else frozenset())

    @classmethod
    def parse(cls, rule: str, unless: str | None = None) -> Selection:
        """
        Return the selection that two texts mean.

        >>> from airflow_provider_okta_ure.core.models import Row
        >>> recovered = Selection.parse("score > 600", unless='user.starts_with("svc-")')
        >>> [recovered.matches(Row(user=user, score=700)) for user in ("ann", "svc-backup")]
        [True, False]

        :param unless: None = there is no exception. An empty text is an error: an exception that came to
            nothing on its way here is not one that was left out.
        :raises RuleError: one of them cannot be used; the message begins with ``rule:`` or ``unless:``.
        """
        return cls(_parsed(rule, "rule"), None if unless is None else _parsed(unless, "unless"))

    def matches(self, row: Row) -> bool:
        """
        Return whether the rule matches a row and the exception does not.

        A row that lacks a value that the exception names is not picked, as with ``not`` in a rule: nobody
        knows whether the exception holds.
        """
        if not self._rule.matches(row):
            return False
        return self._unless is None or not (self._unless.missing_in(row) or self._unless.matches(row))

    def explain(self, row: Row, *, user_shown: str | None = None) -> str:
        """
        Return the truth of each part of both rules for a row.

        >>> from airflow_provider_okta_ure.core.models import Row
        >>> Selection.parse("score > 600", unless="provisional").explain(Row(user="ann", score=700))
        'score > 600 (score = 700): true, unless: provisional (provisional = false): false'

        :param user_shown: what to say instead of the user's name; None = the name.
        """
        told = self._rule.explain(row, user_shown=user_shown)
        if self._unless is None:
            return told
        return f"{told}, unless: {self._unless.explain(row, user_shown=user_shown)}"


def _parsed(text: str, argument: str) -> Rule:
    try:
        return Rule.parse(text)
    except RuleError as error:
        if argument == "unless" and error.message == EMPTY:
            error.remedy = "Leave unless out, or set it to None, when there is no exception."
        error.name_argument(argument)
        raise
