"""The worker of a further training: sampling, choosing, freezing, training, merging, comparing."""

import json
import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from random import Random

from tianji_core import dataset, models, training
from tianji_core.comparison.relearning.best import Best, best_answers
from tianji_core.comparison.relearning.job import RelearningSubject, learner
from tianji_core.comparison.relearning.results import (
    Measured,
    RelearningPlan,
    RelearningResult,
    result_lines,
    save_result,
)
from tianji_core.comparison.relearning.taste import Taste, learnt_taste
from tianji_core.errors import DatasetError
from tianji_core.evaluation import Case, held_out_cases, training_cases
from tianji_core.evaluation.evaluate import folder_answers
from tianji_core.evaluation.trained_on import checker_of
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, own_job_id, worker_of
from tianji_core.model_folders.manifest import Artefact
from tianji_core.model_folders.own_sampling import USUAL_TOP_P
from tianji_core.model_folders.trust import code_allowed
from tianji_core.store import datasets, recipes, samples, votes
from tianji_core.store import training as trainings
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import SampleFilter, TrainingExample
from tianji_core.store.schema import sample_digest
from tianji_core.store.training import TrainingRun
from tianji_core.training.lock import starting
from tianji_core.workspace import Workspace

GENTLER = 0.25
"""The learning rate against that of the model's own training: it knows most of it already."""
TEMPERATURES = (0.0, 0.7)
SELF = "self"
"""The source of samples that the model wrote itself."""


class _Round:
    """One further training of one model."""

    def __init__(self, workspace: Workspace, plan: RelearningPlan) -> None:
        self._workspace, self._plan = workspace, plan
        self._recipe = recipes.current(workspace.engine, plan.recipe).recipe
        self._learner = learner(workspace, plan.model)
        self._checker = checker_of(workspace, self._recipe, plan.model)
        self._votes = votes.listed(workspace.engine, plan.recipe)
        self._taste: Taste | None = None
        if plan.by_votes:
            self._taste = learnt_taste(self._votes)
        self._old = self._version()

    def _version(self) -> DatasetVersion | None:
        """The version that the model was trained on, None where it is gone or was changed."""
        found = datasets.find(self._workspace.engine, self._learner.dataset_name)
        try:
            if found is not None:
                dataset.verify(self._workspace, found)
        except DatasetError as error:
            print(error, flush=True)
            return None
        return found

    def run(self, reporter: Reporter) -> RelearningResult:
        """Does every step in turn."""
        plan = self._plan
        reporter.update(0, message=_("正在作答"))
        cases = training_cases(self._recipe, plan.styles, plan.prompts, plan.seed)
        (given,) = self._ask(self._learner, cases * plan.answers, [plan.temperature], USUAL_TOP_P)
        answers = [given[at :: len(cases)] for at in range(len(cases))]
        best = best_answers(cases, answers, self._checker, self._taste)
        if not best:
            raise DatasetError(_("{n} 条答案没有一条通过检查，没有可以学的", n=len(given)))
        version, replayed = self._freeze(best)
        reporter.update(1, message=_("正在训练"))
        run = self._train(version, reporter)
        _adapter, merged = models.convert_and_merge(self._workspace, run)
        reporter.update(0, message=_("正在和原来的模型对比"))
        return RelearningResult(
            plan=plan,
            sampled=len(given),
            passed=sum(
                self._checker.check(c, t).passed for c, ts in zip(cases, answers, strict=True) for t in ts
            ),
            kept=len(best),
            replayed=replayed,
            version=version.name,
            training_run_id=run.id,
            model=merged.name,
            measured=self._compared(merged),
        )

    def _ask(
        self,
        model: Artefact,
        cases: Sequence[Case],
        temperatures: Sequence[float],
        top_p: float | None = None,
    ) -> list[list[str]]:
        """The answers of a model; to choose among, they are drawn wider than its own ``top_p`` may be."""
        allowed = code_allowed(self._workspace, model.path)
        seed = self._plan.seed
        return folder_answers(model.path, None, cases, temperatures, seed, code_allowed=allowed, top_p=top_p)

    def _freeze(self, best: Sequence[Best]) -> tuple[DatasetVersion, int]:
        """The best answers and some earlier samples as a version; returns it and the number of those."""
        old, held = _examples(self._workspace, self._old) if self._old is not None else ([], [])
        cells = {(example.name, example.scene) for example in held} - {("", "")}
        new = [_example(one) for one in best if (one.case.name.text, one.case.scene.text) not in cells]
        if not new:
            raise DatasetError(_("留下的答案都在验证集的格子里，没有可以学的；请多问一些题"))
        draw = Random(self._plan.seed)
        again = draw.sample(old, min(len(old), math.ceil(self._plan.replay * len(new))))
        together = [*new, *again]
        draw.shuffle(together)
        how = _("按票里的口味") if self._taste is not None else _("按检查")
        note = _("{model} 自己的好答案 {n} 条（{how}），旧样本 {old} 条", model=self._plan.model, n=len(new), how=how, old=len(again))  # fmt: skip
        name = f"{self._plan.recipe}-self-{datetime.now():%Y%m%d-%H%M%S}"
        made = {
            "own_answers": {**self._plan.model_dump(mode="json"), "kept": len(new), "replayed": len(again)}
        }
        parent = self._old.name if self._old is not None else ""
        version = dataset.freeze_examples(
            self._workspace, self._plan.recipe, name, together, held, note, parent, made
        )
        return version, len(again)

    def _train(self, version: DatasetVersion, reporter: Reporter) -> TrainingRun:
        before = trainings.get(self._workspace.engine, self._learner.training_run_id or 0)
        settings = training.record_of(before).settings
        settings = settings.model_copy(
            update={
                "base": str(self._learner.path),
                "epochs": 1,
                "learning_rate": settings.learning_rate * GENTLER,
                "template": self._learner.template,
                "vary_names": 0.0,  # what passed the checks, as it passed them
                "vary_occasions": 0.0,
            }
        )
        title = _("{model} 再练一次", model=self._plan.model)
        with starting(self._workspace):  # it is this job that waits for its turn and is stopped with it
            run = training.prepare_training(self._workspace, before.preset, settings, version, title)
            run = trainings.change(self._workspace.engine, run.id, job_id=own_job_id())
        training.run_training(self._workspace, run, reporter)
        return trainings.get(self._workspace.engine, run.id)

    def _compared(self, merged: Artefact) -> tuple[Measured, ...]:
        plan = self._plan
        cases = held_out_cases(self._recipe, plan.styles, plan.questions, plan.seed)
        before, after = (self._ask(model, cases, TEMPERATURES) for model in (self._learner, merged))
        return tuple(
            self._measured(temperature, cases, *answers)
            for temperature, *answers in zip(TEMPERATURES, before, after, strict=True)
        )

    def _measured(
        self, temperature: float, cases: Sequence[Case], before: Sequence[str], after: Sequence[str]
    ) -> Measured:
        right = [
            tuple(self._checker.check(case, text).passed for text in pair)
            for case, *pair in zip(cases, before, after, strict=True)
        ]
        preferred = None
        if self._taste is not None:
            margins = [
                self._taste.score(b) - self._taste.score(a) for a, b in zip(before, after, strict=True)
            ]
            preferred = sum(0.5 if margin == 0 else float(margin > 0) for margin in margins) / len(margins)
        return Measured(
            temperature=temperature,
            count=len(cases),
            before=sum(old for old, _new in right) / len(cases),
            after=sum(new for _old, new in right) / len(cases),
            righted=sum(new and not old for old, new in right),
            spoilt=sum(old and not new for old, new in right),
            preferred=preferred,
        )


