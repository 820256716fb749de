"""Before and after: the base and the last checkpoint of a training answer the same questions as soon as it
has ended."""

from dataclasses import dataclass

from tianji_core.evaluation.cases import held_out_cases
from tianji_core.evaluation.effect import BeforeAfter, PassRate
from tianji_core.evaluation.outcome import Question
from tianji_core.evaluation.sweep.job import start_sweep
from tianji_core.evaluation.sweep.results import Sweep, SweepPlan, load_sweep
from tianji_core.evaluation.topped_up import top_ups
from tianji_core.jobs import Job
from tianji_core.recipe import Recipe
from tianji_core.store import recipes
from tianji_core.store.training import TrainingRun
from tianji_core.training import queue, training_state, version_of
from tianji_core.workspace import Workspace

AFTER_TRAINING = "tianji_core.evaluation.sweep.after_training:measure_when_done"
"""The step of :func:`~tianji_core.training.start_training` that measures a training at its end."""
MOST_ALSO = 60
"""Questions of a top-up that are asked beside the held-out ones."""


@dataclass(frozen=True)
class TrainingEffect:
    """What the checkpoint after ``iteration`` iterations answers better than the base: the rates of all
    styles together ('') and of each, and the first few answers."""

    iteration: int
    rates: tuple[PassRate, ...]
    answers: tuple[BeforeAfter, ...]

    @property
    def overall(self) -> PassRate:
        """The rates of all styles together."""
        return self.rates[0]


def measure_when_done(workspace: Workspace, run: TrainingRun) -> None:
    """Starts :func:`start_before_after`, unless another training waits for the machine."""
    if not queue.waiting(workspace):
        start_before_after(workspace, run)


def start_before_after(workspace: Workspace, run: TrainingRun) -> Job:
    """Starts a job that lets the base and the last checkpoint answer held-out questions in the styles that
    were trained.

    Raises:
        StudioError: as :func:`~tianji_core.evaluation.sweep.start_sweep`.
    """
    saved = [checkpoint.iteration for checkpoint in training_state(workspace, run).checkpoints]
    kept = load_sweep(workspace, run.id)
    # A person who measured it chose how; another plan would replace what was measured.
    plan = kept.plan if kept is not None else own_plan(workspace, run)
    return start_sweep(workspace, plan, [0, *saved[-1:]])


def own_plan(workspace: Workspace, run: TrainingRun) -> SweepPlan:
    """Returns the plan of a training that nobody has measured: the styles that it learnt, and the questions
    of the newest top-up."""
    version = version_of(workspace, run)
    stored = recipes.current(
        workspace.engine, version.recipe if version is not None else workspace.settings().recipe
    )
    plan = SweepPlan(
        run_id=run.id,
        recipe=stored.recipe.key,
        revision=stored.revision,
        styles=learnt_styles(workspace, stored.recipe, run),
    )
    return with_topped_up(workspace, stored.recipe, plan)


def learnt_styles(workspace: Workspace, recipe: Recipe, run: TrainingRun) -> tuple[str, ...]:
    """Returns the enabled styles that a training learnt, which it is asked for where nobody says which; ()
    stands for all, also where its dataset version is gone or does not say."""
    version = version_of(workspace, run)
    known = [style.text for style in recipe.styles if style.enabled]
    learnt = version.manifest.get("by_style", {}) if version is not None else {}
    styles = tuple(style for style in known if style in learnt)
    return () if len(styles) == len(known) else styles


def with_topped_up(workspace: Workspace, recipe: Recipe, plan: SweepPlan) -> SweepPlan:
    """Returns the plan with the questions of the newest top-up that it does not ask anyway, so that the
    measurement tells whether the top-up has helped."""
    return plan.model_copy(update={"also": _topped_up(workspace, recipe, plan)})


def _topped_up(workspace: Workspace, recipe: Recipe, plan: SweepPlan) -> tuple[Question, ...]:
    newest = top_ups(workspace, recipe.key)[:1]
    if not newest:
        return ()
    held = held_out_cases(recipe, plan.styles, plan.limit, plan.seed)
    asked = {(case.name.text, case.scene.text, case.style.text) for case in held}
    return tuple(question for question in newest[0].failed if question not in asked)[:MOST_ALSO]


def effect_of(sweep: Sweep) -> TrainingEffect | None:
    """Returns what the last measured checkpoint of a sweep has gained over the base; None while one of the
    two is not measured."""
    points = {point.iteration: point for point in sweep.points}
    before, after = points.get(0), sweep.points[-1] if sweep.points else None
    if before is None or after is None or after.iteration == 0:
        return None
    earlier = {rate.style: rate.passed for rate in before.styles}
    whole = PassRate(
        style="", count=after.count, before=before.passed, after=after.passed, low=after.low, high=after.high
    )
    rates = [
        PassRate(
            style=rate.style,
            count=rate.count,
            before=earlier[rate.style],
            after=rate.passed,
            low=rate.low,
            high=rate.high,
        )
        for rate in after.styles
        if rate.style in earlier
    ]
    answers = [
        BeforeAfter(style="", request=asked, before=said, after=answer)
        for (asked, said, _passed), (same, answer, _right) in zip(
            before.examples, after.examples, strict=False
        )
        if asked == same
    ]
    return TrainingEffect(after.iteration, (whole, *rates), tuple(answers))
