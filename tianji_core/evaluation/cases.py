"""The questions of an evaluation: held-out cells × styles, worded by the recipe's input templates."""

from dataclasses import dataclass

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.models.nano import split_cells
from tianji_core.recipe import Name, Plan, Recipe, Scene, Style, brief, kept_cells, tasks


@dataclass(frozen=True)
class Case:
    """One question: receiver, occasion, style, and the two texts that the model is given."""

    name: Name
    scene: Scene
    style: Style
    system: str
    request: str


def held_out_cases(
    recipe: Recipe, styles: tuple[str, ...] = (), limit: int | None = None, seed: int = 0, rounds: int = 1
) -> list[Case]:
    """Returns every held-out cell that the recipe would generate × ``styles`` (none: all enabled), in
    ``rounds`` wordings each. The order is drawn from ``seed``; at most ``limit`` are returned.

    Raises:
        PlanError: a style is unknown, or the recipe is too small to hold out a cell.
    """
    _trained, kept = split_cells(kept_cells(recipe, recipe.threshold))
    if not kept:
        raise PlanError(
            _("配方“{recipe}”的格子太少，没有留作评测的格子；请多启用几个称谓和场景", recipe=recipe.title)
        )
    plan = Plan(
        styles=styles, rounds=rounds, threshold=recipe.threshold, seed=seed, limit=limit, cells=tuple(kept)
    )
    return [
        Case(question.name, question.scene, question.style, recipe.prompts.system, question.input)
        for question in (brief(recipe, task, seed) for task in tasks(recipe, plan))
    ]
