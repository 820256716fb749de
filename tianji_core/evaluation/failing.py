"""没学会的: what a model fails at, and the plan of further samples for it.

A held-out cell stays held out: its name and its occasion get samples in other cells, so that the same
question still measures what carries over."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from tianji_core.errors import PlanError
from tianji_core.evaluation.outcome import QuestionOutcome
from tianji_core.i18n import _
from tianji_core.models.nano import held_out
from tianji_core.recipe import Plan, Recipe, count_tasks, kept_cells

EACH = 8
"""Further samples for each failed question where nobody says otherwise."""
NAMED = 3
"""The names, occasions and styles that a sentence lists."""

Cell = tuple[str, str]


@dataclass(frozen=True)
class Failing:
    """What failed: ``failed`` of ``asked`` questions, and how often each name, scene and style is among them,
    the most frequent first."""

    asked: int
    failed: int
    names: tuple[tuple[str, int], ...]
    scenes: tuple[tuple[str, int], ...]
    styles: tuple[tuple[str, int], ...]

    @property
    def sentence(self) -> str:
        """What failed most, for people."""
        parts = [_listed(part) for part in (self.names, self.scenes, self.styles)]
        return _(
            "{all} 题里没答好 {n} 题，最多的是：{names}；{scenes}；{styles}",
            all=self.asked,
            n=self.failed,
            names=parts[0],
            scenes=parts[1],
            styles=parts[2],
        )


def _listed(counts: Sequence[tuple[str, int]]) -> str:
    shown = _("、").join(f"{text} ×{n}" for text, n in counts[:NAMED])
    return shown + ("…" if len(counts) > NAMED else "")


def failing_of(outcomes: Sequence[QuestionOutcome]) -> Failing:
    """Returns what failed among the outcomes."""
    failed = [one for one in outcomes if not one.passed]
    return Failing(
        asked=len(outcomes),
        failed=len(failed),
        names=tuple(Counter(one.name for one in failed).most_common()),
        scenes=tuple(Counter(one.scene for one in failed).most_common()),
        styles=tuple(Counter(one.style for one in failed).most_common()),
    )


def failing_plan(
    recipe: Recipe, outcomes: Sequence[QuestionOutcome], each: int = EACH, seed: int = 0
) -> Plan:
    """Returns a plan of about ``each`` further samples for every failed question: in the styles that failed,
    for cells with the same name or the same occasion, those that share most failures first. A new ``seed``
    words the requests differently from earlier runs.

    Raises:
        PlanError: nothing failed, or the recipe generates nothing for what failed.
    """
    failed = [one for one in outcomes if not one.passed]
    if not failed:
        raise PlanError(_("没有答错的问题，不用补"))
    wrong = {one.style for one in failed}
    styles = tuple(style.text for style in recipe.styles if style.enabled and style.text in wrong)
    learnt = [cell for cell in kept_cells(recipe, recipe.threshold) if not held_out(*cell)]
    wanted = each * len(failed)
    cells = _spread(failed, learnt, math.ceil(wanted / max(1, len(styles))))
    plan = Plan(styles=styles, threshold=recipe.threshold, seed=seed, cells=tuple(cells))
    number = count_tasks(recipe, plan) if styles and cells else 0
    if not number:
        raise PlanError(_("配方“{recipe}”现在不给没答好的格子和写法造数，补不了", recipe=recipe.title))
    return plan.model_copy(update={"rounds": min(1000, math.ceil(wanted / number))})


def _spread(failed: Sequence[QuestionOutcome], learnt: Sequence[Cell], number: int) -> list[Cell]:
    """At most ``number`` cells of ``learnt``, picked for one failed question after the other."""
    chosen: dict[Cell, None] = {}
    waiting = [_neighbours(one, failed, learnt) for one in failed]
    while waiting and len(chosen) < number:
        left = []
        for cells in waiting:
            cell = next((cell for cell in cells if cell not in chosen), None)
            if cell is None or len(chosen) >= number:
                continue
            chosen[cell] = None
            left.append(cells)
        waiting = left
    return [cell for cell in learnt if cell in chosen]


def _neighbours(
    one: QuestionOutcome, failed: Sequence[QuestionOutcome], learnt: Sequence[Cell]
) -> Iterator[Cell]:
    """Yields the cell itself where it is no held-out one, then in turn cells with its name and with its
    occasion."""
    names, scenes = Counter(other.name for other in failed), Counter(other.scene for other in failed)
    ranked = sorted(learnt, key=lambda cell: -(names[cell[0]] + scenes[cell[1]]))
    own = (one.name, one.scene)
    if own in learnt:
        yield own
    same_name = [cell for cell in ranked if cell[0] == one.name and cell != own]
    same_scene = [cell for cell in ranked if cell[1] == one.scene and cell != own]
    for pair in zip_longest(same_name, same_scene):
        yield from (cell for cell in pair if cell is not None)
