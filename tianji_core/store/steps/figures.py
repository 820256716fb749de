"""Figures of the review: decisions by person, speed, and time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Engine, select

from tianji_core.store.database import reading
from tianji_core.store.samples import ACCEPTED, REJECTED
from tianji_core.store.schema import steps
from tianji_core.store.steps.model import EDIT, FIX


@dataclass(frozen=True)
class Reviewer:
    """The work of one reviewer, undone steps left out: ``decided`` samples of which ``accepted`` were
    accepted, and ``edited`` texts. ``per_hour`` is the rate of decisions on single samples within sessions (a
    pause of more than five minutes ends a session), None with fewer than two decisions."""

    who: str
    decided: int
    accepted: int
    edited: int
    per_hour: float | None


_PAUSE = 300.0
"""Seconds without a step that end a session."""


def reviewers(engine: Engine, recipe: str) -> list[Reviewer]:
    """Returns all reviewers, those with the most decisions first."""
    c = steps.c
    query = select(c.who, c.action, c.count, c.created_at).where(c.recipe == recipe, c.undone.is_(False))
    by_person: dict[str, list[_Done]] = {}
    with reading(engine) as connection:
        for who, *done in connection.execute(query.order_by(c.id)):
            by_person.setdefault(who, []).append(_Done(*done))
    people = [_reviewer(who, decisions) for who, decisions in by_person.items()]
    return sorted(people, key=lambda person: -person.decided)


class _Done(NamedTuple):
    action: str
    number: int
    created_at: datetime


def _reviewer(who: str, done: Sequence[_Done]) -> Reviewer:
    decisions = [row for row in done if row.action in (ACCEPTED, REJECTED)]
    single = sorted(row.created_at for row in decisions if row.number == 1)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(single)]
    working = [gap for gap in gaps if gap <= _PAUSE]
    return Reviewer(
        who=who,
        decided=sum(row.number for row in decisions),
        accepted=sum(row.number for row in decisions if row.action == ACCEPTED),
        edited=sum(row.number for row in done if row.action in (EDIT, FIX)),
        per_hour=3600 * len(working) / sum(working) if working and sum(working) else None,
    )


class ReviewPace(NamedTuple):
    """Number of samples that one person decided in a day or hour that begins at ``start`` (UTC)."""

    start: datetime
    who: str
    decided: int


def pace(engine: Engine, recipe: str, by_hour: bool = False) -> list[ReviewPace]:
    """Returns the decisions per person and day (or hour), undone steps left out, oldest first."""
    c = steps.c
    query = select(c.who, c.count, c.created_at).where(
        c.recipe == recipe, c.undone.is_(False), c.action.in_((ACCEPTED, REJECTED))
    )
    decided: dict[tuple[datetime, str], int] = {}
    with reading(engine) as connection:
        for who, number, moment in connection.execute(query):
            start = moment.replace(minute=0, second=0, microsecond=0)
            key = (start if by_hour else start.replace(hour=0), who)
            decided[key] = decided.get(key, 0) + number
    return [ReviewPace(start, who, number) for (start, who), number in sorted(decided.items())]
