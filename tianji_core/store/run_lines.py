"""The texts of a run as they arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Column, Engine, Row, select

from tianji_core.store.database import reading
from tianji_core.store.schema import samples

_PAGE = 1000


@dataclass(frozen=True)
class RunLine:
    """One text of a run as it arrived."""

    position: int
    name: str
    scene: str
    style: str
    system: str
    input: str
    output: str
    prompt: str
    finish_reason: str
    planted: tuple[str, ...]


class RawLine(NamedTuple):
    """What the raw file keeps of one text."""

    position: int
    system: str
    prompt: str
    style: str
    input: str
    output: str


_LINE = [samples.c[name] for name in RunLine.__dataclass_fields__ if name != "output"] + [samples.c.original]


def _line(row: Row[Any]) -> RunLine:
    values = dict(row._mapping)
    output, planted = values.pop("original"), tuple(values.pop("planted"))
    return RunLine(**values, output=output, planted=planted)


def latest(engine: Engine, run_id: int, limit: int = 5) -> list[RunLine]:
    """Returns the latest texts, newest first."""
    query = select(*_LINE).where(samples.c.run_id == run_id).order_by(samples.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [_line(row) for row in connection.execute(query)]


def each_line(engine: Engine, run_id: int) -> Iterator[RunLine]:
    """Yields every text of a run by position, reading in pages."""
    for row in _by_position(engine, run_id, _LINE):
        yield _line(row)


def each_raw_line(engine: Engine, run_id: int) -> Iterator[RawLine]:
    """Yields every text of a run by position, for the raw file."""
    c = samples.c
    for row in _by_position(engine, run_id, [c.position, c.system, c.prompt, c.style, c.input, c.original]):
        yield RawLine._make(row)


def _by_position(engine: Engine, run_id: int, columns: list[Column[Any]]) -> Iterator[Row[Any]]:
    after = -1
    while True:
        query = (
            select(*columns)
            .where(samples.c.run_id == run_id, samples.c.position > after)
            .order_by(samples.c.position)
            .limit(_PAGE)
        )
        with reading(engine) as connection:
            page = connection.execute(query).all()
        if not page:
            return
        yield from page
        after = page[-1].position
