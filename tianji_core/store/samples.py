"""Samples: finding them page by page, counting them, adding them. Changing them is :mod:`tianji_core.store.steps`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Row,
    Select,
    and_,
    cast,
    func,
    insert,
    literal_column,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from tianji_core.errors import InputError
from tianji_core.i18n import N_, _
from tianji_core.store.database import now, reading, writing
from tianji_core.store.schema import IS_CLEAN, findings, opening_of, sample_digest, samples, text_digest

PENDING, ACCEPTED, REJECTED = "pending", "accepted", "rejected"
STATES = (PENDING, ACCEPTED, REJECTED)
STATE_TITLES = {PENDING: N_("待审"), ACCEPTED: N_("采用"), REJECTED: N_("弃用")}
RUN, IMPORT, CHAT, KNOWLEDGE, COPY = "run", "import", "chat", "knowledge", "copy"
SOURCE_TITLES = {
    RUN: N_("造数"),
    IMPORT: N_("导入"),
    CHAT: N_("对话"),
    KNOWLEDGE: N_("资料"),
    COPY: N_("复制"),
}
_BATCH = 1000


@dataclass(frozen=True)
class Sample:
    """样本: one training example and where its review stands. ``history`` holds the earlier turns of a conversation
    as (input, output); ``original`` is the output as it came; ``length`` is in characters."""

    id: int
    recipe: str
    source: str
    run_id: int | None
    import_id: int | None
    name: str
    scene: str
    style: str
    system: str
    history: tuple[tuple[str, str], ...]
    input: str
    output: str
    original: str
    length: int
    state: str
    rating: int | None
    score: float | None
    finding_count: int
    version: int
    checked: int

    @property
    def is_checked(self) -> bool:
        """Whether the findings stored for it are about the text as it is now."""
        return self.checked >= self.version


@dataclass(frozen=True)
class Provenance:
    """Where a sample came from. ``latency`` in seconds; ``planted`` are the mistakes the offline composer made on
    purpose; ``sampling`` are the request parameters by name."""

    prompt: str
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None
    latency: float | None
    request_id: str
    finish_reason: str
    reasoning: str
    planted: tuple[str, ...]
    sampling: dict[str, Any]


@dataclass(frozen=True)
class NewSample:
    """A sample about to be stored from outside a run; ``state`` is pending unless a person already chose it."""

    recipe: str
    system: str
    input: str
    output: str
    name: str = ""
    scene: str = ""
    style: str = ""
    history: tuple[tuple[str, str], ...] = ()
    prompt: str = ""
    model: str = ""
    state: str = PENDING


@dataclass(frozen=True)
class SampleFilter:
    """Which samples are meant; an empty field does not restrict. ``rules`` are ids of cleaning
    rules of which one has a finding; with ``fixable`` that finding must know a fix; ``clean`` True means checked and without findings, False with findings; ``text`` is searched in input and output;
    ``ids`` None means any."""

    recipe: str
    states: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    scenes: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    fixable: bool = False
    clean: bool | None = None
    source: str = ""
    run_id: int | None = None
    import_id: int | None = None
    text: str = ""
    ids: tuple[int, ...] | None = field(default=None, repr=False)

    def conditions(self) -> list[ColumnElement[bool]]:
        """The WHERE clause."""
        c = samples.c
        wanted: list[ColumnElement[bool]] = [c.recipe == self.recipe]
        for column, values in (
            (c.state, self.states),
            (c.style, self.styles),
            (c.name, self.names),
            (c.scene, self.scenes),
        ):
            if values:
                wanted.append(column.in_(values) if len(values) > 1 else column == values[0])
        if self.rules or self.fixable:
            found = select(findings.c.sample_id)
            if self.rules:
                found = found.where(findings.c.rule.in_(self.rules))
            if self.fixable:
                found = found.where(findings.c.fixed.is_not(None))
            wanted.append(c.id.in_(found))
        if self.clean is True:
            wanted.append(literal_column(f"({IS_CLEAN.text})", Boolean()))
        elif self.clean is False:
            wanted.append(c.finding_count > 0)
        if self.source:
            wanted.append(c.source == self.source)
        if self.run_id is not None:
            wanted.append(c.run_id == self.run_id)
        if self.import_id is not None:
            wanted.append(c.import_id == self.import_id)
        if self.text:
            wanted.append((_place_of(c.output, self.text) > 0) | (_place_of(c.input, self.text) > 0))
        if self.ids is not None:
            wanted.append(c.id.in_(self.ids))
        return wanted


class _place_of(GenericFunction[int]):
    """Where a text starts in a column, counted from 1; 0 where it does not stand in it. Faster than LIKE, and no
    character has a special meaning."""

    type = Integer()
    inherit_cache = True


@compiles(_place_of, "sqlite")
def _place_in_sqlite(element: _place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"instr({compiler.process(element.clauses, **options)})"


@compiles(_place_of, "postgresql")
def _place_in_postgresql(element: _place_of, compiler: SQLCompiler, **options: Any) -> str:
    return f"strpos({compiler.process(element.clauses, **options)})"


class CellCount(NamedTuple):
    """How many samples of one (name, scene) are in which state."""

    name: str
    scene: str
    pending: int
    accepted: int
    rejected: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.pending + self.accepted + self.rejected


_COLUMNS = tuple(samples.c[name] for name in Sample.__dataclass_fields__)


def columns() -> tuple[Column[Any], ...]:
    """What to select for :func:`to_sample`."""
    return _COLUMNS


def to_sample(row: Row[Any]) -> Sample:
    """The dataclass of a row that has the columns of :class:`Sample`."""
    values = dict(row._mapping)
    values["history"] = tuple((turn["input"], turn["output"]) for turn in values["history"])
    return Sample(**values)


def get(engine: Engine, sample_id: int) -> Sample:
    """One sample.

    Raises:
        InputError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(*_COLUMNS).where(samples.c.id == sample_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的样本，请从审核页里选一条", id=sample_id))
    return to_sample(row)


def many(engine: Engine, ids: Sequence[int]) -> list[Sample]:
    """The samples with these numbers, in order of their numbers; numbers that do not exist are left out."""
    found = []
    with reading(engine) as connection:
        for start in range(0, len(ids), _BATCH):
            query = select(*_COLUMNS).where(samples.c.id.in_(ids[start : start + _BATCH]))
            found += [to_sample(row) for row in connection.execute(query)]
    return sorted(found, key=lambda sample: sample.id)


def provenance(engine: Engine, sample_id: int) -> Provenance:
    """Prompt, model, tokens … of one sample."""
    columns = [samples.c[name] for name in Provenance.__dataclass_fields__]
    with reading(engine) as connection:
        row = connection.execute(select(*columns).where(samples.c.id == sample_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的样本，请从审核页里选一条", id=sample_id))
    values = dict(row._mapping)
    values["planted"] = tuple(values["planted"])
    return Provenance(**values)


BY_NUMBER, SHORTEST, LONGEST, WORST, DOUBTFUL, BEST, RANDOM = (
    "number",
    "shortest",
    "longest",
    "worst",
    "doubtful",
    "best",
    "random",
)
ORDER_TITLES = {
    BY_NUMBER: N_("按编号"),
    SHORTEST: N_("由短到长"),
    LONGEST: N_("由长到短"),
    WORST: N_("问题多先"),
    DOUBTFUL: N_("低分先"),
    BEST: N_("高分先"),
    RANDOM: N_("打乱"),
}
"""In which order samples can be gone through. Scores are those of a judge; samples without one come last."""


def _place_in(order: str) -> ColumnElement[Any]:
    """What is compared first in an order; equal ones follow each other by number."""
    c = samples.c
    if order == SHORTEST:
        return c.length
    if order == LONGEST:
        return -c.length
    if order == WORST:
        return -c.finding_count
    if order == DOUBTFUL:
        return func.coalesce(c.score, 9.0)
    if order == BEST:
        return -func.coalesce(c.score, -1.0)
    if order == RANDOM:  # the same shuffle on every page: a multiplier that generates all residues of a prime
        return (cast(c.id, BigInteger) * 48_271) % 2_147_483_647
    return c.id


def page(
    engine: Engine,
    wanted: SampleFilter,
    after_id: int | None = None,
    before_id: int | None = None,
    limit: int = 50,
    order: str = BY_NUMBER,
    from_id: int | None = None,
) -> list[Sample]:
    """At most ``limit`` matching samples in an order (one of :data:`ORDER_TITLES`): those right after the sample
    ``after_id``, or those right before ``before_id``, or those from the place of ``from_id`` on, or the first ones."""
    # A name leaves few samples: finding them by name and sorting beats walking all numbers until a page is full.
    number = samples.c.id + 0 if wanted.names else samples.c.id
    query = select(*_COLUMNS).where(*wanted.conditions()).limit(limit)
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
        found = [to_sample(row) for row in connection.execute(query)]
    return found[::-1] if backwards else found


def _in_order(
    query: Select[Any], order: str, after_id: int | None, before_id: int | None, from_id: int | None
) -> Select[Any]:
    place, number = _place_in(order), samples.c.id
    mark = next((each for each in (before_id, from_id, after_id) if each is not None), None)
    if mark is not None:
        # The place of the mark is looked up as it is now, so that a sample that no longer matches still has one.
        of_mark = select(_place_in(order)).where(number == mark).correlate(None).scalar_subquery()
        if before_id is not None:
            query = query.where(or_(place < of_mark, and_(place == of_mark, number < mark)))
        elif from_id is not None:
            query = query.where(or_(place > of_mark, and_(place == of_mark, number >= mark)))
        else:
            query = query.where(or_(place > of_mark, and_(place == of_mark, number > mark)))
    if before_id is not None:
        return query.order_by(place.desc(), number.desc())
    return query.order_by(place, number)


def each(engine: Engine, wanted: SampleFilter, batch: int = _BATCH) -> Iterator[list[Sample]]:
    """All matching samples in ascending order of their numbers, in batches, without holding the database between."""
    after = 0
    while found := page(engine, wanted, after_id=after, limit=batch):
        yield found
        after = found[-1].id


class Line(NamedTuple):
    """What a dataset takes from a sample."""

    name: str
    scene: str
    style: str
    source: str
    system: str
    history: list[dict[str, str]]
    input: str
    output: str
    digest: str


def stream(engine: Engine, wanted: SampleFilter) -> Iterator[Line]:
    """All matching samples in ascending order of their numbers, as they were at one moment, without holding them in
    memory."""
    query = select(*(samples.c[name] for name in Line._fields)).where(*wanted.conditions())
    with reading(engine) as connection:
        found = connection.execution_options(yield_per=_BATCH).execute(query.order_by(samples.c.id))
        for row in found:
            yield Line(*row)


def count(engine: Engine, wanted: SampleFilter, up_to_id: int | None = None, order: str = BY_NUMBER) -> int:
    """How many samples match (of those up to the sample ``up_to_id``, this one included, in an order)."""
    query = select(func.count()).select_from(samples).where(*wanted.conditions())
    if up_to_id is not None and order == BY_NUMBER:
        query = query.where(samples.c.id <= up_to_id)
    elif up_to_id is not None:
        place, number = _place_in(order), samples.c.id
        mark = select(place).where(number == up_to_id).correlate(None).scalar_subquery()
        query = query.where(or_(place < mark, and_(place == mark, number <= up_to_id)))
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def state_counts(engine: Engine, wanted: SampleFilter) -> dict[str, int]:
    """state → how many of the matching samples; every state is a key."""
    return dict.fromkeys(STATES, 0) | _grouped(engine, wanted, "state")


def style_counts(engine: Engine, wanted: SampleFilter) -> dict[str, int]:
    """style → how many of the matching samples, most frequent first."""
    return _grouped(engine, wanted, "style")


def source_counts(engine: Engine, wanted: SampleFilter) -> dict[str, int]:
    """source → how many of the matching samples, most frequent first."""
    return _grouped(engine, wanted, "source")


def _grouped(engine: Engine, wanted: SampleFilter, column: str) -> dict[str, int]:
    counted = func.count().label("n")
    query = select(samples.c[column], counted).where(*wanted.conditions()).group_by(samples.c[column])
    with reading(engine) as connection:
        rows = connection.execute(query.order_by(counted.desc(), samples.c[column])).all()
    return {row[0]: row.n for row in rows}


def cell_counts(engine: Engine, wanted: SampleFilter) -> list[CellCount]:
    """Counts per (name, scene) with at least one matching sample."""
    c = samples.c
    query = (
        select(c.name, c.scene, c.state, func.count())
        .where(*wanted.conditions())
        .group_by(c.name, c.scene, c.state)
    )
    cells: dict[tuple[str, str], dict[str, int]] = {}
    with reading(engine) as connection:
        for name, scene, state, number in connection.execute(query):
            cells.setdefault((name, scene), dict.fromkeys(STATES, 0))[state] = number
    return [CellCount(*cell, *(by_state[state] for state in STATES)) for cell, by_state in cells.items()]


def add(engine: Engine, sample: NewSample, source: str = CHAT) -> int | None:
    """Store one sample kept from a chat, or made of another one; its number, or None where the recipe already has the
    same one."""
    with writing(engine) as connection:
        return next(iter(insert_new(connection, [sample], source)), None)


def insert_new(
    connection: Connection, new: Sequence[NewSample], source: str, import_id: int | None = None
) -> list[int]:
    """Store samples whose system, turns, input and output the recipe does not have yet; the numbers given to them.
    Repetitions inside ``new`` are stored once."""
    fresh: dict[tuple[str, str], dict[str, Any]] = {}
    moment = now()
    for sample in new:
        history = [{"input": asked, "output": answered} for asked, answered in sample.history]
        digest = sample_digest(sample.system, sample.input, sample.output, history)
        fresh.setdefault(
            (sample.recipe, digest),
            {
                "recipe": sample.recipe,
                "source": source,
                "import_id": import_id,
                "name": sample.name,
                "scene": sample.scene,
                "style": sample.style,
                "system": sample.system,
                "history": history,
                "input": sample.input,
                "output": sample.output,
                "original": sample.output,
                "length": len(sample.output),
                "opening": opening_of(sample.output, sample.name),
                "prompt": sample.prompt,
                "model": sample.model,
                "state": sample.state,
                "digest": digest,
                "text_digest": text_digest(sample.output),
                "created_at": moment,
                "updated_at": moment,
            },
        )
    wanted = list(fresh)
    for start in range(0, len(wanted), _BATCH):
        chunk = wanted[start : start + _BATCH]
        query = select(samples.c.recipe, samples.c.digest).where(
            samples.c.digest.in_({digest for _recipe, digest in chunk})
        )
        for known in connection.execute(query):
            fresh.pop((known.recipe, known.digest), None)
    if not fresh:
        return []
    inserted = connection.execute(insert(samples).returning(samples.c.id), list(fresh.values()))
    return sorted(inserted.scalars())


def total(engine: Engine, recipe: str | None = None) -> int:
    """How many samples there are, of one recipe or of all."""
    condition = samples.c.recipe == recipe if recipe else true()
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(samples).where(condition)).scalar_one()
