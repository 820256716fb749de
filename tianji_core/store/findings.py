"""Stored findings of the cleaning rules; the rules themselves are in :mod:`tianji_core.cleaning`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Connection, Engine, and_, delete, exists, func, insert, select, update

from tianji_core.store.database import reading, writing
from tianji_core.store.samples import REJECTED, SampleFilter
from tianji_core.store.schema import IS_UNCHECKED, findings, samples

_CHUNK = 1000


@dataclass(frozen=True)
class Finding:
    """问题: what one rule found in one sample. ``fixed`` is the whole output after the rule's fix, None if it
    has no fix."""

    rule: str
    detail: str
    fixed: str | None = None


class Unchecked(NamedTuple):
    """The part of a sample that the rules check."""

    id: int
    name: str
    scene: str
    style: str
    output: str
    text_digest: str
    version: int
    checked: int


_UNCHECKED = [samples.c[name] for name in Unchecked._fields]


def unchecked(engine: Engine, recipe: str, limit: int) -> list[Unchecked]:
    """Returns the samples that changed since their last check, in order of their numbers."""
    query = (
        select(*_UNCHECKED)
        .where(samples.c.recipe == recipe, IS_UNCHECKED)
        .order_by(samples.c.id)
        .limit(limit)
    )
    with reading(engine) as connection:
        return [Unchecked(*row) for row in connection.execute(query)]


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


def save(engine: Engine, checked: Mapping[int, tuple[int, Sequence[Finding]]]) -> None:
    """Replaces the findings of samples: id → (version that was checked, findings). A sample that has changed
    since then stays unchecked."""
    if not checked:
        return
    ids = list(checked)
    values = [
        {"sample_id": sample_id, "rule": item.rule, "detail": item.detail, "fixed": item.fixed}
        for sample_id, (_version, items) in checked.items()
        for item in items
    ]
    # Few combinations of version and number occur, so that whole lists of samples are written at once.
    alike: dict[tuple[int, int], list[int]] = {}
    for sample_id, (version, items) in checked.items():
        alike.setdefault((version, len(items)), []).append(sample_id)
    with writing(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            connection.execute(delete(findings).where(findings.c.sample_id.in_(ids[start : start + _CHUNK])))
        if values:
            connection.execute(insert(findings), values)
        for (version, number), same in alike.items():
            for start in range(0, len(same), _CHUNK):
                connection.execute(
                    update(samples)
                    .where(samples.c.id.in_(same[start : start + _CHUNK]), samples.c.version == version)
                    .values(checked=version, finding_count=number)
                )


def of(engine: Engine, ids: Sequence[int]) -> dict[int, list[Finding]]:
    """Returns sample id → findings for some hundred samples at most; every id is a key."""
    by_sample: dict[int, list[Finding]] = {sample_id: [] for sample_id in ids}
    query = select(findings).where(findings.c.sample_id.in_(list(ids))).order_by(findings.c.id)
    with reading(engine) as connection:
        for row in connection.execute(query):
            by_sample[row.sample_id].append(Finding(row.rule, row.detail, row.fixed))
    return by_sample


def rule_counts(engine: Engine, sample_filter: SampleFilter) -> dict[str, int]:
    """Returns rule id → number of matching samples with a finding of the rule, the most frequent first."""
    number = func.count().label("n")
    query = (
        select(findings.c.rule, number)
        .join_from(findings, samples, findings.c.sample_id == samples.c.id)
        .where(*sample_filter.conditions())
        .group_by(findings.c.rule)
        .order_by(number.desc(), findings.c.rule)
    )
    with reading(engine) as connection:
        return {row.rule: row.n for row in connection.execute(query)}


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
