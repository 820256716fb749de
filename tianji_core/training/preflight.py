"""开训前检查: everything that would stop or spoil a training, checked before it starts."""

import math
from dataclasses import dataclass

from tianji_core.dataset import validation_file
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training.base_trials import built_in
from tianji_core.training.card_profile import with_profile
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.curve_writers import curves_check
from tianji_core.training.data_checks import (
    base_check,
    base_is_elsewhere,
    dataset_check,
    interval_checks,
    length_checks,
    rate_check,
    template_check,
    trial_checks,
)
from tianji_core.training.estimate import IterationEstimate, estimate, fitted
from tianji_core.training.learnt_pairs import pairs_check, pairs_estimate, reference_checks
from tianji_core.training.machine_checks import Gpu, gpus, machine_checks
from tianji_core.training.memory import Need, need_of, pairs_need, profile_need, shape_of
from tianji_core.training.mixed_data import mix_check
from tianji_core.training.part import drawn, samples_of
from tianji_core.training.presets import Preset
from tianji_core.training.profiles import profile
from tianji_core.training.settings import TrainingSettings
from tianji_core.training.target import Target
from tianji_core.workspace import Workspace

__all__ = ["Check", "Gpu", "Preflight", "gpus", "preflight"]


@dataclass(frozen=True)
class Preflight:
    """All checks, the expected size of the training, and the settings fitted to it. ``runs_code`` says that
    the base brings code of its own and may run it; ``need`` is None where the base does not tell its shape.
    ``tryable`` says that :func:`~tianji_core.training.base_trials.start_trial` can try the base."""

    checks: tuple[Check, ...]
    estimate: IterationEstimate | None
    settings: TrainingSettings
    runs_code: bool
    need: Need | None = None
    tryable: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing stops the training."""
        return not self.stops

    @property
    def stops(self) -> list[Check]:
        """The checks that stop it."""
        return [check for check in self.checks if check.level == STOP]


def preflight(
    workspace: Workspace,
    chosen: Preset,
    settings: TrainingSettings,
    version: DatasetVersion,
    target: Target | None = None,
    elsewhere: bool = False,
) -> Preflight:
    """Check everything that can be checked without torch; ``target`` None is one process on any card. Of a
    training ``elsewhere`` the machine is checked there, and a base that is not here is looked for there."""
    target = target or Target()
    if elsewhere and base_is_elsewhere(settings):
        detail = _("这台机器上没有 {folder}，用那边的；送过去时检查", folder=settings.base)
        base, code = Check(WARN, _("基座模型"), detail), False
        checks = [base]
    else:
        base, code = base_check(workspace, settings)
        checks = [base]
        if base.level != STOP:
            checks.append(template_check(settings))
            checks += [] if elsewhere else trial_checks(workspace, settings)
    checks.append(rate_check(settings, float(chosen.values["learning_rate"])))
    checks += curves_check(settings)
    shape, cards = shape_of(settings.base_folder), [] if elsewhere else gpus()
    settings, way = with_profile(chosen, settings, target, cards, shape)
    guess, found = _data(workspace, chosen, settings, version, target)
    checks += found
    if guess is not None:
        settings, notes = fitted(settings, guess.iterations)
        checks += length_checks(guess, settings, packed=not chosen.from_pairs)
        checks += interval_checks(settings, notes, guess.iterations)
        checks += [] if chosen.from_pairs else [_validation(workspace, version)]
    need, kind = None, profile(settings.profile) if settings.profile else None
    if shape is not None and kind is not None:
        need = profile_need(shape, settings, kind.quantised, kind.checkpointed, kind.float8)
    elif shape is not None and chosen.from_pairs:
        need = pairs_need(shape, settings, chosen.method, chosen.activation_checkpointing, guess)
    elif shape is not None:
        saved = chosen.activation_checkpointing
        need = need_of(shape, settings, chosen.method, saved, target.deepspeed, target.world)
    dtype = kind.dtype if kind else chosen.dtype
    saves = math.ceil(guess.iterations / settings.save_interval) if guess is not None else None
    kept = settings.keep_checkpoints if saves is None else min(settings.keep_checkpoints, max(1, saves))
    kept += settings.epochs > 1  # the end of the first pass stays beside the newest
    checks += [] if elsewhere else machine_checks(workspace, chosen, need, target, cards, dtype, kept)
    checks += [way] if way is not None else []
    tryable = base.level != STOP and not built_in(settings.base_folder)
    return Preflight(tuple(checks), guess, settings, code, need, tryable)


def _data(
    workspace: Workspace, chosen: Preset, settings: TrainingSettings, version: DatasetVersion, target: Target
) -> tuple[IterationEstimate | None, list[Check]]:
    """The size of a training by what it learns from, None where that cannot be used, and what is found about
    it."""
    if chosen.from_pairs:
        pairs, checks = pairs_check(workspace, settings)
        if settings.mix:
            detail = _("“{preset}”学的是偏好对，不能混入数据集；请把混入去掉", preset=_(chosen.title))
            checks.append(Check(STOP, _("混入"), detail))
        checks += reference_checks(chosen.source, settings)
        return (pairs_estimate(pairs, settings, target.world) if pairs else None), checks
    if settings.pairs:
        detail = _("“{preset}”学的是数据集，不学偏好对；请换一个学偏好对的预设", preset=_(chosen.title))
        return None, [Check(STOP, _("偏好对"), detail)]
    turns, dataset = dataset_check(workspace, version)
    if settings.samples:  # of conversations, where one may have several turns
        share = samples_of(settings, version) / max(1, version.count)
        turns = drawn(turns, settings.model_copy(update={"samples": max(1, round(len(turns) * share))}))
    checks = [dataset]
    if turns and settings.mix:
        turns, mixed = mix_check(workspace, version, settings, turns)
        checks += mixed
    guess = estimate(turns, settings, target.world, chosen.whole_samples) if turns else None
    return guess, checks


def _validation(workspace: Workspace, version: DatasetVersion) -> Check:
    title = _("验证集")
    if validation_file(workspace, version) is None:
        detail = _("这个版本没有留验证集，看不出有没有背训练集；冻结时留出几个百分点，就会画出验证损失")
        return Check(WARN if version.count >= 500 else PASS, title, detail)
    return Check(PASS, title, _("有验证集，训练中会算验证损失"))
