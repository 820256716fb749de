"""开训前检查 of the data side: the dataset, the base model, the template, the number of iterations."""

import math

from tianji_core.dataset import training_file, verify
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.config_files import model_type
from tianji_core.model_folders.manifest import fitting_template, size_text
from tianji_core.model_folders.own_template import fault_sentence
from tianji_core.model_folders.roots import checked_root
from tianji_core.model_folders.template import OWN_TEMPLATE, brings_template, missing_markers
from tianji_core.model_folders.trust import runs_code
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training.base_trials import built_in, kept_trial, trial_job
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.estimate import IterationEstimate, read_training_file
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

FEW_STEPS = 20
"""Optimizer steps below which a LoRA hardly changes."""
FAR_RATE = 8
"""Factor over the preset's learning rate from which it looks like a slip; below it the factor is squared."""


def base_check(workspace: Workspace, settings: TrainingSettings) -> tuple[Check, bool]:
    """The check of the base's folder, and whether code of its own will run."""
    title = _("基座模型")
    try:
        checked_root(workspace, settings.base_folder)
        base = checked_base(settings.base_folder)
        code = runs_code(workspace, settings.base_folder)
    except StudioError as error:
        return Check(STOP, title, str(error)), False
    detail = _("{name}，权重 {size}，文件齐全", name=base.path.name, size=size_text(base.size))
    return Check(PASS, title, detail), code


def base_is_elsewhere(settings: TrainingSettings) -> bool:
    """Whether there is nothing at the base's path on this machine."""
    return not settings.base_folder.exists()


def template_check(settings: TrainingSettings) -> Check:
    """Whether the template's markers are tokens of the base, or whether the base brings a template."""
    title, name = _("对话模板"), settings.template
    if name == OWN_TEMPLATE:
        return _own_template_check(settings)
    fitting = fitting_template(settings.base_folder)
    missing = missing_markers(settings.base_folder, name)
    if missing:
        marks = _("、").join(missing)
        detail = _(
            "模板 {name} 的记号 {marks} 不是这个模型的词，训练会学不会在哪里结束", name=name, marks=marks
        )
        advice = _("；请换模板，或换这个模板的模型")
        known = fitting == OWN_TEMPLATE or (fitting and not missing_markers(settings.base_folder, fitting))
        if fitting != name and known:
            advice = _("；请把模板改成 {fitting}", fitting=fitting)
        return Check(STOP, title, detail + advice)
    if fitting == OWN_TEMPLATE:
        detail = _(
            "这个模型的分词器自带对话模板，现在选的是 {name}；除非有意为之，请改成 {own}",
            name=name,
            own=OWN_TEMPLATE,
        )
        return Check(WARN, title, detail)
    if fitting not in ("", name):
        kind = model_type(settings.base_folder)
        detail = _(
            "这个 {kind} 模型是用 {native} 训练的，现在选的是 {name}；除非有意为之，请改成 {native}",
            kind=kind,
            native=fitting,
            name=name,
        )
        return Check(WARN, title, detail)
    if missing is None:
        return Check(WARN, title, _("读不了这个模型的词表，没法确认它认得 {name} 的记号", name=name))
    return Check(PASS, title, _("{name}，它的记号都是模型的词", name=name))


def _own_template_check(settings: TrainingSettings) -> Check:
    """Whether the base brings a template; the trial of the base says whether answers can be cut out."""
    title = _("对话模板")
    if not brings_template(settings.base_folder):
        return Check(STOP, title, fault_sentence("missing"))
    if (native := fitting_template(settings.base_folder)) not in ("", OWN_TEMPLATE):
        detail = _("用分词器自带的模板；这个模型也认得 {native}，它在别的程序里也通用", native=native)
        return Check(WARN, title, detail)
    return Check(PASS, title, _("用分词器自带的模板，训练和对话写成一样"))


def trial_checks(workspace: Workspace, settings: TrainingSettings) -> list[Check]:
    """What came out of the trial of the base; [] for a base of the studio."""
    title, base, template = _("试跑基座"), settings.base_folder, settings.template
    if built_in(base):
        return []
    if trial_job(workspace, base, template):
        return [Check(WARN, title, _("正在试跑，请等它结束"))]
    trial = kept_trial(workspace, base, template)
    if trial is None:
        detail = _("还没有试跑过：不知道它的分词器、配置和代码能不能用；请先试跑，或者直接开始，训练会先试跑")
        return [Check(WARN, title, detail)]
    if trial.problem:
        return [Check(STOP, title, _("{reason}；修好以后请再试跑一次", reason=trial.sentence))]
    checks = [Check(PASS, title, trial.sentence)]
    return [*checks, Check(WARN, _("结束记号"), trial.endless)] if trial.endless else checks


