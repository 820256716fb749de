"""What an experiment has found so far, one file each in the workspace, and which training did best."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.evaluation.experiment.plan import ExperimentPlan, Values, axis_title, value_text
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.sentences import STORED, Sentence
from tianji_core.store.database import now
from tianji_core.workspace import Workspace

State = Literal["waiting", "running", "done", "hopeless", "skipped", "failed"]


class PlannedTraining(BaseModel):
    """One training of an experiment.

    ``values`` are the settings that are its own. ``loss`` is the lowest validation loss; ``seconds`` of
    training; ``passed`` the share (0-1) of ``count`` held-out answers that pass, ``low`` and ``high`` its
    bounds with 95 % confidence; None where not measured. Of the ``known`` questions of the forgetting probe
    that its base answers, it still answers ``kept``. ``note`` says why it is not done."""

    model_config = ConfigDict(frozen=True)

    values: Values
    state: State = "waiting"
    training_run_id: int | None = None
    loss: float | None = None
    seconds: float = 0.0
    iterations: int | None = None
    passed: float | None = None
    low: float | None = None
    high: float | None = None
    count: int = 0
    known: int | None = None
    kept: int | None = None
    note: Sentence = ""

    @property
    def open(self) -> bool:
        """Whether there is still something to do."""
        return self.state in ("waiting", "running")

    @property
    def text(self) -> str:
        """Its own settings, for people."""
        said = [
            _("{setting} {value}", setting=axis_title(name), value=value_text(name, value))
            for name, value in self.values.items()
        ]
        return reduce(lambda before, last: _("{before}，{last}", before=before, last=last), said)


class Experiment(BaseModel):
    """One experiment with its trainings, in the order in which they run."""

    model_config = ConfigDict(frozen=True)

    number: int
    plan: ExperimentPlan
    trainings: tuple[PlannedTraining, ...]
    created_at: datetime = Field(default_factory=now)

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.plan.title or _("实验 {n}", n=self.number)

    @property
    def seconds(self) -> float:
        """Seconds of training so far."""
        return sum(one.seconds for one in self.trainings)

    @property
    def open(self) -> bool:
        """Whether a training is still to be done."""
        return any(one.open for one in self.trainings)

    def with_training(self, at: int, **changes: object) -> "Experiment":
        """Returns the experiment with its ``at``-th training changed."""
        changed = list(self.trainings)
        changed[at] = changed[at].model_copy(update=changes)
        return self.model_copy(update={"trainings": tuple(changed)})


def state_title(state: State) -> str:
    """A training's state for people."""
    return {
        "waiting": _("没开始"),
        "running": _("进行中"),
        "done": _("完成"),
        "hopeless": _("提前结束"),
        "skipped": _("没有做"),
        "failed": _("失败"),
    }[state]


def best_training(trainings: Sequence[PlannedTraining]) -> PlannedTraining | None:
    """Returns the training with the highest pass rate, the quicker of two; None where none is measured."""
    measured = [one for one in trainings if one.passed is not None]
    return max(measured, key=lambda one: (one.passed or 0.0, -one.seconds), default=None)


def equal_trainings(trainings: Sequence[PlannedTraining]) -> list[PlannedTraining]:
    """Returns the other trainings whose pass rate is not below the lower bound of the best one, the quickest
    first."""
    best = best_training(trainings)
    if best is None:
        return []
    equal = [
        one
        for one in trainings
        if one is not best and one.passed is not None and one.passed >= (best.low or 0)
    ]
    return sorted(equal, key=lambda one: one.seconds)


def explained(experiment: Experiment) -> str:
    """Returns which training did best, how sure that is, and what it took, as one or two sentences."""
    best = best_training(experiment.trainings)
    if best is None:
        return _("还没有测出来的训练")
    said = _(
        "最好的是 {values}：留出的 {n} 题通过 {share}（95% 区间 {low}–{high}），训练用时 {time}",
        values=best.text,
        n=best.count,
        share=f"{best.passed or 0:.0%}",
        low=f"{best.low or 0:.0%}",
        high=f"{best.high or 0:.0%}",
        time=duration_text(best.seconds),
    )
    equal = equal_trainings(experiment.trainings)
    if not equal:
        return said
    if equal[0].seconds < best.seconds:
        said += _(
            "；另有 {n} 个和它分不出高下，其中最快的是 {values}（{share}，{time}）",
            n=len(equal),
            values=equal[0].text,
            share=f"{equal[0].passed or 0:.0%}",
            time=duration_text(equal[0].seconds),
        )
        return said
    return said + _("；另有 {n} 个和它分不出高下，它最快", n=len(equal))


def _folder(workspace: Workspace) -> Path:
    return workspace.home / "experiments"


def _numbers(workspace: Workspace) -> list[int]:
    names = (path.name for path in _folder(workspace).glob("experiment-*.json"))
    found = (re.fullmatch(r"experiment-(\d+)\.json", name) for name in names)
    return sorted((int(match[1]) for match in found if match), reverse=True)


def new_number(workspace: Workspace) -> int:
    """Returns a number that no experiment of the workspace has."""
    return max(_numbers(workspace), default=0) + 1


def experiments(workspace: Workspace) -> list[Experiment]:
    """Returns the experiments, newest first; a damaged file is left out."""
    found = []
    for number in _numbers(workspace):
        try:
            found.append(load_experiment(workspace, number))
        except InputError:
            continue
    return found


def load_experiment(workspace: Workspace, number: int) -> Experiment:
    """Returns one experiment.

    Raises:
        InputError: there is none with this number, or its file is damaged.
    """
    path = _folder(workspace) / f"experiment-{number}.json"
    try:
        return Experiment.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(_("没有编号为 {n} 的实验", n=number)) from error
    except (OSError, ValidationError) as error:
        raise InputError(_("实验记录 {file} 坏了", file=path)) from error


def save_experiment(workspace: Workspace, experiment: Experiment) -> None:
    """Writes an experiment to the workspace."""
    path = _folder(workspace) / f"experiment-{experiment.number}.json"
    write_text(path, experiment.model_dump_json(indent=1, context=STORED) + "\n")
