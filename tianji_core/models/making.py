"""Making an adapter from a checkpoint, and a merged model from an adapter, with xtuner's own tools.

Each works in a hidden folder that gets its manifest and then its name, so what is listed is complete.
"""

import json
import shutil
from pathlib import Path

from tianji_core.errors import ModelError, StudioError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.models.catalogue import checked_name, free_name, making
from tianji_core.models.manifest import Artefact, read_manifest, write_manifest
from tianji_core.store.training import TrainingRun
from tianji_core.training import Checkpoint, preset, settings_of, training_state, work_folder
from tianji_core.training.base import checked_base, fingerprint
from tianji_core.training.child import child_environment, run_child, xtuner_tool
from tianji_core.training.config import CONFIG_NAME
from tianji_core.training.trust import checked_code, runs_code
from tianji_core.training.verdict import cause
from tianji_core.workspace import Workspace

SHARD = "2GB"
"""Largest weight file of a merged model, as in the tutorial."""


def checkpoint_of(workspace: Workspace, run: TrainingRun, iteration: int | None) -> Checkpoint:
    """A checkpoint of a training, the newest for None.

    Raises:
        ModelError: there is none; the message lists what there is.
    """
    found = training_state(workspace, run).checkpoints
    if not found:
        raise ModelError(_("“{title}”还没有检查点，先让它训练到第一个检查点", title=run.title))
    chosen = [each for each in found if iteration is None or each.iteration == iteration]
    if not chosen:
        known = _("、").join(str(each.iteration) for each in found)
        raise ModelError(
            _(
                "“{title}”没有第 {n} 步的检查点，有的是：{known}",
                title=run.title,
                n=iteration,
                known=known,
            )
        )
    return chosen[-1]


def convert(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    name: str = "",
    reporter: Reporter | None = None,
) -> Artefact:
    """Turn a checkpoint into a LoRA adapter in Hugging Face form.

    Raises:
        ModelError: no such checkpoint, a base whose code nobody allowed, another base than at training time, a name in use. StudioError: the tool failed.
    """
    reporter = reporter or Reporter()
    checkpoint = checkpoint_of(workspace, run, iteration)
    settings = settings_of(run)
    expected = str(run.settings.get("base_fingerprint", ""))
    check_base(settings.base_folder, expected)
    runs_code(workspace, settings.base_folder)
    wanted = f"{run.preset.removesuffix('-qlora')}-{run.id}-iter{checkpoint.iteration}"
    chosen = checked_name(workspace, name) if name else free_name(workspace, wanted)
    reporter.update(0, total=1, message=_("正在把检查点转成适配器"))
    config = work_folder(workspace, run) / CONFIG_NAME
    with making(workspace, chosen) as folder:
        arguments = [
            str(xtuner_tool("model_converters/pth_to_hf.py")),
            str(config),
            str(checkpoint.path),
            str(folder),
        ]
        _run(workspace, [*arguments, "--safe-serialization"], preset(run.preset).device)
        weights = folder / "adapter_model.safetensors"
        if not (folder / "adapter_config.json").exists() or not weights.exists():
            raise ModelError(_("转换没有留下适配器文件，请看日志"))
        figures = {"bytes": float(weights.stat().st_size)}
        if checkpoint.loss is not None:
            figures["loss"] = checkpoint.loss
        made = Artefact(
            name=chosen,
            kind="adapter",
            title=_("{title}（第 {n} 步）", title=run.title, n=checkpoint.iteration),
            path=folder,
            base=settings.base_folder,
            base_fingerprint=expected,
            training_run_id=run.id,
            checkpoint=checkpoint.iteration,
            system=_trained_system(workspace, run),
            dataset_name=str(run.settings.get("dataset_name", "")),
            dataset_sha256=str(run.settings.get("dataset_sha256", "")),
            figures=figures,
        )
        write_manifest(folder, made, workspace.home)
    reporter.update(1)
    return read_manifest(workspace.models / chosen, workspace.home)