def dataset_check(workspace: Workspace, version: DatasetVersion) -> tuple[list[dict[str, str]], Check]:
    """The turns of the training file ([] where it cannot be used), and the check."""
    title = _("数据集")
    try:
        verify(workspace, version)
        turns = read_training_file(training_file(workspace, version))
    except StudioError as error:
        return [], Check(STOP, title, str(error))
    if not turns:
        return [], Check(STOP, title, _("“{name}”是空的", name=version.name))
    return turns, Check(PASS, title, _("“{name}”，{n} 条，校验一致", name=version.name, n=len(turns)))


def length_checks(guess: IterationEstimate, settings: TrainingSettings, packed: bool = True) -> list[Check]:
    """Whether there is enough to learn from, and whether it fits into a sequence. Pairs are not
    ``packed``."""
    title = _("训练量")
    size = {"tokens": f"{guess.tokens:,}", "iterations": guess.iterations, "steps": guess.steps}
    if packed:
        detail = _(
            "约 {tokens} 个 token，打包成 {packs} 条，共约 {iterations} 步、更新参数 {steps} 次",
            packs=guess.packs,
            **size,
        )
    else:
        detail = _(
            "{pairs} 对，约 {tokens} 个 token，共约 {iterations} 步、更新参数 {steps} 次",
            pairs=guess.samples,
            **size,
        )
    checks = [Check(PASS, title, detail)]
    if guess.iterations < settings.accumulation:
        advice = _(
            "；凑不满一次梯度累积（{need} 个微批），参数一次也更新不好：请增加样本，或把梯度累积降到不超过 {n}",
            need=settings.accumulation,
            n=guess.iterations,
        )
        checks = [Check(STOP, title, detail + advice)]
    elif guess.steps < FEW_STEPS:
        more = settings.epochs * math.ceil(FEW_STEPS / max(1, guess.steps))
        advice = _("；太少，学不到什么：请增加样本、减小梯度累积，或把轮数加到 {n}", n=more)
        checks = [Check(WARN, title, detail + advice)]
    if guess.lengths:
        checks.append(_sequence(guess, settings))
    if not guess.exact and settings.base_folder.is_dir():  # base_check reports a missing one
        checks.append(Check(WARN, _("估算"), _("读不了这个模型的分词器，步数是按字数估的，可能差一两成")))
    return checks


def _sequence(guess: IterationEstimate, settings: TrainingSettings) -> Check:
    title, longest = _("序列长度"), max(guess.lengths)
    if guess.cut >= 1:
        detail = _(
            "每条样本都比 {n} 个 token 长，答案会被截光；请调大到 {m}", n=settings.max_length, m=longest
        )
        return Check(STOP, title, detail)
    if guess.cut > 0.01:
        detail = _(
            "{share}% 的样本比序列长度还长，结尾会被截掉；最长的有 {n} 个 token，请调大",
            share=round(guess.cut * 100),
            n=longest,
        )
        return Check(WARN, title, detail)
    return Check(PASS, title, _("最长的样本 {n} 个 token，装得进 {m}", n=longest, m=settings.max_length))


def rate_check(settings: TrainingSettings, usual: float) -> Check:
    """Whether the learning rate has a digit too many or too few; ``usual`` is the preset's."""
    title, rate = _("学习率"), settings.learning_rate
    if rate > usual * FAR_RATE:
        detail = _(
            "{now:g} 是预设的 {n:.3g} 倍，多半会发散；不是有意为之就请改回 {usual:g}",
            now=rate,
            n=rate / usual,
            usual=usual,
        )
        return Check(WARN, title, detail)
    if rate * FAR_RATE**2 < usual:
        detail = _(
            "{now:g} 只有预设的 {n:.2g}，几乎学不到什么；不是有意为之就请改回 {usual:g}",
            now=rate,
            n=rate / usual,
            usual=usual,
        )
        return Check(WARN, title, detail)
    return Check(PASS, title, _("{now:g}，预设是 {usual:g}", now=rate, usual=usual))


def interval_checks(settings: TrainingSettings, notes: list[str], iterations: int) -> list[Check]:
    """Warm-up and intervals against the expected iterations; ``notes`` say what was fitted."""
    title = _("间隔与预热")
    checks = [Check(WARN, title, note, fixed=True) for note in notes]
    saves = math.ceil(iterations / settings.save_interval)
    if saves > 50 * settings.keep_checkpoints:
        detail = _(
            "每 {n} 步存一次，一共要存 {m} 次，只留 {kept} 个；请把保存间隔调大",
            n=settings.save_interval,
            m=saves,
            kept=settings.keep_checkpoints,
        )
        checks.append(Check(WARN, title, detail))
    if not checks:
        warm = round(settings.warmup_ratio * iterations)
        evals = math.ceil(iterations / (settings.eval_interval or settings.save_interval))
        detail = _(
            "预热 {warm} 步；存 {saves} 次检查点，试写 {evals} 次", warm=warm, saves=saves, evals=evals
        )
        checks.append(Check(PASS, title, detail))
    return checks
