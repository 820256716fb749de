"""Samples whose cell or style no longer fits the recipe, after suitability or style gaps were changed."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, func, select

from tianji_core.recipe import Recipe
from tianji_core.store import steps
from tianji_core.store.database import reading
from tianji_core.store.samples import REJECTED, SampleFilter
from tianji_core.store.schema import samples
from tianji_core.store.steps import Step


@dataclass(frozen=True)
class Misfit:
    """Samples of one cell and style that would no longer be generated. ``style_only`` means that the cell is
    suitable and only this style is not."""

    name: str
    scene: str
    style: str
    count: int
    accepted: int
    reason: str
    style_only: bool

    @property
    def key(self) -> tuple[str, str, str]:
        """Returns (name, scene, style)."""
        return self.name, self.scene, self.style


def misfits(engine: Engine, recipe: Recipe) -> list[Misfit]:
    """Returns the cells and styles that hold samples, not rejected, below the recipe's threshold or in a
    style gap; the largest first."""
    matrix = recipe.matrix()
    by_cell: dict[tuple[str, str, str], Misfit] = {}
    c = samples.c
    query = (
        select(c.name, c.scene, c.style, c.state, func.count())
        .where(c.recipe == recipe.key, c.state != REJECTED)
        .group_by(c.name, c.scene, c.style, c.state)
    )
    with reading(engine) as connection:
        cells = connection.execute(query).all()
    for name, scene, style, state, number in cells:
        rating, gap = matrix.rating(name, scene), recipe.gap(style, name, scene)
        low = rating.value < recipe.threshold
        if not low and gap is None:
            continue
        reason = rating.reason if low or gap is None else gap.reason
        before = by_cell.get((name, scene, style))
        count, accepted = (before.count, before.accepted) if before else (0, 0)
        by_cell[name, scene, style] = Misfit(
            name,
            scene,
            style,
            count + number,
            accepted + (number if state == "accepted" else 0),
            reason,
            not low,
        )
    return sorted(by_cell.values(), key=lambda misfit: (-misfit.count, misfit.key))


def reject_misfits(
    engine: Engine, recipe: Recipe, chosen: Collection[tuple[str, str, str]], who: str
) -> Step | None:
    """Rejects all samples of the chosen (name, scene, style) as one step that can be undone; None if there
    are none."""
    c = samples.c
    cells = set(chosen)
    query = select(c.id, c.name, c.scene, c.style).where(c.recipe == recipe.key, c.state != REJECTED)
    with reading(engine) as connection:
        ids = tuple(row.id for row in connection.execute(query) if (row.name, row.scene, row.style) in cells)
    if not ids:
        return None
    return steps.set_state(engine, SampleFilter(recipe.key, ids=ids), REJECTED, who)
