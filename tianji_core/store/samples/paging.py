"""Reading samples page by page, in one of several orders."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Engine, Select, and_, cast, func, or_, select

from tianji_core.i18n import N_
from tianji_core.store.database import reading
from tianji_core.store.samples.filter import SampleFilter
from tianji_core.store.samples.model import Sample, columns, to_sample
from tianji_core.store.schema import near_texts, samples

_BATCH = 1000
BY_NUMBER, SHORTEST, LONGEST, WORST, UNSURE, DOUBTFUL, BEST, ALIKE, RANDOM = (
    "number",
    "shortest",
    "longest",
    "worst",
    "unsure",
    "doubtful",
    "best",
    "alike",
    "random",
)
ORDER_TITLES = {
    BY_NUMBER: N_("按编号"),
    SHORTEST: N_("由短到长"),
    LONGEST: N_("由长到短"),
    WORST: N_("问题多先"),
    UNSURE: N_("拿不准的先"),
    DOUBTFUL: N_("低分先"),
    BEST: N_("高分先"),
    ALIKE: N_("最像别条的先"),
    RANDOM: N_("打乱"),
}
"""The orders of samples and their titles. Scores are those of a judge; samples without one come last. A
shuffle is seeded: ``random:7`` differs from ``random``."""
PRIME = 2_147_483_647
_GOLDEN = 1_327_217_885
"""The prime divided by the golden ratio; its multiples are spread evenly."""


def place_in(order: str) -> ColumnElement[Any]:
    """Returns the sort key of an order; equal values are ordered by number."""
    c = samples.c
    kind, _colon, seed = order.partition(":")
    if kind == SHORTEST:
        return c.length
    if kind == LONGEST:
        return -c.length
    if kind == WORST:
        return -c.finding_count
    if kind == UNSURE:
        return -c.doubt
    if kind == DOUBTFUL:
        return func.coalesce(c.score, 9.0)
    if kind == BEST:
        return -func.coalesce(c.score, -1.0)
    if kind == ALIKE:
        near = select(near_texts.c.similarity).where(
            near_texts.c.sample_id == c.id, near_texts.c.twin_id.is_not(None)
        )
        return -func.coalesce(near.correlate(samples).scalar_subquery(), -1.0)
    if kind == RANDOM:
        # The same on every page: each number has its own residue, and squaring makes it irregular.
        shift = int(seed) * 7_919 % PRIME if seed.isdecimal() else 0
        spread = (cast(c.id, BigInteger) * _GOLDEN + shift) % PRIME
        return (spread * spread) % PRIME
    return c.id


def past(order: str, mark: int, before: bool, itself: bool = False) -> ColumnElement[bool]:
    """Returns the condition that a sample comes before or after the sample ``mark`` in an order, or
    (``itself``) is that one."""
    number, place = samples.c.id, place_in(order)
    if itself:
        beyond = number <= mark if before else number >= mark
    else:
        beyond = number < mark if before else number > mark
    if order == BY_NUMBER:
        return beyond
    # The place of the mark is looked up as it is now, so that a sample that no longer matches still has one.
    there = select(place).where(number == mark).correlate(None).scalar_subquery()
    return or_(place < there if before else place > there, and_(place == there, beyond))


def page(
    engine: Engine,
    sample_filter: SampleFilter,
    after_id: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
    order: str = BY_NUMBER,
    from_id: int | None = None,
) -> list[Sample]:
    """Returns at most ``limit`` matching samples in an order (one of :data:`ORDER_TITLES`): those after the
    sample ``after_id``, those before ``before_id``, those from ``from_id`` on, or the first ones."""
    # A name leaves few samples: finding and sorting them is faster than scanning all numbers for a page.
    number = samples.c.id + 0 if sample_filter.names else samples.c.id
    query = select(*columns()).where(*sample_filter.conditions()).limit(limit)
    backwards = before_id is not None
    if order == BY_NUMBER:
        if before_id is not None:
            query = query.where(number < before_id).order_by(number.desc())
        else:
            start = from_id - 1 if from_id is not None else after_id or 0
            query = query.where(number > start).order_by(number)
    else:
        query = _in_order(query, order, after_id, before_id, from_id)
    with reading(engine) as connection:
        samples_of_page = [to_sample(row) for row in connection.execute(query)]
    return samples_of_page[::-1] if backwards else samples_of_page


def _in_order(
    query: Select[Any], order: str, after_id: int | None, before_id: int | None, from_id: int | None
) -> Select[Any]:
    place, number = place_in(order), samples.c.id
    mark = next((sample_id for sample_id in (before_id, from_id, after_id) if sample_id is not None), None)
    if mark is not None:
        itself = before_id is None and from_id is not None
        query = query.where(past(order, mark, before=before_id is not None, itself=itself))
    if before_id is not None:
        return query.order_by(place.desc(), number.desc())
    return query.order_by(place, number)


def each(engine: Engine, sample_filter: SampleFilter, batch: int = _BATCH) -> Iterator[list[Sample]]:
    """Yields all matching samples by number in batches; the database is not locked in between."""
    after = 0
    while batch_of_samples := page(engine, sample_filter, after_id=after, limit=batch):
        yield batch_of_samples
        after = batch_of_samples[-1].id


class TrainingExample(NamedTuple):
    """The part of a sample that goes into a dataset, and its id."""

    name: str
    scene: str
    style: str
    source: str
    system: str
    history: list[dict[str, str]]
    input: str
    output: str
    digest: str
    id: int
    options: tuple[tuple[str, str], ...] = ()
    fact: str = ""


def stream(engine: Engine, sample_filter: SampleFilter) -> Iterator[TrainingExample]:
    """Yields all matching samples by number, as they were at one moment, without loading all of them."""
    query = select(*(samples.c[name] for name in TrainingExample._fields)).where(*sample_filter.conditions())
    with reading(engine) as connection:
        result = connection.execution_options(yield_per=_BATCH).execute(query.order_by(samples.c.id))
        for row in result:
            yield TrainingExample(*row)
