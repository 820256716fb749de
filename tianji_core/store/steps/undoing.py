"""Undo and redo of the steps of everybody, or of one person. Steps that go with an edit of the lists are
undone with it, not here: without it their samples would be of entries that no list has."""

from sqlalchemy import ColumnElement, Connection, Engine, select

from tianji_core.store.database import reading, writing
from tianji_core.store.schema import changes, steps
from tianji_core.store.steps.model import RENAME, Step
from tianji_core.store.steps.writing import move, moves


def last(engine: Engine, recipe: str, who: str = "") -> Step | None:
    """Returns the step that :func:`undo` would undo; ``who`` '' means everybody's."""
    with reading(engine) as connection:
        return _newest(connection, recipe, who)


def next_redo(engine: Engine, recipe: str, who: str = "") -> Step | None:
    """Returns the step that :func:`redo` would redo."""
    with reading(engine) as connection:
        return _oldest_undone(connection, recipe, who)


def undo(engine: Engine, recipe: str, who: str = "") -> Step | None:
    """Undoes the newest step (of one person, if ``who`` is given); None if there is none.

    Raises:
        ConflictError: a sample no longer is what the step made of it; nothing was done.
    """
    with writing(engine) as connection:
        step = _newest(connection, recipe, who)
        return None if step is None else move(connection, step, "after", "before")


def redo(engine: Engine, recipe: str, who: str = "") -> Step | None:
    """Redoes the last undone step; None if there is none, or a new step has been taken since.

    Raises:
        ConflictError: a sample no longer is what it was before the step; nothing was done.
    """
    with writing(engine) as connection:
        step = _oldest_undone(connection, recipe, who)
        return None if step is None else move(connection, step, "before", "after")


def noted(engine: Engine, recipe: str, action: str, note: str, undone: bool) -> Step | None:
    """Returns the step of this kind with this note that can be moved first: of those that stand the newest,
    of those that are ``undone`` the oldest."""
    c = steps.c
    query = select(steps).where(c.recipe == recipe, c.action == action, c.note == note, c.undone.is_(undone))
    order = c.id if undone else c.id.desc()
    with reading(engine) as connection:
        row = connection.execute(query.order_by(order).limit(1)).one_or_none()
    return None if row is None else Step(**row._mapping)


def names_changed(engine: Engine, action: str, recipe: str, note: str, field: str) -> dict[str, str]:
    """Returns before → after of a ``field`` of the samples that the steps with this note changed."""
    c, its = steps.c, changes.c
    before, after = its.before[field].as_string(), its.after[field].as_string()
    query = select(before, after).join_from(changes, steps, its.step_id == c.id).distinct()
    query = query.where(c.recipe == recipe, c.action == action, c.note == note, after.is_not(None))
    with reading(engine) as connection:
        return {row[0]: row[1] for row in connection.execute(query) if row[0] != row[1]}


def check_move(engine: Engine, step: Step) -> None:
    """Checks that :func:`undo_one` can undo a step that stands, or :func:`redo_one` take an undone one again.

    Raises:
        ConflictError: a sample has changed since.
    """
    origin, target = ("before", "after") if step.undone else ("after", "before")
    with reading(engine) as connection:
        moves(connection, step, origin, target)


def undo_one(engine: Engine, step: Step) -> Step:
    """Undoes a step that stands, whatever was done after it.

    Raises:
        ConflictError: a sample no longer is what the step made of it; nothing was done.
    """
    with writing(engine) as connection:
        return move(connection, step, "after", "before")


def redo_one(engine: Engine, step: Step) -> Step:
    """Takes a step that was undone again.

    Raises:
        ConflictError: a sample no longer is what it was before the step; nothing was done.
    """
    with writing(engine) as connection:
        return move(connection, step, "before", "after")


def only_sample(engine: Engine, step: Step) -> int | None:
    """Returns the number of the sample that a step changed; None where it changed several."""
    query = select(changes.c.sample_id).where(changes.c.step_id == step.id).limit(2)
    with reading(engine) as connection:
        found = connection.execute(query).scalars().all()
    return found[0] if len(found) == 1 else None


def _newest(connection: Connection, recipe: str, who: str) -> Step | None:
    query = select(steps).where(*_of(recipe, who), steps.c.undone.is_(False))
    row = connection.execute(query.order_by(steps.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Step(**row._mapping)


def _oldest_undone(connection: Connection, recipe: str, who: str) -> Step | None:
    standing = _newest(connection, recipe, who)
    query = select(steps).where(
        *_of(recipe, who), steps.c.undone.is_(True), steps.c.id > (standing.id if standing else 0)
    )
    row = connection.execute(query.order_by(steps.c.id).limit(1)).one_or_none()
    return None if row is None else Step(**row._mapping)


def _of(recipe: str, who: str) -> list[ColumnElement[bool]]:
    mine = [steps.c.recipe == recipe, steps.c.action != RENAME]
    return [*mine, steps.c.who == who] if who else mine
