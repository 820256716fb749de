"""Processes that share the tasks of one run on PostgreSQL. A task is leased to a worker for as long as its
heartbeat is fresh; others take the tasks of a worker that is gone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Float,
    and_,
    cast,
    func,
    insert,
    or_,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert

from tianji_core.recipe import Task
from tianji_core.store.database import claiming, reading
from tianji_core.store.runs import PENDING
from tianji_core.store.schema import run_workers, runs, tasks, teacher_paces

LEASE = 10.0
"""Seconds without a heartbeat after which the tasks of a worker go to others."""
_CLOCK = func.timezone("utc", func.clock_timestamp())
"""The clock of the database server: those of the workers' machines may differ."""


@dataclass(frozen=True)
class RunWorker:
    """A process that works on a run. ``rate`` is in answers per second; ``share`` the requests that it may
    have in flight."""

    id: int
    run_id: int
    name: str
    leads: bool
    share: int
    stored: int
    rate: float
    in_flight: int
    started_at: datetime


@dataclass(frozen=True)
class Heartbeat:
    """What a worker tells with its heartbeat; ``tokens`` and ``cost`` are used or reserved since it
    started."""

    stored: int = 0
    rate: float = 0.0
    in_flight: int = 0
    tokens: int = 0
    cost: float = 0.0


@dataclass(frozen=True)
class Orders:
    """What a worker learns from its heartbeat: the requests that it may have in flight, whether the run is
    paused, what all other workers of the run have used so far, and their requests in flight."""

    share: int
    paused: bool
    tokens_elsewhere: int
    cost_elsewhere: float
    in_flight_elsewhere: int


def can_share(engine: Engine) -> bool:
    """Returns whether several processes can share a run: the database is PostgreSQL."""
    return engine.dialect.name == "postgresql"


def fair_shares(total: int, capacities: Sequence[int]) -> list[int]:
    """Returns how many of ``total`` requests each worker may have in flight: equal numbers, except that what
    a worker cannot use goes to the others. Earlier workers get the remainder."""
    shares = [0] * len(capacities)
    left = total
    while left and (open_ := [n for n, capacity in enumerate(capacities) if shares[n] < capacity]):
        for number in open_[:left]:
            shares[number] += 1
        left -= min(left, len(open_))
    return shares


def join(engine: Engine, run_id: int, name: str, capacity: int, leads: bool = False) -> int:
    """Adds a worker to a run, with a share of 0 until its first heartbeat; returns its number."""
    values = {"run_id": run_id, "name": name, "leads": leads, "capacity": capacity, "share": 0, "stored": 0}
    values |= {"rate": 0.0, "in_flight": 0, "tokens": 0, "cost": 0.0, "ended": False}
    statement = insert(run_workers).values(**values, started_at=_CLOCK, beat_at=_CLOCK)
    with claiming(engine) as connection:
        return connection.execute(statement.returning(run_workers.c.id)).scalar_one()


def beat(engine: Engine, worker: int, run_id: int, report: Heartbeat) -> Orders:
    """Renews the leases of a worker and returns its orders. Its share grows only by what others have given
    up, so that all together never exceed the run's concurrency."""
    c = run_workers.c
    with claiming(engine) as connection:
        # Not FOR UPDATE, for which the insertion of a sample, which refers to the run, would wait.
        locked = select(runs.c.concurrency, runs.c.paused).where(runs.c.id == run_id)
        run = connection.execute(locked.with_for_update(key_share=True)).one()
        others = (
            select(c.id, c.capacity, c.share, c.in_flight)
            .where(_lives(run_id) | (c.id == worker))
            .order_by(c.id)
        )
        rows = connection.execute(others).all()
        place = [row.id for row in rows].index(worker)
        fair = fair_shares(run.concurrency, [row.capacity for row in rows])[place]
        taken = sum(row.share for row in rows if row.id != worker)
        in_flight = sum(row.in_flight for row in rows if row.id != worker)
        share = max(0, min(fair, run.concurrency - taken))
        values = {**vars(report), "share": max(share, report.in_flight), "ended": False}
        connection.execute(update(run_workers).where(c.id == worker).values(**values, beat_at=_CLOCK))
        used = select(func.coalesce(func.sum(c.tokens), 0), func.coalesce(func.sum(c.cost), 0.0))
        tokens, cost = connection.execute(used.where(c.run_id == run_id, c.id != worker)).one()
    return Orders(share, run.paused, int(tokens), float(cost), in_flight)


