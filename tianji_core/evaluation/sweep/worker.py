"""The worker of a sweep.

It loads the base once and stores each point as soon as it is measured, so that a stopped sweep continues with
the next checkpoint."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tianji_core.dataset import training_file, validation_file
from tianji_core.errors import DatasetError, ModelError
from tianji_core.evaluation.cases import asked_cases, held_out_cases
from tianji_core.evaluation.checks import Checker, training_pairs
from tianji_core.evaluation.evaluate import judge, request_of
from tianji_core.evaluation.outcome import outcomes_of
from tianji_core.evaluation.probe import ProbePoint, load_probe
from tianji_core.evaluation.probe.asking import probe_requests, probed
from tianji_core.evaluation.report import Judged
from tianji_core.evaluation.sweep.job import SweepSubject, sweep_steps
from tianji_core.evaluation.sweep.perplexity import perplexity, tokenized_texts
from tianji_core.evaluation.sweep.results import StyleRate, SweepPlan, SweepPoint, continued, save_sweep
from tianji_core.evaluation.sweep.weights import SwappableModel
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.model_folders.answering import answer_all, load
from tianji_core.model_folders.own_template import LabelledIds
from tianji_core.model_folders.trust import runs_code
from tianji_core.recipe import Recipe
from tianji_core.store import recipes
from tianji_core.store import training as trainings
from tianji_core.store.training import TrainingRun
from tianji_core.training import record_of, training_state, version_of
from tianji_core.training.load import one_card
from tianji_core.workspace import Workspace

BATCH = 32
SHOWN = 6


class _Measure:
    """Measures a model with the questions and texts of one plan."""

    def __init__(
        self, recipe: Recipe, plan: SweepPlan, limit: int, checker: Checker, knows_training: bool
    ) -> None:
        self.cases = held_out_cases(recipe, plan.styles, limit, plan.seed)
        self.texts: list[LabelledIds] = []
        self._checker = checker
        self._knows_training = knows_training
        self._also = asked_cases(recipe, plan.also, plan.seed)
        self._requests = [request_of(case) for case in (*self.cases, *self._also)]

    @property
    def size(self) -> int:
        """The number of questions and texts."""
        return len(self._requests) + len(self.texts)

    def point(
        self, iteration: int, network: Any, tokenizer: Any, template: str, report: Callable[[int], None]
    ) -> SweepPoint:
        """Returns the figures of one checkpoint; ``report`` is called with the number of questions and texts
        done."""
        started = time.monotonic()
        answers = answer_all(network, tokenizer, template, self._requests, 0.0, BATCH, 0, report)
        judged = judge(self.cases, answers[: len(self.cases)], self._checker)
        also = judge(self._also, answers[len(self.cases) :], self._checker)
        measured = (
            perplexity(network, self.texts, lambda done: report(len(self._requests) + done))
            if self.texts
            else None
        )
        overall = judged.overall
        return SweepPoint(
            iteration=iteration,
            count=overall.count,
            passed=overall.passed,
            low=overall.low,
            high=overall.high,
            copied=overall.copied if self._knows_training else None,
            perplexity=measured.value if measured is not None else None,
            perplexity_high=measured.high if measured is not None else None,
            tokens=measured.tokens if measured is not None else 0,
            seconds=time.monotonic() - started,
            examples=tuple(map(_example, judged.judged[:SHOWN])),
            outcomes=outcomes_of((*judged.judged, *also.judged)),
            styles=tuple(
                StyleRate(
                    style=rates.title,
                    count=rates.count,
                    passed=rates.passed,
                    low=rates.low,
                    high=rates.high,
                )
                for rates in judged.styles
            ),
        )


def _example(answer: Judged) -> tuple[str, str, bool]:
    return answer.case.request, answer.answer, answer.verdict.passed


def _training_file(workspace: Workspace, run: TrainingRun) -> Path | None:
    version = version_of(workspace, run)
    return training_file(workspace, version) if version is not None else None


def _validation_file(workspace: Workspace, run: TrainingRun) -> Path | None:
    version = version_of(workspace, run)
    return validation_file(workspace, version) if version is not None else None


def _checker(workspace: Workspace, recipe: Recipe, run: TrainingRun) -> tuple[Checker, bool]:
    """Returns the checks, and whether they have the training texts to recognise copies."""
    file = _training_file(workspace, run)
    try:
        pairs = training_pairs(recipe, file) if file is not None else []
    except DatasetError as error:
        print(error, flush=True)
        pairs = []
    return Checker(recipe, pairs), bool(pairs)


def _advance(reporter: Reporter, before: int, done: int) -> None:
    reporter.update(before + done)


class _Sweeping:
    """A sweep at work: one base in memory, whose weights are those of one checkpoint after the other."""

    def __init__(self, workspace: Workspace, subject: SweepSubject, reporter: Reporter) -> None:
        self._workspace, self._reporter, self._plan = workspace, reporter, subject.plan
        self._run, self._only = trainings.get(workspace.engine, subject.plan.run_id), subject.steps
        self._recipe = recipes.current(workspace.engine, subject.plan.recipe).recipe
        self._checker = _checker(workspace, self._recipe, self._run)
        self._settings = record_of(self._run).settings
        self.measured = continued(workspace, subject.plan)
        reporter.update(0, message=_("正在加载基座"))
        base = self._settings.base_folder
        allowed = runs_code(workspace, base)
        network, self._tokenizer = load(base, None, allowed)
        self._model = SwappableModel(network, self._settings.lora_alpha, lambda: load(base, None, allowed)[0])
        self._probe = load_probe(workspace).of_task(self._recipe)

    def measure_missing(self) -> None:
        """Measures the checkpoints that have no point yet."""
        measure = _Measure(self._recipe, self._plan, self._plan.limit, *self._checker)
        held = _validation_file(self._workspace, self._run) if self._plan.texts else None
        if held is not None:
            measure.texts = tokenized_texts(self._tokenizer, self._settings.template, held, self._plan.texts)
        steps = self._only or sweep_steps(self._workspace, self._run)
        for point in self._points(measure, self.measured.missing(steps)):
            self._keep(point)

    def ask_probe(self) -> None:
        """Asks the forgetting probe of the base and of the checkpoints that did not answer it yet."""
        steps = self._only or sweep_steps(self._workspace, self._run)
        missing = self.measured.unprobed(steps, self._probe.digest)
        self._reporter.begin(len(missing), _("个检查点"))
        for at, iteration in enumerate(missing):
            self._reporter.update(at, message=_("遗忘探针：{step}", step=_step_name(iteration)))
            if not self._load(iteration):
                continue
            self.measured = self.measured.with_probe(self._asked(iteration))
            save_sweep(self._workspace, self.measured)
            memory = self.measured.memory(iteration)
            if memory is not None:
                name = _step_name(iteration)
                print(_("{name}：{told}", name=name, told=memory.sentence), flush=True)
        self._reporter.update(len(missing))

    def _asked(self, iteration: int) -> ProbePoint:
        answers = answer_all(
            self._model.network,
            self._tokenizer,
            self._settings.template,
            probe_requests(self._probe),
            0.0,
            BATCH,
            0,
        )
        return probed(self._probe, iteration, answers)

    def ask_more(self) -> None:
        """Asks the checkpoints that do equally well more questions, until their answers differ or every one
        of them was asked; then the base, with which they are compared. The perplexity stays."""
        measure = _Measure(self._recipe, self._plan, self._plan.in_doubt or 1, *self._checker)
        while unsettled := self.measured.unsettled():
            self._ask_more(measure, unsettled)
        base = next((point for point in self.measured.points if point.iteration == 0), None)
        if base is not None and any(point.count > base.count for point in self.measured.points):
            self._ask_more(measure, [0])

    def _ask_more(self, measure: _Measure, iterations: Sequence[int]) -> None:
        before = {point.iteration: point for point in self.measured.points}
        asked = set()
        for point in self._points(measure, iterations):
            old = before[point.iteration]
            asked.add(point.iteration)
            better = point if point.count > old.count else old
            kept = {"perplexity": old.perplexity, "perplexity_high": old.perplexity_high}
            kept |= {"tokens": old.tokens, "doubted": True, "seconds": old.seconds + point.seconds}
            self._keep(better.model_copy(update=kept))
        for gone in set(iterations) - asked:
            self._keep(before[gone].model_copy(update={"doubted": True}))

    def _points(self, measure: _Measure, iterations: Sequence[int]) -> Iterator[SweepPoint]:
        """The figures of these checkpoints; one that the training has removed meanwhile is left out."""
        reporter = self._reporter
        reporter.begin(measure.size * len(iterations), _("题"))
        for at, iteration in enumerate(iterations):
            if not self._load(iteration):
                print(_("第 {n} 步的检查点已被训练删掉，跳过", n=iteration), flush=True)
                continue
            reporter.update(at * measure.size, message=_step_name(iteration))
            report = partial(_advance, reporter, at * measure.size)
            yield measure.point(
                iteration, self._model.network, self._tokenizer, self._settings.template, report
            )

    def _load(self, iteration: int) -> bool:
        """Whether the weights of a checkpoint could be loaded, 0 for the base's: a running training keeps
        only the newest."""
        if iteration == 0:
            self._model.be_base()
            return True
        found = training_state(self._workspace, self._run).checkpoints
        paths = [each.path for each in found if each.iteration == iteration]
        if not paths:
            return False
        try:
            self._model.load(paths[0])
        except ModelError:
            if paths[0].exists():
                raise
            return False
        return True

    def _keep(self, point: SweepPoint) -> None:
        self.measured = self.measured.with_point(point)
        save_sweep(self._workspace, self.measured)
        name, share = _step_name(point.iteration), f"{point.passed:.1%}"
        print(_("{name}：通过 {share}", name=name, share=share), flush=True)


def _step_name(iteration: int) -> str:
    return _("第 {n} 步", n=iteration) if iteration else _("训练前")


@worker_of(SweepSubject)
def sweep(workspace: Workspace, subject: SweepSubject, reporter: Reporter) -> int:
    """Asks the forgetting probe, measures the checkpoints that have no point yet, and asks more where several
    do equally well; returns the exit code."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # shared cores: no spinning
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.update(one_card(workspace))  # before torch looks for cards
    sweeping = _Sweeping(workspace, subject, reporter)
    sweeping.ask_probe()
    sweeping.measure_missing()
    sweeping.ask_more()
    return 0
