"""Starts a sweep as a background job."""

from collections.abc import Sequence

from tianji_core import jobs
from tianji_core.errors import JobError, ModelError
from tianji_core.evaluation.cases import held_out_cases
from tianji_core.evaluation.probe import load_probe
from tianji_core.evaluation.sweep.results import SweepPlan, continued, swept
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.trust import runs_code
from tianji_core.store import recipes
from tianji_core.store import training as trainings
from tianji_core.store.training import TrainingRun
from tianji_core.training import record_of, training_state
from tianji_core.workspace import Workspace

KIND = "sweep"


class SweepSubject(JobSubject):
    """The training whose checkpoints are measured, and how; ``steps`` are the iterations to measure, none:
    the base and every checkpoint."""

    worker = "tianji_core.evaluation.sweep.worker:sweep"

    training_run_id: int
    plan: SweepPlan
    steps: tuple[int, ...] = ()


def sweep_steps(workspace: Workspace, run: TrainingRun) -> list[int]:
    """Returns the iterations that a sweep measures: 0 for the base, then every checkpoint on disk."""
    return [0, *(checkpoint.iteration for checkpoint in training_state(workspace, run).checkpoints)]


def swept_runs(workspace: Workspace) -> list[TrainingRun]:
    """Returns the trainings that have a sweep or a checkpoint, newest first."""
    with_sweep = set(swept(workspace))
    return [
        run
        for run in trainings.listed(workspace.engine)
        if run.id in with_sweep or training_state(workspace, run).checkpoints
    ]


def start_sweep(workspace: Workspace, plan: SweepPlan, only: Sequence[int] = ()) -> Job:
    """Starts a job that measures every checkpoint of a training, and returns it; with ``only`` just these
    iterations. Where the plan is that of the stored sweep, only the checkpoints that are missing there, or
    that are still in doubt, are measured.

    Raises:
        ModelError: there is no checkpoint, or the base is missing or holds code that is not allowed.
        PlanError: a style is unknown. InputError: the forgetting probe cannot be read.
        JobError: such a job is running, or every checkpoint is measured.
    """
    run = trainings.get(workspace.engine, plan.run_id)
    steps = list(only) or sweep_steps(workspace, run)
    if len(steps) < 2:
        raise ModelError(_("“{title}”还没有检查点，先让它训练到第一个检查点", title=run.title))
    job = sweep_job(workspace, run.id)
    if job is not None and job.active:
        raise JobError(_("“{title}”正在扫描，等它结束或先停止它", title=run.title))
    base = record_of(run).settings.base_folder
    checked_base(base)
    runs_code(workspace, base)
    recipe = recipes.current(workspace.engine, plan.recipe).recipe
    held_out_cases(recipe, plan.styles, 1, plan.seed)
    kept = continued(workspace, plan)
    unasked = kept.unprobed(steps, load_probe(workspace).of_task(recipe).digest)
    missing = kept.missing(steps) or kept.unsettled() or unasked
    if not missing:
        raise JobError(_("“{title}”的检查点都扫描过了；换题目或题数可以重扫", title=run.title))
    title = _("扫描 {n} 个检查点：{title}", n=len(missing), title=run.title)
    return jobs.start_worker(
        workspace, KIND, title, SweepSubject(training_run_id=run.id, plan=plan, steps=tuple(only))
    )


def sweep_job(workspace: Workspace, run_id: int) -> Job | None:
    """Returns the newest sweep job of a training, None where there is none."""
    sweeps = jobs.listed(workspace, kind=KIND)
    return next((job for job in sweeps if jobs.workspace_use(job).training_run_id == run_id), None)
