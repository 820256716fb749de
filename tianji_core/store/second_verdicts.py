"""复审: a second person judges a share of the decided samples without seeing the first verdict."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, exists, func, insert, select, update

from tianji_core.errors import ConflictError, InputError
from tianji_core.i18n import _
from tianji_core.store.database import reading, writing
from tianji_core.store.samples import (
    ACCEPTED,
    REJECTED,
    STATE_TITLES,
    Sample,
    SampleFilter,
    columns,
    to_sample,
)
from tianji_core.store.samples.paging import PRIME, RANDOM, place_in
from tianji_core.store.schema import changes, review_settings, samples, second_verdicts, steps
from tianji_core.store.steps.model import EDIT, RESOLVE, SECOND, SPLIT_UP, TABLE, Step
from tianji_core.store.steps.writing import check_versions, matching, take

SHARE = 0.05
"""Default share of samples with a second verdict."""
_DRAW = f"{RANDOM}:20117"
"""The shuffle whose first samples form the share; a larger share contains every smaller one."""
_DECIDING = (ACCEPTED, REJECTED, EDIT, TABLE, SPLIT_UP, RESOLVE)


@dataclass(frozen=True)
class SecondVerdict:
    """The verdicts of two people on one sample; ``resolved`` says whether a disagreement was settled."""

    step_id: int
    sample_id: int
    first_who: str
    first_state: str
    who: str
    state: str
    resolved: bool

    @property
    def agrees(self) -> bool:
        """Whether both verdicts are the same."""
        return self.first_state == self.state


def share(engine: Engine, recipe: str) -> float:
    """Returns the share (0 to 1) of a recipe's samples that a second person judges."""
    query = select(review_settings.c.second_share).where(review_settings.c.recipe == recipe)
    with reading(engine) as connection:
        stored = connection.execute(query).scalar()
    return SHARE if stored is None else stored


def set_share(engine: Engine, recipe: str, value: float) -> None:
    """Sets the share.

    Raises:
        InputError: not 0 to 1.
    """
    if not 0 <= value <= 1:
        raise InputError(_("复审比例应当在 0 到 100% 之间，不是 {value}", value=f"{value:.0%}"))
    with writing(engine) as connection:
        connection.execute(delete(review_settings).where(review_settings.c.recipe == recipe))
        connection.execute(insert(review_settings).values(recipe=recipe, second_share=value))


def _waiting_for(sample_filter: SampleFilter, who: str, part: float) -> list[ColumnElement[bool]]:
    c = samples.c
    standing = exists().where(
        second_verdicts.c.sample_id == c.id,
        second_verdicts.c.step_id == steps.c.id,
        steps.c.undone.is_(False),
    )
    touched = exists().where(
        changes.c.sample_id == c.id,
        changes.c.step_id == steps.c.id,
        steps.c.undone.is_(False),
        steps.c.action.in_(_DECIDING),
    )
    return [
        *sample_filter.conditions(),
        c.state.in_((ACCEPTED, REJECTED)),
        place_in(_DRAW) < round(part * PRIME),
        touched.where(steps.c.who != who),
        ~touched.where(steps.c.who == who),
        ~standing,
    ]


def waiting(
    engine: Engine, sample_filter: SampleFilter, who: str, from_id: int = 0, limit: int = 20
) -> list[Sample]:
    """Returns the samples of the share that others decided and ``who`` has not judged, by number, from
    ``from_id`` on."""
    part = share(engine, sample_filter.recipe)
    query = select(*columns()).where(*_waiting_for(sample_filter, who, part), samples.c.id >= from_id)
    with reading(engine) as connection:
        return [to_sample(row) for row in connection.execute(query.order_by(samples.c.id).limit(limit))]


def waiting_count(engine: Engine, sample_filter: SampleFilter, who: str) -> int:
    """Returns how many samples wait for a second verdict by ``who``."""
    part = share(engine, sample_filter.recipe)
    query = select(func.count()).select_from(samples).where(*_waiting_for(sample_filter, who, part))
    with reading(engine) as connection:
        return connection.execute(query).scalar_one()


