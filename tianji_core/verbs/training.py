"""Verbs for training: train, queue."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from tianji_core import training
from tianji_core.errors import InputError, TrainingError
from tianji_core.evaluation.expectation import expected_of, keep_expectation
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store import training as runs
from tianji_core.training import queue as training_queue
from tianji_core.training.launch import by_hand
from tianji_core.training.places.profile import Place, place_named
from tianji_core.training.places.sending import pack, start_elsewhere
from tianji_core.training.skypilot import check_sky
from tianji_core.training.slurm import SlurmRequest, checked_request
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    WorkspaceOption,
    follow,
    opened,
    show,
    words,
)
from tianji_core.verbs.modelling import base_folder
from tianji_core.verbs.sky_options import SkyOptions
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class LearningOptions:
    """The data, the base and the settings of a new training."""

    dataset: Annotated[str, typer.Option(help="Dataset version to learn from.")] = ""
    pairs: Annotated[
        str, typer.Option(help="Version of preference pairs, for a preset that learns from pairs.")
    ] = ""
    preset: Annotated[str, typer.Option(help="Training preset: a file of configs/training.")] = (
        "nano-cpu-qlora"
    )
    base: Annotated[
        str, typer.Option(help="Base model: a name from 'models' or a folder; default: the preset's.")
    ] = ""
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, as often as needed, e.g. epochs=2.")
    ] = None
    title: Annotated[str, typer.Option(help="Title of the training.")] = ""
    curves: Annotated[str, typer.Option(help="Write the curves for tensorboard or swanlab, too.")] = ""
    mix: Annotated[
        list[str] | None,
        typer.Option(
            "--mix",
            help="VERSION:SHARE or VERSION=SHARE, as often as needed: learn from this version too; a share "
            "of all samples such as 0.2, or all. An experiment tries several: chat=0,0.2.",
        ),
    ] = None

    def version(self, space: Workspace) -> datasets.DatasetVersion:
        """Returns the named dataset version; with pairs that of the model which learns from them; else the
        newest of the recipe in use, else of any.

        Raises:
            DatasetError: there is no version of this name. TrainingError: there is no version at all.
        """
        if self.dataset:
            return datasets.by_name(space.engine, self.dataset)
        if self.pairs and (learnt := training.version_of_base(space, self.settings(space, "").base_folder)):
            return learnt
        known = [*datasets.listed(space.engine, space.settings().recipe), *datasets.listed(space.engine)]
        newest = sorted(known, key=lambda version: version.conversations)
        if not newest:
            raise TrainingError(
                _("还没有数据集版本；先审核样本，再冻结一个：python -m tianji_core freeze --name v1")
            )
        return newest[0]

    def settings(self, space: Workspace, recipe: str) -> training.TrainingSettings:
        """Returns the preset's settings for a recipe, with the base, its template, and the values of --set.

        Raises:
            InputError: an entry of --set or --mix cannot be read. TrainingError: a value is out of bounds.
        """
        base = str(base_folder(space, self.base)) if self.base else ""
        values: dict[str, Any] = training.default_settings(self.preset, space, recipe, base).model_dump()
        values["pairs"] = self.pairs
        values["curves"] = self.curves
        for change in self.setting or ():
            name, equals, value = change.partition("=")
            if not equals or name not in values:
                raise InputError(
                    _(
                        "--set 要写成 名字=值，名字是其中之一：{names}；写的是 {change}",
                        names=_("、").join(values),
                        change=change,
                    )
                )
            try:
                values[name] = json.loads(value)
            except ValueError:
                values[name] = value
        if self.mix:
            values["mix"] = [training.read_part(text) for text in self.mix]
        return training.checked_settings(values)


@dataclass(frozen=True)
class ContinueOptions:
    """An earlier training to continue."""

    resume: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Go on with this training from its newest checkpoint.",
            show_default=False,
        ),
    ] = None
    more: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="One more pass over the data with the weights of this training, as a new one.",
            show_default=False,
        ),
    ] = None
    checkpoint: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="With --resume or --more: begin at this iteration's checkpoint, in a training of its own.",
            show_default=False,
        ),
    ] = None

    @property
    def named(self) -> bool:
        """Whether an earlier training is named."""
        return self.resume is not None or self.more is not None

    def start(self, space: Workspace) -> training.TrainingRun | None:
        """Continues the named training and returns what runs now, None where no training is named.

        Raises:
            InputError: options that do not go together. TrainingError: it cannot be continued.
        """
        if self.resume is not None and self.more is not None:
            raise InputError(_("--resume 和 --more 只能用一个"))
        if self.more is not None:
            return training.one_more_epoch(space, runs.get(space.engine, self.more), self.checkpoint)
        if self.resume is None:
            if self.checkpoint is not None:
                raise InputError(_("--checkpoint 要和 --resume 或 --more 一起用"))
            return None
        run = runs.get(space.engine, self.resume)
        if self.checkpoint is not None:
            return training.branch_training(space, run, self.checkpoint)
        return training.resume_training(space, run)


@dataclass(frozen=True)
class TargetOptions:
    """The machines, cards and processes of a training."""

    gpus: Annotated[str, typer.Option(help="Cards by number, e.g. 0,1; default: any that are free.")] = ""
    nproc: Annotated[int, typer.Option(help="Processes on each machine; one per card.")] = 1
    deepspeed: Annotated[
        str, typer.Option(help="DeepSpeed setting, e.g. deepspeed_zero2, deepspeed_zero3_offload.")
    ] = ""
    nodes: Annotated[int, typer.Option(help="Machines.")] = 1
    address: Annotated[str, typer.Option(help="Host name or IP of the first machine.")] = ""
    port: Annotated[int, typer.Option(help="Free port of the first machine.")] = 29500

    def target(self, device: str, meeting: str = "") -> training.Target:
        """Returns the target for a preset's device; ``meeting`` stands for the address of the first machine
        where none is given.

        Raises:
            InputError: --gpus cannot be read. TrainingError: a value is out of bounds or does not fit the
                device.
        """
        values = {
            "gpus": self._cards(),
            "processes": self.nproc,
            "deepspeed": self.deepspeed,
            "nodes": self.nodes,
            "address": self.address or (meeting if self.nodes > 1 else ""),
            "port": self.port,
        }
        return training.checked_target(device, values)

    def _cards(self) -> list[int]:
        numbers = words(self.gpus)
        if not all(number.isdecimal() for number in numbers):
            raise InputError(_("--gpus 要写成 0,1 这样的编号，写的是 {text}", text=self.gpus))
        return [int(number) for number in numbers]


@dataclass(frozen=True)
class SlurmOptions:
    """What the job of the Slurm script asks of the cluster."""

    slurm_partition: Annotated[str, typer.Option(help="With --commands: partition of the Slurm script.")] = ""
    slurm_account: Annotated[str, typer.Option(help="With --commands: its account.")] = ""
    slurm_time: Annotated[str, typer.Option(help="With --commands: its time limit, e.g. 12:00:00.")] = ""
    slurm_memory: Annotated[str, typer.Option(help="With --commands: memory of each machine, e.g. 64G.")] = ""
    slurm_cpus: Annotated[int, typer.Option(help="With --commands: cores of each machine; 0: chosen.")] = 0

    def request(self) -> SlurmRequest:
        """Returns what was given.

        Raises:
            TrainingError: a value is not valid.
        """
        given = {name.removeprefix("slurm_"): value for name, value in asdict(self).items()}
        return checked_request(given)


@dataclass(frozen=True)
class ElsewhereOptions:
    """Another machine that is to train."""

    place: Annotated[str, typer.Option(help="Train at this place elsewhere, a name from 'places'.")] = ""
    bundle: Annotated[
        Path | None,
        typer.Option(
            help="Start nothing: write the training into this file, for 'worker --bundle' elsewhere.",
            show_default=False,
        ),
    ] = None


def train(
    learning: LearningOptions = LearningOptions(),
    earlier: ContinueOptions = ContinueOptions(),
    machines: TargetOptions = TargetOptions(),
    slurm: SlurmOptions = SlurmOptions(),
    other: ElsewhereOptions = ElsewhereOptions(),
    rented: SkyOptions = SkyOptions(),
    commands: Annotated[
        bool,
        typer.Option(
            "--commands", help="Start nothing: print the command of each machine and a Slurm script."
        ),
    ] = False,
    cpu_trial: Annotated[
        bool,
        typer.Option(
            "--cpu-trial", help="Only try the preset: a few steps on the CPU with 2 layers of the base."
        ),
    ] = False,
    check: Annotated[bool, typer.Option(help="Only check whether it could start.")] = False,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fine-tune with xtuner and follow it to its final checkpoint."""
    space = opened(workspace)
    request, place, bundle = slurm.request(), other.place, other.bundle
    rented.request(bundle)
    _check_one_way(place, commands, bundle, new=check or cpu_trial, earlier=earlier.named)
    run = earlier.start(space)
    if run is None:
        version = learning.version(space)
        settings = learning.settings(space, version.recipe)
        preset = training.preset(learning.preset, space)
        if cpu_trial:
            _try_on_cpu(space, preset.key, settings, version, as_json)
            return
        chosen = place_named(space, place) if place else None
        target = machines.target(preset.device, "slurm" if chosen and chosen.kind == "slurm" else "")
        checked = training.preflight(
            space, preset, settings, version, target, elsewhere=bool(place or bundle)
        )
        if check:
            if checked.tryable and not (place or bundle):
                training.try_base(space, settings.base_folder, settings.template, checked.runs_code)
                checked = training.preflight(space, preset, settings, version, target)
            _show_checks(checked, as_json)
            return
        _warn(checked)
        if bundle is not None:
            _pack(space, learning, settings, version, target, bundle, rented, as_json)
            return
        told = expected_of(space, learning.preset, settings, version)
        run = _begun(space, learning, settings, version, target, chosen, commands)
        keep_expectation(space, run, told)
        if commands or (target.nodes > 1 and chosen is None):
            _show_commands(space, run, request, commands and as_json)
        if commands:
            return
    _finish_training(space, run, detach, as_json)


