"""The worker of an experiment.

Each training is a job of its own in the queue. This process starts one after the other, watches it, has it
measured, and writes what was found after every step, so that another worker can go on where this one was
ended."""

import time

from tianji_core import jobs, training
from tianji_core.errors import JobError, StudioError
from tianji_core.evaluation.experiment.hopeless import hopeless
from tianji_core.evaluation.experiment.job import ExperimentSubject
from tianji_core.evaluation.experiment.results import load_experiment, save_experiment
from tianji_core.evaluation.probe import Memory
from tianji_core.evaluation.sweep.after_training import own_plan
from tianji_core.evaluation.sweep.job import start_sweep, sweep_job
from tianji_core.evaluation.sweep.results import SweepPoint, load_sweep
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.store import datasets
from tianji_core.store import training as trainings
from tianji_core.store.training import TrainingRun
from tianji_core.training import TrainingState
from tianji_core.workspace import Workspace

PAUSE = 1.0
"""Seconds between two looks at the training."""
TRAINED = 0.9
"""The share of a training in its place in the experiment; the rest is its measuring."""


class _Conducting:
    """An experiment at work."""

    def __init__(self, workspace: Workspace, number: int, reporter: Reporter) -> None:
        self._workspace, self._reporter = workspace, reporter
        self.experiment = load_experiment(workspace, number)
        self._plan = self.experiment.plan
        self._version = datasets.get(workspace.engine, self._plan.version_id)

    def run(self) -> None:
        """Does every training that is not done yet."""
        self._reporter.begin(len(self.experiment.trainings), _("个训练"))
        for at in range(len(self.experiment.trainings)):
            one = self.experiment.trainings[at]
            if one.open:
                self._reporter.update(at, message=one.text)
                try:
                    self._one(at)
                except StudioError as error:
                    print(error, flush=True)
                    self._note(at, state="failed", note=str(error))
            self._reporter.update(at + 1)

    def _note(self, at: int, **changes: object) -> None:
        self.experiment = self.experiment.with_training(at, **changes)
        save_experiment(self._workspace, self.experiment)
        one = self.experiment.trainings[at]
        print(f"{one.text}: {one.state} {one.note}".rstrip(), flush=True)

    def _one(self, at: int) -> None:
        """Trains and measures one variant."""
        if self._over():
            self._note(at, state="skipped", note=self._out_of_time())
            return
        run = self._begun(at)
        state = self._followed(at, run)
        if not self.experiment.trainings[at].open:
            return
        if not state.finished:
            reason = state.reason or jobs.state_title(state.state)
            self._note(at, state="failed", note=reason, seconds=state.spent or 0.0)
            return
        self._note(at, **self._figures(state))
        point, memory = self._measured(run)
        found = {"passed": point.passed, "low": point.low, "high": point.high, "count": point.count}
        if memory is not None and memory.tells:
            found |= {"known": memory.known, "kept": memory.kept}
        self._note(at, state="done", **found)

    def _begun(self, at: int) -> TrainingRun:
        """The training of a variant: started now, or the one that was under way before."""
        one, engine = self.experiment.trainings[at], self._workspace.engine
        if one.training_run_id is not None:
            run = trainings.get(engine, one.training_run_id)
            state = training.training_state(self._workspace, run)
            self._note(at, note="")
            if state.active or state.orphaned or state.finished:
                return run
            if state.checkpoints or not state.points:
                return training.resume_training(self._workspace, run)
        title = _("{experiment} · {values}", experiment=self.experiment.title, values=one.text)
        settings = self._plan.settings_of(one.values)
        run = training.start_training(self._workspace, self._plan.preset, settings, self._version, title)
        self._note(at, state="running", training_run_id=run.id)
        return run

    def _followed(self, at: int, run: TrainingRun) -> TrainingState:
        """Waits until a training has ended, and ends it where it is hopeless or the time is over."""
        others = self._curves(at) if self._plan.compares_losses else []
        while True:
            state = training.training_state(self._workspace, trainings.get(self._workspace.engine, run.id))
            if not (state.active or state.orphaned):
                return state
            if state.total:
                self._reporter.update(at + TRAINED * min(1.0, state.iteration / state.total))
            worse = hopeless(state.validations, others)
            if worse is not None:
                step, own, best = worse
                note = _(
                    "第 {n} 步验证损失 {own}，别的训练同一步是 {best}",
                    n=step,
                    own=f"{own:.3f}",
                    best=f"{best:.3f}",
                )
                self._end(at, state, "hopeless", note)
            elif self._over(state.spent or 0.0 if state.points else 0.0):  # waiting costs nothing
                self._end(at, state, "skipped", self._out_of_time())
            time.sleep(PAUSE)

    def _end(self, at: int, state: TrainingState, kind: str, note: str) -> None:
        if not self.experiment.trainings[at].open or state.job is None:
            return
        try:
            jobs.stop(self._workspace, state.job.id)
        except JobError:  # it has ended by itself meanwhile
            return
        self._note(at, state=kind, note=note, **self._figures(state))

    def _figures(self, state: TrainingState) -> dict[str, object]:
        losses = [point.loss for point in state.validations if point.loss is not None]
        seconds = state.spent or 0.0
        return {"loss": min(losses, default=None), "seconds": seconds, "iterations": state.total}

    def _curves(self, at: int) -> list[tuple[training.Validation, ...]]:
        """The validation losses of the other trainings that were done."""
        found = []
        for place, one in enumerate(self.experiment.trainings):
            if place != at and one.state == "done" and one.training_run_id is not None:
                run = trainings.get(self._workspace.engine, one.training_run_id)
                found.append(training.training_state(self._workspace, run).validations)
        return found

    def _over(self, more: float = 0.0) -> bool:
        """Whether the budget is used up, with ``more`` seconds of the training under way."""
        hours = self._plan.hours
        return hours is not None and self.experiment.seconds + more >= hours * 3600

    def _out_of_time(self) -> str:
        return _("{n} 小时的预算用完了", n=f"{self._plan.hours or 0:g}")

    def _measured(self, run: TrainingRun) -> tuple[SweepPoint, Memory | None]:
        """The figures of the last checkpoint and what it still knows; measured now unless they are there."""
        state = training.training_state(self._workspace, run)
        last = state.checkpoints[-1].iteration
        kept = load_sweep(self._workspace, run.id)
        if kept is None or kept.missing([0, last]):
            job = sweep_job(self._workspace, run.id)
            if job is None or not job.active:
                plan = own_plan(self._workspace, run).model_copy(update={"limit": self._plan.limit})
                job = start_sweep(self._workspace, plan, [0, last])
            ended = jobs.wait(self._workspace, job.id)
            kept = load_sweep(self._workspace, run.id)
            if kept is None or kept.missing([last]):
                raise JobError(ended.note or jobs.state_title(ended.state))
        return next(point for point in kept.points if point.iteration == last), kept.memory(last)


@worker_of(ExperimentSubject)
def experiment(workspace: Workspace, subject: ExperimentSubject, reporter: Reporter) -> int:
    """Does the trainings of an experiment that are not done yet; returns the exit code."""
    _Conducting(workspace, subject.experiment, reporter).run()
    return 0
