"""Merges an adapter into its base and verifies the result. The hidden folder gets its manifest and then
its name, so a listed model is complete."""

import re
import shutil
from pathlib import Path

from tianji_core.errors import ModelError, StudioError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.model_folders.base import check_same_base, checked_base
from tianji_core.model_folders.manifest import Artefact, read_artefact, size_text, write_artefact
from tianji_core.model_folders.trust import runs_code
from tianji_core.models.card import write_card
from tianji_core.models.catalogue import checked_name, free_name, making
from tianji_core.models.making import convert
from tianji_core.models.trying import trial_questions, tried
from tianji_core.roles import acting_person
from tianji_core.store import training as training_store
from tianji_core.store.database import now
from tianji_core.store.training import TrainingRun
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.load import cards
from tianji_core.workspace import Workspace

SHARD_GB = 2.0
"""Largest weight file of a merged model in GB (1e9 bytes), as in the tutorial."""
DTYPES = ("auto", "bfloat16", "float16", "float32")
AGREES = 0.75
"""Minimum share of equal tokens of the merged model and its adapter; rounding alone costs a few percent."""
_PART = re.compile(r"^merged (\d+)/(\d+)$")


def checked_options(device: str, shard_gb: float, dtype: str) -> None:
    """Checks the options of a merge.

    Raises:
        ModelError: names the one that is wrong and what there is.
    """
    devices = ("cpu", "cuda", "auto")
    if device not in devices:
        raise ModelError(
            _("合并只能在 {known} 上做，写的是 {device}", known=_("、").join(devices), device=device)
        )
    if dtype not in DTYPES:
        raise ModelError(
            _("合并的数值格式是 {known} 之一，写的是 {dtype}", known=_("、").join(DTYPES), dtype=dtype)
        )
    if not 0.01 <= shard_gb <= 100:
        raise ModelError(_("每个权重文件要在 0.01 到 100 GB 之间，写的是 {size}", size=shard_gb))


