"""The questions of an evaluation: held-out cells × styles, worded by the recipe's input templates."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.models.nano import split_cells
from tianji_core.recipe import Name, Options, Plan, Recipe, Scene, Style, Task, brief, kept_cells, tasks


@dataclass(frozen=True)
class Case:
    """One question: receiver, occasion, style as its ``options`` change it, and the two texts that the model
    is given."""

    name: Name
    scene: Scene
    style: Style
    system: str
    request: str
    options: Options = ()


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
            _("配方“{recipe}”的格子太少，没有留作评测的格子；请在列表里多启用几个", recipe=recipe.title)
        )
    return _cases(recipe, kept, styles, limit, seed, rounds)


def training_cases(
    recipe: Recipe, styles: tuple[str, ...] = (), limit: int | None = None, seed: int = 0
) -> list[Case]:
    """Returns the cells that are no held-out ones × ``styles`` (none: all enabled), worded and ordered as
    in :func:`held_out_cases`.

    Raises:
        PlanError: a style is unknown, or every cell is held out.
    """
    learnt, _kept = split_cells(kept_cells(recipe, recipe.threshold))
    if not learnt:
        raise PlanError(
            _("配方“{recipe}”的格子太少，没有可以练的格子；请在列表里多启用几个", recipe=recipe.title)
        )
    return _cases(recipe, learnt, styles, limit, seed, 1)


def asked_cases(recipe: Recipe, questions: Sequence[tuple[str, str, str]], seed: int = 0) -> list[Case]:
    """Returns the (name, scene, style) questions as cases, worded by ``seed``; those of which the recipe no
    longer has a part are left out."""
    known = [
        Task(0, name, scene, style, 0)
        for name, scene, style in questions
        if recipe.name(name) and recipe.scene(scene) and recipe.style(style)
    ]
    return [_case(recipe, task, seed) for task in known]


def _cases(
    recipe: Recipe,
    cells: Sequence[tuple[str, str]],
    styles: tuple[str, ...],
    limit: int | None,
    seed: int,
    rounds: int,
) -> list[Case]:
    plan = Plan(
        styles=styles, rounds=rounds, threshold=recipe.threshold, seed=seed, limit=limit, cells=tuple(cells)
    )
    return [_case(recipe, task, seed) for task in tasks(recipe, plan)]


def _case(recipe: Recipe, task: Task, seed: int) -> Case:
    question = brief(recipe, task, seed)
    return Case(
        question.name, question.scene, question.style, recipe.prompts.system, question.input, task.options
    )
