"""Steps that a person takes on samples: one action on one or many samples, undone as a whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from tianji_core.errors import InputError
from tianji_core.gate import standard_characters
from tianji_core.i18n import _
from tianji_core.store.database import writing
from tianji_core.store.samples import (
    PENDING,
    REJECTED,
    STATE_TITLES,
    STATES,
    NewSample,
    Sample,
    SampleFilter,
    insert_new,
    stored_turns,
)
from tianji_core.store.schema import opening_of, sample_digest, samples, text_digest
from tianji_core.store.steps.model import EDIT, RATE, TABLE, Step
from tianji_core.store.steps.writing import CELL_FIELDS, Change, Written, check_versions, matching, take


def set_state(
    engine: Engine,
    sample_filter: SampleFilter,
    state: str,
    who: str,
    versions: Mapping[int, int] | None = None,
    title: str = "",
    note: str = "",
) -> Step | None:
    """Accepts, rejects or reopens all matching samples as one step with the reason ``note``; None if all of
    them have that state already.

    Raises:
        ConflictError: a sample in ``versions`` (number → version the person saw) has changed; nothing was
        done.
    """
    _check_state(state)
    with writing(engine) as connection:
        rows = matching(connection, sample_filter)
        check_versions(rows, versions)
        changed = [(row.id, {"state": row.state}, {"state": state}) for row in rows if row.state != state]
        title = title or _("{state} {n} 条", state=_(STATE_TITLES[state]), n=len(changed))
        bulk = _in_bulk(sample_filter)
        return take(connection, sample_filter.recipe, state, title, who, changed, note, bulk=bulk)


def rate(
    engine: Engine,
    sample_filter: SampleFilter,
    rating: int | None,
    who: str,
    versions: Mapping[int, int] | None = None,
) -> Step | None:
    """Gives all matching samples 1 to 5 stars (None: removes the stars) as one step.

    Raises:
        InputError: not 1 to 5. ConflictError: as for :func:`set_state`.
    """
    if rating is not None:
        _check_rating(rating)
    with writing(engine) as connection:
        rows = matching(connection, sample_filter)
        check_versions(rows, versions)
        changed = [
            (row.id, {"rating": row.rating}, {"rating": rating}) for row in rows if row.rating != rating
        ]
        title = _("去掉 {n} 条的星", n=len(changed))
        if rating:
            title = _("给 {n} 条打 {rating} 星", n=len(changed), rating=rating)
        bulk = _in_bulk(sample_filter)
        return take(connection, sample_filter.recipe, RATE, title, who, changed, bulk=bulk)


_TYPED = (EDIT, TABLE)
"""Actions whose texts a person typed."""


@dataclass(frozen=True)
class SampleRevision:
    """New values of a sample that is still at the ``version`` that was read; None keeps a field, and a
    ``rating`` of 0 removes the stars. ``history`` are all earlier turns as (input, output)."""

    version: int
    output: str | None = None
    state: str | None = None
    rating: int | None = None
    history: tuple[tuple[str, str], ...] | None = None
    input: str | None = None
    system: str | None = None
    name: str | None = None
    scene: str | None = None
    style: str | None = None


def edit(
    engine: Engine,
    recipe: str,
    sample_id: int,
    version: int,
    output: str,
    who: str,
    state: str | None = None,
    note: str = "",
    history: tuple[tuple[str, str], ...] | None = None,
) -> Step | None:
    """Replaces the output of one sample, and its state and its earlier turns if they are given; None if
    nothing changes.

    Raises:
        InputError: a text is empty. ConflictError: the sample has changed since ``version``.
    """
    revision = SampleRevision(version, output, state, history=history)
    title = _("修改样本 {id}", id=sample_id)
    return revise(engine, recipe, {sample_id: revision}, EDIT, title, who, note)


def revise(
    engine: Engine,
    recipe: str,
    revisions: Mapping[int, SampleRevision],
    action: str,
    title: str,
    who: str,
    note: str = "",
    progress: Written | None = None,
) -> Step | None:
    """Gives each sample its own new values as one step; None if nothing changes.

    Raises:
        InputError: a text is empty, or a state or rating is unknown. ConflictError: a sample has changed
        meanwhile; nothing was done.
    """
    if action in _TYPED:
        revisions = {number: _standard(revision) for number, revision in revisions.items()}
    for revision in revisions.values():
        for text in (revision.output, revision.input, revision.system):
            if text is not None and not text.strip():
                raise InputError(_("内容不能为空；如果这条不要了，请点“弃用”"))
        if revision.state is not None:
            _check_state(revision.state)
        if revision.rating:
            _check_rating(revision.rating)
    sample_filter = SampleFilter(recipe, ids=tuple(revisions))
    with writing(engine) as connection:
        rows = matching(connection, sample_filter, with_text=True)
        check_versions(rows, {number: revision.version for number, revision in revisions.items()})
        changed = [change for row in rows if (change := _changed(row, revisions[row.id])) is not None]
        bulk = _in_bulk(sample_filter)
        return take(connection, recipe, action, title, who, changed, note, progress, bulk=bulk)


def _standard(revision: SampleRevision) -> SampleRevision:
    """Returns what a person typed or pasted, with the usual characters."""
    texts: dict[str, Any] = {
        field: standard_characters(text)
        for field in ("input", "output", "system")
        if (text := getattr(revision, field)) is not None
    }
    if revision.history is None:
        return replace(revision, **texts)
    history = tuple(
        (standard_characters(asked), standard_characters(told)) for asked, told in revision.history
    )
    return replace(revision, **texts, history=history)


def _changed(row: Row[Any], revision: SampleRevision) -> Change | None:
    after = _new_texts(row, revision)
    if revision.state is not None and revision.state != row.state:
        after["state"] = revision.state
    if revision.rating is not None and revision.rating != (row.rating or 0):
        after["rating"] = revision.rating or None
    return (row.id, {key: row._mapping[key] for key in after}, after) if after else None


def _new_texts(row: Row[Any], revision: SampleRevision) -> dict[str, Any]:
    """Returns the text columns that a revision changes, with those that are derived from them.

    Raises:
        InputError: an earlier answer is empty that was not so before, or there are more or fewer turns.
    """
    texts = ("system", "input", "output", *CELL_FIELDS)
    wanted: dict[str, Any] = {field: getattr(revision, field) for field in texts}
    if revision.history is not None:
        wanted["history"] = stored_turns(revision.history)
        if len(wanted["history"]) != len(row.history):
            raise InputError(
                _(
                    "样本 {id} 前面有 {n} 轮，改过的有 {changed} 轮；轮数不能变",
                    id=row.id,
                    n=len(row.history),
                    changed=len(wanted["history"]),
                )
            )
        for turn, before in zip(wanted["history"], row.history, strict=True):
            if before["output"].strip() and not turn["output"].strip():
                raise InputError(_("前面几轮的回答不能为空；如果这条不要了，请点“弃用”"))
    after = {key: value for key, value in wanted.items() if value is not None and value != row._mapping[key]}
    if not after:
        return after
    whole = {**row._mapping, **after}
    after["digest"] = sample_digest(whole["system"], whole["input"], whole["output"], whole["history"])
    if {"output", "name"} & set(after):
        after["opening"] = opening_of(whole["output"], whole["name"])
    if "output" in after:
        after["length"] = len(whole["output"])
        after["text_digest"] = text_digest(whole["output"])
    return after


def derive(
    engine: Engine,
    parent: Sample,
    new: Sequence[NewSample],
    action: str,
    title: str,
    who: str,
    keep_parent: bool,
) -> list[int]:
    """Makes new pending samples from one, as one step that belongs to the history of all of them, and returns
    their ids. The parent is rejected unless ``keep_parent`` is set. Undoing rejects the new samples. A
    rejected sample equal to a new one is made pending again in its place; a sample in use is left alone.

    Raises:
        ConflictError: the parent has changed meanwhile. InputError: the recipe has all of them already.
    """
    with writing(engine) as connection:
        rows = matching(connection, SampleFilter(parent.recipe, ids=(parent.id,)))
        check_versions(rows, {parent.id: parent.version})
        new = [replace(sample, output=standard_characters(sample.output), state=REJECTED) for sample in new]
        numbers = insert_new(connection, new, action)
        numbers = sorted({*numbers, *_rejected_alike(connection, parent, new)} - {parent.id})
        if not numbers:
            raise InputError(_("这些内容已经都是样本了，没有可以新建的"))
        changed: list[Change] = [(n, {"state": REJECTED}, {"state": PENDING}) for n in numbers]
        if not keep_parent and rows[0].state != REJECTED:
            changed.append((parent.id, {"state": rows[0].state}, {"state": REJECTED}))
        elif keep_parent:
            changed.append((parent.id, {}, {}))
        note = f"#{parent.id} → " + _("、").join(f"#{number}" for number in numbers)
        take(connection, parent.recipe, action, title, who, changed, note)
    return numbers


def _rejected_alike(connection: Connection, parent: Sample, new: Sequence[NewSample]) -> list[int]:
    digests = []
    for sample in new:
        history = stored_turns(sample.history)
        digests.append(sample_digest(sample.system, sample.input, sample.output, history))
    c = samples.c
    query = select(c.id).where(c.digest.in_(digests), c.recipe == parent.recipe, c.state == REJECTED)
    return list(connection.execute(query).scalars())


def _in_bulk(sample_filter: SampleFilter) -> bool:
    """Tells whether a step is on whatever a filter finds, or on several, not on one that was chosen."""
    return sample_filter.ids is None or len(sample_filter.ids) != 1


def _check_state(state: str) -> None:
    if state not in STATES:
        raise InputError(_("样本状态只能是 {known}，不是 {state}", known=_("、").join(STATES), state=state))


def _check_rating(rating: int) -> None:
    if rating not in range(1, 6):
        raise InputError(_("评分是 1 到 5 颗星，不是 {rating}", rating=rating))
