"""Verbs for several trainings as one experiment: experiment, expect."""

from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tianji_core.errors import InputError
from tianji_core.evaluation.expectation import expected_of, sizes_to_measure
from tianji_core.evaluation.experiment import (
    MIXED,
    Experiment,
    ExperimentPlan,
    best_training,
    cancel_experiment,
    experiments,
    explained,
    grid,
    load_experiment,
    mixed_version,
    read_shares,
    read_values,
    resume_experiment,
    short_trainings,
    start_experiment,
    state_title,
)
from tianji_core.i18n import _
from tianji_core.jobs import duration_text
from tianji_core.recipe import explain
from tianji_core.training.mix_parts import split_part
from tianji_core.training.part import samples_of
from tianji_core.verbs.common import LARGEST, DetachOption, JsonOption, WorkspaceOption, follow, opened, show
from tianji_core.verbs.tables import show_table
from tianji_core.verbs.training import LearningOptions
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class VariantOptions:
    """The settings in which the trainings differ, and when to stop."""

    vary: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=VALUE,VALUE…, several times for every combination, e.g. lora_r=8,32 or mix:chat=0,0.2."
        ),
    ] = None
    variant: Annotated[
        list[str] | None,
        typer.Option(
            help="One training, several times for a list, e.g. 'learning_rate=1e-3 epochs=2 mix:chat=0.2'."
        ),
    ] = None
    hours: Annotated[
        float | None, typer.Option(help="Stop after so many hours of training.", show_default=False)
    ] = None
    early_end: Annotated[
        bool, typer.Option(help="End trainings whose validation loss is clearly worse at the same step.")
    ] = True
    questions: Annotated[int, typer.Option(min=1, max=2000, help="Held-out questions for each.")] = 60

    def variants(self, shares: dict[str, list[float]]) -> tuple[dict[str, float], ...]:
        """Returns the settings of each training, () where none is given; ``shares`` are those of --mix by
        axis.

        Raises:
            InputError: an option cannot be read, or both kinds are given.
        """
        if self.variant and (self.vary or shares):
            raise InputError(_("--vary（和几个份额的 --mix）与 --variant 只能用一种"))
        if self.variant:
            return tuple(_one(text) for text in self.variant)
        axes = dict(shares)
        for name, values in map(_axis, self.vary or ()):
            if name in axes:
                raise InputError(_("“{name}”写了两次，请把几个值写在一起，用逗号分开", name=name))
            axes[name] = values
        return grid(axes) if axes else ()


@dataclass(frozen=True)
class EarlierOptions:
    """An experiment that is there already."""

    resume: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST, help="Go on with this experiment.", show_default=False),
    ] = None
    cancel: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Stop this experiment; what is finished stays.", show_default=False
        ),
    ] = None
    number: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Show this experiment.", show_default=False)
    ] = None


def _axis(text: str) -> tuple[str, list[float]]:
    name, equals, values = text.partition("=")
    if not equals:
        raise InputError(_("--vary 要写成 名字=值,值，写的是 {text}", text=text))
    name = name.strip()
    version = mixed_version(name)
    return name, read_shares(version, values) if version else read_values(values)


def _shares_tried(learning: LearningOptions) -> tuple[LearningOptions, dict[str, list[float]]]:
    """The options with what is mixed in alike in every training, and the shares that are tried, by axis.

    Raises:
        InputError: a share cannot be read, or a version is named twice.
    """
    alike: list[str] = []
    tried: dict[str, list[float]] = {}
    written_before: set[str] = set()
    for text in learning.mix or ():
        version, written = split_part(text)
        if version in written_before:
            raise InputError(_("“{name}”写了两次，请把几个值写在一起，用逗号分开", name=version))
        written_before.add(version)
        shares = read_shares(version, written)
        if len(shares) > 1:
            tried[f"{MIXED}{version}"] = shares
        else:
            alike.append(text)
    return replace(learning, mix=alike), tried


