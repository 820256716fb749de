"""Runs (生成批次), their tasks and samples. A sample and the state of its task change in one transaction.
:mod:`tianji_core.store.run_lines` reads the samples."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe import Plan, Task
from tianji_core.store.database import next_number, now, reading, writing
from tianji_core.store.provenance import FAILED, ErrorCount, Provenance, failures_by_kind, token_sum
from tianji_core.store.schema import runs, samples, tasks

PENDING, DONE, SKIPPED = "pending", "done", "skipped"
_CHUNK = 1000


@dataclass(frozen=True)
class Run:
    """生成批次: one plan sent to one teacher or several. ``teacher``, ``sampling`` and ``options`` are plain
    data as :mod:`tianji_core.generation` writes and reads them, never a key; ``total`` counts tasks;
    ``halted`` names the limit that stopped the run last; no worker takes a ``paused`` run; ``who`` is the
    account of the person who made it, '' where nobody had logged in."""

    id: int
    recipe: str
    recipe_revision: int
    title: str
    plan: Plan
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    concurrency: int
    options: dict[str, Any]
    total: int
    halted: str
    created_at: datetime
    paused: bool = False
    who: str = ""


@dataclass(frozen=True)
class NewRun:
    """A run to be stored."""

    recipe: str
    recipe_revision: int
    title: str
    plan: Plan
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    concurrency: int
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """The answer to a task, to be stored; ``planted`` names the mistakes that the offline composer made on
    purpose."""

    task: Task
    system: str
    input: str
    output: str
    origin: Provenance
    planted: tuple[str, ...] = ()


@dataclass(frozen=True)
class Failure:
    """A task without an answer: the kind of error and its message."""

    task: Task
    kind: str
    error: str
    attempts: int = 1


@dataclass(frozen=True)
class TaskCounts:
    """Number of tasks of a run in each state."""

    done: int = 0
    failed: int = 0
    pending: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class Totals:
    """Totals over the samples of a run. Tokens are 0 if the server does not count them; ``latency`` is the
    mean in seconds, None without samples."""

    samples: int
    prompt_tokens: int
    completion_tokens: int
    latency: float | None


def add(
    engine: Engine,
    new: NewRun,
    planned: Sequence[Task],
    teacher_of: Callable[[Task], int] = lambda task: 0,
    above: int = 0,
) -> Run:
    """Stores a run with all its tasks; ``teacher_of`` gives the index of the teacher that gets a task. The
    run's number is higher than ``above``."""
    values = {
        **asdict(new),
        "plan": new.plan.model_dump(mode="json"),
        "total": len(planned),
        "created_at": now(),
    }
    with writing(engine) as connection:
        values |= next_number(connection, runs, above)
        row = connection.execute(insert(runs).values(**values).returning(*runs.c)).one()
        for start in range(0, len(planned), _CHUNK):
            task_values = [
                {"run_id": row.id, **task._asdict(), "teacher": teacher_of(task)}
                for task in planned[start : start + _CHUNK]
            ]
            connection.execute(insert(tasks), task_values)
    return _run(row)


def _run(row: Row[Any]) -> Run:
    return Run(**{**row._mapping, "plan": Plan.model_validate(row.plan)})


