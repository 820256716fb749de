"""Converts a checkpoint to an adapter or a full model with the training engine's own tool. The hidden folder
gets its manifest and then its name, so a listed model is complete."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import Any

from tianji_core.dataset import training_file
from tianji_core.errors import ModelError, StudioError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.model_folders.adapter import WEIGHTS, is_adapter
from tianji_core.model_folders.base import check_same_base, checked_base
from tianji_core.model_folders.learnt import LearntPairs
from tianji_core.model_folders.manifest import Artefact, read_artefact, write_artefact
from tianji_core.model_folders.remote_code import brings_code
from tianji_core.model_folders.trust import runs_code
from tianji_core.models.card import write_card
from tianji_core.models.catalogue import checked_name, free_name, making
from tianji_core.models.trying import trial_questions, tried
from tianji_core.ownership import copy
from tianji_core.roles import acting_person
from tianji_core.store.training import TrainingRun
from tianji_core.training import (
    Checkpoint,
    engine,
    preset_of,
    record_of,
    training_state,
    version_of,
    work_folder,
)
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.config import write_base
from tianji_core.training.estimate import read_training_file
from tianji_core.training.record import TrainingRecord
from tianji_core.workspace import Workspace


def checkpoint_of(workspace: Workspace, run: TrainingRun, iteration: int | None) -> Checkpoint:
    """Returns a checkpoint of a training, the newest for None.

    Raises:
        ModelError: there is none; the message lists what there is.
    """
    checkpoints = training_state(workspace, run).checkpoints
    if not checkpoints:
        raise ModelError(_("“{title}”还没有检查点，先让它训练到第一个检查点", title=run.title))
    matching = [
        checkpoint for checkpoint in checkpoints if iteration is None or checkpoint.iteration == iteration
    ]
    if not matching:
        known = _("、").join(str(checkpoint.iteration) for checkpoint in checkpoints)
        raise ModelError(
            _(
                "“{title}”没有第 {n} 步的检查点，有的是：{known}",
                title=run.title,
                n=iteration,
                known=known,
            )
        )
    return matching[-1]


def convert(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    name: str = "",
    reporter: Reporter | None = None,
) -> Artefact:
    """Converts a checkpoint to a LoRA adapter in Hugging Face format, or to a full model where all parameters
    were trained.

    Raises:
        ModelError: no such checkpoint, a base whose code nobody allowed, another base than at training time,
            a name in use.
        StudioError: the tool failed.
    """
    reporter = reporter or Reporter()
    checkpoint = checkpoint_of(workspace, run, iteration)
    record = record_of(run)
    settings = record.settings
    check_same_base(settings.base_folder, record.base_fingerprint)
    runs_code(workspace, settings.base_folder)
    chosen_preset = preset_of(workspace, run)
    usual_name = (
        f"{run.preset.removesuffix('-qlora').removesuffix('-lora')}-{run.id}-iter{checkpoint.iteration}"
    )
    chosen = checked_name(workspace, name) if name else free_name(workspace, usual_name)
    write_base(work_folder(workspace, run), settings.base_folder)
    reporter.update(0, total=1, message=_("正在把检查点转成适配器"))
    with making(workspace, chosen) as folder:
        arguments = engine.converter_arguments(work_folder(workspace, run), checkpoint.path, folder)
        _run(workspace, arguments, chosen_preset.device)
        whole = chosen_preset.method == "full"
        figures = {"bytes": float(_made_size(folder, whole))} | _losses(workspace, run, checkpoint)
        made = Artefact(
            who=acting_person(),
            name=chosen,
            kind="merged" if whole else "adapter",
            title=_("{title}（第 {n} 步）", title=run.title, n=checkpoint.iteration),
            path=folder,
            base=settings.base_folder,
            base_fingerprint=record.base_fingerprint,
            training_run_id=run.id,
            checkpoint=checkpoint.iteration,
            template=settings.template,
            system=_trained_system(workspace, run),
            dataset_name=record.dataset_name,
            dataset_sha256=record.dataset_sha256,
            figures=figures,
            **learnt_by(workspace, record),
        )
        if whole:
            made = _answered(workspace, made, settings.base_folder, reporter)
        write_card(folder, made, run)
        write_artefact(folder, made, workspace.home)
    reporter.update(1)
    return read_artefact(workspace.models / chosen, workspace.home)


def learnt_by(workspace: Workspace, record: TrainingRecord) -> dict[str, Any]:
    """Returns ``mix`` and ``pairs`` of the artefact that a training makes. Pairs that its base has learnt
    stay in the list, and the mix of the base does where the training learns from pairs alone."""
    mix = record.mixed.learnt if record.mixed is not None else ()
    pairs: tuple[LearntPairs, ...] = ()
    with contextlib.suppress(ModelError):  # a base that was not made here has learnt nothing known
        base = read_artefact(record.settings.base_folder, workspace.home)
        mix, pairs = (base.mix if record.settings.pairs else mix), base.pairs
    if name := record.settings.pairs:
        pairs += (LearntPairs(version=name, sha256=record.pairs_sha256, count=record.pairs_count),)
    return {"mix": mix, "pairs": pairs}


def _answered(workspace: Workspace, made: Artefact, base: Path, reporter: Reporter) -> Artefact:
    """The full model with the code of its base and what it answers to the trial prompts."""
    made = made.model_copy(update={"trust_remote_code": _code_taken_over(base, made.path)})
    reporter.update(0, total=1, message=_("正在试答一句"))
    asked = trial_questions(workspace, made)
    answers = tried(workspace, made, asked, "cpu", made.trust_remote_code, [])["answers"]
    samples = dict(zip(asked, answers, strict=True))
    return made.model_copy(update={"samples": samples, "sample": answers[0]})


def _made_size(folder: Path, whole: bool) -> int:
    """Returns the bytes of the weights that the tool wrote.

    Raises:
        ModelError: it left none, or not all.
    """
    if whole:
        return checked_base(folder).size
    weights = folder / WEIGHTS
    if not is_adapter(folder) or not weights.exists():
        raise ModelError(_("转换没有留下适配器文件，请看日志"))
    return weights.stat().st_size


def _losses(workspace: Workspace, run: TrainingRun, checkpoint: Checkpoint) -> dict[str, float]:
    """Returns the training and the validation loss at a checkpoint, where known."""
    losses = {} if checkpoint.loss is None else {"loss": checkpoint.loss}
    validation_losses = [
        validation.loss
        for validation in engine.validations(work_folder(workspace, run))
        if validation.iteration <= checkpoint.iteration and validation.loss is not None
    ]
    return losses | ({"val_loss": validation_losses[-1]} if validation_losses else {})


def _code_taken_over(base: Path, folder: Path) -> bool:
    """Copies the base's Python code, which was allowed for the training, beside a full model. Returns
    whether there is any."""
    for path in base.glob("*.py") if brings_code(base) else ():
        copy(path, folder / path.name)
    return brings_code(folder)


def _trained_system(workspace: Workspace, run: TrainingRun) -> str:
    """Returns the most frequent system prompt of the training file."""
    version = version_of(workspace, run)
    try:
        turns = read_training_file(training_file(workspace, version)) if version is not None else []
    except StudioError:  # the version was deleted; falls back to the system prompt of the trial prompts
        turns = []
    counted = Counter(turn["system"] for turn in turns).most_common(1)
    return counted[0][0] if counted else record_of(run).settings.system


def _run(workspace: Workspace, arguments: list[str], device: str) -> None:
    ended = run_tool(arguments, tool_environment(workspace, device), lambda _line: None)
    if ended.code != 0:
        raise StudioError(tool_cause(ended.tail, ended.code))
