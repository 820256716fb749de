"""Figures of the review: decisions by person, speed, and time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from sqlalchemy import Engine, func, select

from tianji_core.store.database import reading
from tianji_core.store.samples import ACCEPTED, REJECTED
from tianji_core.store.schema import changes, steps
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
    by_person: dict[str, list[_Done]] = {}
    for done in _done(engine, recipe):
        by_person.setdefault(done.who, []).append(done)
    people = [_reviewer(who, steps_taken) for who, steps_taken in by_person.items()]
    return sorted(people, key=lambda person: -person.decided)


class _Done(NamedTuple):
    """A step: who took it, on how many samples, and how many of those it accepted and rejected."""

    who: str
    action: str
    number: int
    created_at: datetime
    accepted: int
    rejected: int

    @property
    def decided(self) -> int:
        return self.accepted + self.rejected


def _done(engine: Engine, recipe: str) -> list[_Done]:
    """Returns all steps that are not undone, oldest first. An edit may decide a sample as well, and so may a
    table, a split or the settling of a disagreement; what such a step decided stands in its changes."""
    c = steps.c
    valid = (c.recipe == recipe, c.undone.is_(False))
    state = changes.c.after["state"].as_string()
    moved = (
        select(c.id, state, func.count())
        .join_from(changes, steps, c.id == changes.c.step_id)
        .where(*valid, c.action.not_in((ACCEPTED, REJECTED)), state.in_((ACCEPTED, REJECTED)))
        .group_by(c.id, state)
    )
    query = select(c.id, c.who, c.action, c.count, c.created_at).where(*valid).order_by(c.id)
    with reading(engine) as connection:
        decided = {(step, to): number for step, to, number in connection.execute(moved)}
        return [
            _Done(
                who,
                action,
                number,
                moment,
                *(number if action == to else decided.get((step, to), 0) for to in (ACCEPTED, REJECTED)),
            )
            for step, who, action, number, moment in connection.execute(query)
        ]


def _reviewer(who: str, done: Sequence[_Done]) -> Reviewer:
    decisions = [row for row in done if row.decided]
    single = sorted(row.created_at for row in decisions if row.number == 1)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(single)]
    working = [gap for gap in gaps if gap <= _PAUSE]
    return Reviewer(
        who=who,
        decided=sum(row.decided for row in decisions),
        accepted=sum(row.accepted for row in decisions),
        edited=sum(row.number for row in done if row.action in (EDIT, FIX)),
        per_hour=3600 * len(working) / sum(working) if working and sum(working) else None,
    )


class ReviewPace(NamedTuple):
    """Number of samples that one person decided in a day or hour that begins at ``start``."""

    start: datetime
    who: str
    decided: int


def pace(
    engine: Engine,
    recipe: str,
    by_hour: bool = False,
    local: Callable[[datetime], datetime] = lambda moment: moment,
) -> list[ReviewPace]:
    """Returns the decisions per person and day (or hour), undone steps left out, oldest first. ``local``
    turns a time of the database (UTC) into that of the people whose days are counted."""
    decided: dict[tuple[datetime, str], int] = {}
    for done in _done(engine, recipe):
        if done.decided:
            start = local(done.created_at).replace(minute=0, second=0, microsecond=0)
            key = (start if by_hour else start.replace(hour=0), done.who)
            decided[key] = decided.get(key, 0) + done.decided
    return [ReviewPace(start, who, number) for (start, who), number in sorted(decided.items())]
