"""The verb ``demo``: the whole corridor once, with the offline composer and the embedded model."""

import math
import signal
import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core import cleaning, dataset, evaluation, generation, models, training
from tianji_core.errors import StudioError
from tianji_core.evaluation import BeforeAfter, PassRate
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.models.nano import nano_base, split_cells
from tianji_core.recipe import Plan, Recipe, kept_cells, tasks
from tianji_core.serving import ChatSampling
from tianji_core.store import datasets, recipes, runs, steps
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter
from tianji_core.store.training import TrainingRun
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.verbs.chatting import written_request
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show, words
from tianji_core.verbs.demo_progress import Walk
from tianji_core.verbs.exploring import explore_sample
from tianji_core.verbs.model_options import answer, answering
from tianji_core.workspace import Workspace

RECIPE = "walk-through"
"""Key of the recipe that the walk works in, a copy of the recipe in use; numbered where it is taken."""
PRESET = "nano-cpu-qlora"
VARIATION = dataset.Variation(names=0.5, occasions=0.5)
"""Without it the embedded model writes the nearest listed name for one that it never saw."""
MISTAKES = 0.03
"""Share of texts in which the composer plants a mistake, so that cleaning has something to find."""


def demo(
    styles: Annotated[
        str, typer.Option(help="Styles to teach, separated by commas; default: every enabled one.")
    ] = "",
    samples: Annotated[
        int | None,
        typer.Option(
            min=1, help="Texts to generate; default: 4000, with --explore 2000.", show_default=False
        ),
    ] = None,
    prompts: Annotated[
        int, typer.Option(min=1, help="Held-out prompts to judge before and after training.")
    ] = 180,
    explore: Annotated[
        bool,
        typer.Option(
            "--explore", help="Make a workspace of samples, reviews, trainings and votes to look around in."
        ),
    ] = False,
    studio: Annotated[
        bool, typer.Option("--studio/--no-studio", help="With --explore: open the studio on it.")
    ] = True,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Walk the whole corridor with the embedded model: generate, clean, freeze, train, merge, ask, judge.
    Everything is made in a recipe of its own, which 'delete recipe:KEY' removes as one. With --explore, look
    around in a finished workspace of its own instead, in the folder beside yours with '-explore' after its
    name."""
    signal.signal(signal.SIGTERM, _stop)
    if explore:
        explore_sample(workspace, samples, studio, as_json)
        return
    space = opened(workspace)
    samples = samples or 4000
    source = recipes.current(space.engine, space.settings().recipe).recipe
    tasks(source, _plan(space, source, words(styles), samples))  # refuse before the last report is replaced
    recipe = own_recipe(space, source)
    walk = Walk(space, quiet=as_json)
    walk.update(recipe=recipe.key)
    try:
        _walk_through(_Demo(walk, recipe, words(styles), samples, prompts))
    except StudioError as error:
        walk.reporter.fail(str(error))
        raise
    show(walk.report, as_json, _("走完了。打开工坊的“总览”页看训练前后的差别。"))


def own_recipe(space: Workspace, source: Recipe) -> Recipe:
    """Returns the recipe that a walk works in, with the lists and prompts of ``source`` as they are now.

    What an earlier walk made stays in it; a removed one is not used again.
    """
    engine = space.engine
    known = [key for key in recipes.keys(engine) if key.rstrip("0123456789").rstrip("-") == RECIPE]
    if source.key in known:
        return source
    if not known:
        key = recipes.free_key(engine, RECIPE)
        return recipes.copy(engine, source.key, key, _("走一遍")).recipe
    before = recipes.current(engine, max(known, key=lambda key: (len(key), key)))
    recipe = source.model_copy(update={"key": before.recipe.key, "title": before.recipe.title})
    if recipe == before.recipe:
        return recipe
    return recipes.save(engine, recipe, before.revision, _("复制自“{title}”", title=source.title)).recipe


def _stop(_number: int, _frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class _Demo:
    """What is walked with: the recipe, the styles to teach (none: every enabled one), texts to generate,
    prompts to judge."""

    walk: Walk
    recipe: Recipe
    styles: tuple[str, ...]
    texts: int
    prompts: int

    @property
    def space(self) -> Workspace:
        """The workspace of the walk."""
        return self.walk.workspace


def _walk_through(demo: _Demo) -> None:
    """Every step, one after the other.

    Raises:
        StudioError: a step failed.
    """
    run_id, count = _generate(demo)
    _clean(demo, run_id, count)
    version = _freeze(demo, run_id)
    trained = _train(demo, version, run_id)
    merged = _merge(demo, trained)
    _chat(demo, merged)
    _evaluate(demo, version, merged)
    for answers in demo.walk.report.answers:
        demo.walk.say(
            f"  {answers.request}\n    {_('训练前')}：{answers.before}\n    {_('训练后')}：{answers.after}"
        )


def _generate(demo: _Demo) -> tuple[int, int]:
    """Write the texts; returns the run's number and how many there are."""
    space = demo.space
    with demo.walk.step(_("造数：离线造句，不用密钥")) as made:
        run = generation.create_run(
            space,
            demo.recipe.key,
            _plan(space, demo.recipe, demo.styles, demo.texts),
            TeacherChoice(mistakes=MISTAKES),
            Sampling(),
            title=_("走一遍"),
        )
        demo.walk.follow(generation.start_generation(space, run.id))
        count = generation.run_state(space.engine, run.id, latest=0).counts.done
        made(_("{n} 条样本", n=count), generation.raw_path(space, run.id))
    return run.id, count


def _clean(demo: _Demo, run_id: int, count: int) -> None:
    """Fix what can be fixed, and accept the samples in which no rule finds anything and no doubt is left."""
    space, key = demo.space, demo.recipe.key
    reviewer = space.settings().reviewer
    with demo.walk.step(_("清洗：按规则找毛病，能修的修好")) as made:
        cleaning.check_new(space, key)
        fixed = cleaning.fix(space, SampleFilter(key, run_id=run_id), who=reviewer)
        clean = SampleFilter(key, run_id=run_id, states=(PENDING,), sure=True)
        accepted = steps.set_state(space.engine, clean, ACCEPTED, reviewer)
        taken = accepted.count if accepted is not None else 0
        made(
            _(
                "修好 {fixed} 条，采用 {taken} 条，{left} 条留待人工审核",
                fixed=fixed.count if fixed else 0,
                taken=taken,
                left=count - taken,
            ),
            "",
        )


def _freeze(demo: _Demo, run_id: int) -> DatasetVersion:
    """Make the accepted samples a dataset version."""
    space, key = demo.space, demo.recipe.key
    with demo.walk.step(_("冻结成数据集版本")) as made:
        name = _free_name(space, _("走一遍-{n}", n=run_id))
        accepted = SampleFilter(key, run_id=run_id, states=(ACCEPTED,))
        version = dataset.freeze(space, key, name, accepted, variation=VARIATION)
        made(
            _("{name}：{n} 条，sha256 {hash}…", name=name, n=version.count, hash=version.sha256[:12]),
            dataset.training_file(space, version),
        )
    return version


def _train(demo: _Demo, version: DatasetVersion, run_id: int) -> TrainingRun:
    """Train the embedded model on the version."""
    space = demo.space
    with demo.walk.step(_("训练：xtuner QLoRA，4 比特，CPU")) as made:
        settings = training.default_settings(PRESET, space, demo.recipe.key)
        trained = training.start_training(space, PRESET, settings, version, _("走一遍-{n}", n=run_id))
        state = training.training_state(space, trained)
        if state.job is not None:
            demo.walk.follow(state.job)
        state = training.training_state(space, trained)
        loss = f"{state.loss:.3f}" if state.loss is not None else "—"
        made(_("{n} 步，最后的损失 {loss}", n=state.total, loss=loss), state.checkpoints[-1].path)
    return trained


def _merge(demo: _Demo, trained: TrainingRun) -> Artefact:
    """Convert the last checkpoint and merge it; returns the merged model."""
    with demo.walk.step(_("转换与合并：LoRA 适配器，合并模型")) as made:
        demo.walk.follow(models.start_convert_and_merge(demo.space, trained))
        adapter, merged = _made_from(demo.space, trained.id)
        made(_("适配器 {name}", name=adapter.name), adapter.path)
        made(_("合并模型 {name}", name=merged.name), merged.path)
    return merged


def _chat(demo: _Demo, merged: Artefact) -> None:
    """Ask the base and the merged model the same, once for each style.

    Raises:
        StudioError: there was no answer.
    """
    walk = demo.walk
    with walk.step(_("对话：同一句话，训练前和训练后")) as made:
        walk.update(answers=tuple(_answers(demo.space, demo.recipe, demo.styles, merged.name)))
        walk.update(model=merged.name)
        made(_("{n} 种写法各一句", n=len(walk.report.answers)), "")
        if not walk.report.answers:
            raise StudioError(_("模型没有回答"))


def _evaluate(demo: _Demo, version: DatasetVersion, merged: Artefact) -> None:
    """Judge the base and the merged model on held-out cells."""
    with demo.walk.step(_("评测：没见过的格子")) as made:
        cases = evaluation.held_out_cases(demo.recipe, demo.styles, demo.prompts)
        trained = evaluation.training_pairs(demo.recipe, dataset.training_file(demo.space, version))
        checker = evaluation.Checker(demo.recipe, trained)
        before = evaluation.evaluate_folder(nano_base(), None, cases, checker)
        after = evaluation.evaluate_folder(merged.path, None, cases, checker)
        demo.walk.update(rates=_rates(before, after), copied=after.overall.copied, complete=True)
        made(
            _(
                "通过率：训练前 {before:.0%}，训练后 {after:.0%}",
                before=before.overall.passed,
                after=after.overall.passed,
            ),
            "",
        )


def _plan(space: Workspace, recipe: Recipe, styles: tuple[str, ...], count: int) -> Plan:
    """A plan of the cells that are trained on, without the held-out ones. Each walk draws other texts."""
    cells, _held_out = split_cells(kept_cells(recipe, recipe.threshold))
    chosen = len(styles) or sum(style.enabled for style in recipe.styles)
    rounds = min(1000, math.ceil(count / max(1, len(cells) * chosen)))
    seed = len(runs.listed(space.engine, recipe.key, limit=1000))
    return Plan(
        styles=styles, rounds=rounds, threshold=recipe.threshold, seed=seed, limit=count, cells=tuple(cells)
    )


def _free_name(space: Workspace, name: str) -> str:
    free, number = name, 1
    while datasets.find(space.engine, free) is not None:
        number += 1
        free = f"{name}-{number}"
    return free


def _made_from(space: Workspace, training_id: int) -> tuple[Artefact, Artefact]:
    """The adapter and the merged model of a training."""
    by_kind = {made.kind: made for made in models.loadable(space) if made.training_run_id == training_id}
    return by_kind["adapter"], by_kind["merged"]


def _answers(space: Workspace, recipe: Recipe, styles: tuple[str, ...], merged: str) -> Iterator[BeforeAfter]:
    base = next(model.name for model in models.artefacts(space) if model.path == nano_base())
    sampling = ChatSampling(temperature=0.0, seed=0, max_tokens=360)
    asked = [s for s in recipe.styles if s.enabled and (not styles or s.text in styles)]
    _trained, held_out = split_cells(kept_cells(recipe, 2))
    with answering(space, [base, merged]) as url:
        for style, (name, scene) in zip(
            asked, held_out[:: max(1, len(held_out) // len(asked))], strict=False
        ):
            request = written_request(recipe, name, scene, style.text)
            before, after = (
                answer(url, model, recipe.prompts.system, request, sampling) for model in (base, merged)
            )
            yield BeforeAfter(style=style.text, request=request, before=before, after=after)


def _rates(before: evaluation.Report, after: evaluation.Report) -> tuple[PassRate, ...]:
    earlier = {rates.title: rates.passed for rates in before.styles}
    later = [("", after.overall, before.overall.passed)]
    later += [(rates.title, rates, earlier[rates.title]) for rates in after.styles]
    return tuple(
        PassRate(
            style=style,
            count=rates.count,
            before=passed_before,
            after=rates.passed,
            low=rates.low,
            high=rates.high,
        )
        for style, rates, passed_before in later
    )
