"""The history of steps: of one sample, and of a whole recipe."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Engine, bindparam, func, select

from tianji_core.store.database import beginning_of, reading
from tianji_core.store.schema import changes, steps
from tianji_core.store.steps.model import Event, Step


@dataclass(frozen=True)
class StepFilter:
    """A selection of steps of a recipe; an empty field does not restrict it. ``since`` and ``until`` are the
    first and the last day (see :func:`beginning_of`)."""

    recipe: str
    who: str = ""
    action: str = ""
    since: str = ""
    until: str = ""
    sample_id: int | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Returns the conditions of the WHERE clause."""
        c = steps.c
        clauses: list[ColumnElement[bool]] = [c.recipe == self.recipe]
        if self.who:
            clauses.append(c.who == self.who)
        if self.action:
            clauses.append(c.action == self.action)
        if self.since:
            clauses.append(c.created_at >= beginning_of(self.since))
        if self.until:
            clauses.append(c.created_at < beginning_of(self.until) + timedelta(days=1))
        if self.sample_id is not None:
            touched = select(changes.c.step_id).where(changes.c.sample_id == self.sample_id)
            clauses.append(c.id.in_(touched))
        return clauses


def listed(engine: Engine, recipe: str, limit: int = 20) -> list[Step]:
    """Returns steps, newest first."""
    return feed(engine, StepFilter(recipe), limit=limit)


def feed(
    engine: Engine, step_filter: StepFilter, limit: int = 50, before_id: int | None = None
) -> list[Step]:
    """Returns matching steps, newest first; with ``before_id`` those before that step."""
    query = select(steps).where(*step_filter.conditions())
    if before_id is not None:
        query = query.where(steps.c.id < before_id)
    with reading(engine) as connection:
        result = connection.execute(query.order_by(steps.c.id.desc()).limit(limit))
        return [Step(**row._mapping) for row in result]


def matching_count(engine: Engine, step_filter: StepFilter) -> int:
    """Returns how many steps match."""
    with reading(engine) as connection:
        query = select(func.count()).select_from(steps).where(*step_filter.conditions())
        return connection.execute(query).scalar_one()


def people(engine: Engine, recipe: str) -> list[str]:
    """Returns the names of all people who have taken a step."""
    query = select(steps.c.who).where(steps.c.recipe == recipe, steps.c.who != "").distinct()
    with reading(engine) as connection:
        return sorted(connection.execute(query).scalars())


def touched(engine: Engine, step_ids: Sequence[int], limit: int = 3) -> dict[int, list[int]]:
    """Returns step id → the first few of the samples it changed, for some hundred steps at most."""
    by_step: dict[int, list[int]] = {number: [] for number in step_ids}
    query = select(changes.c.step_id, changes.c.sample_id).where(changes.c.step_id == bindparam("the_id"))
    with reading(engine) as connection:
        for number in step_ids:
            changed = connection.execute(query.order_by(changes.c.sample_id).limit(limit), {"the_id": number})
            by_step[number] = [sample_id for _step, sample_id in changed]
    return by_step


def count(engine: Engine, recipe: str) -> int:
    """Returns how many steps have been taken."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).where(steps.c.recipe == recipe)).scalar_one()


def history(engine: Engine, sample_id: int) -> list[Event]:
    """Returns what was done to a sample, newest first."""
    query = (
        select(steps, changes.c.before, changes.c.after)
        .join_from(changes, steps, steps.c.id == changes.c.step_id)
        .where(changes.c.sample_id == sample_id)
        .order_by(steps.c.id.desc())
    )
    events = []
    with reading(engine) as connection:
        for row in connection.execute(query):
            values = dict(row._mapping)
            before, after = values.pop("before"), values.pop("after")
            events.append(Event(Step(**values), before, after))
    return events
