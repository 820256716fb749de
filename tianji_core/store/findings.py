"""Stored findings of the cleaning rules; the rules themselves are in :mod:`tianji_core.cleaning`."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, and_, case, delete, exists, func, insert, select, update

from tianji_core.store.database import reading, writing
from tianji_core.store.samples import REJECTED, SampleFilter, turns_of
from tianji_core.store.schema import IS_UNCHECKED, findings, samples

_CHUNK = 1000


@dataclass(frozen=True)
class Finding:
    """问题: what one rule found in one sample. ``fixed`` is the whole answer after the rule's fix, None if it
    has no fix. ``turn`` is the number of the earlier answer of a conversation, from 1; 0 is the output."""

    rule: str
    detail: str
    fixed: str | None = None
    turn: int = 0


class Unchecked(NamedTuple):
    """The part of a sample that the rules check; ``history`` holds the earlier turns as (input, output),
    ``original`` the text as it arrived, ``finish_reason`` why its teacher ended."""

    id: int
    source: str
    name: str
    scene: str
    style: str
    options: tuple[tuple[str, str], ...]
    fact: str
    history: tuple[tuple[str, str], ...]
    input: str
    output: str
    original: str
    finish_reason: str
    text_digest: str
    version: int
    checked: int


_UNCHECKED = [samples.c[name] for name in Unchecked._fields]


def unchecked(engine: Engine, recipe: str, limit: int, after: int = 0) -> list[Unchecked]:
    """Returns the samples behind number ``after`` that changed since their last check, in order of their
    numbers."""
    query = (
        select(*_UNCHECKED)
        .where(samples.c.recipe == recipe, IS_UNCHECKED, samples.c.id > after)
        .order_by(samples.c.id)
        .limit(limit)
    )
    with reading(engine) as connection:
        rows = [row._mapping for row in connection.execute(query)]
    return [Unchecked(**{**row, "history": turns_of(row["history"])}) for row in rows]


class Shown(NamedTuple):
    """A sample as the rules check it, with what tells whether it is still the same."""

    sample: Unchecked
    state: str
    digest: str


_SHOWN = [*_UNCHECKED, samples.c.state, samples.c.digest]


def each_shown(engine: Engine, sample_filter: SampleFilter, batch: int = _CHUNK) -> Iterator[list[Shown]]:
    """Yields all matching samples by number in batches; the database is not locked in between."""
    after = 0
    query = select(*_SHOWN).where(*sample_filter.conditions()).order_by(samples.c.id).limit(batch)
    while True:
        with reading(engine) as connection:
            rows = connection.execute(query.where(samples.c.id > after)).all()
        if not rows:
            return
        yield [_shown(row) for row in rows]
        after = rows[-1].id


def shown(engine: Engine, recipe: str, ids: Sequence[int]) -> dict[int, Shown]:
    """Returns number → sample for those of at most some hundred numbers that the recipe has."""
    query = select(*_SHOWN).where(samples.c.recipe == recipe, samples.c.id.in_(list(ids)))
    with reading(engine) as connection:
        return {row.id: _shown(row) for row in connection.execute(query)}


def _shown(row: Row[Any]) -> Shown:
    fields = {name: row._mapping[name] for name in Unchecked._fields}
    return Shown(Unchecked(**{**fields, "history": turns_of(row.history)}), row.state, row.digest)


def unchecked_count(engine: Engine, recipe: str) -> int:
    """Returns how many samples are still to be checked."""
    query = select(func.count()).where(samples.c.recipe == recipe, IS_UNCHECKED)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def forget_checks(engine: Engine, recipe: str) -> int:
    """Marks every sample of a recipe as unchecked and returns how many."""
    with writing(engine) as connection:
        return connection.execute(
            update(samples).where(samples.c.recipe == recipe, samples.c.checked > 0).values(checked=0)
        ).rowcount


def save(
    engine: Engine,
    checked: Mapping[int, tuple[int, Sequence[Finding]]],
    doubts: Mapping[int, float] | None = None,
) -> None:
    """Replaces the findings of samples: id → (version that was checked, findings). A sample that has changed
    since then stays unchecked. ``doubts`` are those of the doubtful samples without findings, by id."""
    if not checked:
        return
    ids = list(checked)
    values = [
        {"sample_id": sample_id, **asdict(item)}
        for sample_id, (_version, items) in checked.items()
        for item in items
    ]
    # Few combinations of version and number occur, so that whole lists of samples are written at once.
    alike: dict[tuple[int, int, float], list[int]] = {}
    for sample_id, (version, items) in checked.items():
        alike.setdefault((version, len(items), (doubts or {}).get(sample_id, 0.0)), []).append(sample_id)
    with writing(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            connection.execute(delete(findings).where(findings.c.sample_id.in_(ids[start : start + _CHUNK])))
        if values:
            connection.execute(insert(findings), values)
        for (version, number, doubt), same in alike.items():
            for start in range(0, len(same), _CHUNK):
                connection.execute(
                    update(samples)
                    .where(samples.c.id.in_(same[start : start + _CHUNK]), samples.c.version == version)
                    .values(checked=version, finding_count=number, doubt=doubt)
                )


def of(engine: Engine, ids: Sequence[int]) -> dict[int, list[Finding]]:
    """Returns sample id → findings for some hundred samples at most; every id is a key."""
    by_sample: dict[int, list[Finding]] = {sample_id: [] for sample_id in ids}
    query = select(findings).where(findings.c.sample_id.in_(list(ids))).order_by(findings.c.id)
    with reading(engine) as connection:
        for row in connection.execute(query):
            by_sample[row.sample_id].append(Finding(row.rule, row.detail, row.fixed, row.turn))
    return by_sample


class RuleCount(NamedTuple):
    """Numbers of samples: those in which a rule found something, and those with such a finding that has a
    fix."""

    samples: int
    fixable: int


def rule_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, RuleCount]:
    """Returns rule id → numbers of matching samples with a finding of the rule, the most frequent first."""
    c = findings.c
    number = func.count(c.sample_id.distinct()).label("n")
    fixable = func.count(case((c.fixed.is_not(None), c.sample_id)).distinct()).label("fixable")
    query = (
        select(c.rule, number, fixable)
        .join_from(findings, samples, c.sample_id == samples.c.id)
        .where(*sample_filter.conditions())
        .group_by(c.rule)
        .order_by(number.desc(), c.rule)
    )
    with reading(engine) as connection:
        return {row.rule: RuleCount(row.n, row.fixable) for row in connection.execute(query)}


class Repairs(NamedTuple):
    """Numbers of samples with findings: ``whole`` those in which every finding has a fix, ``partly`` those in
    which some have, ``person`` those in which none has."""

    whole: int
    partly: int
    person: int


def repairs(engine: Engine, sample_filter: SampleFilter, rules: Collection[str]) -> Repairs:
    """Returns how many of the matching samples the fixes of ``rules`` repair. Every matching sample with a
    finding counts once."""
    c = findings.c
    fixed = func.sum(case((and_(c.fixed.is_not(None), c.rule.in_(rules)), 1), else_=0))
    each = (
        select(c.sample_id, func.count().label("all"), fixed.label("fixed"))
        .join_from(findings, samples, c.sample_id == samples.c.id)
        .where(*sample_filter.conditions())
        .group_by(c.sample_id)
        .subquery()
    )
    whole, some = each.c.fixed == each.c.all, each.c.fixed > 0
    query = select(
        func.coalesce(func.sum(case((whole, 1), else_=0)), 0),
        func.coalesce(func.sum(case((and_(some, ~whole), 1), else_=0)), 0),
        func.coalesce(func.sum(case((some, 0), else_=1)), 0),
    )
    with reading(engine) as connection:
        return Repairs(*connection.execute(query).one())


def with_rule(engine: Engine, recipe: str, rule: str) -> set[int]:
    """Returns the samples of a recipe in which a rule found something."""
    query = (
        select(findings.c.sample_id)
        .join_from(findings, samples, findings.c.sample_id == samples.c.id)
        .where(findings.c.rule == rule, samples.c.recipe == recipe)
    )
    with reading(engine) as connection:
        return set(connection.execute(query).scalars())


def twins(engine: Engine, recipe: str, batch: Sequence[Unchecked], rule: str) -> dict[int, int]:
    """Returns id → id of the sample with the same output that is kept instead, for those samples of ``batch``
    that have one: an earlier sample, or a later one that was checked first and has no finding of ``rule``.
    Rejected samples do not count."""
    texts = {sample.id: sample.text_digest for sample in batch}
    digests = sorted(set(texts.values()))
    c = samples.c
    firsts: dict[str, int] = {}
    shared: set[str] = set()
    with reading(engine) as connection:
        for start in range(0, len(digests), _CHUNK):
            query = (
                select(c.text_digest, func.min(c.id).label("first"), func.count().label("n"))
                .where(
                    c.text_digest.in_(digests[start : start + _CHUNK]),
                    c.recipe == recipe,
                    c.state != REJECTED,
                )
                .group_by(c.text_digest)
            )
            for row in connection.execute(query):
                firsts[row.text_digest] = row.first
                if row.n > 1:
                    shared.add(row.text_digest)
        first_ids = {}
        for sample in batch:
            text = texts[sample.id]
            first = firsts.get(text, sample.id)
            if first < sample.id:
                first_ids[sample.id] = first
            elif (
                text in shared
                and sample.checked > 0  # an older sample that was edited into a known text
                and (later := _kept_later(connection, recipe, sample, text, rule)) is not None
            ):
                first_ids[sample.id] = later
    return first_ids


def _kept_later(connection: Connection, recipe: str, sample: Unchecked, text: str, rule: str) -> int | None:
    c = samples.c
    flagged = exists().where(and_(findings.c.sample_id == c.id, findings.c.rule == rule))
    query = select(func.min(c.id)).where(
        c.text_digest == text,
        c.recipe == recipe,
        c.state != REJECTED,
        c.id > sample.id,
        c.checked >= c.version,
        ~flagged,
    )
    return connection.execute(query).scalar()
