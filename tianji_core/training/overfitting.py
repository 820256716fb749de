"""过拟合: signs that a training memorises its samples, or learns nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tianji_core.dataset import training_file
from tianji_core.errors import DatasetError, StudioError
from tianji_core.i18n import _
from tianji_core.store.training import TrainingRun
from tianji_core.training.curve import Validation
from tianji_core.training.launch import version_of
from tianji_core.training.progress import TrainingState
from tianji_core.training.record import record_of
from tianji_core.training.trials import TrialAnswer
from tianji_core.training.verdict import ruined
from tianji_core.workspace import Workspace

RISE = 0.01
"""Share by which a validation loss must exceed its lowest value to count as rising; less is noise."""
SHORT = 8
"""Characters up to which an answer equal to a training output says nothing."""


@dataclass(frozen=True)
class Sign:
    """One sign. ``key`` is 'diverged', 'fell', 'turned', 'memorised' or 'passes'; ``text`` says what was seen
    and what to do; ``step`` is the iteration it refers to."""

    key: str
    text: str
    step: int


def turning_point(validations: Sequence[Validation]) -> Validation | None:
    """The lowest validation loss, where the newest one has risen above it; None while the loss falls."""
    known = [(point.loss, point) for point in validations if point.loss is not None]
    if len(known) < 2:
        return None
    best, lowest = min(known, key=lambda pair: pair[0])
    return lowest if known[-1][0] > best * (1 + RISE) else None


def memorised(trials: Sequence[TrialAnswer], outputs: frozenset[str]) -> list[TrialAnswer]:
    """The trial answers that equal a training output, spaces aside. Very short answers do not count, nor
    those from before training."""
    return [
        trial
        for trial in trials
        if trial.iteration > 0 and len(trial.answer) > SHORT and _bare(trial.answer) in outputs
    ]


def training_outputs(workspace: Workspace, run: TrainingRun) -> frozenset[str]:
    """Every output of the training's dataset, without spaces; empty where its file is gone."""
    try:
        version = version_of(workspace, run)
        return frozenset() if version is None else _outputs(training_file(workspace, version), version.sha256)
    except StudioError:
        return frozenset()


@lru_cache(maxsize=4)
def _outputs(path: Path, _sha256: str) -> frozenset[str]:
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return frozenset(_bare(turn["output"]) for entry in entries for turn in entry["conversation"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(_("训练文件 {file} 不是 UTF-8 的 JSON", file=path)) from error


def _bare(text: str) -> str:
    return "".join(text.split())


def _fallen(state: TrainingState) -> list[Sign]:
    """The sign of a training that ended early; [] for every other."""
    if not state.pass_rates or (last := state.pass_rates[-1]).kept is None:
        return []
    text = _(
        "没见过的题的通过率从 {first} 降到 {now}，第 {n} 步提前结束；留下的是第 {kept} 步的权重",
        first=f"{state.pass_rates[0].rate:.0%}",
        now=f"{last.rate:.0%}",
        n=last.iteration,
        kept=last.kept,
    )
    return [Sign("fell", text, last.iteration)]


def signs(workspace: Workspace, state: TrainingState) -> list[Sign]:
    """The signs of overfitting and divergence so far, the most certain first."""
    signs = []
    if broken := ruined(state.points):
        signs.append(Sign("diverged", broken, state.points[-1].iteration))
    signs += _fallen(state)
    lowest = turning_point(state.validations)
    if not broken and lowest is not None:
        newest = state.validations[-1]
        signs.append(
            Sign(
                "turned",
                _(
                    "验证损失在第 {best} 步最低（{low}），到第 {now} 步又升到 {high}：再训下去是在背训练集，请用第 {best} 步附近的检查点",
                    best=lowest.iteration,
                    low=f"{lowest.loss:.3f}",
                    now=newest.iteration,
                    high="NaN" if newest.loss is None else f"{newest.loss:.3f}",
                ),
                lowest.iteration,
            )
        )
    copied = memorised(state.trials, training_outputs(workspace, state.run))
    if copied:
        newest_copy = max(trial.iteration for trial in copied)
        at = [trial for trial in copied if trial.iteration == newest_copy]
        asked = {trial.prompt for trial in state.trials if trial.iteration == newest_copy}
        signs.append(
            Sign(
                "memorised",
                _(
                    "第 {n} 步的 {all} 条试写里有 {copied} 条和训练样本一字不差（{prompts}）：它在背；请看更早的检查点，或减少轮数、增加样本",
                    n=newest_copy,
                    all=len(asked),
                    copied=len(at),
                    prompts=_("、").join(trial.prompt for trial in at[:3]),
                ),
                newest_copy,
            )
        )
    epoch = state.epoch
    if epoch is not None and epoch > 1:
        first = round((state.total or 0) / record_of(state.run).settings.epochs)
        signs.append(
            Sign(
                "passes",
                _(
                    "已经学过第一遍（第 {n} 步）；这样的短文一遍通常就够，请把第一遍末尾的检查点和最后的比一比",
                    n=first,
                ),
                first,
            )
        )
    return signs
