"""开训前检查 of the machine: packages, cards, memory, disk, and what else runs on them."""

import importlib.util
import math
import shutil
from dataclasses import dataclass

import psutil

from tianji_core import jobs
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.project import DEEPSPEED, install_command
from tianji_core.training import engine
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.memory import Need
from tianji_core.training.presets import Preset, preset
from tianji_core.training.queue import occupant
from tianji_core.training.target import Target
from tianji_core.workspace import Workspace

GB = 1e9
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "datasets", *engine.PACKAGES)
BF16 = (8, 0)
"""The first compute capability with bf16 (Ampere)."""


@dataclass(frozen=True)
class Gpu:
    """A graphics card; memory in bytes, ``capability`` its compute capability."""

    name: str
    total: float
    free: float
    index: int = 0
    capability: tuple[int, int] = (0, 0)


def gpus() -> list[Gpu]:
    """The NVIDIA cards of this machine as its driver reports them; [] where there is none."""
    try:
        import pynvml
    except ImportError:
        return []
    cards = []
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        for index in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(index)
            name, memory = pynvml.nvmlDeviceGetName(handle), pynvml.nvmlDeviceGetMemoryInfo(handle)
            capability = tuple(pynvml.nvmlDeviceGetCudaComputeCapability(handle))
            text = name.decode() if isinstance(name, bytes) else str(name)
            cards.append(Gpu(text, float(memory.total), float(memory.free), index, capability))
    except pynvml.NVMLError:
        return cards
    finally:
        pynvml.nvmlShutdown()
    return cards


def machine_checks(
    workspace: Workspace,
    chosen: Preset,
    need: Need | None,
    target: Target,
    cards: list[Gpu],
    dtype: str = "",
    kept: int | None = None,
) -> list[Check]:
    """All checks of the machine; ``need`` is None where the base's shape is unknown. ``dtype`` is the
    precision of the computation and ``kept`` the number of checkpoints that stay; '' and None stand for the
    preset's own."""
    eligible = [card for card in cards if card.index in target.gpus] if target.gpus else cards
    checks = [_packages(), _running(workspace, chosen), _deepspeed(chosen, target)]
    checks.append(_card(chosen, need, target, eligible))
    if chosen.device != "cpu" and (dtype or chosen.dtype) == "bfloat16" and eligible:
        checks.append(_bf16(eligible))
    kept = int(chosen.values.get("keep_checkpoints", 1)) if kept is None else kept
    checks += [_chat_server(workspace, chosen), _memory(chosen, need), _disk(workspace, chosen, need, kept)]
    return [check for check in checks if check is not None]


def _packages() -> Check:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        names, command = _("、").join(missing), install_command(missing)
        detail = _("缺少软件包 {names}；用这个命令补齐：{command}", names=names, command=command)
        return Check(STOP, _("训练环境"), detail)
    return Check(PASS, _("训练环境"), _("xtuner、bitsandbytes 等都已安装"))


def _running(workspace: Workspace, chosen: Preset) -> Check:
    if sentence := occupant(workspace, chosen.device):
        return Check(WARN, _("其他训练"), sentence)
    return Check(PASS, _("其他训练"), _("没有别的训练在跑，马上就能开始"))


def _deepspeed(chosen: Preset, target: Target) -> Check | None:
    title = "DeepSpeed"
    asked = target.deepspeed or chosen.deepspeed
    if not asked:
        return None
    if importlib.util.find_spec("deepspeed") is None:
        detail = _("{asked} 要用 DeepSpeed，还没有装：pip install {package}", asked=asked, package=DEEPSPEED)
        return Check(STOP, title, detail)
    if chosen.deepspeed and not target.deepspeed:
        detail = _("这个预设要把模型分到几块卡上，请在“在哪里训练”里选 {asked}", asked=chosen.deepspeed)
        return Check(WARN, title, detail)
    return Check(PASS, title, _("已安装，用 {asked}", asked=asked))