def _lives(run_id: int | None = None) -> ColumnElement[bool]:
    alive = run_workers.c.beat_at > _CLOCK - text(f"interval '{LEASE} seconds'")
    living = and_(~run_workers.c.ended, alive)
    return living if run_id is None else and_(run_workers.c.run_id == run_id, living)


def claim(engine: Engine, worker: int, run_id: int, limit: int, teacher: int | None = None) -> list[Task]:
    """Leases at most ``limit`` pending tasks of a run (and of one teacher) to a worker, in order; [] where
    the rest is leased to others."""
    c = tasks.c
    living = select(run_workers.c.id).where(_lives(run_id))
    free = (
        select(c.run_id, c.position)
        .where(c.run_id == run_id, c.state == PENDING, or_(c.worker.is_(None), c.worker.not_in(living)))
        .order_by(c.position)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    if teacher is not None:
        free = free.where(c.teacher == teacher)
    chosen = free.cte("free").prefix_with("MATERIALIZED")
    taken = (
        update(tasks)
        .where(tuple_(c.run_id, c.position).in_(select(chosen.c.run_id, chosen.c.position)))
        .values(worker=worker)
        .returning(c.position, c.name, c.scene, c.style, c.round, c.options, c.fact, c.turn)
    )
    with claiming(engine) as connection:
        return sorted(Task(*row) for row in connection.execute(taken))


def release(engine: Engine, worker: int, run_id: int) -> None:
    """Gives back the tasks that a worker has not answered."""
    c = tasks.c
    mine = and_(c.run_id == run_id, c.worker == worker, c.state == PENDING)
    with claiming(engine) as connection:
        connection.execute(update(tasks).where(mine).values(worker=None))


def leave(engine: Engine, worker: int, run_id: int) -> None:
    """Ends a worker and gives back what it has not answered."""
    release(engine, worker, run_id)
    ended = update(run_workers).where(run_workers.c.id == worker)
    with claiming(engine) as connection:
        connection.execute(ended.values(ended=True, share=0, rate=0.0, in_flight=0))


def living(engine: Engine, run_ids: Iterable[int] | None = None) -> list[RunWorker]:
    """Returns the workers with a fresh heartbeat, of these runs or of all, in the order in which they
    came; [] on a database that runs cannot be shared on."""
    if not can_share(engine):
        return []
    names = RunWorker.__dataclass_fields__
    query = select(*(run_workers.c[name] for name in names)).where(_lives()).order_by(run_workers.c.id)
    if run_ids is not None:
        query = query.where(run_workers.c.run_id.in_(list(run_ids)))
    with reading(engine) as connection:
        return [RunWorker(**row._mapping) for row in connection.execute(query)]


def book(engine: Engine, teacher: str, requests: float, tokens: float) -> float:
    """Reserves the next place of a teacher in the order of all workers; ``requests`` and ``tokens`` are the
    seconds that this request takes up of each limit, 0 for no limit. Returns the seconds to wait."""
    c = teacher_paces.c
    moment = cast(func.extract("epoch", func.clock_timestamp()), Float)
    first = postgresql_insert(teacher_paces).values(
        teacher=teacher, requests_at=moment + requests, tokens_at=moment + tokens
    )
    later = first.on_conflict_do_update(
        index_elements=[c.teacher],
        set_={
            "requests_at": func.greatest(c.requests_at, moment) + requests,
            "tokens_at": func.greatest(c.tokens_at, moment) + tokens,
        },
    ).returning(c.requests_at, c.tokens_at, moment)
    with claiming(engine) as connection:
        requests_at, tokens_at, now = connection.execute(later).one()
    return max(0.0, requests_at - requests - now, tokens_at - tokens - now)


def correct(engine: Engine, teacher: str, tokens: float) -> None:
    """Adds seconds to what was booked for the tokens of a teacher; a negative number takes seconds away."""
    values: dict[str, Any] = {"tokens_at": teacher_paces.c.tokens_at + tokens}
    with claiming(engine) as connection:
        connection.execute(update(teacher_paces).where(teacher_paces.c.teacher == teacher).values(**values))
