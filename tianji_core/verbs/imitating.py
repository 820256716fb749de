"""The verb that writes in the manner of paragraphs: imitate."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError, StudioError, UnfinishedError
from tianji_core.generation import imitation
from tianji_core.i18n import _
from tianji_core.jobs import Job, duration_text
from tianji_core.recipe import Recipe, explain
from tianji_core.store import imitation as imitation_rows
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
    text_of,
)
from tianji_core.verbs.teacher_options import (
    BudgetOptions,
    MaxTokensOption,
    PaceOptions,
    SamplingOptions,
    TeacherOptions,
    TemperatureOption,
)
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class ImitationOptions:
    """For whom the texts are, how many there are, and how close they may be to what they imitate."""

    name: Annotated[str, typer.Option(help="Receiver of the paragraphs; default: the first.")] = ""
    scene: Annotated[str, typer.Option(help="Occasion of the paragraphs; default: the first.")] = ""
    style: Annotated[str, typer.Option(help="Style; default: the one whose length fits.")] = ""
    seeds: Annotated[int, typer.Option(help="Texts in the manner of each paragraph.")] = 3
    cells: Annotated[int, typer.Option(help="Receivers and occasions that each is carried to.")] = 6
    again: Annotated[int, typer.Option(help="Ask again at most so often where it is too close.")] = 2
    wording: Annotated[float, typer.Option(help="Share of equal wording from which it is too close.")] = 0.4
    structure: Annotated[float, typer.Option(help="The same for the structure.")] = 0.75
    only_accepted: Annotated[
        bool, typer.Option("--only-accepted", help="Carry on only what a person has accepted.")
    ] = False
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draw of receivers and occasions.")] = 0

    def settings(self, recipe: Recipe, paragraphs: Sequence[str]) -> imitation.ImitationSettings:
        """Returns the settings of a run.

        Raises:
            InputError: a value is out of bounds.
        """
        given: dict[str, Any] = asdict(self)
        given["name"] = self.name or next((n.text for n in recipe.names if n.enabled), recipe.names[0].text)
        given["scene"] = self.scene or next(
            (s.text for s in recipe.scenes if s.enabled), recipe.scenes[0].text
        )
        given["style"] = self.style or imitation.fitting_style(recipe, paragraphs).text
        try:
            return imitation.ImitationSettings(**given)
        except ValidationError as error:
            raise InputError(explain(error, whole="")) from error


def imitate(
    file: Annotated[
        Path | None,
        typer.Argument(help="Text file with paragraphs, blank lines between them.", show_default=False),
    ] = None,
    teacher: TeacherOptions = TeacherOptions("deepseek"),
    options: ImitationOptions = ImitationOptions(),
    check: Annotated[bool, typer.Option(help="Only say how many, what they cost and how long.")] = False,
    temperature: TemperatureOption = None,
    max_tokens: MaxTokensOption = None,
    pace: PaceOptions = PaceOptions(),
    budget: BudgetOptions = BudgetOptions(),
    resume: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Go on with this run: what failed or is missing, and what was accepted since.",
            show_default=False,
        ),
    ] = None,
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write in the manner of paragraphs that you like, with other sentences, and carry that to other
    receivers and occasions. What stays too close is left for review. The exit code is 1 where a text got no
    answer at the end."""
    space = opened(workspace)
    if resume is not None:
        run_id = resume
        _change_budget(space, run_id, budget)
        job = imitation.start_imitation(space, run_id, retry_failed=True)
    else:
        key = chosen_recipe(space, recipe)
        paragraphs = imitation.paragraphs_of(text_of(file) if file is not None else "")
        of_recipe = recipes.current(space.engine, key).recipe
        settings, choice = options.settings(of_recipe, paragraphs), teacher.choice(pace)
        expected = imitation.estimate_imitation(
            space, of_recipe, paragraphs, settings, choice, pace.concurrency
        )
        told = _estimate_text(expected)
        if check:
            show(asdict(expected), as_json, told)
            return
        show(None, False, None if as_json else told)
        sampling = SamplingOptions(temperature, max_tokens=max_tokens, server_sampling=True).plan()
        run = imitation.create_imitation_run(
            space, key, paragraphs, choice, sampling, settings, pace.concurrency, budget.run_options()
        )
        run_id, job = run.id, imitation.start_imitation(space, run.id)
    if not detach:
        follow(space, job, quiet=as_json)
    _show_run(space, run_id, job, as_json, detach)


def _change_budget(space: Workspace, run_id: int, budget: BudgetOptions) -> None:
    """Changes the limits of a run that are given; it keeps the others."""
    limits = ("budget_cost", "budget_tokens", "minutes")
    given = budget.run_options().model_dump(include=set(limits), exclude_none=True)
    if given:
        run = imitation_rows.get(space.engine, run_id)
        options = imitation.imitation_options_of(run).model_copy(update=given)
        imitation.change_imitation_options(space, run_id, options, run.concurrency)


def _estimate_text(expected: imitation.ImitationEstimate) -> str:
    return _(
        "写 {n:,} 条，问 {n:,} 到 {most:,} 次；费用约 {least_cost} 到 {most_cost}，约 {least_time} 到 {most_time}",
        n=expected.texts,
        most=expected.most_requests,
        least_cost=_cost(expected.least_cost),
        most_cost=_cost(expected.most_cost),
        least_time=duration_text(max(1.0, expected.least_seconds)),
        most_time=duration_text(max(1.0, expected.most_seconds)),
    )


def _cost(cost: float | None) -> str:
    return _("未知") if cost is None else f"{cost:.2f}"


def _show_run(space: Workspace, run_id: int, job: Job, as_json: bool, detached: bool) -> None:
    """Prints how far a run is.

    Raises:
        StudioError: every text failed. UnfinishedError: some did, and the run has ended.
    """
    state = imitation.imitation_state(space, run_id)
    counts = state.counts
    if counts.failed and not counts.done and not counts.left:
        raise StudioError(
            _(
                "照着写批次 {run} 的 {n} 条全部失败：{reason}；修好后再问一次：python -m tianji_core imitate --resume {run}",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
    facts = {"run": run_id, "job": job.id, **vars(counts)}
    text = _(
        "照着写批次 {run}：写了 {done} 条，太像的 {left} 条留给人看，问了 {answers} 轮；失败 {failed} 条，还剩 {pending} 条",
        **facts,
    )
    show(facts, as_json, text)
    if counts.failed and not detached:
        raise UnfinishedError(
            _(
                "照着写批次 {run} 还缺 {n} 条：{reason}；修好后只补缺的：python -m tianji_core imitate --resume {run}",
                run=run_id,
                n=counts.failed,
                reason=state.errors[0].example,
            )
        )