def merge(
    workspace: Workspace,
    adapter: Artefact,
    name: str = "",
    base: Path | None = None,
    device: str = "cpu",
    reporter: Reporter | None = None,
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> Artefact:
    """Merges an adapter into its base, matrix by matrix, and compares the result with the adapter on fixed
    prompts. Merging takes little more RAM than one weight file; the comparison loads the base and then the
    merged model. ``dtype`` 'auto' keeps that of the base.

    Raises:
        ModelError: not an adapter, another base than it was trained on, too little disk, or a result that is
            incomplete or answers in another way.
        StudioError: the merge failed.
    """
    checked_options(device, shard_gb, dtype)
    if device == "auto":
        device = "cuda" if cards() else "cpu"
    reporter = reporter or Reporter()
    folder = base_to_merge_into(workspace, adapter, base)
    code = runs_code(workspace, folder)
    _check_room(workspace, checked_base(folder).size * (2 if dtype == "float32" else 1))
    chosen = checked_name(workspace, name) if name else free_name(workspace, f"{adapter.name}-merged")
    with making(workspace, chosen) as target:
        _merge_into(workspace, folder, adapter, target, (device, shard_gb, dtype), reporter)
        reporter.update(1, total=2, message=_("正在和适配器对照着试答"))
        made = adapter.model_copy(
            update={
                "name": chosen,
                "kind": "merged",
                "path": target,
                "base": folder,
                "adapter": adapter.name,
                "figures": {**adapter.figures, "bytes": float(checked_base(target).size)},
                "trust_remote_code": code,
                "created_at": now(),
                "who": acting_person(),
            }
        )
        made = verified(workspace, made, adapter.path, device)
        write_card(target, made, run_of(workspace, made))
        write_artefact(target, made, workspace.home)
    reporter.update(2)
    return read_artefact(workspace.models / chosen, workspace.home)


def _check_room(workspace: Workspace, needed: float) -> None:
    free = shutil.disk_usage(workspace.models).free
    if free < needed * 1.1:
        raise ModelError(
            _(
                "合并约需 {need} 磁盘，只剩 {free}，请先清理",
                need=size_text(needed * 1.1),
                free=size_text(free),
            )
        )


def _merge_into(
    workspace: Workspace,
    folder: Path,
    adapter: Artefact,
    target: Path,
    options: tuple[str, float, str],
    reporter: Reporter,
) -> None:
    device, shard_gb, dtype = options
    reporter.update(0, total=2, message=_("正在合并到基座"))

    def on_line(line: str) -> None:
        if progress := _PART.match(line):
            reporter.update(int(progress[1]) / int(progress[2]), total=2, message=_("正在合并到基座"))

    arguments = ["-m", "tianji_core.models.merging", str(folder), str(adapter.path), str(target)]
    arguments += ["--shard", str(int(shard_gb * 1e9)), "--dtype", dtype]
    arguments += ["--device", device]
    ended = run_tool(arguments, tool_environment(workspace, device), on_line)
    if ended.code != 0:
        raise StudioError(tool_cause(ended.tail, ended.code))


def verified(workspace: Workspace, made: Artefact, adapter: Path, device: str = "cpu") -> Artefact:
    """Returns the merged model with its answers to fixed prompts and its agreement with the adapter.

    Raises:
        ModelError: it answers in another way than the adapter does.
        StudioError: it cannot be loaded.
    """
    assert made.base is not None
    pair = ["--base", str(made.base), "--adapter", str(adapter)]
    asked = trial_questions(workspace, made)
    result = tried(workspace, made, asked, device, made.trust_remote_code, pair)
    share = float(result["agreement"])
    if share < AGREES:
        raise ModelError(
            _(
                "合并后的模型和适配器的回答不一样（只有 {share}% 的 token 相同），没有留下；请重新转换再合并",
                share=round(share * 100),
            )
        )
    samples = dict(zip(asked, result["answers"], strict=True))
    figures = {**made.figures, "agreement": share, "distance": float(result["distance"])}
    return made.model_copy(update={"samples": samples, "sample": samples[asked[0]], "figures": figures})


def run_of(workspace: Workspace, made: Artefact) -> TrainingRun | None:
    """Returns the training that a model came from, None where there is none any more."""
    if made.training_run_id is None:
        return None
    try:
        return training_store.get(workspace.engine, made.training_run_id)
    except StudioError:
        return None


def convert_and_merge(
    workspace: Workspace,
    run: TrainingRun,
    iteration: int | None = None,
    device: str = "cpu",
    reporter: Reporter | None = None,
    shard_gb: float = SHARD_GB,
    dtype: str = "auto",
) -> tuple[Artefact, Artefact]:
    """Returns the adapter of a checkpoint and the model merged with it; after a full training, that model
    twice.

    Raises:
        ModelError, StudioError: as :func:`convert` and :func:`merge`; an adapter made before a failure stays.
    """
    adapter = convert(workspace, run, iteration, reporter=reporter)
    if adapter.kind == "merged":
        return adapter, adapter
    return adapter, merge(
        workspace, adapter, device=device, reporter=reporter, shard_gb=shard_gb, dtype=dtype
    )


def base_to_merge_into(workspace: Workspace, adapter: Artefact, base: Path | None) -> Path:
    """Returns ``base``, or the base that an adapter names, after checking that they belong together. Merging
    may run code of the base, so that code must be allowed.

    Raises:
        ModelError: not an adapter, another base than it was trained on, or code that nobody allowed.
    """
    if adapter.kind != "adapter":
        raise ModelError(_("“{name}”不是适配器，不能合并", name=adapter.name))
    folder = base or adapter.base
    if folder is None:
        raise ModelError(_("适配器“{name}”没有记下基座模型，不能合并", name=adapter.name))
    check_same_base(folder, adapter.base_fingerprint)
    runs_code(workspace, folder)
    return folder
