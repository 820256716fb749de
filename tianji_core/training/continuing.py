"""Continuing from a checkpoint in a new training, from any step or for another epoch; the training it comes
from stays as it is."""

import os
import shutil
from pathlib import Path
from typing import Literal

from tianji_core.dataset import training_file
from tianji_core.errors import TrainingError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.model_folders.trust import runs_code
from tianji_core.ownership import copy, new_folder
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine
from tianji_core.training.config import rendered_config
from tianji_core.training.launch import begin, check_base, next_step_of, version_of
from tianji_core.training.learnt_pairs import pairs_hash
from tianji_core.training.lock import starting
from tianji_core.training.mixed_data import MIX, MIXED_TRAIN, verify_mixed
from tianji_core.training.presets import preset
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.record import Origin, record_of
from tianji_core.training.saved import Checkpoint
from tianji_core.training.varied_data import training_data
from tianji_core.workspace import Workspace, highest_number

_ANEW: dict[str, object] = {"origin": None, "held": (), "began": None, "place": "", "bundle": ""}
"""What a training does not take over from the one it comes from: it runs on this machine."""


def branch_training(workspace: Workspace, run: TrainingRun, iteration: int) -> TrainingRun:
    """Continue from the checkpoint after ``iteration`` iterations, in a new training with the same settings
    and the same learning rate curve. The old training keeps its later checkpoints.

    Raises:
        TrainingError: there is no such checkpoint. ModelError: the base is another one now.
    """
    checkpoint = _checkpoint(workspace, run, iteration)
    if checkpoint.iteration == training_state(workspace, run).total:
        raise TrainingError(_("第 {n} 步已经是最后一步；要多训一遍请用“再训一遍”", n=iteration))
    title = _("{title} · 从第 {n} 步", title=run.title, n=iteration)
    return _derived(workspace, run, checkpoint, title, "resume", {})


def one_more_epoch(workspace: Workspace, run: TrainingRun, iteration: int | None = None) -> TrainingRun:
    """Train one more epoch from a checkpoint (the newest for None), in a new training. It takes over the
    weights; warm-up and learning rate curve start again, since the old curve ended at zero.

    Raises:
        TrainingError: there is no such checkpoint. ModelError: the base is another one now.
    """
    checkpoint = _checkpoint(workspace, run, iteration)
    title = _("{title} · 再训一遍", title=run.title)
    return _derived(workspace, run, checkpoint, title, "weights", {"epochs": 1})


def _checkpoint(workspace: Workspace, run: TrainingRun, iteration: int | None) -> Checkpoint:
    checkpoints = training_state(workspace, run).checkpoints
    if not checkpoints:
        raise TrainingError(_("“{title}”没有检查点，只能重新训练", title=run.title))
    if iteration is None:
        return checkpoints[-1]
    for checkpoint in checkpoints:
        if checkpoint.iteration == iteration:
            return checkpoint
    known = _("、").join(str(checkpoint.iteration) for checkpoint in checkpoints)
    raise TrainingError(
        _("“{title}”没有第 {n} 步的检查点，有的是：{known}", title=run.title, n=iteration, known=known)
    )


def _derived(
    workspace: Workspace,
    run: TrainingRun,
    checkpoint: Checkpoint,
    title: str,
    mode: Literal["resume", "weights"],
    changes: dict[str, object],
) -> TrainingRun:
    check_base(run)
    record = record_of(run)
    if record.mixed is not None:
        verify_mixed(work_folder(workspace, run), record.mixed)
    settings = record.settings.model_copy(update=changes)
    record = record.model_copy(update={**_ANEW, "settings": settings})
    with starting(workspace):
        assert run.dataset_version_id is not None
        last = highest_number(workspace.runs, "training-")
        made = training_runs.add(
            workspace.engine, title, run.preset, run.dataset_version_id, record.stored(), last
        )
        folder = new_folder(workspace.runs / f"training-{made.id}")
        own = folder / "origin" / checkpoint.path.name
        _linked(checkpoint.path, own)
        origin = Origin(
            run=run.id,
            iteration=checkpoint.iteration,
            mode=mode,
            checkpoint=str(own.relative_to(workspace.home)),
        )
        made = training_runs.change(
            workspace.engine,
            made.id,
            work_dir=str(folder.relative_to(workspace.home)),
            settings=record.model_copy(update={"origin": origin}).stored(),
        )
        config = work_folder(workspace, run) / engine.CONFIG_NAME
        _with_mix(workspace, run, folder)
        text = _anew(workspace, made, own) if mode == "weights" else config.read_text(encoding="utf-8")
        text = text.replace(str(config.with_name(MIXED_TRAIN)), str(folder / MIXED_TRAIN))
        write_text(folder / engine.CONFIG_NAME, text)
        return begin(workspace, made, next_step_of(workspace, run))


def _anew(workspace: Workspace, run: TrainingRun, weights: Path) -> str:
    """The config of a training that begins with the weights of a checkpoint. Rendered from the preset,
    because the trainer replaced the old training's config by one in which every constant is substituted."""
    record, version, folder = record_of(run), version_of(workspace, run), work_folder(workspace, run)
    assert version is not None
    settings = record.settings
    if record.pairs_sha256 and pairs_hash(workspace, settings.pairs) != record.pairs_sha256:
        raise TrainingError(
            _("偏好对“{name}”和这次训练开始时的不一样了，不能接着练；请新开一次训练", name=settings.pairs)
        )
    source = rendered_config(
        preset(run.preset, workspace),
        settings,
        training_data(workspace, version, settings, folder) if record.mixed is None else folder / MIXED_TRAIN,
        runs_code(workspace, settings.base_folder),
        training_file(workspace, version),
    )
    return engine.with_weights(source, weights)


def _with_mix(workspace: Workspace, run: TrainingRun, folder: Path) -> None:
    """Gives the new training the mixed file of the old one: the versions in it may be gone by now."""
    old = work_folder(workspace, run)
    for name in (MIXED_TRAIN, MIX) if record_of(run).mixed is not None else ():
        _link(str(old / name), str(folder / name))


def _linked(source: Path, target: Path) -> None:
    """Give the checkpoint a second name: its own training may delete it."""
    target.parent.mkdir(parents=True)
    if source.is_dir():  # DeepSpeed
        shutil.copytree(source, target, copy_function=_link)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        copy(Path(source), Path(target))
