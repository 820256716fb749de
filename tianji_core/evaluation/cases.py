"""What the model is asked: held-out cells × styles, in the words of the recipe's input templates."""

from dataclasses import dataclass

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.models.nano import split_cells
from tianji_core.recipe import Name, Plan, Recipe, Scene, Style, brief, kept_cells, tasks


@dataclass(frozen=True)
class Case:
    """One question: whom, which occasion, which style, and the two texts that the model is given."""

    name: Name
    scene: Scene
    style: Style
    system: str
    request: str


def held_out_cases(
    recipe: Recipe, styles: tuple[str, ...] = (), limit: int | None = None, seed: int = 0, rounds: int = 1
) -> list[Case]:
    """Every held-out cell that the recipe would generate × ``styles`` (none: all enabled), ``rounds`` wordings each, in an order drawn
    from ``seed``; at most ``limit``.

    Raises:
        PlanError: an unknown style, or a recipe too small to hold out any cell.
    """
    _learnt, kept = split_cells(kept_cells(recipe, recipe.threshold))
    if not kept:
        raise PlanError(
            _("配方“{recipe}”的格子太少，没有留作评测的格子；请多启用几个称谓和场景", recipe=recipe.title)
        )
    plan = Plan(
        styles=styles, rounds=rounds, threshold=recipe.threshold, seed=seed, limit=limit, cells=tuple(kept)
    )
    return [
        Case(asked.name, asked.scene, asked.style, recipe.prompts.system, asked.input)
        for asked in (brief(recipe, task, seed) for task in tasks(recipe, plan))
    ]
