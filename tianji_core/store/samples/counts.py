"""Counts of samples by state, style, source and cell."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Engine, func, select, true

from tianji_core.store.database import reading
from tianji_core.store.samples.filter import SampleFilter
from tianji_core.store.samples.model import STATES
from tianji_core.store.samples.paging import BY_NUMBER, past
from tianji_core.store.schema import samples


class CellCount(NamedTuple):
    """Number of samples of one (name, scene) in each state."""

    name: str
    scene: str
    pending: int
    accepted: int
    rejected: int

    @property
    def total(self) -> int:
        """Samples in all states."""
        return self.pending + self.accepted + self.rejected


def count(engine: Engine, sample_filter: SampleFilter) -> int:
    """Returns how many samples match."""
    return _number(engine, *sample_filter.conditions())


def count_beside(
    engine: Engine,
    sample_filter: SampleFilter,
    first_id: int | None,
    last_id: int | None,
    order: str = BY_NUMBER,
) -> tuple[int, int]:
    """Returns how many matching samples come before the sample ``first_id`` and after ``last_id`` in an
    order; 0 for None, at the start or the end of the order. Together with the page itself no sample is
    counted twice."""
    conditions = sample_filter.conditions()
    before, after = (
        0 if mark is None else _number(engine, *conditions, past(order, mark, side))
        for mark, side in ((first_id, True), (last_id, False))
    )
    return before, after


def _number(engine: Engine, *conditions: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(samples).where(*conditions)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def state_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns state → number of matching samples; every state is a key."""
    return dict.fromkeys(STATES, 0) | _grouped(engine, sample_filter, "state")


def style_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns style → number of matching samples, the most frequent first."""
    return _grouped(engine, sample_filter, "style")


def option_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, dict[str, int]]:
    """Returns axis → option → number of matching samples, by id; samples without options are not counted."""
    counts: dict[str, dict[str, int]] = {}
    for options, number in _grouped(engine, sample_filter, "options").items():
        for axis, option in options:
            of_axis = counts.setdefault(axis, {})
            of_axis[option] = of_axis.get(option, 0) + number
    return counts


def fact_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns fact → number of matching samples that are to use it, the most frequent first; samples without
    one are not counted."""
    counts = _grouped(engine, sample_filter, "fact")
    counts.pop("", None)
    return counts


def example_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns few-shot example → number of matching samples whose request showed it."""
    counts: dict[str, int] = {}
    query = select(samples.c.examples).where(*sample_filter.conditions())
    with reading(engine) as connection:
        for (shown,) in connection.execution_options(yield_per=1000).execute(query):
            for example in shown:
                counts[example] = counts.get(example, 0) + 1
    return counts


def source_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns source → number of matching samples, the most frequent first."""
    return _grouped(engine, sample_filter, "source")


def _grouped(engine: Engine, sample_filter: SampleFilter, column: str) -> dict[Any, int]:
    counted = func.count().label("n")
    query = select(samples.c[column], counted).where(*sample_filter.conditions()).group_by(samples.c[column])
    with reading(engine) as connection:
        groups = connection.execute(query.order_by(counted.desc(), samples.c[column])).all()
    return {row[0]: row.n for row in groups}


def cell_counts(engine: Engine, sample_filter: SampleFilter) -> list[CellCount]:
    """Returns the counts of every (name, scene) with a matching sample."""
    c = samples.c
    query = (
        select(c.name, c.scene, c.state, func.count())
        .where(*sample_filter.conditions())
        .group_by(c.name, c.scene, c.state)
    )
    cells: dict[tuple[str, str], dict[str, int]] = {}
    with reading(engine) as connection:
        for name, scene, state, number in connection.execute(query):
            cells.setdefault((name, scene), dict.fromkeys(STATES, 0))[state] = number
    return [CellCount(*cell, *(by_state[state] for state in STATES)) for cell, by_state in cells.items()]


def total(engine: Engine, recipe: str | None = None) -> int:
    """Returns how many samples one recipe, or all recipes together, have."""
    condition = samples.c.recipe == recipe if recipe else true()
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(samples).where(condition)).scalar_one()


def models(engine: Engine, recipe: str) -> list[str]:
    """Returns the models that wrote samples of a recipe, as the servers name them."""
    c = samples.c
    query = select(c.model).where(c.recipe == recipe, c.model != "").distinct().order_by(c.model)
    with reading(engine) as connection:
        return list(connection.execute(query).scalars())
