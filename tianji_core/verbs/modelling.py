"""Verbs from a dataset version to a merged model: train, convert, merge, download, models."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from tianji_core import jobs, models, training
from tianji_core.errors import InputError, TrainingError
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.store import datasets
from tianji_core.store import training as runs
from tianji_core.verbs.common import (
    LARGEST,
    DetachOption,
    JsonOption,
    WorkspaceOption,
    follow,
    opened,
    show,
)
from tianji_core.workspace import Workspace

NameOption = Annotated[str, typer.Option(help="Name of the result; default: made from the source.")]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code",
        help="Let Python code in the model's folder run when it is loaded (InternLM2 needs it).",
    ),
]


def train(
    dataset: Annotated[str, typer.Option(help="Dataset version to learn from.")] = "",
    preset: Annotated[
        str, typer.Option(help="Training preset: a file of configs/training.")
    ] = "nano-cpu-qlora",
    base: Annotated[
        str, typer.Option(help="Base model: a name from 'models' or a folder; default: the preset's.")
    ] = "",
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, as often as needed, e.g. epochs=2.")
    ] = None,
    title: Annotated[str, typer.Option(help="Title of the training.")] = "",
    resume: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Go on with this training from its newest checkpoint.",
            show_default=False,
        ),
    ] = None,
    check: Annotated[bool, typer.Option(help="Only check whether it could start.")] = False,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fine-tune with xtuner and follow it to its final checkpoint."""
    space = opened(workspace)
    if resume is not None:
        run = training.resume_training(space, runs.get(space.engine, resume))
    else:
        version = _version(space, dataset)
        settings = _settings(space, preset, base, setting or [])
        checked = training.preflight(space, training.preset(preset), settings, version)
        if check:
            signs = {"pass": "✓", "warn": "!", "stop": "✗"}
            lines = [
                f"{signs.get(c.level, c.level)} " + _("{title}：{reason}", title=c.title, reason=c.detail)
                for c in checked.checks
            ]
            show(checked, as_json, "\n".join(lines))
            if not checked.ok:
                raise TrainingError(_("这样不能开始训练，见上面带 ✗ 的一项"))
            return
        for found in checked.checks:
            if found.level == "warn":
                typer.echo(f"! {found.title}：{found.detail}", err=True)
        run = training.start_training(space, preset, settings, version, title)
    _finish_training(space, run, detach, as_json)


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
    }
    text = _("训练 {training}：共 {iterations} 步，最后的损失 {loss}，检查点 {checkpoint}", **facts)
    show(facts, as_json, _("训练 {n} 已开始", n=run.id) if detach else text)


def _version(space: Workspace, name: str) -> datasets.DatasetVersion:
    if name:
        return datasets.by_name(space.engine, name)
    newest = datasets.listed(space.engine, limit=1)
    if not newest:
        raise TrainingError(_("还没有数据集版本；先审核样本并用 freeze 定稿一个"))
    return newest[0]


def _settings(space: Workspace, preset: str, base: str, changes: list[str]) -> training.TrainingSettings:
    values: dict[str, Any] = training.default_settings(preset, space).model_dump()
    if base:
        values["base"] = str(base_folder(space, base))
    for change in changes:
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
    return training.checked_settings(values)


def base_folder(space: Workspace, base: str) -> Path:
    """A model's folder from its listed name, or a path."""
    if "/" in base or Path(base).is_dir():
        return Path(base).expanduser().resolve()
    return models.artefact(space, base).path


def convert(
    run: Annotated[int, typer.Option("--training", min=1, max=LARGEST, help="Number of the training.")],
    checkpoint: Annotated[
        int | None, typer.Option(help="Iteration; default: the newest.", show_default=False)
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Merge the adapter into its base as well.")] = False,
    name: NameOption = "",
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Turn a checkpoint into a LoRA adapter, and with --merge into a merged model too."""
    space = opened(workspace)
    trained = runs.get(space.engine, run)
    if merge and name:
        raise InputError(_("--name 只用于单独转换；带 --merge 时名字自动取"))

    def start() -> jobs.Job:
        if merge:
            return models.start_convert_and_merge(space, trained, checkpoint)
        return models.start_convert(space, trained, checkpoint, name)

    _make(space, start, detach, as_json)


def merge(
    adapter: Annotated[str, typer.Argument(help="Name of the adapter.")],
    base: Annotated[str, typer.Option(help="Base model; default: the one it was trained on.")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "cpu",
    name: NameOption = "",
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Merge an adapter into the base it was trained on."""
    space = opened(workspace)
    folder = base_folder(space, base) if base else None
    found = models.artefact(space, adapter)
    _make(space, lambda: models.start_merge(space, found, name, folder, device), detach, as_json)


def download(
    model: Annotated[str, typer.Argument(help="Model id, e.g. Shanghai_AI_Laboratory/internlm2-chat-7b.")],
    source: Annotated[str, typer.Option(help="Where from.")] = "modelscope",
    name: NameOption = "",
    trust_remote_code: TrustOption = False,
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fetch a base model; run it again to go on where it stopped."""
    space = opened(workspace)
    _make(
        space,
        lambda: models.start_download(space, model, source, name, trust_remote_code),
        detach,
        as_json,
    )


def list_models(
    register: Annotated[
        Path | None, typer.Option(help="List this folder as a base model as well.", show_default=False)
    ] = None,
    trust_remote_code: TrustOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List bases, adapters and merged models, or register a folder as a base."""
    space = opened(workspace)
    if register is not None:
        models.register_folder(space, register, trust_remote_code=trust_remote_code)
    elif trust_remote_code:
        raise InputError(_("--trust-remote-code 要和 --register 一起用"))
    found = models.artefacts(space)
    show([_facts(each) for each in found], as_json, _lines(found))


def _make(space: Workspace, start: Callable[[], jobs.Job], detach: bool, as_json: bool) -> None:
    """Start a job that makes models, follow it, and say what it made."""
    before = {each.name for each in models.artefacts(space)}
    job = start()
    if not detach:
        follow(space, job, quiet=as_json)
    made = [each for each in models.artefacts(space) if each.name not in before]
    show([_facts(each) for each in made], as_json, _("已开始，用 jobs 查看") if detach else _lines(made))


def _facts(each: Artefact) -> dict[str, object]:
    return {"name": each.name, "kind": each.kind, "path": each.path, "base": each.base, "sample": each.sample}


def _lines(found: list[Artefact]) -> str:
    return "\n".join(f"{models.kind_title(each.kind)}  {each.name}  {each.path}" for each in found)
