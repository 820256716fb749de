"""Documents cut into chunks, and the samples made from them. The state of a chunk and its samples change in
one transaction."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store.database import next_number, now, reading, writing
from tianji_core.store.provenance import FAILED, ErrorCount, Provenance, failures_by_kind, token_sum
from tianji_core.store.runs import DONE, PENDING
from tianji_core.store.schema import chunks, knowledge_runs, sample_digest, samples, text_digest

SOURCE = "knowledge"
_CHUNK = 500


@dataclass(frozen=True)
class KnowledgeRun:
    """Documents sent to one teacher. ``teacher``, ``sampling`` and ``settings`` are plain data as
    :mod:`tianji_core.generation.knowledge` writes and reads them, never a key; ``total`` counts chunks;
    ``who`` is the account of the person who made it."""

    id: int
    recipe: str
    title: str
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    settings: dict[str, Any]
    concurrency: int
    total: int
    created_at: datetime
    who: str = ""


@dataclass(frozen=True)
class NewKnowledgeRun:
    """A knowledge run to be stored."""

    recipe: str
    title: str
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    settings: dict[str, Any]
    concurrency: int


class NewChunk(NamedTuple):
    """A chunk to be stored; ``number`` counts from 1 within its file."""

    file: str
    sha256: str
    number: int
    text: str


@dataclass(frozen=True)
class Chunk:
    """A part of a document; ``position`` counts from 0 in the run."""

    id: int
    position: int
    file: str
    number: int
    text: str


class QuestionAnswer(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


class Dialogue(NamedTuple):
    """Consecutive questions and answers, at least one pair."""

    turns: tuple[QuestionAnswer, ...]


@dataclass(frozen=True)
class Asked:
    """The result of a chunk. ``repeated`` counts the questions left out of ``conversations``, ``unused`` the
    items of the answer that were not understood or more than were asked for; ``origin`` is the request that
    brought them all, made from the recipe at ``recipe_revision``."""

    chunk: Chunk
    system: str
    conversations: tuple[Dialogue, ...]
    repeated: int
    origin: Provenance
    unused: int = 0
    recipe_revision: int | None = None


@dataclass(frozen=True)
class ChunkFailure:
    """A chunk without a result: the kind of error and its message."""

    chunk: Chunk
    kind: str
    error: str
    attempts: int


@dataclass(frozen=True)
class ChunkCounts:
    """Number of chunks in each state, of the samples made from them, of repeated questions left out, and of
    items in the answers that were not used."""

    done: int = 0
    failed: int = 0
    pending: int = 0
    pairs: int = 0
    repeated: int = 0
    unused: int = 0


@dataclass(frozen=True)
class ChunkOrigin:
    """The document and the chunk that a sample was made from."""

    run_id: int
    file: str
    sha256: str
    number: int
    text: str


def add(engine: Engine, new: NewKnowledgeRun, pieces: Sequence[NewChunk], above: int = 0) -> KnowledgeRun:
    """Stores a run with all its chunks. Its number is higher than ``above``."""
    values = {**asdict(new), "total": len(pieces), "created_at": now()}
    with writing(engine) as connection:
        values |= next_number(connection, knowledge_runs, above)
        row = connection.execute(insert(knowledge_runs).values(**values).returning(*knowledge_runs.c)).one()
        for start in range(0, len(pieces), _CHUNK):
            values_of_chunks = [
                {"run_id": row.id, "position": start + i, **piece._asdict()}
                for i, piece in enumerate(pieces[start : start + _CHUNK])
            ]
            connection.execute(insert(chunks), values_of_chunks)
    return _run(row)


def _run(row: Row[Any]) -> KnowledgeRun:
    return KnowledgeRun(**row._mapping)


def get(engine: Engine, run_id: int) -> KnowledgeRun:
    """Returns one run.

    Raises:
        InputError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(knowledge_runs).where(knowledge_runs.c.id == run_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的资料批次，请从造数页里选一个", id=run_id))
    return _run(row)


def listed(engine: Engine, recipe: str, limit: int = 20) -> list[KnowledgeRun]:
    """Returns runs of a recipe, newest first."""
    query = (
        select(knowledge_runs)
        .where(knowledge_runs.c.recipe == recipe)
        .order_by(knowledge_runs.c.id.desc())
        .limit(limit)
    )
    with reading(engine) as connection:
        return [_run(row) for row in connection.execute(query)]


def chunks_in(engine: Engine, run_id: int, state: str, after: int = -1, limit: int = 100) -> list[Chunk]:
    """Returns chunks of a run in one state in order, those after position ``after``."""
    c = chunks.c
    query = (
        select(c.id, c.position, c.file, c.number, c.text)
        .where(c.run_id == run_id, c.state == state, c.position > after)
        .order_by(c.position)
        .limit(limit)
    )
    with reading(engine) as connection:
        return [Chunk(*row) for row in connection.execute(query)]


def questions(engine: Engine, recipe: str) -> Iterator[str]:
    """Yields the first question of every sample made from documents of a recipe, rejected ones included."""
    c = samples.c
    query = select(c.input, c.history).where(c.recipe == recipe, c.chunk_id.is_not(None)).order_by(c.id)
    with reading(engine) as connection:
        for asked, history in connection.execute(query):
            yield history[0]["input"] if history else asked


def store(
    engine: Engine, run: KnowledgeRun, asked: Sequence[Asked], failures: Sequence[ChunkFailure] = ()
) -> None:
    """Stores results and failures in one transaction. A chunk that has its samples already stays
    unchanged."""
    with writing(engine) as connection:
        for item in asked:
            fresh = _mark(
                connection,
                item.chunk,
                state=DONE,
                attempts=item.origin.attempts,
                error_kind=None,
                error=None,
                pairs=len(item.conversations),
                repeated=item.repeated,
                unused=item.unused,
            )
            if fresh and item.conversations:
                connection.execute(insert(samples), _sample_rows(run, item))
        for failure in failures:
            _mark(
                connection,
                failure.chunk,
                state=FAILED,
                attempts=failure.attempts,
                error_kind=failure.kind,
                error=failure.error,
            )


def _mark(connection: Connection, chunk: Chunk, *, attempts: int, **values: object) -> bool:
    statement = (
        update(chunks)
        .where(chunks.c.id == chunk.id, chunks.c.state != DONE)
        .values(**values, attempts=chunks.c.attempts + attempts, updated_at=now())
    )
    return connection.execute(statement).rowcount == 1


def _sample_rows(run: KnowledgeRun, item: Asked) -> list[dict[str, Any]]:
    moment = now()
    # One request brought them all: its tokens are counted once.
    uncounted = {"prompt_tokens": None, "completion_tokens": None}
    values = []
    for number, conversation in enumerate(item.conversations):
        *earlier, last = conversation.turns
        history = [{"input": turn.question, "output": turn.answer} for turn in earlier]
        values.append(
            {
                "recipe": run.recipe,
                "source": SOURCE,
                "chunk_id": item.chunk.id,
                "system": item.system,
                "history": history,
                "input": last.question,
                "output": last.answer,
                "original": last.answer,
                "length": len(last.answer),
                **item.origin.columns(),
                "recipe_revision": item.recipe_revision,
                **({} if number == 0 else uncounted),
                "digest": sample_digest(item.system, last.question, last.answer, history),
                "text_digest": text_digest(last.answer),
                "created_at": moment,
                "updated_at": moment,
            }
        )
    return values


def reset_failed(engine: Engine, run_id: int) -> int:
    """Makes failed chunks pending again and returns how many."""
    statement = (
        update(chunks)
        .where(chunks.c.run_id == run_id, chunks.c.state == FAILED)
        .values(state=PENDING, error_kind=None, error=None, updated_at=now())
    )
    with writing(engine) as connection:
        return connection.execute(statement).rowcount


def counts(engine: Engine, run_id: int) -> ChunkCounts:
    """Returns the progress of a run."""
    query = (
        select(
            chunks.c.state,
            func.count(),
            func.sum(chunks.c.pairs),
            func.sum(chunks.c.repeated),
            func.sum(chunks.c.unused),
        )
        .where(chunks.c.run_id == run_id)
        .group_by(chunks.c.state)
    )
    with reading(engine) as connection:
        by_state = connection.execute(query).all()
    return ChunkCounts(
        **{row[0]: row[1] for row in by_state},
        pairs=sum(int(row[2] or 0) for row in by_state),
        repeated=sum(int(row[3] or 0) for row in by_state),
        unused=sum(int(row[4] or 0) for row in by_state),
    )


def errors(engine: Engine, run_id: int) -> list[ErrorCount]:
    """Returns the failures of a run by kind, the most frequent first."""
    return failures_by_kind(engine, chunks, run_id)


def latest(engine: Engine, run_id: int, limit: int = 5) -> list[tuple[str, int, str, str]]:
    """Returns (file, chunk number, question, answer) of the latest samples, newest first."""
    query = (
        select(chunks.c.file, chunks.c.number, samples.c.input, samples.c.output)
        .select_from(samples.join(chunks, samples.c.chunk_id == chunks.c.id))
        .where(chunks.c.run_id == run_id)
        .order_by(samples.c.id.desc())
        .limit(limit)
    )
    with reading(engine) as connection:
        return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def spent(engine: Engine, run_id: int) -> tuple[int, int]:
    """Returns (prompt tokens, completion tokens) of the stored answers of a run."""
    query = (
        select(token_sum(samples.c.prompt_tokens), token_sum(samples.c.completion_tokens))
        .select_from(samples.join(chunks, samples.c.chunk_id == chunks.c.id))
        .where(chunks.c.run_id == run_id)
    )
    with reading(engine) as connection:
        asked, answered = connection.execute(query).one()
    return int(asked or 0), int(answered or 0)


def origin(engine: Engine, sample_id: int) -> ChunkOrigin | None:
    """Returns the document and the chunk that a sample was made from, None for other samples."""
    c = chunks.c
    query = (
        select(c.run_id, c.file, c.sha256, c.number, c.text)
        .select_from(samples.join(chunks, samples.c.chunk_id == c.id))
        .where(samples.c.id == sample_id)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else ChunkOrigin(*row)
