"""Figures of a run: samples and tokens by teacher, and its texts as they arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Engine, extract, func, select

from tianji_core.store.database import reading
from tianji_core.store.provenance import FAILED, token_sum
from tianji_core.store.runs import DONE
from tianji_core.store.schema import samples, tasks

_CHUNK = 1000


@dataclass(frozen=True)
class TeacherTotals:
    """Totals of one teacher of a run. ``teacher`` is its index in the run's list; ``latency`` (seconds) and
    ``length`` (characters) are means, None without samples; ``with_findings`` counts the samples, out of the
    ``checked`` ones, in which a cleaning rule found something; ``cut`` counts those that reached the token
    limit."""

    teacher: int
    tasks: int
    done: int
    failed: int
    requests: int
    prompt_tokens: int
    completion_tokens: int
    latency: float | None
    length: float | None
    checked: int
    with_findings: int
    cut: int


class Spent(NamedTuple):
    """Tokens that the stored answers of one teacher used."""

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class SpentThen(NamedTuple):
    """Tokens of the answers that came within one minute, which begins at ``minute``."""

    minute: datetime
    prompt_tokens: int
    completion_tokens: int


class Told(NamedTuple):
    """A text with the person and style it was written for, for statistics of openings."""

    position: int
    name: str
    style: str
    text: str


def teacher_totals(engine: Engine, run_id: int) -> list[TeacherTotals]:
    """Returns the totals of each teacher in the order of the run's list; teachers without tasks are left
    out."""
    t, s = tasks.c, samples.c
    query = (
        select(
            t.teacher,
            func.count(),
            func.count().filter(t.state == DONE),
            func.count().filter(t.state == FAILED),
            func.sum(t.attempts),
            token_sum(s.prompt_tokens),
            token_sum(s.completion_tokens),
            func.avg(s.latency),
            func.avg(s.length),
            func.count().filter(s.checked >= s.version),
            func.count().filter(s.finding_count > 0),
            func.count().filter(s.finish_reason.in_(("length", "cut"))),
        )
        .select_from(tasks.outerjoin(samples, (s.run_id == t.run_id) & (s.position == t.position)))
        .where(t.run_id == run_id)
        .group_by(t.teacher)
        .order_by(t.teacher)
    )
    with reading(engine) as connection:
        return [
            TeacherTotals(
                *row[:4],
                *(int(value or 0) for value in row[4:7]),
                *(None if value is None else float(value) for value in row[7:9]),
                *row[9:],
            )
            for row in connection.execute(query)
        ]


def spent(engine: Engine, run_id: int) -> dict[int, Spent]:
    """Returns teacher index → tokens of its stored answers."""
    t, s = tasks.c, samples.c
    query = (
        select(t.teacher, func.count(), token_sum(s.prompt_tokens), token_sum(s.completion_tokens))
        .select_from(samples.join(tasks, (s.run_id == t.run_id) & (s.position == t.position)))
        .where(s.run_id == run_id)
        .group_by(t.teacher)
    )
    with reading(engine) as connection:
        tokens = connection.execute(query).all()
    return {
        teacher: Spent(number, int(asked or 0), int(answered or 0))
        for teacher, number, asked, answered in tokens
    }


def spent_by_minute(engine: Engine, run_id: int, teacher: int) -> list[SpentThen]:
    """Returns the tokens of the stored answers of one teacher of a run, by the minute in which they came."""
    t, s = tasks.c, samples.c
    minute = (extract("epoch", s.created_at) - extract("second", s.created_at)).label("minute")
    query = (
        select(minute, token_sum(s.prompt_tokens), token_sum(s.completion_tokens))
        .select_from(samples.join(tasks, (s.run_id == t.run_id) & (s.position == t.position)))
        .where(s.run_id == run_id, t.teacher == teacher)
        .group_by(minute)
    )
    with reading(engine) as connection:
        return [
            SpentThen(datetime.fromtimestamp(round(float(since)), UTC), int(asked or 0), int(answered or 0))
            for since, asked, answered in connection.execute(query)
        ]


def told(engine: Engine, run_id: int, limit: int | None = None, newest: bool = False) -> Iterator[Told]:
    """Returns at most ``limit`` texts of a run as they arrived: the first by position, or with ``newest`` the
    latest."""
    c = samples.c
    query = select(c.position, c.name, c.style, c.original).where(c.run_id == run_id)
    after, left = -1, limit
    while left is None or left > 0:
        size = _CHUNK if left is None else min(_CHUNK, left)
        if newest:
            page_query = query.order_by(c.id.desc()).limit(limit)
        else:
            page_query = query.where(c.position > after).order_by(c.position).limit(size)
        with reading(engine) as connection:
            page = connection.execute(page_query).all()
        for row in page:
            yield Told._make(row)
        if not page or newest:
            return
        after = page[-1].position
        left = None if left is None else left - len(page)
