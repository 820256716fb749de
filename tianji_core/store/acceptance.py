"""How the samples of a selection came to be accepted, and who changed their texts."""

from dataclasses import dataclass

from sqlalchemy import Engine, case, func, select

from tianji_core.store.database import reading
from tianji_core.store.samples import ACCEPTED, IMPORT, SampleFilter
from tianji_core.store.schema import changes, samples, steps
from tianji_core.store.steps import EDIT, FIX, INPUTS, REPLACE, SYSTEM, TABLE

_CHANGING = (EDIT, FIX, TABLE, REPLACE, INPUTS, SYSTEM)
"""Actions that change what a sample says."""


@dataclass(frozen=True)
class Acceptance:
    """Numbers of samples by the last step that accepted them: ``single`` in a step of their own, ``bulk``
    in one step with others, ``imported`` as accepted, ``other`` by any other way. ``changed`` lists
    (person, action, number of samples) of the steps that changed texts."""

    single: int
    bulk: int
    imported: int
    other: int
    changed: tuple[tuple[str, str, int], ...]


def acceptance(engine: Engine, sample_filter: SampleFilter) -> Acceptance:
    """Returns how the matching samples were accepted and changed; undone steps do not count."""
    matching = sample_filter.conditions()
    last = (
        select(changes.c.sample_id, func.max(changes.c.step_id).label("step_id"))
        .join(steps, steps.c.id == changes.c.step_id)
        .where(
            steps.c.recipe == sample_filter.recipe,
            steps.c.undone.is_(False),
            changes.c.after["state"].as_string() == ACCEPTED,
        )
        .group_by(changes.c.sample_id)
        .subquery()
    )
    way = case(
        (steps.c.count == 1, "single"),
        (steps.c.count > 1, "bulk"),
        (samples.c.source == IMPORT, "imported"),
        else_="other",
    )
    ways = (
        select(way, func.count())
        .select_from(samples)
        .outerjoin(last, last.c.sample_id == samples.c.id)
        .outerjoin(steps, steps.c.id == last.c.step_id)
        .where(*matching)
        .group_by(way)
    )
    changed = (
        select(steps.c.who, steps.c.action, func.count(changes.c.sample_id.distinct()))
        .select_from(changes)
        .join(steps, steps.c.id == changes.c.step_id)
        .join(samples, samples.c.id == changes.c.sample_id)
        .where(*matching, steps.c.action.in_(_CHANGING), steps.c.undone.is_(False))
        .group_by(steps.c.who, steps.c.action)
        .order_by(steps.c.who, steps.c.action)
    )
    with reading(engine) as connection:
        numbers: dict[str, int] = {row[0]: row[1] for row in connection.execute(ways)}
        people = tuple((who, action, number) for who, action, number in connection.execute(changed))
    return Acceptance(
        single=numbers.get("single", 0),
        bulk=numbers.get("bulk", 0),
        imported=numbers.get("imported", 0),
        other=numbers.get("other", 0),
        changed=people,
    )
