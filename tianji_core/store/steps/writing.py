"""Writing steps and the changes of samples, inside the caller's transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Update, bindparam, case, insert, select, update

from tianji_core.errors import ConflictError
from tianji_core.i18n import _
from tianji_core.store.database import now
from tianji_core.store.samples import SampleFilter
from tianji_core.store.schema import changes, judgements, samples, steps
from tianji_core.store.steps.model import Step

_CHUNK = 1000
TEXT_FIELDS = ("system", "history", "input", "output", "length", "opening", "digest", "text_digest")
CELL_FIELDS = ("name", "scene", "style")
T = TypeVar("T")
_OWN_VALUES = (*TEXT_FIELDS, *CELL_FIELDS)
"""Columns whose values each sample has of its own, not several samples alike."""
_CHANGEABLE = (*_OWN_VALUES, "state", "rating")
Change = tuple[int, dict[str, Any], dict[str, Any]]
"""Id of a sample, and the changed fields before and after."""
Written = Callable[[int, int], None]
"""Called with the number of texts written so far, and in total, before the transaction ends."""


def matching(connection: Connection, sample_filter: SampleFilter, with_text: bool = False) -> list[Row[Any]]:
    names = ["id", "version", "state", "rating"]
    if with_text:
        names += [*CELL_FIELDS, *TEXT_FIELDS]
    query = select(*(samples.c[name] for name in names))
    if sample_filter.ids is None:
        return list(connection.execute(query.where(*sample_filter.conditions())))
    rows: list[Row[Any]] = []
    for ids in _chunks(sample_filter.ids):
        rows += connection.execute(query.where(*replace(sample_filter, ids=tuple(ids)).conditions()))
    return rows


def _chunks(items: Sequence[T]) -> Iterable[Sequence[T]]:
    """Splits ids or rows into parts that fit into the parameters of one statement."""
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))


def check_versions(rows: Sequence[Row[Any]], versions: Mapping[int, int] | None) -> None:
    current = {row.id: row.version for row in rows}
    for sample_id, version in (versions or {}).items():
        if current.get(sample_id) != version:
            raise ConflictError(
                _(
                    "样本 {id} 已经在别处改过了，这里看到的是旧内容；请看过新内容再操作，没有覆盖任何内容",
                    id=sample_id,
                )
            )


def take(
    connection: Connection,
    recipe: str,
    action: str,
    title: str,
    who: str,
    changed: Sequence[Change],
    note: str = "",
    progress: Written | None = None,
    *,
    bulk: bool = False,
) -> Step | None:
    """Stores a step and changes its samples; None if nothing changes. ``bulk`` tells that they were not
    chosen one by one."""
    if not changed:
        return None
    values = {
        "recipe": recipe,
        "action": action,
        "title": title,
        "who": who,
        "count": len(changed),
        "undone": False,
        "note": note,
        "bulk": bulk,
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
    _write(connection, [(sample_id, after) for sample_id, _before, after in changed], progress)
    return Step(**row._mapping)


def move(connection: Connection, step: Step, origin: str, target: str) -> Step:
    """Moves the samples of a step from the values in the column ``origin`` of its changes to those in
    ``target``."""
    _write(connection, moves(connection, step, origin, target))
    undone = target == "before"
    connection.execute(update(steps).where(steps.c.id == step.id).values(undone=undone))
    return replace(step, undone=undone)


def moves(connection: Connection, step: Step, origin: str, target: str) -> list[tuple[int, dict[str, Any]]]:
    """Returns the id and the new values of each sample that :func:`move` would change.

    Raises:
        ConflictError: a sample no longer is what ``origin`` says.
    """
    query = (
        select(changes.c.sample_id, changes.c.before, changes.c.after, *(samples.c[k] for k in _CHANGEABLE))
        .join_from(changes, samples, changes.c.sample_id == samples.c.id)
        .where(changes.c.step_id == step.id)
    )
    found = []
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
        found.append((row.sample_id, row._mapping[target]))
    return found


def _write(
    connection: Connection, moves: Sequence[tuple[int, dict[str, Any]]], progress: Written | None = None
) -> None:
    """Sets columns of samples. Findings stay valid where neither an answer nor its cell changes."""
    same: dict[tuple[tuple[str, Any], ...], list[int]] = {}
    texts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for sample_id, values in moves:
        rest = tuple((key, value) for key, value in values.items() if key not in _OWN_VALUES)
        if rest:
            same.setdefault(rest, []).append(sample_id)
        if fields := tuple(key for key in _OWN_VALUES if key in values):
            row = {"the_id": sample_id, **{f"new_{key}": values[key] for key in fields}}
            texts.setdefault(fields, []).append(row)
    for rest, ids in same.items():
        for chunk in _chunks(ids):
            connection.execute(_next_version(checked=True).where(samples.c.id.in_(chunk)).values(dict(rest)))
    done, total = 0, sum(map(len, texts.values()))
    for fields, rows in texts.items():
        for part in _chunks(rows):
            _write_texts(connection, fields, part)
            done += len(part)
            if progress is not None:
                progress(done, total)


def _write_texts(connection: Connection, fields: Sequence[str], rows: Sequence[dict[str, Any]]) -> None:
    """Sets text columns: each row holds "the_id" and a "new_…" for each of ``fields``."""
    c = samples.c
    answers_stay = not {"output", "history", *CELL_FIELDS} & set(fields)
    change = (
        _next_version(checked=answers_stay)
        .where(c.id == bindparam("the_id"))
        .values({key: bindparam(f"new_{key}", type_=c[key].type) for key in fields})
    )
    if "text_digest" in fields:
        # A score belongs to the text that was judged: an edit removes it, undoing the edit restores it.
        score = (
            select((judgements.c.fit + judgements.c.style + judgements.c.naturalness) / 3)
            .where(judgements.c.sample_id == c.id, judgements.c.text_digest == bindparam("new_text_digest"))
            .scalar_subquery()
        )
        change = change.values(score=score)
    connection.execute(change, rows)


def _next_version(checked: bool) -> Update:
    """Returns an update to the next version, which (``checked``) leaves a sample checked that was so."""
    c = samples.c
    change = update(samples).values(version=c.version + 1, updated_at=now())
    if checked:
        change = change.values(checked=case((c.checked >= c.version, c.version + 1), else_=c.checked))
    return change
