"""Texts written in the manner of others, as a tree. The state of a text and its sample change in one
transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store.database import next_number, now, reading, writing
from tianji_core.store.provenance import FAILED, ErrorCount, Provenance, failures_by_kind
from tianji_core.store.runs import PENDING
from tianji_core.store.samples import IMITATION, NewSample
from tianji_core.store.samples.rows import insert_new
from tianji_core.store.schema import imitation_runs, imitations, samples

GIVEN, LEFT = "given", "left"
"""States beside pending, done and failed: a paragraph of the person; a text that stayed too close."""
PARAGRAPH, SEED, CHILD = "paragraph", "seed", "child"
_CHUNK = 500


@dataclass(frozen=True)
class ImitationRun:
    """Paragraphs sent to one teacher. ``teacher``, ``sampling`` and ``settings`` are plain data as
    :mod:`tianji_core.generation.imitation` writes and reads them, never a key; ``who`` is the account of the
    person who made it."""

    id: int
    recipe: str
    recipe_revision: int
    title: str
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    settings: dict[str, Any]
    concurrency: int
    created_at: datetime
    who: str = ""


@dataclass(frozen=True)
class NewImitationRun:
    """An imitation run to be stored."""

    recipe: str
    recipe_revision: int
    title: str
    teacher: dict[str, Any]
    sampling: dict[str, Any]
    settings: dict[str, Any]
    concurrency: int


class TalkTurn(NamedTuple):
    """One answered turn; the likeness (0 to 1) of the answer to the closest text that it must differ from."""

    asked: str
    answered: str
    wording: float
    structure: float


@dataclass(frozen=True)
class Imitation:
    """One text of the tree; see the table. ``sample_state`` is the review state of its sample, None without
    one; ``sample_text`` the sample's present text, '' without one."""

    position: int
    parent: int | None
    stage: str
    name: str
    scene: str
    style: str
    text: str
    state: str
    talk: tuple[TalkTurn, ...]
    wording: float | None
    structure: float | None
    near: int | None
    reason: str
    sample_id: int | None
    sample_state: str | None
    sample_text: str


class NewImitation(NamedTuple):
    """A text to be stored; ``parent`` is a position. One with a ``text`` is given, others are to be
    written."""

    parent: int | None
    stage: str
    name: str
    scene: str
    style: str
    text: str = ""


@dataclass(frozen=True)
class TalkedOf:
    """The newest answer to a text: the whole ``talk``, and what it means: ``state`` pending (asked again),
    done or left. ``sample`` is stored unless the state is pending."""

    position: int
    talk: tuple[TalkTurn, ...]
    state: str
    text: str
    wording: float
    structure: float
    near: int | None
    reason: str
    origin: Provenance
    sample: NewSample


@dataclass(frozen=True)
class ImitationFailure:
    """A text that got no answer."""

    position: int
    kind: str
    error: str
    attempts: int


@dataclass(frozen=True)
class ImitationCounts:
    """Number of texts in each state, those of the person left out, and the turns that were answered."""

    pending: int = 0
    done: int = 0
    left: int = 0
    failed: int = 0
    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    @property
    def total(self) -> int:
        """All texts to be written."""
        return self.pending + self.done + self.left + self.failed


class ImitationOrigin(NamedTuple):
    """Where a sample came from: the text that it imitates, and how close it stayed to the closest one."""

    run_id: int
    imitated: str
    wording: float
    structure: float
    reason: str


def add(engine: Engine, new: NewImitationRun, texts: Sequence[NewImitation], above: int = 0) -> ImitationRun:
    """Stores a run with its first texts, in order. Its number is higher than ``above``."""
    values = {**asdict(new), "created_at": now()}
    with writing(engine) as connection:
        values |= next_number(connection, imitation_runs, above)
        row = connection.execute(insert(imitation_runs).values(**values).returning(*imitation_runs.c)).one()
        _insert(connection, row.id, texts, 0)
    return _run(row)


