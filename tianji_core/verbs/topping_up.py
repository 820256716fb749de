"""Verb that makes further samples for what a model fails at: top-up."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tianji_core import evaluation
from tianji_core.comparison import check_board, load_board, outcomes_by_model
from tianji_core.errors import InputError
from tianji_core.evaluation import MeasuredAnswers, QuestionOutcome, TopUp
from tianji_core.evaluation.sweep import last_outcomes, load_sweep, newest_learner, newest_result
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.store import recipes
from tianji_core.store import training as trainings
from tianji_core.training import version_of
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
)
from tianji_core.verbs.generating import check_complete, show_run
from tianji_core.verbs.teacher_options import BudgetOptions, PaceOptions, SamplingOptions, TeacherOptions
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class FailingOptions:
    """Where the failed questions were measured, and how many samples each gets."""

    from_training: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="What this training still answers wrongly.", show_default=False
        ),
    ] = None
    from_evaluation: Annotated[
        Path | None,
        typer.Option(help="What failed in this output of 'evaluate --json'.", show_default=False),
    ] = None
    from_board: Annotated[str, typer.Option(help="What failed in this comparison; see 'report'.")] = ""
    of_model: Annotated[str, typer.Option(help="With --from-board: the model; default: the only one.")] = ""
    each: Annotated[
        int, typer.Option(min=1, max=1000, help="About so many samples for each failed question.")
    ] = evaluation.EACH

    def measured(self, space: Workspace, recipe: str | None) -> tuple[str, MeasuredAnswers] | None:
        """Returns the recipe and what was measured; None where no source is given.

        Raises:
            InputError: several sources, or one without answers that can be topped up.
        """
        given = [bool(self.from_training), self.from_evaluation is not None, bool(self.from_board)]
        if sum(given) > 1:
            raise InputError(_("--from-training、--from-evaluation 和 --from-board 只能用一个"))
        if self.of_model and not self.from_board:
            raise InputError(_("--of-model 要和 --from-board 一起用"))
        if self.from_training is not None:
            return training_outcomes(space, self.from_training)
        if self.from_evaluation is not None:
            return chosen_recipe(space, recipe), _from_file(self.from_evaluation)
        return _from_board(space, self.from_board, self.of_model) if self.from_board else None


def training_outcomes(space: Workspace, run_id: int) -> tuple[str, MeasuredAnswers]:
    """Returns the recipe of a training and what its last measured checkpoint answered.

    Raises:
        TrainingError: there is no such training. InputError: it was not measured.
    """
    run = trainings.get(space.engine, run_id)
    sweep, version = load_sweep(space, run_id), version_of(space, run)
    outcomes = last_outcomes(sweep) if sweep is not None else ()
    if version is None or not outcomes:
        again = " --seed 1" if sweep is not None else ""  # kept by an older studio, without the outcomes
        raise InputError(
            _("训练 {n} 还没有逐题测过；先测：python -m tianji_core sweep {n}{again}", n=run_id, again=again)
        )
    return version.recipe, MeasuredAnswers(source=run.title, outcomes=outcomes, training_run_id=run_id)


def _from_file(file: Path) -> MeasuredAnswers:
    try:
        answers = json.loads(file.read_text(encoding="utf-8"))["answers"]
        outcomes = tuple(QuestionOutcome.model_validate(answer) for answer in answers)
    except OSError as error:
        raise InputError(_("读不了 {file}：{detail}", file=file, detail=error.strerror)) from error
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise InputError(
            _("{file} 不是评测结果：用 python -m tianji_core evaluate --json 存下来的才行", file=file)
        ) from error
    return MeasuredAnswers(source=file.name, outcomes=outcomes)


def _from_board(space: Workspace, key: str, model: str) -> tuple[str, MeasuredAnswers]:
    board = load_board(space, key)
    recipe = recipes.current(space.engine, board.recipe).recipe
    found = outcomes_by_model(board, check_board(board, lambda name: checker_of(space, recipe, name)))
    if not found:
        raise InputError(_("对比 {key} 里没有能检查的回答", key=key))
    if model not in found and (model or len(found) > 1):
        known = _("、").join(found)
        raise InputError(_("--of-model 要写其中之一：{names}", names=known))
    chosen = model or next(iter(found))
    return board.recipe, MeasuredAnswers(source=chosen, outcomes=found[chosen])


def top_up(
    failing: FailingOptions = FailingOptions(),
    check: Annotated[
        bool, typer.Option(help="Only say how many tasks, what they cost and how long.")
    ] = False,
    teacher: TeacherOptions = TeacherOptions("offline"),
    sampling: SamplingOptions = SamplingOptions(),
    pace: PaceOptions = PaceOptions(),
    budget: BudgetOptions = BudgetOptions(),
    recipe: RecipeOption = None,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make further samples for the names, occasions and styles that failed; without a source, say what
    earlier top-ups have changed."""
    space = opened(workspace)
    measured = failing.measured(space, recipe)
    if measured is None:
        _show_results(space, chosen_recipe(space, recipe), as_json)
        return
    key, answers = measured
    choice = teacher.choice(pace)
    plan = evaluation.planned_top_up(space, key, answers.outcomes, failing.each)
    expected = evaluation.estimated_top_up(space, key, plan, choice, pace.concurrency)
    facts: dict[str, Any] = {
        "failing": evaluation.failing_of(answers.outcomes),
        "tasks": expected.tasks,
        "cost": expected.cost,
        "seconds": round(expected.seconds, 1),
        "plan": plan,
    }
    cost = _("未知") if expected.cost is None else f"{expected.cost:.2f}"
    told = _(
        "{failing}。补 {n} 条，费用约 {cost}，约 {time}",
        failing=facts["failing"].sentence,
        n=expected.tasks,
        cost=cost,
        time=duration_text(max(1.0, expected.seconds)),
    )
    if check:
        show(facts, as_json, told)
        return
    show(None, False, None if as_json else told)
    made, job = evaluation.start_top_up(
        space, key, answers, plan, choice, sampling.plan(), pace.concurrency, budget.run_options()
    )
    if not detach:
        follow(space, job, quiet=as_json)
    show_run(space, made.run_id, job, as_json)
    if not detach:
        check_complete(space, made.run_id)


def _show_results(space: Workspace, recipe: str, as_json: bool) -> None:
    facts, lines = [], []
    for made in evaluation.top_ups(space, recipe):
        result = newest_result(space, made)
        lines.append(result.sentence if result is not None else _not_known(space, made))
        facts.append(
            {
                "run": made.run_id,
                "source": made.source,
                "failed": len(made.failed),
                "training": result.training_run_id if result is not None else None,
                "asked_again": result.failed if result is not None else None,
                "repaired": result.repaired if result is not None else None,
            }
        )
    show(facts, as_json, "\n".join(lines) or _("还没有为没学会的补过样本"))


def _not_known(space: Workspace, made: TopUp) -> str:
    """What is still to be done before a top-up has a result."""
    values = {"run": made.run_id, "source": made.source}
    learner = newest_learner(space, made)
    if learner is None:
        return _("批次 {run}（{source}）：冻结新版本、训练并测过以后才知道", **values)
    return _(
        "批次 {run}（{source}）：训练 {n} 学过了，还没问当时没答好的题；测一测：python -m tianji_core sweep {n}",
        n=learner.id,
        **values,
    )
