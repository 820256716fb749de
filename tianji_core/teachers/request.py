"""The parts of a request that every API family shares."""

from collections.abc import Iterable
from typing import Any

from tianji_core.teachers.providers import ModelEntry

_TOKEN_LIMITS = ("max_tokens", "max_completion_tokens")


def messages(prompt: str, system: str, history: Iterable[tuple[str, str]] = ()) -> list[dict[str, str]]:
    """Returns the messages of a request after the earlier turns in ``history``, as (asked, answered); a
    ``system`` of '' has none."""
    said = [("system", system)] if system else []
    for asked, answered in history:
        said += [("user", asked), ("assistant", answered)]
    return [{"role": role, "content": content} for role, content in (*said, ("user", prompt))]


def with_own_fields(given: dict[str, Any], entry: ModelEntry) -> dict[str, Any]:
    """Returns the fields of a request with those of the model, which count. None leaves a field out, and a
    limit of tokens of the model replaces the usual one under whichever name."""
    if any(name in entry.body for name in _TOKEN_LIMITS):
        given = {name: value for name, value in given.items() if name not in _TOKEN_LIMITS}
    return {name: value for name, value in (given | entry.body).items() if value is not None}
