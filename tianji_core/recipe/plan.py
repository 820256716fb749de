"""计划: the (name, scene, style, round) tasks that a run sends to a teacher. Deterministic for a seed."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe.axes import Options
from tianji_core.recipe.conditions import Combinations
from tianji_core.recipe.facts import drawn_facts, enabled_facts
from tianji_core.recipe.model import Recipe
from tianji_core.recipe.weighting import CellsOfStyles, Choice, drawn_by_weight


class Task(NamedTuple):
    """任务: one text to write. ``position`` counts from 0 in the order of the plan; ``options`` are those of
    the recipe's axes, ``fact`` is the detail about the receiver that the text is to use, '' for none.
    ``turn`` counts from 0 among the tasks of the same style and options, for what takes turns; None where a
    plan gave no numbers."""

    position: int
    name: str
    scene: str
    style: str
    round: int
    options: Options = ()
    fact: str = ""
    turn: int | None = None

    @property
    def cell(self) -> tuple[str, str]:
        """格子: (name, scene)."""
        return self.name, self.scene

    @property
    def content(self) -> str:
        """All but position, fact and turn, as the seed of what is drawn for the task."""
        options = "".join(f"|{axis}={option}" for axis, option in self.options)
        return f"{self.name}|{self.scene}|{self.style}|{self.round}{options}"


class Plan(BaseModel):
    """The extent of a run: ``rounds`` texts per kept cell, style and combination of options. Empty ``styles``
    mean every enabled style, empty ``cells`` every cell; ``options`` restricts axes to these options.
    ``limit`` caps the number of tasks after a seeded shuffle, so that a small run still covers names, scenes
    and styles evenly. With ``weighted`` the options of these ``limit`` tasks are drawn by their weights.
    ``lacking`` says how many texts single cells get in all, whatever ``rounds`` and ``limit`` are."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: tuple[str, ...] = ()
    rounds: int = Field(default=1, ge=1, le=1000)
    threshold: int = Field(default=1, ge=0, le=2)
    seed: int = Field(default=0, ge=0)
    limit: int | None = Field(default=None, ge=1)
    cells: tuple[tuple[str, str], ...] = ()
    options: Options = ()
    weighted: bool = False
    lacking: tuple[tuple[str, str, Annotated[int, Field(ge=1)]], ...] = ()

    @model_validator(mode="after")
    def _parts_go_together(self) -> Self:
        if len(set(self.styles)) != len(self.styles):
            raise ValueError(_("同一种写法选了两次"))
        if self.weighted and self.limit is None:
            raise ValueError(_("按权重抽时要写明一共抽多少条"))
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
    combinations = Combinations(recipe, plan.options)
    cells = planned_cells(recipe, plan)
    if not any(cells.values()):
        said = recipe.words.shown()
        raise PlanError(
            _(
                "这个计划没有任何任务：{name}、{scene}和{style}请至少各启用一个，并检查适配度阈值（现在是 {threshold}）",
                name=said.name,
                scene=said.scene,
                style=said.style,
                threshold=plan.threshold,
            )
        )
    if plan.lacking:
        chosen = _lacking(plan, cells, combinations)
    elif plan.weighted:
        chosen = drawn_by_weight(recipe, plan, cells, combinations)
    else:
        chosen = [
            (name, scene, style, number, options)
            for number in range(plan.rounds)
            for style in cells
            for name, scene in cells[style]
            for options in combinations.of(style, name, scene)
        ]
    if not chosen:
        raise PlanError(_("这个计划没有任何任务：选中的条件在字数上处处互相排斥，请放宽其中一个的字数"))
    random.Random(plan.seed).shuffle(chosen)
    if plan.limit is not None and not plan.lacking:
        chosen = chosen[: plan.limit]
    relations = {name.text: name.relation for name in recipe.names}
    facts = drawn_facts(recipe, relations, [each[0] for each in chosen], plan.seed)
    turns: Counter[tuple[str, Options]] = Counter()
    planned = []
    for position, (each, fact) in enumerate(zip(chosen, facts, strict=True)):
        alike = each[2], each[4]
        planned.append(Task(position, *each, fact, turns[alike]))
        turns[alike] += 1
    return planned


