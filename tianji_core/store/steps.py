"""What a person does to samples: each action on one or many of them is a step that is undone as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, bindparam, case, func, insert, select, update

from tianji_core.errors import ConflictError, InputError
from tianji_core.i18n import _
from tianji_core.store.database import now, reading, writing
from tianji_core.store.samples import ACCEPTED, REJECTED, STATE_TITLES, STATES, SampleFilter
from tianji_core.store.schema import (
    changes,
    judgements,
    opening_of,
    sample_digest,
    samples,
    steps,
    text_digest,
)

_CHUNK = 1000
_TEXT_FIELDS = ("output", "length", "opening", "digest", "text_digest")
_CHANGEABLE = (*_TEXT_FIELDS, "state", "rating")
EDIT, FIX, RATE = "edit", "fix", "rate"


@dataclass(frozen=True)
class Step:
    """One action on ``count`` samples. ``action`` is the new state, or one of the words below; ``note`` says why, or with
    what."""

    id: int
    recipe: str
    action: str
    title: str
    who: str
    count: int
    undone: bool
    note: str
    created_at: datetime


def set_state(
    engine: Engine,
    wanted: SampleFilter,
    state: str,
    who: str,
    versions: Mapping[int, int] | None = None,
    title: str = "",
) -> Step | None:
    """Accept, reject or reopen all matching samples as one step; None where all of them were in that state already.

    Raises:
        ConflictError: a sample in ``versions`` (number → version the person saw) has changed; nothing was done.
    """
    if state not in STATES:
        raise InputError(_("样本状态只能是 {known}，不是 {state}", known=_("、").join(STATES), state=state))
    with writing(engine) as connection:
        rows = _matching(connection, wanted)
        _check_versions(rows, versions)
        changed = [(row.id, {"state": row.state}, {"state": state}) for row in rows if row.state != state]
        title = title or _("{state} {n} 条", state=_(STATE_TITLES[state]), n=len(changed))
        return _take(connection, wanted.recipe, state, title, who, changed)


def rate(
    engine: Engine,
    wanted: SampleFilter,
    rating: int | None,
    who: str,
    versions: Mapping[int, int] | None = None,
) -> Step | None:
    """Give all matching samples 1 to 5 stars (None: take the stars away) as one step.

    Raises:
        InputError: not 1 to 5. ConflictError: as for :func:`set_state`.
    """
    if rating is not None and rating not in range(1, 6):
        raise InputError(_("评分是 1 到 5 颗星，不是 {rating}", rating=rating))
    with writing(engine) as connection:
        rows = _matching(connection, wanted)
        _check_versions(rows, versions)
        changed = [
            (row.id, {"rating": row.rating}, {"rating": rating}) for row in rows if row.rating != rating
        ]
        title = _("给 {n} 条打 {rating} 星", n=len(changed), rating=rating or 0)
        return _take(connection, wanted.recipe, RATE, title, who, changed)


def edit(
    engine: Engine, recipe: str, sample_id: int, version: int, output: str, who: str, state: str | None = None
) -> Step | None:
    """Replace the output of one sample (and its state, if given); None where nothing is different.

    Raises:
        InputError: the text is empty. ConflictError: the sample has changed since ``version``.
    """
    if not output.strip():
        raise InputError(_("内容不能为空；如果这条不要了，请点“弃用”"))
    title = _("修改样本 {id}", id=sample_id)
    return retext(engine, recipe, {sample_id: (version, output)}, EDIT, title, who, state)


def retext(
    engine: Engine,
    recipe: str,
    texts: Mapping[int, tuple[int, str]],
    action: str,
    title: str,
    who: str,
    state: str | None = None,
) -> Step | None:
    """Give samples new outputs as one step: number → (version that was read, new output).

    Raises:
        ConflictError: one of them has changed meanwhile; nothing was done.
    """
    versions = {sample_id: version for sample_id, (version, _text) in texts.items()}
    wanted = SampleFilter(recipe, ids=tuple(texts))
    with writing(engine) as connection:
        rows = _matching(connection, wanted, with_text=True)
        _check_versions(rows, versions)
        changed = []
        for row in rows:
            output = texts[row.id][1]
            before, after = {}, {}
            if output != row.output:
                before = {key: row._mapping[key] for key in _TEXT_FIELDS}
                after = {
                    "output": output,
                    "length": len(output),
                    "opening": opening_of(output, row.name),
                    "digest": sample_digest(row.system, row.input, output, row.history),
                    "text_digest": text_digest(output),
                }
            if state is not None and state != row.state:
                before["state"], after["state"] = row.state, state
            if after:
                changed.append((row.id, before, after))
        return _take(connection, recipe, action, title, who, changed)


def last(engine: Engine, recipe: str) -> Step | None:
    """The step that :func:`undo` would undo."""
    with reading(engine) as connection:
        return _newest(connection, recipe)


def next_redo(engine: Engine, recipe: str) -> Step | None:
    """The step that :func:`redo` would do again."""
    with reading(engine) as connection:
        return _oldest_undone(connection, recipe)


def listed(engine: Engine, recipe: str, limit: int = 20) -> list[Step]:
    """Steps, newest first."""
    query = select(steps).where(steps.c.recipe == recipe).order_by(steps.c.id.desc()).limit(limit)
    with reading(engine) as connection:
        return [Step(**row._mapping) for row in connection.execute(query)]


def undo(engine: Engine, recipe: str) -> Step | None:
    """Take back the newest step; None where there is none.

    Raises:
        ConflictError: a sample no longer is what the step made of it; nothing was done.
    """
    with writing(engine) as connection:
        step = _newest(connection, recipe)
        return None if step is None else _move(connection, step, "after", "before")


def redo(engine: Engine, recipe: str) -> Step | None:
    """Do again the step that was undone last; None where there is none, or a new step has been taken since.

    Raises:
        ConflictError: a sample no longer is what it was before the step; nothing was done.
    """
    with writing(engine) as connection:
        step = _oldest_undone(connection, recipe)
        return None if step is None else _move(connection, step, "before", "after")


def _newest(connection: Connection, recipe: str) -> Step | None:
    query = select(steps).where(steps.c.recipe == recipe, steps.c.undone.is_(False))
    row = connection.execute(query.order_by(steps.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else Step(**row._mapping)


def _oldest_undone(connection: Connection, recipe: str) -> Step | None:
    standing = _newest(connection, recipe)
    query = select(steps).where(
        steps.c.recipe == recipe, steps.c.undone.is_(True), steps.c.id > (standing.id if standing else 0)
    )
    row = connection.execute(query.order_by(steps.c.id).limit(1)).one_or_none()
    return None if row is None else Step(**row._mapping)


def _matching(connection: Connection, wanted: SampleFilter, with_text: bool = False) -> list[Row[Any]]:
    names = ["id", "version", "state", "rating"]
    if with_text:
        names += ["name", "system", "history", "input", *_TEXT_FIELDS]
    query = select(*(samples.c[name] for name in names))
    if wanted.ids is None:
        return list(connection.execute(query.where(*wanted.conditions())))
    rows: list[Row[Any]] = []
    for ids in _chunks(wanted.ids):
        rows += connection.execute(query.where(*replace(wanted, ids=tuple(ids)).conditions()))
    return rows


def _chunks(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """Pieces that stay below the number of parameters a database takes in one statement."""
    return (ids[start : start + _CHUNK] for start in range(0, len(ids), _CHUNK))


def _check_versions(rows: Sequence[Row[Any]], versions: Mapping[int, int] | None) -> None:
    current = {row.id: row.version for row in rows}
    for sample_id, version in (versions or {}).items():
        if current.get(sample_id) != version:
            raise ConflictError(
                _(
                    "样本 {id} 已经在别处改过了，这里看到的是旧内容；请看过新内容再操作，没有覆盖任何内容",
                    id=sample_id,
                )
            )


def _take(
    connection: Connection,
    recipe: str,
    action: str,
    title: str,
    who: str,
    changed: Sequence[tuple[int, dict[str, Any], dict[str, Any]]],
) -> Step | None:
    if not changed:
        return None
    values = {
        "recipe": recipe,
        "action": action,
        "title": title,
        "who": who,
        "count": len(changed),
        "undone": False,
        "created_at": now(),
    }
    row = connection.execute(insert(steps).values(**values).returning(*steps.c)).one()
    connection.execute(
        insert(changes),
        [
            {"step_id": row.id, "sample_id": sample_id, "before": before, "after": after}
            for sample_id, before, after in changed
        ],
    )
    _write(connection, [(sample_id, after) for sample_id, _before, after in changed])
    return Step(**row._mapping)


def _move(connection: Connection, step: Step, origin: str, target: str) -> Step:
    """Set the samples of a step from what the column ``origin`` of its changes says to what ``target`` says."""
    query = (
        select(changes.c.sample_id, changes.c.before, changes.c.after, *(samples.c[k] for k in _CHANGEABLE))
        .join_from(changes, samples, changes.c.sample_id == samples.c.id)
        .where(changes.c.step_id == step.id)
    )
    moves = []
    for row in connection.execute(query):
        expected = row._mapping[origin]
        if any(row._mapping[key] != value for key, value in expected.items()):
            raise ConflictError(
                _(
                    "样本 {id} 后来又被改过，不能整步撤销“{title}”；没有改动任何内容",
                    id=row.sample_id,
                    title=step.title,
                )
            )
        moves.append((row.sample_id, row._mapping[target]))
    _write(connection, moves)
    undone = target == "before"
    connection.execute(update(steps).where(steps.c.id == step.id).values(undone=undone))
    return replace(step, undone=undone)


def _write(connection: Connection, moves: Sequence[tuple[int, dict[str, Any]]]) -> None:
    """Set columns of samples. Where the text stays, what the rules found in it stays valid too."""
    c = samples.c
    moment = now()
    same: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    texts = []
    for sample_id, values in moves:
        if "output" in values:
            texts.append({"the_id": sample_id, **{f"new_{key}": values[key] for key in _TEXT_FIELDS}})
        rest = tuple((key, value) for key, value in values.items() if key not in _TEXT_FIELDS)
        if rest:
            same.setdefault(rest, []).append(sample_id)
    if texts:
        # A score belongs to the text it was given to: it goes with an edit and comes back with its undoing.
        score = (
            select((judgements.c.fit + judgements.c.style + judgements.c.naturalness) / 3)
            .where(judgements.c.sample_id == c.id, judgements.c.text_digest == bindparam("new_text_digest"))
            .scalar_subquery()
        )
        connection.execute(
            update(samples)
            .where(c.id == bindparam("the_id"))
            .values({key: bindparam(f"new_{key}") for key in _TEXT_FIELDS})
            .values(version=c.version + 1, updated_at=moment, score=score),
            texts,
        )
    for rest, ids in same.items():
        for chunk in _chunks(ids):
            connection.execute(
                update(samples)
                .where(c.id.in_(chunk))
                .values(dict(rest))
                .values(
                    version=c.version + 1,
                    checked=case((c.checked >= c.version, c.version + 1), else_=c.checked),
                    updated_at=moment,
                )
            )


def count(engine: Engine, recipe: str) -> int:
    """How many steps have been taken."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).where(steps.c.recipe == recipe)).scalar_one()