def _example(best: Best) -> TrainingExample:
    case = best.case
    digest = sample_digest(case.system, case.request, best.text, [])
    about = (case.name.text, case.scene.text, case.style.text, SELF)
    return TrainingExample(*about, case.system, [], case.request, best.text, digest, 0)


def _examples(
    workspace: Workspace, version: DatasetVersion
) -> tuple[list[TrainingExample], list[TrainingExample]]:
    """The training and validation samples of a version; what is not among the samples any more has no name,
    scene and style."""
    known = {
        example.digest: example for example in samples.stream(workspace.engine, SampleFilter(version.recipe))
    }
    held = dataset.validation_file(workspace, version)
    train = list(_read(dataset.training_file(workspace, version), known))
    return train, list(_read(held, known)) if held is not None else []


def _read(file: Path, known: dict[str, TrainingExample]) -> Iterator[TrainingExample]:
    for item in json.loads(file.read_text(encoding="utf-8")):
        *history, last = item["conversation"]
        earlier = [{"input": turn["input"], "output": turn["output"]} for turn in history]
        system = item["conversation"][0]["system"]
        digest = sample_digest(system, last["input"], last["output"], earlier)
        unknown = TrainingExample("", "", "", "", system, earlier, last["input"], last["output"], digest, 0)
        yield known.get(digest, unknown)


@worker_of(RelearningSubject)
def relearn(workspace: Workspace, subject: RelearningSubject, reporter: Reporter) -> int:
    """Trains a model on its own best answers and compares; returns the exit code."""
    result = _Round(workspace, subject.plan).run(reporter)
    save_result(workspace, result)
    print("\n".join(result_lines(result)), flush=True)
    return 0
