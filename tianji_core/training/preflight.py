"""开训前检查: everything that would stop or spoil a training, told before it starts."""

import importlib.util
import math
import shutil
import subprocess
from dataclasses import dataclass

import psutil

from tianji_core.dataset import training_file, verify
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training.base import checked_base
from tianji_core.training.estimate import Estimate, estimate, fitted, read_training_file
from tianji_core.training.line import occupant
from tianji_core.training.presets import Preset
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.trust import runs_code
from tianji_core.workspace import Workspace

GB = 1e9
FEW_STEPS = 20
"""Under this many optimizer steps a LoRA hardly changes."""
PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "mmengine", "datasets", "xtuner")


@dataclass(frozen=True)
class Check:
    """One finding. ``level`` is 'pass', 'warn' or 'stop'; ``detail`` says what was seen and the way out."""

    level: str
    title: str
    detail: str


@dataclass(frozen=True)
class Preflight:
    """All findings, what the training would become, and the settings fitted to it. ``runs_code`` says that the base
    brings code of its own and may run it."""

    checks: tuple[Check, ...]
    estimate: Estimate | None
    settings: TrainingSettings
    runs_code: bool

    @property
    def ok(self) -> bool:
        """Whether nothing stops the training."""
        return not self.stops

    @property
    def stops(self) -> list[Check]:
        """What stops it."""
        return [check for check in self.checks if check.level == "stop"]


@dataclass(frozen=True)
class Gpu:
    """A graphics card; memory in bytes."""

    name: str
    total: float
    free: float


def preflight(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, version: DatasetVersion
) -> Preflight:
    """Check everything that can be checked without torch."""
    base, code = _base(workspace, settings)
    checks = [_packages(), _running(workspace, chosen), base]
    turns, dataset = _dataset(workspace, version)
    checks.append(dataset)
    guess = None
    if turns:
        guess = estimate(turns, settings)
        settings, notes = fitted(settings, guess.iterations)
        checks += _length(guess, settings)
        checks += [Check("warn", _("间隔与预热"), note) for note in notes]
    checks += [_device(chosen), _memory(chosen), _disk(workspace, chosen)]
    return Preflight(tuple(checks), guess, settings, code)


def _packages() -> Check:
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        names = _("、").join(missing)
        return Check("stop", _("训练环境"), _("缺少 {names}，请运行 make install", names=names))
    return Check("pass", _("训练环境"), _("xtuner、bitsandbytes 等都已安装"))


def _running(workspace: Workspace, chosen: Preset) -> Check:
    if sentence := occupant(workspace, chosen.device):
        return Check("warn", _("其他训练"), sentence)
    return Check("pass", _("其他训练"), _("没有别的训练在跑，马上就能开始"))


def _base(workspace: Workspace, settings: TrainingSettings) -> tuple[Check, bool]:
    """The check, and whether the base's own code will run."""
    try:
        base = checked_base(settings.base_folder)
        code = runs_code(workspace, settings.base_folder)
    except StudioError as error:
        return Check("stop", _("基座模型"), str(error)), False
    size = f"{base.size / GB:.2f}"
    return Check(
        "pass", _("基座模型"), _("{name}，权重 {size} GB，文件齐全", name=base.path.name, size=size)
    ), code


def _dataset(workspace: Workspace, version: DatasetVersion) -> tuple[list[dict[str, str]], Check]:
    title = _("数据集")
    try:
        turns = read_training_file(training_file(workspace, version))
        verify(workspace, version)
    except StudioError as error:
        return [], Check("stop", title, str(error))
    if not turns:
        return [], Check("stop", title, _("“{name}”是空的", name=version.name))
    return turns, Check("pass", title, _("“{name}”，{n} 条，校验一致", name=version.name, n=len(turns)))


