"""Leases: the sample that each reviewer has on screen, so that two people do not read the same one. A lease
locks nothing; it only makes others get another sample, and it expires by itself."""

from datetime import timedelta

from sqlalchemy import Connection, Engine, delete, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tianji_core.store.database import claiming, now, reading, writing
from tianji_core.store.schema import leases, samples

SECONDS = 180
"""Seconds until a lease expires."""


def others(engine: Engine, who: str) -> set[int]:
    """Returns the samples that other people have on screen."""
    query = select(leases.c.sample_id).where(leases.c.who != who, leases.c.until > now())
    with reading(engine) as connection:
        return set(connection.execute(query).scalars())


def take(
    engine: Engine, sample_id: int, who: str, seconds: float = SECONDS, version: int | None = None
) -> bool:
    """Records ``who`` as the reader of a sample, and of no other one; returns False if somebody else reads it
    already, or has changed it since ``version``."""
    if engine.dialect.name == "postgresql":
        with claiming(engine) as connection:
            return _holds(connection, sample_id, who, seconds) or _claim(
                connection, sample_id, who, seconds, version
            )
    with reading(engine) as connection:  # waits for no writer
        if _holds(connection, sample_id, who, seconds):
            return True
    with writing(engine) as connection:
        return _claim(connection, sample_id, who, seconds, version)


def _holds(connection: Connection, sample_id: int, who: str, seconds: float) -> bool:
    """Tells whether somebody has a lease that lasts for another half of ``seconds``."""
    soon = now() + timedelta(seconds=seconds / 2)
    c = leases.c
    mine = select(c.sample_id).where(c.sample_id == sample_id, c.who == who, c.until > soon)
    return connection.execute(mine).scalar() is not None


def _claim(connection: Connection, sample_id: int, who: str, seconds: float, version: int | None) -> bool:
    """Takes a lease; of several who try at the same moment one gets it, and the others wait for that only."""
    moment, c = now(), leases.c
    insert = postgresql_insert if connection.dialect.name == "postgresql" else sqlite_insert
    new = insert(leases).values(sample_id=sample_id, who=who, until=moment + timedelta(seconds=seconds))
    claim = new.on_conflict_do_update(
        index_elements=[c.sample_id],
        set_={"who": new.excluded.who, "until": new.excluded.until},
        where=(c.who == who) | (c.until <= moment),
    )
    if connection.execute(claim.returning(c.sample_id)).scalar() is None:
        return False
    newest = select(samples.c.version).where(samples.c.id == sample_id)
    if version is not None and connection.execute(newest).scalar() != version:
        connection.execute(delete(leases).where(c.sample_id == sample_id))
        return False
    # A row that another claim holds at this moment is left to that claim, or to the next: two transactions
    # that wait for each other's rows would end in a deadlock.
    useless = select(c.sample_id).where(c.sample_id != sample_id, (c.who == who) | (c.until <= moment))
    spare = useless.with_for_update(skip_locked=True).cte("spare").prefix_with("MATERIALIZED")
    connection.execute(delete(leases).where(c.sample_id.in_(select(spare.c.sample_id))))
    return True