def _check_one_way(place: str, commands: bool, bundle: Path | None, new: bool, earlier: bool) -> None:
    """Raises:
    InputError: several of --place, --bundle and --commands are given, or one of them or another option of a
        ``new`` training with an ``earlier`` one.
    """
    ways = sum((bool(place), commands, bundle is not None))
    if ways > 1:
        raise InputError(_("--place、--bundle 和 --commands 只能用一个"))
    if earlier and (ways or new):
        raise InputError(
            _("--resume 和 --more 不能和 --place、--bundle、--commands、--check、--cpu-trial 一起用")
        )


def _pack(
    space: Workspace,
    learning: LearningOptions,
    settings: training.TrainingSettings,
    version: datasets.DatasetVersion,
    target: training.Target,
    bundle: Path,
    rented: SkyOptions,
    as_json: bool,
) -> None:
    """Writes the bundle of a training, and a task of SkyPilot where one is asked for.

    Raises:
        StudioError: it cannot be trained there, or a file cannot be written.
    """
    preset, sky = training.preset(learning.preset, space), rented.request(bundle)
    if sky is not None:
        check_sky(sky, target, preset.device)
    pack(space, preset.key, settings, version, bundle, learning.title, target)
    facts, said = {"bundle": str(bundle)}, _("训练包写好了：{file}", file=bundle)
    if sky is not None:
        command = rented.write(sky, target, preset.device, bundle, settings.base_folder)
        facts |= {"sky": str(rented.sky), "command": command}
        said += "\n" + _("SkyPilot 的任务也写好了，启动它：{command}", command=command)
    show(facts, as_json, said)