def count_tasks(recipe: Recipe, plan: Plan) -> int:
    """Returns the number of tasks of a plan, without listing them; 0 where it has none.

    Raises:
        PlanError: as :func:`tasks`, except for a plan without tasks.
    """
    combinations = Combinations(recipe, plan.options)
    cells = planned_cells(recipe, plan)
    if plan.lacking:
        kept = {
            cell for style, of_style in cells.items() for cell in of_style if combinations.of(style, *cell)
        }
        return sum(number for name, scene, number in plan.lacking if (name, scene) in kept)
    number = plan.rounds * sum(
        len(combinations.of(style, *cell)) for style, of_style in cells.items() for cell in of_style
    )
    return number if plan.limit is None else min(number, plan.limit)


def planned_cells(recipe: Recipe, plan: Plan) -> dict[str, list[tuple[str, str]]]:
    """Returns style → the cells that a plan writes in it.

    Raises:
        PlanError: a style or cell that the recipe does not have.
    """
    chosen = {*plan.cells, *((name, scene) for name, scene, _number in plan.lacking)}
    for name, scene in chosen:
        if recipe.name(name) is None or recipe.scene(scene) is None:
            raise PlanError(
                _(
                    "配方“{recipe}”里没有格子“{name} × {scene}”",
                    recipe=recipe.title,
                    name=name,
                    scene=scene,
                )
            )
    return {
        style: [cell for cell in kept_cells(recipe, plan.threshold, style) if not chosen or cell in chosen]
        for style in _styles(recipe, plan)
    }


def axes_left_out(recipe: Recipe, plan: Plan) -> list[str]:
    """Returns the titles of the enabled axes that no task of a plan has an option of, because none fits
    there.

    Raises:
        PlanError: as :func:`count_tasks`.
    """
    combinations = Combinations(recipe, plan.options)
    cells = planned_cells(recipe, plan)
    met = (combinations.of(style, *cell) for style, of_style in cells.items() for cell in of_style)
    return combinations.unused(options for each in met for options in each)


def _lacking(plan: Plan, cells: CellsOfStyles, combinations: Combinations) -> list[Choice]:
    """Returns as many texts for each cell as it lacks. Each takes its turn of styles and options from another
    start, so that they are spread evenly over all cells."""
    source = random.Random(f"{plan.seed}|lacking")
    turns: dict[tuple[str, str], list[tuple[str, Options]]] = {}
    for style, of_style in cells.items():
        for cell in of_style:
            turns.setdefault(cell, []).extend((style, options) for options in combinations.of(style, *cell))
    order = list(plan.lacking)
    source.shuffle(order)
    chosen: list[Choice] = []
    start = 0
    for name, scene, number in order:
        turn = turns.get((name, scene), [])
        for step in range(number if turn else 0):
            around, place = divmod(step, len(turn))
            style, options = turn[(start + place) % len(turn)]
            chosen.append((name, scene, style, around, options))
        start += number
    return chosen


def _styles(recipe: Recipe, plan: Plan) -> list[str]:
    for text in plan.styles:
        if recipe.style(text) is None:
            known = _("、").join(s.text for s in recipe.styles)
            raise PlanError(
                _(
                    "配方“{recipe}”里没有{kind}“{style}”，有的是：{known}",
                    kind=recipe.words.shown().style,
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
    return random.Random(f"{seed}|{task.content}")


def by_option(recipe: Recipe, planned: Iterable[Task]) -> dict[str, dict[str, int]]:
    """Returns axis → option → number of tasks, by id and in the order of the recipe; axes that no task has an
    option of are left out."""
    counts = {axis.id: dict.fromkeys((option.id for option in axis.options), 0) for axis in recipe.axes}
    for task in planned:
        for axis, option in task.options:
            counts[axis][option] += 1
    return {axis: of_axis for axis, of_axis in counts.items() if any(of_axis.values())}


def by_fact(recipe: Recipe, planned: Iterable[Task]) -> dict[str, int]:
    """Returns fact → number of tasks that are to use it, of every enabled fact in the order of the recipe."""
    counts = dict.fromkeys((fact.text for fact in enabled_facts(recipe)), 0)
    for task in planned:
        if task.fact:
            counts[task.fact] = counts.get(task.fact, 0) + 1
    return counts


def by_style(planned: list[Task]) -> Iterator[tuple[str, int]]:
    """Returns (style, number of tasks) in order of first appearance."""
    counts: dict[str, int] = {}
    for task in planned:
        counts[task.style] = counts.get(task.style, 0) + 1
    yield from counts.items()
