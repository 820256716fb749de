"""Verbs from a checkpoint to a merged model and its GGUF file: convert, merge, export-gguf, download,
models."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import jobs, models
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.models.merged import SHARD_GB
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
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace

NameOption = Annotated[str, typer.Option(help="Name of the result; default: made from the source.")]
DeviceOption = Annotated[str, typer.Option(help="Where to merge: cpu, cuda or auto.")]
ShardOption = Annotated[float, typer.Option(help="Largest weight file of a merged model, in GB.")]
DtypeOption = Annotated[
    str, typer.Option(help="Number format of a merged model: auto (the base's), bfloat16, float16, float32.")
]
TrustOption = Annotated[
    bool,
    typer.Option(
        "--trust-remote-code",
        help="Let Python code in the model's folder run when it is loaded (InternLM2 needs it).",
    ),
]


def base_folder(space: Workspace, base: str) -> Path:
    """Returns a model's folder from its listed name or its path."""
    if "/" in base or Path(base).is_dir():
        # pathlib raises on a circle of links
        return Path(os.path.realpath(os.path.expanduser(base)))  # noqa: PTH111
    return models.artefact(space, base).path


def convert(
    run: Annotated[int, typer.Option("--training", min=1, max=LARGEST, help="Number of the training.")],
    checkpoint: Annotated[
        int | None, typer.Option(help="Iteration; default: the newest.", show_default=False)
    ] = None,
    merge: Annotated[bool, typer.Option("--merge", help="Merge the adapter into its base as well.")] = False,
    device: DeviceOption = "cpu",
    shard: ShardOption = SHARD_GB,
    dtype: DtypeOption = "auto",
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
            return models.start_convert_and_merge(space, trained, checkpoint, device, shard, dtype)
        return models.start_convert(space, trained, checkpoint, name)

    _make(space, start, detach, as_json)


def merge(
    adapter: Annotated[str, typer.Argument(help="Name of the adapter.")],
    base: Annotated[str, typer.Option(help="Base model; default: the one it was trained on.")] = "",
    device: DeviceOption = "cpu",
    shard: ShardOption = SHARD_GB,
    dtype: DtypeOption = "auto",
    name: NameOption = "",
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Merge an adapter into the base it was trained on."""
    space = opened(workspace)
    folder = base_folder(space, base) if base else None
    source = models.artefact(space, adapter)
    _make(
        space,
        lambda: models.start_merge(space, source, name, folder, device, shard, dtype),
        detach,
        as_json,
    )


def export_gguf(
    merged: Annotated[str, typer.Argument(help="Name of the merged model.")],
    quantisation: Annotated[
        str, typer.Option("--format", help="f16, q8_0 (half the size) or q4_k_m (a third).")
    ] = "f16",
    name: NameOption = "",
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Export a merged model to a checked GGUF file with a Modelfile, for Ollama, llama.cpp and LM Studio."""
    space = opened(workspace)
    source = models.artefact(space, merged)
    _make(space, lambda: models.start_export_gguf(space, source, quantisation, name), detach, as_json)


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
    known: Annotated[
        bool,
        typer.Option("--known", help="Show the bases that can be downloaded instead, with what they take."),
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List bases, adapters, merged models and GGUF files, or register a folder as a base."""
    if known:
        bases = models.known_bases()
        methods = ("qlora", "lora", "full")
        rows = [
            (
                *(base.title, base.modelscope, f"{base.size_gb:g} GB", base.template),
                *(f"{method} {base.memory_gb(method)} GB" for method in methods),
            )
            for base in bases
        ]
        heads = (_("名字"), "ModelScope", _("大小"), _("对话模板"), "QLoRA", "LoRA", _("全量"))
        show_table([base.model_dump() for base in bases], as_json, heads, rows)
        return
    space = opened(workspace)
    if register is not None:
        models.register_folder(space, register, trust_remote_code=trust_remote_code)
    elif trust_remote_code:
        raise InputError(_("--trust-remote-code 要和 --register 一起用"))
    listed = models.artefacts(space)
    _show_models(listed, as_json)


def _make(space: Workspace, start: Callable[[], jobs.Job], detach: bool, as_json: bool) -> None:
    """Starts a job that makes models, follows it, and prints what it made."""
    before = {model.name for model in models.artefacts(space)}
    job = start()
    if not detach:
        follow(space, job, quiet=as_json)
    made = [model for model in models.artefacts(space) if model.name not in before]
    if detach:
        show([_facts(model) for model in made], as_json, _("已开始，查看进度：python -m tianji_core jobs"))
    else:
        _show_models(made, as_json)


def _facts(model: Artefact) -> dict[str, object]:
    return {
        "name": model.name,
        "kind": model.kind,
        "path": model.path,
        "base": model.base,
        "dataset": model.dataset_name,
        "dataset_sha256": model.dataset_sha256,
        "mix": [part.model_dump() for part in model.mix],
        "pairs": [pairs.model_dump() for pairs in model.pairs],
        "sample": model.sample,
        "who": model.who,
    }


def _show_models(listed: list[Artefact], as_json: bool) -> None:
    rows = [
        (
            models.kind_title(model.kind),
            model.name,
            " · ".join(models.learnt_from(model)) or "—",
            model.path,
            model.who,
        )
        for model in listed
    ]
    facts = [_facts(model) for model in listed]
    heads = (_("种类"), _("名字"), _("学的数据"), _("文件夹"), _("谁"))
    show_table(facts, as_json, heads, rows, _("还没有模型"))
