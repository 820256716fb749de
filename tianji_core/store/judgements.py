"""Verdicts of a judging model: one per sample, valid for the text that was judged."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, and_, bindparam, delete, func, insert, select, update

from tianji_core.store.database import now, reading, writing
from tianji_core.store.provenance import token_sum
from tianji_core.store.samples import Sample, SampleFilter, columns, to_sample
from tianji_core.store.schema import judgements, samples, text_digest

_CHUNK = 1000


@dataclass(frozen=True)
class Judgement:
    """A verdict, 0 to 5 for each criterion: does the text fit person and occasion, does it have the style,
    does it sound natural. Tokens are None if the server does not count them."""

    sample_id: int
    fit: float
    style: float
    naturalness: float
    reason: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    @property
    def score(self) -> float:
        """Mean of the three criteria."""
        return (self.fit + self.style + self.naturalness) / 3


_FIELDS = [judgements.c[name] for name in Judgement.__dataclass_fields__]


def of(engine: Engine, ids: Sequence[int]) -> dict[int, Judgement]:
    """Returns sample id → verdict on its current text, for some hundred samples at most."""
    query = (
        select(*_FIELDS)
        .join(
            samples,
            and_(samples.c.id == judgements.c.sample_id, samples.c.text_digest == judgements.c.text_digest),
        )
        .where(judgements.c.sample_id.in_(list(ids)))
    )
    with reading(engine) as connection:
        return {row.sample_id: Judgement(**row._mapping) for row in connection.execute(query)}


def of_earlier_text(engine: Engine, sample_id: int) -> Judgement | None:
    """Returns the verdict on a text that the sample had before; None where its current text is judged, or
    none was."""
    same = and_(samples.c.id == judgements.c.sample_id, samples.c.text_digest != judgements.c.text_digest)
    query = select(*_FIELDS).join(samples, same).where(judgements.c.sample_id == sample_id)
    with reading(engine) as connection:
        row = connection.execute(query).first()
    return None if row is None else Judgement(**row._mapping)


def save(engine: Engine, verdicts: Sequence[tuple[Sample, Judgement]]) -> None:
    """Stores verdicts on the texts that the samples had when they were judged; a sample gets its score unless
    its text has changed since."""
    if not verdicts:
        return
    new_judgements, scores = [], []
    for sample, verdict in verdicts:
        digest = text_digest(sample.output)
        values = {name: getattr(verdict, name) for name in Judgement.__dataclass_fields__}
        new_judgements.append({**values, "text_digest": digest, "created_at": now()})
        scores.append({"the_id": sample.id, "the_digest": digest, "the_score": verdict.score})
    with writing(engine) as connection:
        ids = [sample.id for sample, _verdict in verdicts]
        connection.execute(delete(judgements).where(judgements.c.sample_id.in_(ids)))
        connection.execute(insert(judgements), new_judgements)
        connection.execute(
            update(samples)
            .where(samples.c.id == bindparam("the_id"), samples.c.text_digest == bindparam("the_digest"))
            .values(score=bindparam("the_score")),
            scores,
        )


def waiting(engine: Engine, sample_filter: SampleFilter, after_id: int = 0, limit: int = 100) -> list[Sample]:
    """Returns matching samples without a score, in order of their numbers."""
    query = select(*columns()).where(
        *sample_filter.conditions(), samples.c.score.is_(None), samples.c.id > after_id
    )
    with reading(engine) as connection:
        return [to_sample(row) for row in connection.execute(query.order_by(samples.c.id).limit(limit))]


def waiting_count(engine: Engine, sample_filter: SampleFilter) -> int:
    """Returns how many matching samples have no score."""
    query = (
        select(func.count())
        .select_from(samples)
        .where(*sample_filter.conditions(), samples.c.score.is_(None))
    )
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


@dataclass(frozen=True)
class JudgingUsage:
    """Verdicts and tokens of judging a recipe's samples."""

    number: int
    prompt_tokens: int
    completion_tokens: int


def usage(engine: Engine, recipe: str) -> JudgingUsage:
    """Returns the number of valid verdicts of a recipe and the tokens they took."""
    j = judgements.c
    query = (
        select(func.count(), token_sum(j.prompt_tokens), token_sum(j.completion_tokens))
        .join_from(judgements, samples, samples.c.id == j.sample_id)
        .where(samples.c.recipe == recipe)
    )
    with reading(engine) as connection:
        number, asked, answered = connection.execute(query).one()
    return JudgingUsage(number, asked or 0, answered or 0)