def add_texts(engine: Engine, run_id: int, texts: Sequence[NewImitation]) -> None:
    """Stores further texts of a run."""
    with writing(engine) as connection:
        query = select(func.max(imitations.c.position)).where(imitations.c.run_id == run_id)
        _insert(connection, run_id, texts, connection.execute(query).scalar_one() + 1)


def _insert(connection: Connection, run_id: int, texts: Sequence[NewImitation], first: int) -> None:
    values = [
        {
            "run_id": run_id,
            "position": first + number,
            "state": GIVEN if text.text else PENDING,
            **text._asdict(),
        }
        for number, text in enumerate(texts)
    ]
    for start in range(0, len(values), _CHUNK):
        connection.execute(insert(imitations), values[start : start + _CHUNK])


def _run(row: Row[Any]) -> ImitationRun:
    return ImitationRun(**row._mapping)


def get(engine: Engine, run_id: int) -> ImitationRun:
    """Returns one run.

    Raises:
        InputError: there is none with this number.
    """
    with reading(engine) as connection:
        row = connection.execute(select(imitation_runs).where(imitation_runs.c.id == run_id)).one_or_none()
    if row is None:
        raise InputError(_("没有编号为 {id} 的照着写批次，请从造数页里选一个", id=run_id))
    return _run(row)


def change(engine: Engine, run_id: int, settings: dict[str, Any], concurrency: int) -> None:
    """Changes settings and concurrency of a stored run."""
    c = imitation_runs.c
    with writing(engine) as connection:
        values = {"settings": settings, "concurrency": concurrency}
        connection.execute(update(imitation_runs).where(c.id == run_id).values(**values))


