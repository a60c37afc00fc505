# SPDX-License-Identifier: Apache-2.0
"""The extra of a connection as an object, or an error that says where it is broken, without its content."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

from airflow_provider_okta_ure.errors import ConfigurationError

if TYPE_CHECKING:
    from airflow.sdk import Connection

_REMEDY = 'Make the extra one JSON object: {"field": "value"}.'

# msgspec: "Expected `int | null`, got `str` - at `$.timeout`", "Invalid enum value 'x' - at `$.dpop`".
_AT_FIELD = re.compile(r"at `\$\.(\w+)")
_EXPECTED = re.compile(r"Expected `([^`]+)`")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "text",
    "str | array": "text, or a list of texts",
}
# Fields whose value may be quoted; of the others each can be a secret, or hold one.
_SHOWN = frozenset(
    (
        "timeout",
        "verify",
        "rate_limit_share",
        "max_answer_mib",
        "auth_method",
        "dpop",
        "allow_custom_domain",
        "allow_private_jwks_url",
        "take_over",
    )
)
_LONGEST_SHOWN = 40


def extra_of(connection: Connection) -> dict[str, Any]:
    """
    Return the extra of a connection; empty when there is none.

    Airflow's own ``extra_dejson`` is empty, too, when the extra is not JSON, so that every setting would
    silently have its default.

    :raises ConfigurationError: it is not one JSON object, or names a field twice.
    """
    text = connection.extra
    if isinstance(text, Mapping):
        return dict(text)
    if not text or not text.strip():
        return {}
    where = f"Connection {connection.conn_id!r}: the extra"
    try:
        found = json.loads(text, object_pairs_hook=_without_repetition)
    except json.JSONDecodeError as error:
        # Without the cause, which quotes the whole extra.
        raise _broken(
            f"{where} is not JSON: {error.msg.lower()}, at line {error.lineno}, column {error.colno}"
        ) from None
    except _RepeatedError as error:
        raise _broken(f"{where} has the field {error.name!r} twice") from None
    except (ValueError, RecursionError):
        raise _broken(f"{where} is not JSON that can be read") from None
    if not isinstance(found, dict):
        raise _broken(f"{where} is {_kind_of(found)} and not a JSON object")
    # Reading it the way of Airflow hides the secrets among its values in logs.
    _ = connection.extra_dejson
    return found


def wrong_field(
    conn_id: str | None, said: str, extra: Mapping[str, Any], settings_type: type
) -> ConfigurationError:
    """
    Return the error about an extra field of the wrong kind.

    :param said: what msgspec said of it.
    :param extra: the extra fields.
    :param settings_type: what they were to be.
    """
    at = _AT_FIELD.search(said)
    name = at[1] if at else ""
    kind = _kind_wanted(said, name, settings_type)
    value = extra.get(name)
    is_shown = name in _SHOWN and len(str(value)) <= _LONGEST_SHOWN
    what = repr(value) if is_shown else _kind_of(value)
    return ConfigurationError(
        f"Connection {conn_id!r}: the extra field {name!r} is {what}.",
        remedy=f"Use {kind}; docs/connections.md says what each field holds.",
        topic="connection-field",
    )


def _kind_wanted(said: str, name: str, settings_type: type) -> str:
    choices = [one for one in get_args(get_type_hints(settings_type).get(name)) if isinstance(one, str)]
    if choices:
        return f"one of {', '.join(choices)}"
    expected = _EXPECTED.search(said)
    kinds = (expected[1] if expected else "").replace(" | null", "")
    return _KINDS.get(kinds, "another value")


class _RepeatedError(Exception):
    """A field that an object has twice, so that one of its values would be lost."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _RepeatedError(name)
        found[name] = value
    return found


def _broken(message: str) -> ConfigurationError:
    return ConfigurationError(f"{message}.", remedy=_REMEDY, topic="connection-field")


def _kind_of(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, (int, float)):
        return "a number"
    return "a list" if isinstance(value, list) else "an object" if isinstance(value, dict) else "text"
