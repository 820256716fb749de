"""How samples came to be accepted, and who changed their texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, Select, case, func, select

from tianji_core.store.database import reading
from tianji_core.store.samples import ACCEPTED, IMPORT
from tianji_core.store.schema import changes, samples, steps
from tianji_core.store.steps import EDIT, FIX, INPUTS, RENAME, REPLACE, SYSTEM, TABLE

_CHUNK = 1000
CHANGING = (EDIT, FIX, TABLE, REPLACE, INPUTS, SYSTEM, RENAME)
"""Actions that change what a sample says."""


@dataclass(frozen=True)
class Acceptance:
    """Numbers of samples by the last step that accepted them: ``single`` each chosen for a step of its own,
    ``bulk`` with others or by a filter, even one that found no other, ``imported`` as accepted, ``other`` by
    any other way. ``changed`` lists (person, action, number of samples) of the steps that changed texts."""

    single: int
    bulk: int
    imported: int
    other: int
    changed: tuple[tuple[str, str, int], ...]


def acceptance(engine: Engine, recipe: str, ids: Sequence[int]) -> Acceptance:
    """Returns how these samples of a recipe were accepted and changed; undone steps do not count."""
    ways: Counter[str] = Counter()
    changed: Counter[tuple[str, str]] = Counter()
    with reading(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            part = ids[start : start + _CHUNK]
            for way, number in connection.execute(_ways(recipe, part)):
                ways[way] += number
            for who, action, number in connection.execute(_changes(recipe, part)):
                changed[who, action] += number
    return Acceptance(
        single=ways["single"],
        bulk=ways["bulk"],
        imported=ways["imported"],
        other=ways["other"],
        changed=tuple((who, action, number) for (who, action), number in sorted(changed.items())),
    )


def _ways(recipe: str, ids: Sequence[int]) -> Select[Any]:
    """Returns the query of the numbers of samples by the way in which they were accepted last."""
    last = (
        select(changes.c.sample_id, func.max(changes.c.step_id).label("step_id"))
        .join(steps, steps.c.id == changes.c.step_id)
        .where(
            changes.c.sample_id.in_(ids),
            steps.c.recipe == recipe,
            steps.c.undone.is_(False),
            changes.c.after["state"].as_string() == ACCEPTED,
        )
        .group_by(changes.c.sample_id)
        .subquery()
    )
    way = case(
        (steps.c.bulk, "bulk"),
        (steps.c.bulk.is_(False), "single"),
        (samples.c.source == IMPORT, "imported"),
        else_="other",
    )
    return (
        select(way, func.count())
        .select_from(samples)
        .outerjoin(last, last.c.sample_id == samples.c.id)
        .outerjoin(steps, steps.c.id == last.c.step_id)
        .where(samples.c.id.in_(ids))
        .group_by(way)
    )


def _changes(recipe: str, ids: Sequence[int]) -> Select[Any]:
    """Returns the query of the numbers of samples that each person changed by each action."""
    return (
        select(steps.c.who, steps.c.action, func.count(changes.c.sample_id.distinct()))
        .select_from(changes)
        .join(steps, steps.c.id == changes.c.step_id)
        .where(
            changes.c.sample_id.in_(ids),
            steps.c.recipe == recipe,
            steps.c.action.in_(CHANGING),
            steps.c.undone.is_(False),
        )
        .group_by(steps.c.who, steps.c.action)
    )