def _one(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in text.split():
        name, values = _axis(part)
        if len(values) != 1:
            raise InputError(_("--variant 里每项只写一个值，写的是 {text}", text=part))
        if name in found:
            raise InputError(_("--variant 里“{name}”写了两次", name=name))
        found[name] = values[0]
    return found


def experiment(
    learning: LearningOptions = LearningOptions(),
    differing: VariantOptions = VariantOptions(),
    earlier: EarlierOptions = EarlierOptions(),
    detach: DetachOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Run several trainings that differ in a few settings, and say which did best; without settings, list the
    experiments."""
    space = opened(workspace)
    learning, shares = _shares_tried(learning)
    variants = differing.variants(shares)
    given = [bool(variants), *(value is not None for value in asdict(earlier).values())]
    if sum(given) > 1:
        raise InputError(_("--vary 或 --variant、--resume、--cancel、--number 只能用一个"))
    if earlier.cancel is not None:
        cancel_experiment(space, earlier.cancel)
        _show(load_experiment(space, earlier.cancel), as_json)
    elif earlier.number is not None:
        _show(load_experiment(space, earlier.number), as_json)
    elif earlier.resume is not None:
        job = resume_experiment(space, earlier.resume)
        if not detach:
            follow(space, job, quiet=as_json)
        _show(load_experiment(space, earlier.resume), as_json)
    elif variants:
        made, job = start_experiment(space, _plan(space, learning, differing, variants))
        if not detach:
            follow(space, job, quiet=as_json)
        _show(load_experiment(space, made.number), as_json)
    else:
        kept = experiments(space)
        rows = [(one.number, one.title, explained(one)) for one in kept]
        heads = (_("编号"), _("名字"), _("结果"))
        show_table([_facts(one) for one in kept], as_json, heads, rows, _("还没有实验"))


def expect(
    learning: LearningOptions = LearningOptions(),
    measure: Annotated[
        bool, typer.Option("--measure", help="Train on an eighth, a quarter and half of the samples first.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say before a training which pass rate its number of samples lets expect."""
    space = opened(workspace)
    version = learning.version(space)
    settings = learning.settings(space, version.recipe)
    samples = samples_of(settings, version)
    if measure:
        sizes = sizes_to_measure(samples)
        if len(sizes) < 2:
            raise InputError(_("{n} 条样本太少，分不出几份来估", n=samples))
        _made, job = start_experiment(space, short_trainings(learning.preset, settings, version, sizes))
        follow(space, job, quiet=as_json)
    told = expected_of(space, learning.preset, settings, version)
    if told is None:
        raise InputError(
            _(
                "测过的同类训练还不够（要两种样本数）；先用几份样本各训一次：python -m tianji_core expect --measure"
            )
        )
    show(told, as_json, told.sentence)


def _plan(
    space: Workspace,
    learning: LearningOptions,
    differing: VariantOptions,
    variants: tuple[dict[str, float], ...],
) -> ExperimentPlan:
    version = learning.version(space)
    try:
        return ExperimentPlan(
            preset=learning.preset,
            version_id=version.id,
            settings=learning.settings(space, version.recipe),
            variants=variants,
            title=learning.title.strip(),
            hours=differing.hours,
            end_early=differing.early_end,
            limit=differing.questions,
        )
    except ValidationError as error:
        raise InputError(explain(error, whole="")) from error


def _facts(one: Experiment) -> dict[str, Any]:
    best = best_training(one.trainings)
    return {
        "experiment": one.number,
        "title": one.title,
        "trainings": list(one.trainings),
        "best": best.training_run_id if best is not None else None,
        "seconds": round(one.seconds, 1),
    }


def _show(one: Experiment, as_json: bool) -> None:
    rows = []
    for each in one.trainings:
        share = (
            "—" if each.passed is None else f"{each.passed:.0%}（{each.low or 0:.0%}–{each.high or 0:.0%}）"
        )
        took = duration_text(each.seconds)
        kept = "—" if each.known is None else f"{each.kept}/{each.known}"
        rows.append((each.text, share, kept, took, state_title(each.state), each.note))
    heads = (_("设置"), _("通过率"), _("原来会的"), _("用时"), _("状态"), _("说明"))
    show_table(_facts(one), as_json, heads, rows, explained(one))
    if rows:
        show(None, False, None if as_json else explained(one))
