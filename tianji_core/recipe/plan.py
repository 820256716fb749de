"""计划: the (name, scene, style, round) tasks that a run sends to a teacher. Deterministic for a seed."""

import random
from collections.abc import Iterator
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe.model import Recipe


class Task(NamedTuple):
    """任务: one text to write. ``position`` counts from 0 in the order of the plan."""

    position: int
    name: str
    scene: str
    style: str
    round: int

    @property
    def cell(self) -> tuple[str, str]:
        """格子: (name, scene)."""
        return self.name, self.scene


class Plan(BaseModel):
    """The extent of a run: ``rounds`` texts per kept cell and style. Empty ``styles`` mean every enabled
    style, empty ``cells`` every cell. ``limit`` caps the number of tasks after a seeded shuffle, so that a
    small run still covers names, scenes and styles evenly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: tuple[str, ...] = ()
    rounds: int = Field(default=1, ge=1, le=1000)
    threshold: int = Field(default=1, ge=0, le=2)
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    cells: tuple[tuple[str, str], ...] = ()

    @model_validator(mode="after")
    def _no_style_twice(self) -> Self:
        if len(set(self.styles)) != len(self.styles):
            raise ValueError(_("同一个风格选了两次"))
        return self


def kept_cells(recipe: Recipe, threshold: int, style: str | None = None) -> list[tuple[str, str]]:
    """Returns the cells of enabled names and scenes whose suitability reaches ``threshold``, in list order;
    with ``style`` only those that it suits."""
    matrix = recipe.matrix()
    cells = [
        (n.text, s.text)
        for n in recipe.names
        if n.enabled
        for s in recipe.scenes
        if s.enabled and matrix.value(n.text, s.text) >= threshold
    ]
    gaps = [g for g in recipe.style_gaps if style in g.styles]
    return [c for c in cells if not any(g.covers(style or "", *c) for g in gaps)] if gaps else cells


def enabled_styles(recipe: Recipe) -> list[str]:
    """Returns the styles of a plan that names none."""
    return [s.text for s in recipe.styles if s.enabled]


def tasks(recipe: Recipe, plan: Plan) -> list[Task]:
    """Returns every task of a plan in the order of sending.

    Raises:
        PlanError: a style or cell that the recipe does not have, or no task at all.
    """
    styles = _styles(recipe, plan)
    if plan.cells:
        for name, scene in plan.cells:
            if recipe.name(name) is None or recipe.scene(scene) is None:
                raise PlanError(
                    _(
                        "配方“{recipe}”里没有格子“{name} × {scene}”",
                        recipe=recipe.title,
                        name=name,
                        scene=scene,
                    )
                )
    chosen = set(plan.cells)
    cells = {
        style: [cell for cell in kept_cells(recipe, plan.threshold, style) if not chosen or cell in chosen]
        for style in styles
    }
    combinations = [
        (name, scene, style, number)
        for number in range(plan.rounds)
        for style in styles
        for name, scene in cells[style]
    ]
    if not combinations:
        raise PlanError(
            _(
                "这个计划没有任何任务：请至少启用一个称谓、一个场景和一个风格，并检查适配度阈值（现在是 {threshold}）",
                threshold=plan.threshold,
            )
        )
    random.Random(plan.seed).shuffle(combinations)
    if plan.limit is not None:
        combinations = combinations[: plan.limit]
    return [Task(position, *combination) for position, combination in enumerate(combinations)]


def _styles(recipe: Recipe, plan: Plan) -> list[str]:
    for text in plan.styles:
        if recipe.style(text) is None:
            known = _("、").join(s.text for s in recipe.styles)
            raise PlanError(
                _(
                    "配方“{recipe}”里没有风格“{style}”，有的是：{known}",
                    recipe=recipe.title,
                    style=text,
                    known=known,
                )
            )
    if plan.styles:
        return [s.text for s in recipe.styles if s.text in plan.styles]
    return enabled_styles(recipe)


def task_random(seed: int, task: Task) -> random.Random:
    """Returns the random source of one task: it depends on the seed and the task's content, not on its
    position, so that a resumed or reordered run draws the same clause, example and input wording."""
    return random.Random(f"{seed}|{task.name}|{task.scene}|{task.style}|{task.round}")


def by_style(planned: list[Task]) -> Iterator[tuple[str, int]]:
    """Returns (style, number of tasks) in order of first appearance."""
    counts: dict[str, int] = {}
    for task in planned:
        counts[task.style] = counts.get(task.style, 0) + 1
    yield from counts.items()
