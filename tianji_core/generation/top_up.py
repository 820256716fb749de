"""Finds the cells with too few samples and plans tasks for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe import Options, Plan, Recipe, enabled_styles, kept_cells
from tianji_core.store.samples import CellCount

Cell = tuple[str, str]


@dataclass(frozen=True)
class Coverage:
    """The number of samples of each cell by state. ``kept`` are the cells that a plan generates."""

    counts: Mapping[Cell, CellCount]
    kept: tuple[Cell, ...]

    def usable(self, cell: Cell) -> int:
        """Returns the number of pending and accepted samples of a cell."""
        count = self.counts.get(cell)
        return count.pending + count.accepted if count else 0

    def accepted_share(self, cell: Cell) -> float | None:
        """Returns the share (0-1) of accepted among the decided samples; None where none is decided."""
        count = self.counts.get(cell)
        decided = count.accepted + count.rejected if count else 0
        return count.accepted / decided if count and decided else None

    def thin(self, target: int) -> list[Cell]:
        """Returns the kept cells with fewer than ``target`` usable samples."""
        return [cell for cell in self.kept if self.usable(cell) < target]


def coverage(recipe: Recipe, counts: Iterable[CellCount], styles: tuple[str, ...] = ()) -> Coverage:
    """Returns the coverage of the cells that any of ``styles`` (() means every enabled style) generates."""
    generated = {
        cell
        for style in styles or enabled_styles(recipe)
        for cell in kept_cells(recipe, recipe.threshold, style)
    }
    kept = tuple(cell for cell in kept_cells(recipe, recipe.threshold) if cell in generated)
    return Coverage({(c.name, c.scene): c for c in counts}, kept)


def top_up_plan(
    recipe: Recipe,
    covered: Coverage,
    styles: tuple[str, ...],
    target: int,
    seed: int,
    options: Options = (),
) -> Plan:
    """Returns a plan that writes for each cell with fewer than ``target`` usable samples just as many as it
    lacks, spread evenly over the styles and over ``options`` of the enabled axes (none: all).
    Use a new ``seed``, so that no earlier text is written again.

    Raises:
        PlanError: every cell has enough.
    """
    lacking = tuple((*cell, target - covered.usable(cell)) for cell in covered.thin(target))
    if not lacking:
        raise PlanError(_("每个会造数的格子都至少有 {n} 条样本了，不用补", n=target))
    return Plan(styles=styles, threshold=recipe.threshold, seed=seed, lacking=lacking, options=options)