def record(engine: Engine, sample: Sample, state: str, who: str) -> Step:
    """Stores a second verdict as a step; the state of the sample does not change.

    Raises:
        InputError: not a verdict, or nobody else has decided the sample. ConflictError: it has changed
        meanwhile, or has a second verdict already.
    """
    if state not in (ACCEPTED, REJECTED):
        raise InputError(_("复审只能是采用或弃用"))
    with writing(engine) as connection:
        check_versions(_rows(connection, sample), {sample.id: sample.version})
        if any(
            verdict.sample_id == sample.id for verdict in _standing(connection, sample.recipe, [sample.id])
        ):
            raise ConflictError(_("样本 {id} 已经有人复审过了", id=sample.id))
        first = _first_verdict(connection, sample.id)
        if first is None or first[0] == who:
            raise InputError(_("样本 {id} 还没有别人审过，不用复审", id=sample.id))
        title = _("复审样本 {id}", id=sample.id)
        step = take(connection, sample.recipe, SECOND, title, who, [(sample.id, {}, {})])
        assert step is not None
        connection.execute(
            insert(second_verdicts).values(
                step_id=step.id,
                recipe=sample.recipe,
                sample_id=sample.id,
                first_who=first[0],
                first_state=first[1],
                state=state,
            )
        )
    return step


def _rows(connection: Connection, sample: Sample) -> list[Row[Any]]:
    return matching(connection, SampleFilter(sample.recipe, ids=(sample.id,)))


def _first_verdict(connection: Connection, sample_id: int) -> tuple[str, str] | None:
    """Returns (who, state) of the newest valid step that decided a sample."""
    query = (
        select(steps.c.who, changes.c.after)
        .join_from(changes, steps, steps.c.id == changes.c.step_id)
        .where(changes.c.sample_id == sample_id, steps.c.undone.is_(False))
        .order_by(steps.c.id.desc())
    )
    for who, after in connection.execute(query):
        if after.get("state") in (ACCEPTED, REJECTED):
            return who, after["state"]
    return None


def verdicts(engine: Engine, recipe: str) -> list[SecondVerdict]:
    """Returns all valid second verdicts, newest first."""
    with reading(engine) as connection:
        return _standing(connection, recipe)


def _standing(connection: Connection, recipe: str, ids: Sequence[int] = ()) -> list[SecondVerdict]:
    v = second_verdicts.c
    settled = steps.alias("settled")
    query = (
        select(
            v.step_id,
            v.sample_id,
            v.first_who,
            v.first_state,
            steps.c.who,
            v.state,
            settled.c.id.is_not(None),
        )
        .join_from(second_verdicts, steps, steps.c.id == v.step_id)
        .outerjoin(settled, (settled.c.id == v.resolved_by) & settled.c.undone.is_(False))
        .where(v.recipe == recipe, steps.c.undone.is_(False))
        .order_by(v.step_id.desc())
    )
    if ids:
        query = query.where(v.sample_id.in_(list(ids)))
    return [SecondVerdict(*row) for row in connection.execute(query)]


def resolve(engine: Engine, recipe: str, verdict: SecondVerdict, state: str, who: str) -> Step:
    """Settles a disagreement: the sample gets ``state``, as a step that can be undone.

    Raises:
        InputError: not a verdict. ConflictError: it was settled or taken back meanwhile.
    """
    if state not in (ACCEPTED, REJECTED):
        raise InputError(_("裁定只能是采用或弃用"))
    with writing(engine) as connection:
        now = [
            standing
            for standing in _standing(connection, recipe, [verdict.sample_id])
            if not standing.resolved
        ]
        if verdict not in now:
            raise ConflictError(_("样本 {id} 的分歧已经裁定或撤回了", id=verdict.sample_id))
        (row,) = matching(connection, SampleFilter(recipe, ids=(verdict.sample_id,)))
        moved = row.state != state
        change = (row.id, {"state": row.state}, {"state": state}) if moved else (row.id, {}, {})
        title = _("裁定样本 {id}：{state}", id=row.id, state=_(STATE_TITLES[state]))
        step = take(connection, recipe, RESOLVE, title, who, [change])
        assert step is not None
        connection.execute(
            update(second_verdicts)
            .where(second_verdicts.c.step_id == verdict.step_id)
            .values(resolved_by=step.id)
        )
    return step