def _length(guess: Estimate, settings: TrainingSettings) -> list[Check]:
    title = _("训练量")
    detail = _(
        "约 {tokens} 个 token，打包成 {packs} 条，共约 {iterations} 步、更新参数 {steps} 次",
        tokens=f"{guess.tokens:,}",
        packs=guess.packs,
        iterations=guess.iterations,
        steps=guess.steps,
    )
    checks = [Check("pass", title, detail)]
    if guess.iterations < settings.accumulation:
        advice = _(
            "；凑不满一次梯度累积（{need} 个微批），参数一次也更新不好：请增加样本，或把梯度累积降到不超过 {n}",
            need=settings.accumulation,
            n=guess.iterations,
        )
        checks = [Check("stop", title, detail + advice)]
    elif guess.steps < FEW_STEPS:
        more = math.ceil(FEW_STEPS / max(1, guess.steps))
        checks = [
            Check(
                "warn",
                title,
                detail
                + _(
                    "；太少，学不到什么：请增加样本、减小梯度累积，或把轮数加到 {n}", n=settings.epochs * more
                ),
            )
        ]
    if guess.cut > 0.01:
        share = round(guess.cut * 100)
        checks.append(
            Check(
                "warn", _("序列长度"), _("{share}% 的样本比序列长度还长，结尾会被截掉；请调大", share=share)
            )
        )
    if not guess.exact:
        checks.append(Check("warn", _("估算"), _("读不了这个模型的分词器，步数是按字数估的，可能差一两成")))
    return checks


def _device(chosen: Preset) -> Check:
    title = _("显卡")
    if chosen.device == "cpu":
        return Check("pass", title, _("这个预设在 CPU 上训练，不用显卡"))
    cards = gpus()
    if not cards:
        return Check(
            "stop",
            title,
            _(
                "“{preset}”要一块约 {need} GB 的显卡，这台机器没有找到；请换纳米预设，或在有显卡的机器上打开工坊",
                preset=_(chosen.title),
                need=math.ceil(chosen.memory_gb),
            ),
        )
    best = max(cards, key=lambda card: card.free)
    free = best.free / GB
    if best.total / GB < chosen.memory_gb:
        return Check(
            "stop",
            title,
            _(
                "{name} 只有 {total} GB 显存，这个预设约需 {need} GB",
                name=best.name,
                total=f"{best.total / GB:.0f}",
                need=chosen.memory_gb,
            ),
        )
    if free < chosen.memory_gb:
        return Check(
            "warn",
            title,
            _(
                "{name} 现在只剩 {free} GB 显存，约需 {need} GB；请先停掉占显存的程序",
                name=best.name,
                free=f"{free:.1f}",
                need=chosen.memory_gb,
            ),
        )
    return Check("pass", title, _("{name}，空闲 {free} GB", name=best.name, free=f"{free:.1f}"))


def _memory(chosen: Preset) -> Check:
    available = psutil.virtual_memory().available / GB
    need = chosen.memory_gb if chosen.device == "cpu" else 8.0
    detail = _("可用 {free} GB，约需 {need} GB", free=f"{available:.1f}", need=f"{need:g}")
    return Check("pass" if available >= need else "warn", _("内存"), detail)


def _disk(workspace: Workspace, chosen: Preset) -> Check:
    free = shutil.disk_usage(workspace.home).free / GB
    detail = _("工作区所在磁盘剩 {free} GB，约需 {need} GB", free=f"{free:.1f}", need=f"{chosen.disk_gb:g}")
    if free < chosen.disk_gb:
        return Check("stop", _("磁盘"), detail + _("；请清理空间或换一个工作区"))
    return Check("pass", _("磁盘"), detail)


def gpus() -> list[Gpu]:
    """The NVIDIA cards of this machine, asked from its driver; [] where there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    query = [program, "--query-gpu=name,memory.total,memory.free", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=15, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    cards = []
    for line in answer.splitlines():
        parts = [part.strip() for part in line.split(",")]
        if len(parts) == 3 and parts[1].isdigit() and parts[2].isdigit():
            cards.append(Gpu(parts[0], int(parts[1]) * 2**20, int(parts[2]) * 2**20))
    return cards