def listed(engine: Engine, recipe: str, limit: int = 20) -> list[ImitationRun]:
    """Returns runs of a recipe, newest first."""
    c = imitation_runs.c
    query = select(imitation_runs).where(c.recipe == recipe).order_by(c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [_run(row) for row in connection.execute(query)]


def tree(engine: Engine, run_id: int) -> list[Imitation]:
    """Returns all texts of a run by position."""
    c = imitations.c
    own = [name for name in Imitation.__dataclass_fields__ if name in c]
    query = (
        select(
            *(c[name] for name in own),
            samples.c.state.label("sample_state"),
            func.coalesce(samples.c.output, "").label("sample_text"),
        )
        .select_from(imitations.outerjoin(samples, c.sample_id == samples.c.id))
        .where(c.run_id == run_id)
        .order_by(c.position)
    )
    with reading(engine) as connection:
        return [_imitation(dict(row._mapping)) for row in connection.execute(query)]


def _imitation(values: dict[str, Any]) -> Imitation:
    values["talk"] = tuple(TalkTurn(**turn) for turn in values["talk"])
    return Imitation(**values)


def store(
    engine: Engine, run_id: int, talked: Sequence[TalkedOf], failures: Sequence[ImitationFailure] = ()
) -> None:
    """Stores answers and failures in one transaction. A text that is not pending stays unchanged."""
    c = imitations.c
    with writing(engine) as connection:
        for item in talked:
            values = _values(item)
            # The turn is counted once, however often its batch has to be stored.
            mine = (c.run_id == run_id, c.position == item.position, c.state == PENDING)
            statement = (
                update(imitations)
                .where(*mine)
                .values(
                    **values,
                    attempts=c.attempts + item.origin.attempts,
                    prompt_tokens=c.prompt_tokens + (item.origin.prompt_tokens or 0),
                    completion_tokens=c.completion_tokens + (item.origin.completion_tokens or 0),
                )
            )
            if connection.execute(statement).rowcount and item.state != PENDING:
                _add_sample(connection, run_id, item)
        for failure in failures:
            connection.execute(
                update(imitations)
                .where(c.run_id == run_id, c.position == failure.position, c.state == PENDING)
                .values(
                    state=FAILED,
                    error_kind=failure.kind,
                    error=failure.error,
                    attempts=c.attempts + failure.attempts,
                    updated_at=now(),
                )
            )


def _values(item: TalkedOf) -> dict[str, Any]:
    return {
        "talk": [turn._asdict() for turn in item.talk],
        "turns": len(item.talk),
        "state": item.state,
        "text": item.text,
        "wording": item.wording,
        "structure": item.structure,
        "near": item.near,
        "reason": item.reason,
        "error_kind": None,
        "error": None,
        "updated_at": now(),
    }


def _add_sample(connection: Connection, run_id: int, item: TalkedOf) -> None:
    ids = insert_new(connection, [item.sample], IMITATION)
    if not ids:  # the recipe has the very same sample already, from elsewhere
        return
    # The text may be that of an earlier turn, so its request is the one of the sample.
    origin = item.origin.columns() | {"prompt": item.sample.prompt}
    connection.execute(update(samples).where(samples.c.id == ids[0]).values(**origin))
    connection.execute(
        update(imitations)
        .where(imitations.c.run_id == run_id, imitations.c.position == item.position)
        .values(sample_id=ids[0])
    )


def reset_failed(engine: Engine, run_id: int) -> int:
    """Makes failed texts pending again and returns how many; what was said in their talks is kept."""
    statement = (
        update(imitations)
        .where(imitations.c.run_id == run_id, imitations.c.state == FAILED)
        .values(state=PENDING, error_kind=None, error=None, updated_at=now())
    )
    with writing(engine) as connection:
        return connection.execute(statement).rowcount


def counts(engine: Engine, run_ids: Iterable[int]) -> dict[int, ImitationCounts]:
    """Returns run → the progress of it."""
    c = imitations.c
    wanted = list(run_ids)
    query = (
        select(
            c.run_id,
            c.state,
            func.count(),
            func.sum(c.turns),
            func.sum(c.prompt_tokens),
            func.sum(c.completion_tokens),
        )
        .where(c.run_id.in_(wanted), c.state != GIVEN)
        .group_by(c.run_id, c.state)
    )
    by_run: dict[int, list[tuple[Any, ...]]] = {run_id: [] for run_id in wanted}
    with reading(engine) as connection:
        for row in connection.execute(query):
            by_run[row[0]].append(tuple(row))
    return {run_id: _counted(rows) for run_id, rows in by_run.items()}


def _counted(rows: Sequence[tuple[Any, ...]]) -> ImitationCounts:
    return ImitationCounts(
        **{row[1]: row[2] for row in rows},
        answers=sum(int(row[3] or 0) for row in rows),
        prompt_tokens=sum(int(row[4] or 0) for row in rows),
        completion_tokens=sum(int(row[5] or 0) for row in rows),
    )


def errors(engine: Engine, run_id: int) -> list[ErrorCount]:
    """Returns the failures of a run by kind, the most frequent first."""
    return failures_by_kind(engine, imitations, run_id)


def origin(engine: Engine, sample_id: int) -> ImitationOrigin | None:
    """Returns what a sample imitates, None for other samples."""
    mine, parent = imitations.alias("mine"), imitations.alias("parent")
    query = (
        select(mine.c.run_id, parent.c.text, mine.c.wording, mine.c.structure, mine.c.reason)
        .select_from(
            mine.join(parent, (parent.c.run_id == mine.c.run_id) & (parent.c.position == mine.c.parent))
        )
        .where(mine.c.sample_id == sample_id)
    )
    with reading(engine) as connection:
        row = connection.execute(query).one_or_none()
    return None if row is None else ImitationOrigin(*row)


def too_close(engine: Engine, sample_ids: Sequence[int]) -> Mapping[int, str]:
    """Returns sample → why its text stayed too close to another one, for those that were left to a person."""
    c = imitations.c
    reasons: dict[int, str] = {}
    with reading(engine) as connection:
        for start in range(0, len(sample_ids), _CHUNK):
            part = sample_ids[start : start + _CHUNK]
            query = select(c.sample_id, c.reason).where(c.state == LEFT, c.sample_id.in_(part))
            reasons.update((row[0], row[1]) for row in connection.execute(query))
    return reasons