def merge(
    workspace: Workspace,
    adapter: Artefact,
    name: str = "",
    base: Path | None = None,
    device: str = "cpu",
    reporter: Reporter | None = None,
) -> Artefact:
    """Merge an adapter into its base and let the result answer once. ``device`` 'cpu' needs RAM for the whole model in
    16 bits; 'cuda' and 'auto' need that much GPU memory and often run out of it.

    Raises:
        ModelError: not an adapter, another base than it was trained on, too little disk, an incomplete result.
        StudioError: the tool failed.
    """
    reporter = reporter or Reporter()
    folder = base_to_merge_into(workspace, adapter, base)
    code = runs_code(workspace, folder)
    needed = checked_base(folder).size
    free = shutil.disk_usage(workspace.models).free
    if free < needed * 1.1:
        raise ModelError(
            _(
                "合并约需 {need} GB 磁盘，只剩 {free} GB，请先清理",
                need=f"{needed / 1e9:.1f}",
                free=f"{free / 1e9:.1f}",
            )
        )
    chosen = checked_name(workspace, name) if name else free_name(workspace, f"{adapter.name}-merged")
    with making(workspace, chosen) as target:
        reporter.update(0, total=2, message=_("正在合并到基座"))
        tool = str(xtuner_tool("model_converters/merge.py"))
        arguments = [tool, str(folder), str(adapter.path), str(target), "--max-shard-size", SHARD]
        _run(workspace, [*arguments, "--device", device, "--safe-serialization"], device)
        reporter.update(1, message=_("正在试答一句"))
        size = checked_base(target).size
        sample = try_answer(workspace, target, adapter.system, device, code)
        made = adapter.model_copy(
            update={
                "name": chosen,
                "kind": "merged",
                "path": target,
                "base": folder,
                "adapter": adapter.name,
                "figures": {**adapter.figures, "bytes": float(size)},
                "sample": sample,
                "trust_remote_code": code,
                "created_at": Artefact(name="", kind="base", title="", path=target).created_at,
            }
        )
        write_manifest(target, made, workspace.home)
    reporter.update(2)
    return read_manifest(workspace.models / chosen, workspace.home)


def convert_and_merge(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    device: str = "cpu",
    reporter: Reporter | None = None,
) -> tuple[Artefact, Artefact]:
    """The adapter of a checkpoint and the model merged with it.

    Raises:
        ModelError, StudioError: as :func:`convert` and :func:`merge`; an adapter made before a failure stays.
    """
    adapter = convert(workspace, run, iteration, reporter=reporter)
    return adapter, merge(workspace, adapter, device=device, reporter=reporter)


def base_to_merge_into(workspace: Workspace, adapter: Artefact, base: Path | None) -> Path:
    """``base``, or the one an adapter remembers, once it is certain that they belong together. The tool that merges would
    run any code in it, so that has to be allowed too.

    Raises:
        ModelError: not an adapter, another base than it was trained on, or code that nobody allowed.
    """
    if adapter.kind != "adapter":
        raise ModelError(_("“{name}”不是适配器，不能合并", name=adapter.name))
    folder = base or adapter.base
    if folder is None:
        raise ModelError(_("适配器“{name}”没有记下基座模型，不能合并", name=adapter.name))
    check_base(folder, adapter.base_fingerprint)
    runs_code(workspace, folder)
    return folder


def check_base(folder: Path, expected: str) -> None:
    """Whether a base is the one an adapter was trained on; the wrong one merges without an error into nonsense.

    Raises:
        ModelError: it is another one, or incomplete.
    """
    if fingerprint(folder) != expected:
        raise ModelError(
            _("{folder} 不是训练时用的那个基座模型（内容不同），不能用它转换或合并", folder=folder)
        )


def try_answer(
    workspace: Workspace, folder: Path, system: str, device: str = "cpu", allowed: bool = False
) -> str:
    """One greedy answer of a model; it is loaded in a process of its own. ``allowed``: it may run code of its own.

    Raises:
        ModelError: it brings code that is not allowed. StudioError: the model cannot be loaded or breaks while it answers.
    """
    answers: list[str] = []

    def on_line(line: str) -> None:
        if line.startswith('{"answer"'):
            answers.append(str(json.loads(line)["answer"]))

    arguments = ["-m", "tianji_core.models.verify", str(folder), "--prompt", "祝妹妹生日", "--system", system]
    arguments += ["--trust-remote-code"] if checked_code(folder, allowed) else []
    ended = run_child(arguments, child_environment(workspace, device), on_line)
    if ended.code != 0 or not answers:
        raise StudioError(_("合并后的模型加载不了：{reason}", reason=cause(ended.tail, ended.code)))
    return answers[-1]


def _trained_system(workspace: Workspace, run: TrainingRun) -> str:
    """The system prompt of the training file: the one most samples carry."""
    from collections import Counter

    from tianji_core.dataset import training_file
    from tianji_core.training import version_of
    from tianji_core.training.estimate import read_training_file

    version = version_of(workspace, run)
    try:
        turns = read_training_file(training_file(workspace, version)) if version is not None else []
    except StudioError:  # the version was removed since; what the trial prompts used is the next best
        turns = []
    counted = Counter(turn["system"] for turn in turns).most_common(1)
    return counted[0][0] if counted else settings_of(run).system


def _run(workspace: Workspace, arguments: list[str], device: str) -> None:
    ended = run_child(arguments, child_environment(workspace, device), lambda _line: None)
    if ended.code != 0:
        raise StudioError(cause(ended.tail, ended.code))
