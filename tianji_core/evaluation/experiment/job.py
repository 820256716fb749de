"""Starts, continues and cancels an experiment."""

from tianji_core import jobs
from tianji_core.errors import InputError, JobError, TrainingError
from tianji_core.evaluation.experiment.plan import ExperimentPlan, check_axes
from tianji_core.evaluation.experiment.results import (
    Experiment,
    PlannedTraining,
    load_experiment,
    new_number,
    save_experiment,
)
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.locks import FileLock
from tianji_core.store import datasets
from tianji_core.store import training as trainings
from tianji_core.training import preflight, preset, training_state
from tianji_core.workspace import Workspace

KIND = "experiment"


class ExperimentSubject(JobSubject):
    """The experiment whose trainings are done one after another."""

    worker = "tianji_core.evaluation.experiment.worker:experiment"

    experiment: int


def start_experiment(workspace: Workspace, plan: ExperimentPlan) -> tuple[Experiment, Job]:
    """Checks every training of a plan, stores the experiment and starts it; returns it and its job.

    Raises:
        StudioError: a training could not start; names the first reason.
    """
    for values in plan.variants:
        check_axes(values)
    version, chosen = datasets.get(workspace.engine, plan.version_id), preset(plan.preset, workspace)
    for values in plan.variants:
        checked = preflight(workspace, chosen, plan.settings_of(values), version)
        if not checked.ok:
            raise TrainingError(checked.stops[0].detail)
    workspace.home.joinpath("experiments").mkdir(exist_ok=True)
    with FileLock(workspace.home / "experiments" / ".new.lock"):
        made = Experiment(
            number=new_number(workspace),
            plan=plan,
            trainings=tuple(PlannedTraining(values=values) for values in plan.variants),
        )
        save_experiment(workspace, made)
    return made, _start(workspace, made)


def resume_experiment(workspace: Workspace, number: int) -> Job:
    """Continues an experiment that was cancelled or lost: finished trainings stay as they are, the one that
    was under way goes on from its newest checkpoint.

    Raises:
        InputError: there is no such experiment, or nothing is left to do. JobError: it runs.
    """
    kept = load_experiment(workspace, number)
    job = experiment_job(workspace, number)
    if job is not None and job.active:
        raise JobError(_("“{title}”正在进行", title=kept.title))
    if not kept.open:
        raise InputError(_("“{title}”已经做完了", title=kept.title))
    return _start(workspace, kept)


def cancel_experiment(workspace: Workspace, number: int) -> None:
    """Stops an experiment and the training that is under way; what is finished stays.

    Raises:
        InputError: there is no such experiment. JobError: it does not run.
    """
    kept = load_experiment(workspace, number)
    job = experiment_job(workspace, number)
    if job is None or not job.active:
        raise JobError(_("“{title}”没有在进行", title=kept.title))
    jobs.stop(workspace, job.id)
    jobs.wait(workspace, job.id, timeout=60)
    kept = load_experiment(workspace, number)
    for at, one in enumerate(kept.trainings):
        if one.state == "running" and one.training_run_id is not None:
            kept = kept.with_training(at, note=_("停下了，可以接着做"))
            state = training_state(workspace, trainings.get(workspace.engine, one.training_run_id))
            if state.job is not None and (state.active or state.orphaned):
                jobs.stop(workspace, state.job.id)
    save_experiment(workspace, kept)


def experiment_job(workspace: Workspace, number: int) -> Job | None:
    """Returns the newest job of an experiment, None where there is none."""
    return jobs.newest_about(workspace, KIND, ExperimentSubject(experiment=number))


def _start(workspace: Workspace, made: Experiment) -> Job:
    return jobs.start_worker(workspace, KIND, made.title, ExperimentSubject(experiment=made.number))
