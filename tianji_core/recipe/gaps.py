"""风格例外 as cells: the cells that a style is not written for, and changing them one by one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from tianji_core.recipe.model import Recipe
from tianji_core.recipe.suitability import StyleGap

Cell = tuple[str, str]


def gap_cells(recipe: Recipe, style: str) -> dict[Cell, str]:
    """Returns cell → reason for every cell, of switched-off entries too, that ``style`` is not written
    for."""
    cells = {}
    for name in recipe.names:
        for scene in recipe.scenes:
            gap = recipe.gap(style, name.text, scene.text)
            if gap is not None:
                cells[name.text, scene.text] = gap.reason
    return cells


def with_gaps(recipe: Recipe, style: str, cells: Iterable[Cell], reason: str = "") -> tuple[StyleGap, ...]:
    """Returns the style gaps of the recipe with ``cells`` added to those of ``style``."""
    return _regrouped(recipe, style, {**gap_cells(recipe, style), **dict.fromkeys(cells, reason)})


def without_gaps(recipe: Recipe, style: str, cells: Iterable[Cell]) -> tuple[StyleGap, ...]:
    """Returns the style gaps of the recipe with ``style`` written for ``cells`` again; larger gaps are
    reduced accordingly."""
    reasons = gap_cells(recipe, style)
    for cell in cells:
        reasons.pop(cell, None)
    return _regrouped(recipe, style, reasons)


def toggled_gaps(recipe: Recipe, style: str, cells: Iterable[Cell]) -> tuple[tuple[StyleGap, ...], bool]:
    """Returns (gaps, whether the cells are gaps now): if all cells are gaps, none is afterwards, otherwise
    all are."""
    cells = list(cells)
    reasons = gap_cells(recipe, style)
    fresh = [cell for cell in cells if cell not in reasons]
    if fresh:
        return with_gaps(recipe, style, fresh), True
    return without_gaps(recipe, style, cells), False


def _regrouped(recipe: Recipe, style: str, cells: Mapping[Cell, str]) -> tuple[StyleGap, ...]:
    """Returns all gaps with those of ``style`` rebuilt from ``cells``: names with the same scenes and reason
    are grouped, and a complete list is left empty, so that it also covers future entries."""
    others = []
    for gap in recipe.style_gaps:
        left = tuple(s for s in gap.styles if s != style)
        if left:
            others.append(gap.model_copy(update={"styles": left}))
    by_name: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (name, scene), reason in cells.items():
        by_name[name, reason].append(scene)
    by_scenes: dict[tuple[tuple[str, ...], str], list[str]] = defaultdict(list)
    for (name, reason), scenes in by_name.items():
        by_scenes[tuple(scenes), reason].append(name)
    for (scenes_of, reason), names in by_scenes.items():
        others.append(
            StyleGap(
                styles=(style,),
                names=() if len(names) == len(recipe.names) else tuple(names),
                scenes=() if len(scenes_of) == len(recipe.scenes) else scenes_of,
                reason=reason,
            )
        )
    return _merged(others)


def _merged(gaps: Iterable[StyleGap]) -> tuple[StyleGap, ...]:
    """Returns the gaps with those that differ only in their styles merged."""
    styles: dict[tuple[tuple[str, ...], tuple[str, ...], str], list[str]] = defaultdict(list)
    for gap in gaps:
        styles[gap.names, gap.scenes, gap.reason] += [
            s for s in gap.styles if s not in styles[gap.names, gap.scenes, gap.reason]
        ]
    return tuple(
        StyleGap(styles=tuple(own), names=names, scenes=scenes, reason=reason)
        for (names, scenes, reason), own in styles.items()
    )