def get(engine: Engine, run_id: int) -> Run:
    """Returns one run.

    Raises:
        PlanError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).one_or_none()
    if row is None:
        raise PlanError(_("没有编号为 {id} 的生成批次，请从造数页里选一个", id=run_id))
    return _run(row)


def listed(
    engine: Engine, recipe: str | None = None, before_id: int | None = None, limit: int = 20
) -> list[Run]:
    """Returns runs, newest first."""
    query = select(runs).order_by(runs.c.id.desc()).limit(limit)
    if recipe is not None:
        query = query.where(runs.c.recipe == recipe)
    if before_id is not None:
        query = query.where(runs.c.id < before_id)
    with reading(engine) as connection:
        return [_run(row) for row in connection.execute(query)]


def change(
    engine: Engine,
    run_id: int,
    *,
    options: dict[str, Any] | None = None,
    concurrency: int | None = None,
    halted: str | None = None,
    paused: bool | None = None,
) -> None:
    """Changes limits, options, concurrency or state of a stored run; None keeps a value."""
    values = {"options": options, "concurrency": concurrency, "halted": halted, "paused": paused}
    values = {name: value for name, value in values.items() if value is not None}
    if values:
        with writing(engine) as connection:
            connection.execute(update(runs).where(runs.c.id == run_id).values(**values))


def tasks_in(
    engine: Engine, run_id: int, state: str, after: int = -1, limit: int = 500, teacher: int | None = None
) -> list[Task]:
    """Returns tasks of a run in one state (and of one teacher) in order, those after position ``after``."""
    c = tasks.c
    query = (
        select(c.position, c.name, c.scene, c.style, c.round, c.options, c.fact, c.turn)
        .where(c.run_id == run_id, c.state == state, c.position > after)
        .order_by(c.position)
        .limit(limit)
    )
    if teacher is not None:
        query = query.where(c.teacher == teacher)
    with reading(engine) as connection:
        return [Task(*row) for row in connection.execute(query)]


def store(engine: Engine, run: Run, written: Sequence[Written], failures: Sequence[Failure] = ()) -> None:
    """Stores answers and failures in one transaction. A task that has its sample already stays unchanged."""
    with writing(engine) as connection:
        if written:
            _insert_once(connection, [_sample_row(run, item) for item in written])
            _mark(connection, run.id, DONE, [(w.task, w.origin.attempts, None, None) for w in written])
        if failures:
            _mark(connection, run.id, FAILED, [(f.task, f.attempts, f.kind, f.error) for f in failures])


def _sample_row(run: Run, item: Written) -> dict[str, Any]:
    moment = now()
    return {
        "recipe": run.recipe,
        "source": "run",
        "run_id": run.id,
        "position": item.task.position,
        "name": item.task.name,
        "scene": item.task.scene,
        "style": item.task.style,
        "options": item.task.options,
        "fact": item.task.fact,
        "system": item.system,
        "input": item.input,
        "output": item.output,
        "original": item.output,
        "planted": list(item.planted),
        **item.origin.columns(),
        "created_at": moment,
        "updated_at": moment,
    }


def _insert_once(connection: Connection, rows: list[dict[str, Any]]) -> None:
    dialect_insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    statement = dialect_insert(samples).on_conflict_do_nothing(index_elements=["run_id", "position"])
    connection.execute(statement, rows)


def _mark(
    connection: Connection, run_id: int, state: str, items: list[tuple[Task, int, str | None, str | None]]
) -> None:
    statement = (
        update(tasks)
        .where(tasks.c.run_id == run_id, tasks.c.position == bindparam("at"), tasks.c.state != DONE)
        .values(
            state=state,
            attempts=tasks.c.attempts + bindparam("more"),
            error_kind=bindparam("kind"),
            error=bindparam("sentence"),
            worker=None,
            updated_at=now(),
        )
    )
    parameters = [
        {"at": task.position, "more": attempts, "kind": kind, "sentence": error}
        for task, attempts, kind, error in items
    ]
    connection.execute(statement, parameters)


def reset_failed(engine: Engine, run_id: int) -> int:
    """Makes failed tasks pending again and returns how many."""
    statement = (
        update(tasks)
        .where(tasks.c.run_id == run_id, tasks.c.state == FAILED)
        .values(state=PENDING, error_kind=None, error=None, updated_at=now())
    )
    with writing(engine) as connection:
        return connection.execute(statement).rowcount


def skip_pending(engine: Engine, run_id: int) -> int:
    """Skips the pending tasks and returns how many; :func:`reset_skipped` reverses it."""
    return _turn(engine, run_id, PENDING, SKIPPED)


def reset_skipped(engine: Engine, run_id: int) -> int:
    """Makes skipped tasks pending again and returns how many."""
    return _turn(engine, run_id, SKIPPED, PENDING)


def _turn(engine: Engine, run_id: int, old: str, new: str) -> int:
    statement = (
        update(tasks)
        .where(tasks.c.run_id == run_id, tasks.c.state == old)
        .values(state=new, worker=None, updated_at=now())
    )
    with writing(engine) as connection:
        return connection.execute(statement).rowcount


def counts(engine: Engine, run_ids: Sequence[int]) -> dict[int, TaskCounts]:
    """Returns run id → number of its tasks in each state."""
    query = (
        select(tasks.c.run_id, tasks.c.state, func.count())
        .where(tasks.c.run_id.in_(run_ids))
        .group_by(tasks.c.run_id, tasks.c.state)
    )
    by_run: dict[int, dict[str, int]] = {run_id: {} for run_id in run_ids}
    with reading(engine) as connection:
        for run_id, state, number in connection.execute(query):
            by_run[run_id][state] = number
    return {run_id: TaskCounts(**by_state) for run_id, by_state in by_run.items()}


def errors(engine: Engine, run_id: int) -> list[ErrorCount]:
    """Returns the failures of a run by kind, the most frequent first."""
    return failures_by_kind(engine, tasks, run_id)


def totals(engine: Engine, run_id: int) -> Totals:
    """Returns number, tokens and mean latency of the samples of a run."""
    c = samples.c
    query = select(
        func.count(), token_sum(c.prompt_tokens), token_sum(c.completion_tokens), func.avg(c.latency)
    ).where(c.run_id == run_id)
    with reading(engine) as connection:
        number, asked, answered, latency = connection.execute(query).one()
    return Totals(number, int(asked or 0), int(answered or 0), None if latency is None else float(latency))