@dataclass(frozen=True)
class Event:
    """What one step did to one sample: ``before`` and ``after`` hold the fields that it changed."""

    step: Step
    before: dict[str, Any]
    after: dict[str, Any]


def history(engine: Engine, sample_id: int) -> list[Event]:
    """What was done to a sample, newest first."""
    query = (
        select(steps, changes.c.before, changes.c.after)
        .join_from(changes, steps, steps.c.id == changes.c.step_id)
        .where(changes.c.sample_id == sample_id)
        .order_by(steps.c.id.desc())
    )
    found = []
    with reading(engine) as connection:
        for row in connection.execute(query):
            values = dict(row._mapping)
            before, after = values.pop("before"), values.pop("after")
            found.append(Event(Step(**values), before, after))
    return found


@dataclass(frozen=True)
class Reviewer:
    """What one person has decided, undone steps left out: ``decided`` samples of which ``accepted`` were accepted, and
    ``edited`` texts. ``per_hour`` is the pace of decisions on single samples while the person was at it (a pause of more
    than five minutes ends a sitting), None with fewer than two of them."""

    who: str
    decided: int
    accepted: int
    edited: int
    per_hour: float | None


_PAUSE = 300.0
"""Seconds without a step after which a person has gone away."""


def reviewers(engine: Engine, recipe: str) -> list[Reviewer]:
    """Everybody who reviewed, the most busy first."""
    c = steps.c
    query = select(c.who, c.action, c.count, c.created_at).where(c.recipe == recipe, c.undone.is_(False))
    by_person: dict[str, list[_Done]] = {}
    with reading(engine) as connection:
        for who, *done in connection.execute(query.order_by(c.id)):
            by_person.setdefault(who, []).append(_Done(*done))
    found = [_reviewer(who, rows) for who, rows in by_person.items()]
    return sorted(found, key=lambda each: -each.decided)


class _Done(NamedTuple):
    action: str
    number: int
    created_at: datetime


def _reviewer(who: str, rows: Sequence[_Done]) -> Reviewer:
    decisions = [row for row in rows if row.action in (ACCEPTED, REJECTED)]
    single = [row.created_at for row in decisions if row.number == 1]
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(single)]
    working = [gap for gap in gaps if gap <= _PAUSE]
    return Reviewer(
        who=who,
        decided=sum(row.number for row in decisions),
        accepted=sum(row.number for row in decisions if row.action == ACCEPTED),
        edited=sum(row.number for row in rows if row.action in (EDIT, FIX)),
        per_hour=3600 * len(working) / sum(working) if working and sum(working) else None,
    )