def _warn(checked: training.Preflight) -> None:
    for warning in checked.checks:
        if warning.level == "warn":
            typer.echo(f"! {warning.title}：{warning.detail}", err=True)


def _begun(
    space: Workspace,
    learning: LearningOptions,
    settings: training.TrainingSettings,
    version: datasets.DatasetVersion,
    target: training.Target,
    place: Place | None,
    by_hand_only: bool,
) -> training.TrainingRun:
    """Stores a training and starts it here or elsewhere, or only stores it for commands by hand."""
    key, title = learning.preset, learning.title
    if place is not None:
        return start_elsewhere(space, key, settings, version, place, title, target)
    start = training.prepare_training if by_hand_only else training.start_training
    return start(space, key, settings, version, title, target)


def _try_on_cpu(
    space: Workspace,
    key: str,
    settings: training.TrainingSettings,
    version: datasets.DatasetVersion,
    as_json: bool,
) -> None:
    follow(space, training.start_cpu_trial(space, key, settings, version), quiet=as_json)
    trial = training.kept_cpu_trial(space, key, settings, version)
    if trial is not None:
        show({"trial": True, **trial.model_dump()}, as_json, trial.sentence)


def _show_checks(checked: training.Preflight, as_json: bool) -> None:
    """Prints what the preflight found.

    Raises:
        TrainingError: the training cannot start.
    """
    signs = {"pass": "✓", "warn": "!", "stop": "✗"}
    lines = [
        f"{signs.get(c.level, c.level)} " + _("{title}：{reason}", title=c.title, reason=c.detail)
        for c in checked.checks
    ]
    show(checked, as_json, "\n".join(lines))
    if not checked.ok:
        raise TrainingError(_("这样不能开始训练，见上面带 ✗ 的一项"))