def _card(chosen: Preset, need: Need | None, target: Target, cards: list[Gpu]) -> Check:
    title = _("显卡")
    if chosen.device == "cpu":
        return Check(PASS, title, _("这个预设在 CPU 上训练，不用显卡"))
    bytes_needed = need.card if need is not None else chosen.memory_gb * GB
    gigabytes = need.card_gb if need is not None else math.ceil(chosen.memory_gb)
    if not cards:
        return Check(
            STOP,
            title,
            _(
                "“{preset}”要一块约 {need} GB 的显卡，这台机器没有找到；这里能训练的是“{here}”，"
                "也可以先在 CPU 上用 2 层试训，看数据和设置能不能用",
                preset=_(chosen.title),
                here=_(preset("nano-cpu-qlora").title),
                need=gigabytes,
            ),
        )
    count = max(1, len(target.gpus) or target.processes)
    if len(cards) < count:
        return Check(STOP, title, _("要 {need} 块显卡，只找到 {have} 块", need=count, have=len(cards)))
    used = sorted(cards, key=lambda card: -card.free)[:count]
    largest, free = min(card.total for card in used), min(card.free for card in used)
    facts = {
        "name": used[-1].name,
        "need": gigabytes,
        "total": f"{largest / GB:.0f}",
        "free": f"{free / GB:.1f}",
    }
    if largest < bytes_needed:
        advice = _("请把微批降到 1、序列长度减半，或换 QLoRA、小一号的模型")
        return Check(STOP, title, _("{name} 只有 {total} GB 显存，估计要 {need} GB；", **facts) + advice)
    if free < bytes_needed:
        advice = _("请先停掉占显存的程序")
        return Check(WARN, title, _("{name} 现在只剩 {free} GB 显存，估计要 {need} GB；", **facts) + advice)
    return Check(PASS, title, _("{name}，空闲 {free} GB，估计要 {need} GB", **facts))


def _bf16(cards: list[Gpu]) -> Check:
    old = [card for card in cards if card.capability < BF16]
    if old:
        return Check(
            STOP,
            "bf16",
            _(
                "这个配置用 bf16 计算，{name} 不支持（算力 {have}，要 8.0 以上）；请换用 fp16 的 QLoRA 预设",
                name=old[0].name,
                have=".".join(map(str, old[0].capability)),
            ),
        )
    return Check(PASS, "bf16", _("显卡支持 bf16"))


def _chat_server(workspace: Workspace, chosen: Preset) -> Check:
    """A model server occupies its memory as long as it runs."""
    title = _("对话服务")
    serving = jobs.listed(workspace, kind="serve", active=True)
    if not serving:
        return Check(PASS, title, _("没有模型在对话页开着"))
    place = _("内存和 CPU") if chosen.device == "cpu" else _("显存")
    detail = _(
        "“{title}”开着，占着{place}；训练前最好停掉它，训练完再开", title=serving[0].title, place=place
    )
    return Check(WARN, title, detail, serving[0].id)


def _memory(chosen: Preset, need: Need | None) -> Check:
    available = psutil.virtual_memory().available / GB
    needed = 8.0
    if chosen.device == "cpu":
        needed = 1.5 + need.card / GB if need is not None else chosen.memory_gb
    detail = _("可用 {free} GB，约需 {need} GB", free=f"{available:.1f}", need=f"{needed:.1f}")
    if available >= needed:
        return Check(PASS, _("内存"), detail)
    return Check(WARN, _("内存"), detail + _("；请关掉别的程序，或把微批和序列长度调小"))


def _disk(workspace: Workspace, chosen: Preset, need: Need | None, kept: int) -> Check:
    title = _("磁盘")
    # One more than stays: while the next is written, the newest lives on under its second name.
    checkpoints = need.checkpoint * (kept + 1) if need is not None else chosen.disk_gb * GB
    merged = need.merged if need is not None and chosen.method != "full" else 0.0
    free, room = (float(shutil.disk_usage(folder).free) for folder in (workspace.runs, workspace.models))
    facts = {
        "free": size_text(free),
        "room": size_text(room),
        "checkpoints": size_text(checkpoints),
        "merged": size_text(merged),
    }
    if workspace.runs.stat().st_dev == workspace.models.stat().st_dev:
        detail = _("工作区所在磁盘剩 {free}；检查点约需 {checkpoints}，合并再要 {merged}", **facts)
        enough = free >= checkpoints + merged
    else:
        detail = _(
            "runs/ 所在磁盘剩 {free}，检查点约需 {checkpoints}；models/ 所在磁盘剩 {room}，合并约需 {merged}",
            **facts,
        )
        enough = room >= merged
    if free < checkpoints:
        return Check(STOP, title, detail + _("；请清理空间、少留检查点或换一个工作区"))
    if not enough:
        return Check(WARN, title, detail + _("；能训练，但训练完要先腾出地方才能合并"))
    return Check(PASS, title, detail)
