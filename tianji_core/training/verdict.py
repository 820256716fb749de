"""Whether a training succeeded, and the likely cause where it failed.

A trainer may end with exit code 0 even where the loss is NaN, as xtuner does. Success therefore means exit
code 0, the checkpoint of the last iteration, and a finite loss.
"""

import re
import signal
from collections.abc import Sequence
from pathlib import Path

from tianji_core.i18n import _
from tianji_core.training import engine
from tianji_core.training.child import Ended
from tianji_core.training.child_faults import (
    CARD_MEMORY,
    DISK,
    MEMORY,
    error_output,
    last_error_line,
    named_cause,
    own_sentence,
    shared_causes,
)
from tianji_core.training.curve import Point, diverged, stalled
from tianji_core.training.saved import checkpoints
from tianji_core.training.settings import TrainingSettings


def failure_of(ended: Ended, work_dir: Path, settings: TrainingSettings | None = None) -> str:
    """Why the training in ``work_dir`` failed, in one sentence; '' where it succeeded. With the settings, the
    advice names their values."""
    points = engine.curve(work_dir)
    if points and points[-1].loss is None:
        return ruined(points)
    if ended.code != 0:
        return cause(ended.tail, ended.code, settings)
    total = engine.total_iterations(work_dir)
    saved = checkpoints(work_dir, points)
    if total is None or not points:
        return _("训练程序没有报错，但一步也没有训练；请看日志")
    if not any(checkpoint.iteration == total for checkpoint in saved):
        return _("训练程序没有报错，但没有留下第 {n} 步的最终检查点；请看日志和磁盘空间", n=total)
    return ruined(points)


def ruined(points: Sequence[Point]) -> str:
    """A sentence on weights that the curve shows to be broken, with advice; '' where it shows nothing."""
    if not points:
        return ""
    if points[-1].loss is None:
        first = next(point.iteration for point in points if point.loss is None)
        said = _("损失从第 {n} 步起是 NaN，权重已经坏了", n=first)
    elif (start := diverged(points)) is not None:
        said = _(
            "损失从 {start} 升到了 {now}，训练发散了", start=f"{start:.3f}", now=f"{points[-1].loss:.3f}"
        )
    elif (still := stalled(points)) is not None:
        high = max((point.gradient for point in points if point.gradient is not None), default=0.0)
        said = _(
            "梯度冲到 {high} 以后，从第 {n} 步起是 0：权重已经坏了，损失停在 {now} 不再变化",
            high=f"{high:.3g}",
            n=still,
            now=f"{points[-1].loss:.3f}",
        )
    else:
        return ""
    return _("{said}；{advice}", said=said, advice=_calmer(max(point.learning_rate for point in points)))


def _calmer(rate: float) -> str:
    """Advice on the learning rate, by the highest one that was used: a config can be changed by hand."""
    if rate / 10 > LARGE:
        return _(
            "学习率最高到了 {now:g}，太大了；请改用 2e-4（纳米模型用 2e-3）再试", now=float(f"{rate:.2g}")
        )
    return _(
        "请把学习率从 {now:g} 调小到 {then:g} 再试", now=float(f"{rate:.3g}"), then=float(f"{rate / 10:.2g}")
    )


LARGE = 2e-3
"""The largest learning rate of any preset: the nano model's."""


def lighter(settings: TrainingSettings | None) -> str:
    """What to lower where memory was short, the cheapest change first."""
    ways = []
    if settings is None or settings.batch_size > 1:
        now, kept = (settings.batch_size, settings.accumulation) if settings else (2, 1)
        then = max(1, now // 2)
        ways.append(
            _(
                "把微批从 {now} 降到 {then}、梯度累积加到 {kept}（效果相同）",
                now=now,
                then=then,
                kept=kept * now // then,
            )
            if settings
            else _("把微批大小降到 1")
        )
    if settings is None:
        ways.append(_("把序列长度减半"))
    elif settings.max_length > 512:
        ways.append(
            _("把序列长度从 {now} 降到 {then}", now=settings.max_length, then=settings.max_length // 2)
        )
    ways.append(_("换小一号的模型或 QLoRA 预设"))
    return _("，或").join(ways)


def cause(tail: str, code: int, settings: TrainingSettings | None = None) -> str:
    """The likely cause of a crash, from the end of a tool's output and its exit code."""
    if own := own_sentence(tail):
        return own
    errors = error_output(tail)
    if named := named_cause(_causes(settings), errors):
        return named
    # torch.distributed reports processes that it started and that a signal ended.
    killed = re.search(r"exitcode\s*: -(\d+)|Signal (\d+) \(SIG", errors)
    number = int(killed[1] or killed[2]) if killed else max(0, -code)
    if number == signal.SIGKILL:
        return _(
            "训练进程被强行结束（SIGKILL），多半是内存不够；请关掉别的程序，{ways}；有检查点就能接着训练",
            ways=lighter(settings),
        )
    if number == signal.SIGTERM:
        return _("训练进程被别人叫停了（SIGTERM）；有检查点就能接着训练")
    if number in (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGABRT):
        return _(
            "训练进程崩溃了（{name}），多半是驱动、CUDA 或库的版本不合；请看日志，并运行 python -m tianji_core doctor",
            name=signal.Signals(number).name,
        )
    if number:
        return _("进程被信号 {name} 结束", name=signal.Signals(number).name)
    return _("训练程序出错退出（{code}）：{line}", code=code, line=last_error_line(tail))


def _causes(settings: TrainingSettings | None) -> list[tuple[str, str]]:
    return [
        (
            r"probability tensor contains either",
            _("权重里出现了 NaN，模型试写不了；请把学习率调小十倍再试，或检查基座模型"),
        ),
        (CARD_MEMORY, _("显存不够；请{ways}", ways=lighter(settings))),
        (MEMORY, _("内存不够；请关掉别的程序，{ways}", ways=lighter(settings))),
        (
            DISK,
            _("磁盘满了，写不下检查点；请清理空间或减少保留的检查点，再从最近的检查点接着训练"),
        ),
        *engine.causes(),
        (
            r"num_samples should be a positive integer|ZeroDivisionError|ValueError: .*empty",
            _("数据集里没有可训练的内容；请检查数据集版本"),
        ),
        (
            r"DatasetGenerationError|ArrowInvalid|JSON parse error|JSONDecodeError",
            _("训练文件读不懂；请重新冻结数据集版本"),
        ),
        (
            r"DataFilesNotFoundError|FileNotFoundError: Unable to find",
            _("训练文件不见了；请重新冻结数据集版本"),
        ),
        *shared_causes(_("这个预设要用显卡，但没有找到可用的显卡；请换 CPU 预设或到有显卡的机器上训练")),
        (r"SyntaxError: (?P<error>.+)", _("训练配置有语法错误：{error}")),
    ]
