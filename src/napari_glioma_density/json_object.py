"""JSON objects, as files hold them that a crash or a hand may have damaged."""

import json
from typing import Any


def json_object(text: str | bytes) -> dict[str, Any]:
    """Return the object that a text holds.

    Raises
    ------
    ValueError
        When it holds anything else, or is nested more deeply than can be parsed.
    """
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(parsed, dict):
        raise ValueError(f"it holds no JSON object but {type(parsed).__name__}")  # noqa: TRY004
    return parsed
