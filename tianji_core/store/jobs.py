"""Stored background jobs."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row, func, insert, select, update

from tianji_core.errors import JobError
from tianji_core.i18n import _
from tianji_core.store.database import next_number, now, reading, writing
from tianji_core.store.schema import jobs

ACTIVE = ("starting", "running")


@dataclass(frozen=True)
class Job:
    """后台任务: one subprocess that the studio started. Times in UTC; ``*_started`` are the operating
    system's start times of the processes in seconds since the epoch, which tell a reused pid from the real
    one. ``subject`` is the stored JSON of what the job is about; ``jobs.subject_of`` reads it as a typed
    model. ``who`` is the account of the person who started it, '' where nobody had logged in."""

    id: int
    kind: str
    title: str
    argv: list[str]
    environment: dict[str, str]
    subject: dict[str, Any]
    state: str
    stop_requested: bool
    supervisor_pid: int | None
    supervisor_started: float | None
    pid: int | None
    pid_started: float | None
    exit_code: int | None
    note: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    who: str = ""
    seconds: float = field(default=0.0)

    @property
    def active(self) -> bool:
        """Whether the job has not ended."""
        return self.state in ACTIVE


def _job(row: Row[Any]) -> Job:
    start = row.started_at or row.created_at
    return Job(**row._mapping, seconds=((row.ended_at or now()) - start).total_seconds())


def add(
    engine: Engine,
    kind: str,
    title: str,
    argv: list[str],
    environment: dict[str, str],
    subject: dict,
    above: int = 0,
) -> Job:
    """Stores a job that is about to start. Its number is higher than ``above``."""
    values: dict[str, Any] = {
        "kind": kind,
        "title": title,
        "argv": argv,
        "environment": environment,
        "subject": subject,
        "state": "starting",
        "created_at": now(),
    }
    with writing(engine) as connection:
        values |= next_number(connection, jobs, above)
        row = connection.execute(insert(jobs).values(**values).returning(*jobs.c)).one()
    return _job(row)


def get(engine: Engine, job_id: int) -> Job:
    """Returns one job.

    Raises:
        JobError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
    if row is None:
        raise JobError(_("没有编号为 {id} 的后台任务，用“jobs”命令或任务页看有哪些", id=job_id))
    return _job(row)


def listed(engine: Engine, kind: str | None = None, active: bool | None = None, limit: int = 50) -> list[Job]:
    """Returns jobs, newest first."""
    query = select(jobs).order_by(jobs.c.id.desc()).limit(limit)
    if kind is not None:
        query = query.where(jobs.c.kind == kind)
    if active is not None:
        query = query.where(jobs.c.state.in_(ACTIVE) if active else jobs.c.state.not_in(ACTIVE))
    with reading(engine) as connection:
        return [_job(row) for row in connection.execute(query)]


def count(engine: Engine) -> int:
    """Returns how many jobs there have been."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(jobs)).scalar_one()


def change(engine: Engine, job_id: int, only_active: bool = True, **values: Any) -> bool:
    """Sets columns of a job; with ``only_active`` an ended job stays unchanged. Returns whether a row
    changed."""
    statement = update(jobs).where(jobs.c.id == job_id).values(**values)
    if only_active:
        statement = statement.where(jobs.c.state.in_(ACTIVE))
    with writing(engine) as connection:
        return connection.execute(statement).rowcount == 1
