"""Leases: the sample that each reviewer has on screen, so that two people do not read the same one. A lease
locks nothing; it only makes others get another sample, and it expires by itself."""

from datetime import timedelta

from sqlalchemy import Engine, delete, insert, select

from tianji_core.store.database import now, reading, writing
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
    moment = now()
    mine = select(leases.c.who).where(leases.c.sample_id == sample_id, leases.c.until > moment)
    with reading(engine) as connection:
        holder = connection.execute(mine).scalar()
        soon = moment + timedelta(seconds=seconds / 2)
        fresh = select(leases.c.sample_id).where(
            leases.c.sample_id == sample_id, leases.c.who == who, leases.c.until > soon
        )
        if connection.execute(fresh).scalar() is not None:
            return True
    if holder is not None and holder != who:
        return False
    with writing(engine) as connection:
        holder = connection.execute(mine).scalar()
        if holder is not None and holder != who:
            return False
        newest = select(samples.c.version).where(samples.c.id == sample_id)
        if version is not None and connection.execute(newest).scalar() != version:
            return False
        connection.execute(
            delete(leases).where(
                (leases.c.who == who) | (leases.c.sample_id == sample_id) | (leases.c.until <= moment)
            )
        )
        until = moment + timedelta(seconds=seconds)
        connection.execute(insert(leases).values(sample_id=sample_id, who=who, until=until))
    return True
