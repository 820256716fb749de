"""The verb for the forgetting probe: probe."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import models
from tianji_core.errors import InputError, JobError, ModelError
from tianji_core.evaluation.probe import (
    ProbePoint,
    ProbeSet,
    load_probe,
    memory_of,
    reset_probe,
    save_probe,
)
from tianji_core.evaluation.probe.asking import probe_folder
from tianji_core.evaluation.probe.judging import judged
from tianji_core.evaluation.sweep import load_sweep, start_before_after
from tianji_core.evaluation.sweep.after_training import own_plan
from tianji_core.evaluation.sweep.results import Sweep, save_sweep
from tianji_core.evaluation.trained_on import recipe_of
from tianji_core.i18n import _
from tianji_core.model_folders.trust import code_allowed
from tianji_core.store import recipes
from tianji_core.store import training as runs
from tianji_core.teachers import TeacherChoice
from tianji_core.verbs.common import LARGEST, JsonOption, WorkspaceOption, follow, opened, show
from tianji_core.verbs.evaluating import folders
from tianji_core.verbs.tables import show_table
from tianji_core.verbs.teacher_options import TeacherOptions
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class ProbeSetOptions:
    """The questions of the workspace."""

    questions: Annotated[
        Path | None,
        typer.Option(
            help="Make this YAML file the workspace's questions (form: configs/evaluation/probe.yaml).",
            show_default=False,
        ),
    ] = None
    reset: Annotated[bool, typer.Option("--reset", help="Go back to the shipped questions.")] = False

    def changed(self, space: Workspace) -> ProbeSet:
        """Changes the workspace's questions as asked, and returns them.

        Raises:
            InputError: the file cannot be read or has a fault; the questions stay as they were.
        """
        if self.reset and self.questions is not None:
            raise InputError(_("--reset 和 --questions 只能用一个"))
        if self.reset:
            reset_probe(space)
        if self.questions is not None:
            try:
                text = self.questions.read_text(encoding="utf-8-sig")
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(
                    _("读不了 {file}：{detail}", file=self.questions, detail=str(error)[:100])
                ) from error
            return save_probe(space, text)
        return load_probe(space)


@dataclass(frozen=True)
class ProbeJudgeOptions:
    """The teacher that judges what no check can decide."""

    judge: Annotated[
        str, typer.Option(help="Provider that judges the questions marked judge; default: nobody.")
    ] = ""
    judge_model: Annotated[str, typer.Option(help="Its model; default: the provider's first.")] = ""
    judge_url: Annotated[str, typer.Option(help="Its address; default: the provider's.")] = ""

    def choice(self) -> TeacherChoice | None:
        """Returns the teacher, None for nobody.

        Raises:
            InputError: options that do not go together.
        """
        if not self.judge:
            if self.judge_model or self.judge_url:
                raise InputError(_("--judge-model 和 --judge-url 要和 --judge 一起用"))
            return None
        return TeacherOptions(self.judge, self.judge_model, self.judge_url).choice()


def probe(
    training: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Ask the base and the last checkpoint of this training.",
            show_default=False,
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Ask this model (a name or a folder) and its base.")] = "",
    questions: ProbeSetOptions = ProbeSetOptions(),
    judging: ProbeJudgeOptions = ProbeJudgeOptions(),
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask ordinary questions, to see what a training made a model forget; without a model, list them."""
    space = opened(workspace)
    if training is not None and model:
        raise InputError(_("--training 和 --model 只能用一个"))
    asked, teacher = questions.changed(space), judging.choice()
    if training is not None:
        _show_run(space, asked, training, teacher, as_json)
    elif model:
        _show_model(space, asked, model, teacher, as_json)
    else:
        rows = [(number, one.kind or "—", one.ask) for number, one in enumerate(asked.questions, 1)]
        show_table(asked, as_json, (_("编号"), _("种类"), _("问题")), rows)


def _show_run(
    space: Workspace, asked: ProbeSet, number: int, teacher: TeacherChoice | None, as_json: bool
) -> None:
    run = runs.get(space.engine, number)
    sweep = load_sweep(space, run.id)
    plan = sweep.plan if sweep is not None else own_plan(space, run)
    asked = asked.of_task(recipes.current(space.engine, plan.recipe).recipe)
    if sweep is None or not any(point.digest == asked.digest for point in sweep.probes if point.iteration):
        follow(space, start_before_after(space, run), quiet=as_json)
        sweep = load_sweep(space, run.id)
    if sweep is None or not sweep.probes:
        raise JobError(_("“{title}”没有遗忘探针的回答", title=run.title))
    if teacher is not None:
        sweep = _judged_sweep(space, asked, sweep, teacher)
    memories = {point.iteration: sweep.memory(point.iteration) for point in sweep.probes}
    told = {step: memory for step, memory in memories.items() if memory is not None}
    lines = []
    for step, memory in told.items():
        lines.append(_("第 {n} 步：{told}", n=step, told=memory.sentence))
        lines += [f"  × {ask} → {now}" for ask, _before, now in memory.lost]
    facts = [
        {"iteration": step, "sentence": memory.sentence, **vars(memory)} for step, memory in told.items()
    ]
    show({"training": run.id, "memory": facts}, as_json, "\n".join(lines))


def _judged_sweep(space: Workspace, asked: ProbeSet, sweep: Sweep, teacher: TeacherChoice) -> Sweep:
    points = [judged(space, asked, point, teacher) for point in sweep.probes]
    now = load_sweep(space, sweep.plan.run_id) or sweep  # a running sweep may have measured more meanwhile
    for point in points:
        now = now.with_probe(point)
    save_sweep(space, now)
    return now


def _show_model(
    space: Workspace, asked: ProbeSet, model: str, teacher: TeacherChoice | None, as_json: bool
) -> None:
    folder, adapter = folders(space, model)
    asked = asked.of_task(recipes.current(space.engine, recipe_of(space, model)).recipe)
    now = _asked(space, asked, folder, adapter, teacher)
    base = folder if adapter is not None else _base_of(space, model)
    text = _("答对 {right}/{n} 题", right=now.right, n=len(now.answers))
    facts = {"right": now.right, "asked": len(now.answers), "answers": now.answers}
    if base is not None:
        memory = memory_of(_asked(space, asked, base, None, teacher), now)
        facts["memory"] = {"sentence": memory.sentence, **vars(memory)}
        text = "\n".join([memory.sentence, *(f"  × {ask} → {said}" for ask, _old, said in memory.lost)])
    show(facts, as_json, text)


def _asked(
    space: Workspace, asked: ProbeSet, folder: Path, adapter: Path | None, teacher: TeacherChoice | None
) -> ProbePoint:
    point = probe_folder(asked, folder, adapter, code_allowed(space, folder))
    return point if teacher is None else judged(space, asked, point, teacher)


def _base_of(space: Workspace, model: str) -> Path | None:
    """The base that a listed model was trained from, None where it is not known or not here."""
    try:
        base = models.artefact(space, model).base
    except ModelError:  # a folder that is not listed
        return None
    return base if base is not None and base.is_dir() else None
