"""Stored trainings."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select, update

from tianji_core.errors import TrainingError
from tianji_core.i18n import _
from tianji_core.store.database import next_number, now, reading, writing
from tianji_core.store.schema import dataset_versions, removed_recipes, training_runs


@dataclass(frozen=True)
class TrainingRun:
    """训练: one preset with its settings on one dataset version. ``settings`` holds the fields of
    TrainingSettings and what the studio noted about base and dataset; ``work_dir`` is relative to the
    workspace; ``created_at`` in UTC; ``who`` is the account of the person who made it."""

    id: int
    title: str
    preset: str
    dataset_version_id: int | None
    settings: dict[str, Any]
    work_dir: str
    job_id: int | None
    created_at: datetime
    who: str = ""


def _run(row: Row[Any]) -> TrainingRun:
    return TrainingRun(**row._mapping)


def add(
    engine: Engine,
    title: str,
    preset: str,
    dataset_version_id: int | None,
    settings: dict[str, Any],
    above: int = 0,
) -> TrainingRun:
    """Stores a training whose work folder is not known yet. Its number is higher than ``above``."""
    values = {
        "title": title,
        "preset": preset,
        "dataset_version_id": dataset_version_id,
        "settings": settings,
        "work_dir": "",
        "created_at": now(),
    }
    with writing(engine) as connection:
        values |= next_number(connection, training_runs, above)
        query = insert(training_runs).values(**values).returning(*training_runs.c)
        return _run(connection.execute(query).one())


def change(engine: Engine, run_id: int, **values: Any) -> TrainingRun:
    """Sets ``work_dir`` or ``job_id`` of a training and returns it."""
    statement = update(training_runs).where(training_runs.c.id == run_id).values(**values)
    with writing(engine) as connection:
        connection.execute(statement)
    return get(engine, run_id)


def remove(engine: Engine, run_id: int) -> None:
    """Removes a training that no job was started for; another one is left alone."""
    unstarted = (training_runs.c.id == run_id) & training_runs.c.job_id.is_(None)
    with writing(engine) as connection:
        connection.execute(delete(training_runs).where(unstarted))


def get(engine: Engine, run_id: int) -> TrainingRun:
    """Returns one training.

    Raises:
        TrainingError: there is none with this number.
    """
    query = select(training_runs).where(training_runs.c.id == run_id)
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        raise TrainingError(_("没有编号为 {id} 的训练", id=run_id))
    return _run(row)


def listed(engine: Engine, recipe: str | None = None, limit: int = 50) -> list[TrainingRun]:
    """Returns trainings, newest first: those on datasets of one recipe, or of every recipe that is not
    removed."""
    versions = select(dataset_versions.c.id)
    chosen = training_runs.c.dataset_version_id
    query = select(training_runs).order_by(training_runs.c.id.desc()).limit(limit)
    if recipe is not None:
        query = query.where(chosen.in_(versions.where(dataset_versions.c.recipe == recipe)))
    else:
        removed = versions.where(dataset_versions.c.recipe.in_(select(removed_recipes.c.recipe)))
        query = query.where(chosen.is_(None) | chosen.not_in(removed))
    with reading(engine) as connection:
        return [_run(row) for row in connection.execute(query)]
