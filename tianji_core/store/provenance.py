"""Provenance of generated texts and kinds of failures, for runs of plans and of documents alike."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Engine, Table, case, func, select

from tianji_core.gate import TOKENS
from tianji_core.store.database import reading

FAILED = "failed"


@dataclass(frozen=True)
class Provenance:
    """The request that brought a text. ``attempts`` counts its requests; ``latency`` is in seconds; tokens
    are None if the server does not count them; ``sampling`` holds the parameters sent,
    ``examples`` the few-shot examples."""

    prompt: str
    model: str
    attempts: int = 1
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency: float | None = None
    request_id: str = ""
    finish_reason: str = ""
    reasoning: str = ""
    sampling: dict[str, Any] = field(default_factory=dict)
    examples: tuple[str, ...] = ()

    def columns(self) -> dict[str, Any]:
        """Returns column of ``samples`` → value."""
        values = {name: value for name, value in vars(self).items() if name != "attempts"}
        return {**values, "examples": list(self.examples)}


@dataclass(frozen=True)
class ErrorCount:
    """Number of tasks or chunks that failed for one kind of reason, with one of the messages."""

    kind: str
    count: int
    example: str


def token_sum(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Returns the sum of a column of token counts. A count that cannot be one adds nothing: SQLite refuses a
    sum over its largest integer, and rows of old releases may hold such counts."""
    return func.sum(case((column.between(0, TOKENS), column), else_=0))


def failures_by_kind(engine: Engine, table: Table, run_id: int) -> list[ErrorCount]:
    """Returns the failures of a run in ``table`` (tasks or chunks) by kind, the most frequent first."""
    c = table.c
    number = func.count().label("number")
    query = (
        select(c.error_kind, number, func.min(c.error))
        .where(c.run_id == run_id, c.state == FAILED)
        .group_by(c.error_kind)
        .order_by(number.desc(), c.error_kind)
    )
    with reading(engine) as connection:
        return [ErrorCount(kind or "error", n, text or "") for kind, n, text in connection.execute(query)]