def _finish_training(space: Workspace, run: training.TrainingRun, detach: bool, as_json: bool) -> None:
    state = training.training_state(space, run)
    if not detach and state.job is not None:
        follow(space, state.job, quiet=as_json)
        state = training.training_state(space, run)
    saved = state.checkpoints[-1].path if state.checkpoints else None
    facts = {
        "training": run.id,
        "state": state.state,
        "iterations": state.total,
        "loss": state.loss,
        "checkpoint": saved,
        "who": run.who,
    }
    shown = facts | {"loss": "—" if state.loss is None else f"{state.loss:.3f}", "checkpoint": saved or "—"}
    text = _("训练 {training}：共 {iterations} 步，最后的损失 {loss}，检查点 {checkpoint}", **shown)
    show(facts, as_json, _("训练 {n} 已开始", n=run.id) if detach else text)


def _show_commands(space: Workspace, run: training.TrainingRun, request: SlurmRequest, as_json: bool) -> None:
    lines, script = by_hand(space, run, request)
    text = "\n".join(_("# 第 {n} 号机器", n=n) + "\n" + line for n, line in enumerate(lines))
    facts = {"training": run.id, "commands": lines, "slurm": script}
    show(facts, as_json, f"{text}\n\n# Slurm\n{script}")


def queue(
    up: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Move this training one place nearer to its turn.", show_default=False
        ),
    ] = None,
    down: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Move this training one place back.", show_default=False),
    ] = None,
    cancel: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Take this training out of the queue.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the trainings that wait for their place, or change their order."""
    space = opened(workspace)
    if up is not None:
        training_queue.move(space, up, -1)
    if down is not None:
        training_queue.move(space, down, 1)
    if cancel is not None:
        training_queue.cancel(space, cancel)
    waiting = [runs.get(space.engine, run_id) for run_id in training_queue.waiting(space)]
    facts = [
        {"training": run.id, "title": run.title, "preset": run.preset, "who": run.who} for run in waiting
    ]
    rows = [(n, run.id, run.title, run.preset, run.who) for n, run in enumerate(waiting, start=1)]
    show_table(
        facts, as_json, (_("第几个"), _("训练"), _("名字"), _("预设"), _("谁")), rows, _("没有训练在排队")
    )
