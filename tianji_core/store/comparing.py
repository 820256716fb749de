"""Results of comparing the samples of a recipe with each other: signatures, near duplicates, frequent
openings."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import Engine, and_, bindparam, delete, func, insert, or_, select, update

from tianji_core.store.database import reading, writing
from tianji_core.store.samples import REJECTED, Sample, SampleFilter, columns, to_sample
from tianji_core.store.schema import (
    IS_UNDONE,
    check_states,
    findings,
    near_texts,
    recipe_revisions,
    samples,
    steps,
)

_CHUNK = 1000


@dataclass(frozen=True)
class CheckState:
    """State of the checks of a recipe; see the table ``check_states``."""

    basis: str
    compared: bool
    steps: str


def check_state(engine: Engine, recipe: str) -> CheckState | None:
    """Returns the state of the checks, or None before the first check."""
    query = select(check_states.c.basis, check_states.c.compared, check_states.c.steps)
    with reading(engine) as connection:
        row = connection.execute(query.where(check_states.c.recipe == recipe)).one_or_none()
    return None if row is None else CheckState(*row)


def save_check_state(engine: Engine, recipe: str, state: CheckState) -> None:
    """Replaces the state of the checks."""
    values = {"recipe": recipe, "basis": state.basis, "compared": state.compared, "steps": state.steps}
    with writing(engine) as connection:
        connection.execute(delete(check_states).where(check_states.c.recipe == recipe))
        connection.execute(insert(check_states).values(**values))


def newest_revision(engine: Engine, recipe: str) -> int:
    """Returns the number of the newest revision of a recipe, 0 if it is only built in. Much faster than
    reading the recipe."""
    table = recipe_revisions
    query = select(func.max(table.c.revision)).where(table.c.recipe == recipe)
    with reading(engine) as connection:
        return connection.execute(query).scalar() or 0


def steps_mark(engine: Engine, recipe: str) -> str:
    """Returns a text that changes whenever a step is taken, undone or redone."""
    mine = steps.c.recipe == recipe
    last = select(func.max(steps.c.id)).where(mine).scalar_subquery()
    undone = select(func.count()).select_from(steps).where(mine, IS_UNDONE).scalar_subquery()
    with reading(engine) as connection:
        newest, taken_back = connection.execute(select(last, undone)).one()
    return f"{newest or 0}/{taken_back}"


class Compared(NamedTuple):
    """One sample in the comparison. ``bands`` is its signature, None if its text has none yet."""

    id: int
    rejected: bool
    bands: bytes | None
    twin_id: int | None


def compared(engine: Engine, recipe: str) -> list[Compared]:
    """Returns all samples of a recipe in order of their numbers."""
    c, n = samples.c, near_texts.c
    query = (
        select(c.id, c.state, n.bands, n.twin_id)
        .outerjoin_from(samples, near_texts, and_(n.sample_id == c.id, n.text_digest == c.text_digest))
        .where(c.recipe == recipe)
        .order_by(c.id)
    )
    with reading(engine) as connection:
        return [
            Compared(number, state == REJECTED, bands, twin)
            for number, state, bands, twin in connection.execute(query)
        ]


def texts(engine: Engine, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Returns sample id → (output, digest of the output)."""
    c = samples.c
    texts: dict[int, tuple[str, str]] = {}
    with reading(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            query = select(c.id, c.output, c.text_digest).where(c.id.in_(ids[start : start + _CHUNK]))
            texts |= {number: (output, digest) for number, output, digest in connection.execute(query)}
    return texts


def left_by_leaders(engine: Engine, recipe: str) -> set[int]:
    """Returns the samples whose kept twin has been rejected since, and those twins."""
    c, n = samples.c, near_texts.c
    leader = samples.alias()
    query = (
        select(n.sample_id, n.twin_id)
        .join_from(near_texts, leader, leader.c.id == n.twin_id)
        .join(samples, c.id == n.sample_id)
        .where(n.recipe == recipe, leader.c.state == REJECTED, c.state != REJECTED)
    )
    with reading(engine) as connection:
        return {number for row in connection.execute(query) for number in row}


class Signature(NamedTuple):
    """The stored signature of a text; ``bands`` None keeps the stored bands."""

    sample_id: int
    text_digest: str
    bands: bytes | None
    twin_id: int | None
    similarity: float | None


def save_signatures(engine: Engine, recipe: str, signatures: Iterable[Signature]) -> None:
    """Stores signatures and twins of samples."""
    new, old = [], []
    for signature in signatures:
        if signature.bands is None:
            old.append(
                {
                    "the_id": signature.sample_id,
                    "new_twin": signature.twin_id,
                    "new_similarity": signature.similarity,
                }
            )
        else:
            new.append(
                {
                    "recipe": recipe,
                    "sample_id": signature.sample_id,
                    "text_digest": signature.text_digest,
                    "bands": signature.bands,
                    "twin_id": signature.twin_id,
                    "similarity": signature.similarity,
                }
            )
    with writing(engine) as connection:
        for start in range(0, len(new), _CHUNK):
            ids = [row["sample_id"] for row in new[start : start + _CHUNK]]
            connection.execute(delete(near_texts).where(near_texts.c.sample_id.in_(ids)))
        if new:
            connection.execute(insert(near_texts), new)
        if old:
            connection.execute(
                update(near_texts)
                .where(near_texts.c.sample_id == bindparam("the_id"))
                .values(twin_id=bindparam("new_twin"), similarity=bindparam("new_similarity")),
                old,
            )


def twins(engine: Engine, recipe: str) -> dict[int, tuple[int, float]]:
    """Returns sample id → (id of the sample that is kept instead, similarity) for every near duplicate."""
    n = near_texts.c
    query = select(n.sample_id, n.twin_id, n.similarity).where(n.recipe == recipe, n.twin_id.is_not(None))
    with reading(engine) as connection:
        return {number: (twin, similarity) for number, twin, similarity in connection.execute(query)}


def same_cell(engine: Engine, pairs: Mapping[int, int]) -> set[int]:
    """Returns the ids whose sample has the same name and scene as the sample it is paired with."""
    c = samples.c
    ids = sorted({*pairs, *pairs.values()})
    cells: dict[int, tuple[str, str]] = {}
    with reading(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            query = select(c.id, c.name, c.scene).where(c.id.in_(ids[start : start + _CHUNK]))
            cells |= {number: (name, scene) for number, name, scene in connection.execute(query)}
    return {number for number, other in pairs.items() if cells.get(number) == cells.get(other)}


def sync(engine: Engine, recipe: str, rule: str, details: Mapping[int, str]) -> int:
    """Makes the findings of ``rule`` exactly ``details`` (sample id → detail) and returns how many samples
    changed."""
    c = samples.c
    query = (
        select(findings.c.sample_id, findings.c.detail)
        .join_from(findings, samples, findings.c.sample_id == c.id)
        .where(findings.c.rule == rule, c.recipe == recipe)
    )
    with writing(engine) as connection:
        known = dict(connection.execute(query).all())
        gone = [number for number in known if number not in details]
        other = [number for number, detail in details.items() if known.get(number, detail) != detail]
        new = [number for number in details if number not in known]
        for numbers in (gone, other):
            for start in range(0, len(numbers), _CHUNK):
                chunk = numbers[start : start + _CHUNK]
                connection.execute(
                    delete(findings).where(findings.c.rule == rule, findings.c.sample_id.in_(chunk))
                )
        new_findings = [
            {"sample_id": number, "rule": rule, "detail": details[number]} for number in (*other, *new)
        ]
        if new_findings:
            connection.execute(insert(findings), new_findings)
        for numbers, change in ((gone, -1), (new, 1)):
            for start in range(0, len(numbers), _CHUNK):
                connection.execute(
                    update(samples)
                    .where(c.id.in_(numbers[start : start + _CHUNK]))
                    .values(finding_count=c.finding_count + change)
                )
    return len(gone) + len(other) + len(new)


def frequent_openings(engine: Engine, recipe: str, at_least: int) -> list[tuple[str, str, int, int]]:
    """Returns (style, opening, samples with it, samples of the style) for every opening that ``at_least``
    samples of one style share. Rejected samples do not count."""
    c = samples.c
    standing = (c.recipe == recipe, c.state != REJECTED)
    number = func.count().label("n")
    with reading(engine) as connection:
        totals: dict[str, int] = dict(
            connection.execute(select(c.style, number).where(*standing).group_by(c.style)).all()
        )
        query = (
            select(c.style, c.opening, number)
            .where(*standing, c.opening != "")
            .group_by(c.style, c.opening)
            .having(func.count() >= at_least)
        )
        return [(style, opening, n, totals[style]) for style, opening, n in connection.execute(query)]


def with_opening(engine: Engine, recipe: str, style: str, opening: str) -> list[int]:
    """Returns the samples of a style with this opening in order of their numbers, rejected ones left out."""
    c = samples.c
    query = select(c.id).where(
        c.recipe == recipe, c.style == style, c.opening == opening, c.state != REJECTED
    )
    with reading(engine) as connection:
        return list(connection.execute(query.order_by(c.id)).scalars())


class Cluster(NamedTuple):
    """A group of near duplicates: the kept sample (``leader``) and the matching samples that repeat it."""

    leader: int
    members: tuple[int, ...]


def cluster_count(engine: Engine, sample_filter: SampleFilter) -> tuple[int, int]:
    """Returns the number of clusters with a matching member, and the number of all matching members."""
    n = near_texts.c
    query = (
        select(func.count(n.twin_id.distinct()), func.count())
        .join_from(near_texts, samples, samples.c.id == n.sample_id)
        .where(n.recipe == sample_filter.recipe, n.twin_id.is_not(None), *sample_filter.conditions())
    )
    with reading(engine) as connection:
        clusters, members = connection.execute(query).one()
    return clusters, members


def clusters(engine: Engine, sample_filter: SampleFilter, limit: int | None = None) -> list[Cluster]:
    """Returns the clusters with a matching member, the largest first, each with all its matching members."""
    n = near_texts.c
    matching = (
        select(n.twin_id, n.sample_id)
        .join_from(near_texts, samples, samples.c.id == n.sample_id)
        .where(n.recipe == sample_filter.recipe, n.twin_id.is_not(None), *sample_filter.conditions())
    )
    with reading(engine) as connection:
        groups: dict[int, list[int]] = {}
        for leader, member in connection.execute(matching.order_by(n.sample_id)):
            groups.setdefault(leader, []).append(member)
    ordered = sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:limit]
    return [Cluster(leader, tuple(members)) for leader, members in ordered]


def members_of(engine: Engine, leaders: Collection[int]) -> list[Sample]:
    """Returns the samples of whole clusters, the leaders included."""
    ids = sorted(leaders)
    members: dict[int, Sample] = {}
    n = near_texts.c
    with reading(engine) as connection:
        for start in range(0, len(ids), _CHUNK):
            chunk = ids[start : start + _CHUNK]
            mine = select(n.sample_id).where(n.twin_id.in_(chunk))
            query = select(*columns()).where(or_(samples.c.id.in_(chunk), samples.c.id.in_(mine)))
            for row in connection.execute(query):
                members[row.id] = to_sample(row)
    return [members[number] for number in sorted(members)]
