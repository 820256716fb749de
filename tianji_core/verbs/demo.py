"""The verb ``demo``: the whole corridor once, with the offline composer and the embedded model."""

import contextlib
import math
import signal
import time
import types
from collections.abc import Callable, Iterator
from typing import Annotated

import typer

from tianji_core import cleaning, dataset, evaluation, generation, jobs, models, training
from tianji_core.errors import JobError, StudioError
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.models.nano import nano_base, split_cells
from tianji_core.recipe import Plan, Recipe, kept_cells, tasks
from tianji_core.serving import ChatSampling
from tianji_core.store import datasets, recipes, runs, steps
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show, words
from tianji_core.verbs.report import BeforeAfter, DemoReport, PassRate, StepResult, write_report
from tianji_core.verbs.talking import answer, answering, written_request
from tianji_core.workspace import Workspace

PRESET = "nano-cpu-qlora"
MISTAKES = 0.03
"""Share of texts in which the composer plants a mistake, so that cleaning has something to find."""


def demo(
    styles: Annotated[
        str, typer.Option(help="Styles to teach, separated by commas; default: every enabled one.")
    ] = "",
    samples: Annotated[int, typer.Option(min=1, help="Texts to generate.")] = 4000,
    prompts: Annotated[
        int, typer.Option(min=1, help="Held-out prompts to judge before and after training.")
    ] = 180,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Walk the whole corridor with the embedded model: generate, clean, freeze, train, merge, ask, judge."""
    space = opened(workspace)
    signal.signal(signal.SIGTERM, _stop)
    key = space.settings().recipe
    recipe = recipes.current(space.engine, key).recipe
    tasks(recipe, _plan(space, recipe, words(styles), samples))  # refuse before the last report is replaced
    walk = _Walk(space, quiet=as_json)
    try:
        _walk(walk, words(styles), samples, prompts)
    except StudioError as error:
        walk.reporter.fail(str(error))
        raise
    show(walk.report, as_json, _("走完了。打开工坊的“总览”页看训练前后的差别。"))


def _stop(_number: int, _frame: types.FrameType | None) -> None:
    raise KeyboardInterrupt


class _Walk:
    """Progress over all steps, and the report that grows with them. A step's weight is about its seconds."""

    WEIGHTS = (6, 4, 2, 290, 40, 20, 60)

    def __init__(self, workspace: Workspace, quiet: bool) -> None:
        self.workspace = workspace
        self.report = DemoReport()
        self.reporter = jobs.Reporter(total=sum(self.WEIGHTS))
        self._quiet = quiet
        self._number = 0
        write_report(workspace, self.report)

    @contextlib.contextmanager
    def step(self, title: str) -> Iterator[Callable[[str, object], None]]:
        """One step: call what it yields with (what was made, where it lies)."""
        started = time.monotonic()
        self._advance(0.0, title)
        self._say(f"[{self._number + 1}/{len(self.WEIGHTS)}] {title}")
        made: list[tuple[str, str]] = []
        yield lambda text, path: made.append((text, str(path)))
        for text, path in made:
            result = StepResult(title=title, made=text, path=path, seconds=time.monotonic() - started)
            self.update(steps=(*self.report.steps, result))
            self._say(f"    {text}" + (f"\n    {path}" if path else ""))
        self._number += 1
        self._advance(0.0, title)

    def update(self, **fields: object) -> None:
        """Change fields of the report and keep it."""
        self.report = self.report.model_copy(update=fields)
        write_report(self.workspace, self.report)

    def follow(self, job: jobs.Job) -> jobs.Job:
        """Wait for a job of this step; stopping the walk stops it.

        Raises:
            JobError: it did not succeed.
        """

        def each(current: jobs.Job) -> None:
            progress = jobs.read_progress(self.workspace, current.id)
            if progress is not None and progress.share is not None:
                self._advance(progress.share, None)

        try:
            ended = jobs.wait(self.workspace, job.id, each=each)
        except KeyboardInterrupt:
            jobs.stop(self.workspace, job.id)
            raise
        if ended.state != "succeeded":
            raise JobError(
                _("{title}：{reason}", title=ended.title, reason=ended.note or jobs.state_title(ended.state))
            )
        return ended

    def _advance(self, share: float, message: str | None) -> None:
        done = float(sum(self.WEIGHTS[: self._number]))
        if self._number < len(self.WEIGHTS):
            done += share * self.WEIGHTS[self._number]
        self.reporter.update(done, message=message)

    def _say(self, text: str) -> None:
        if not self._quiet:
            typer.echo(text)


def _walk(walk: _Walk, styles: tuple[str, ...], count: int, prompts: int) -> None:
    space = walk.workspace
    key = space.settings().recipe
    recipe = recipes.current(space.engine, key).recipe
    base = nano_base()
    with walk.step(_("造数：离线造句，不用密钥")) as made:
        run = generation.create_run(
            space,
            key,
            _plan(space, recipe, styles, count),
            TeacherChoice(mistakes=MISTAKES),
            Sampling(),
            title=_("走一遍"),
        )
        walk.follow(generation.start_generation(space, run.id))
        counts = generation.run_state(space.engine, run.id, latest=0).counts
        made(_("{n} 条样本", n=counts.done), generation.raw_path(space, run.id))
    mine = SampleFilter(key, run_id=run.id)
    with walk.step(_("清洗：按规则找毛病，能修的修好")) as made:
        cleaning.check_new(space, key)
        fixed = cleaning.fix(space, mine, who=space.settings().reviewer)
        accepted = steps.set_state(
            space.engine,
            SampleFilter(key, run_id=run.id, states=(PENDING,), clean=True),
            ACCEPTED,
            space.settings().reviewer,
        )
        taken = accepted.count if accepted is not None else 0
        made(
            _(
                "修好 {fixed} 条，采用 {taken} 条，{left} 条留待人工审核",
                fixed=fixed.count if fixed else 0,
                taken=taken,
                left=counts.done - taken,
            ),
            "",
        )
    with walk.step(_("定稿：冻结成数据集版本")) as made:
        name = _free_name(space, _("走一遍-{n}", n=run.id))
        version = dataset.freeze(space, key, name, SampleFilter(key, run_id=run.id, states=(ACCEPTED,)))
        file = dataset.training_file(space, version)
        made(_("{name}：{n} 条，sha256 {hash}…", name=name, n=version.count, hash=version.sha256[:12]), file)
    with walk.step(_("训练：xtuner QLoRA，4 比特，CPU")) as made:
        settings = training.default_settings(PRESET, space)
        trained = training.start_training(space, PRESET, settings, version, _("走一遍-{n}", n=run.id))
        state = training.training_state(space, trained)
        if state.job is not None:
            walk.follow(state.job)
        state = training.training_state(space, trained)
        loss = f"{state.loss:.3f}" if state.loss is not None else "—"
        made(_("{n} 步，最后的损失 {loss}", n=state.total, loss=loss), state.checkpoints[-1].path)
    with walk.step(_("转换与合并：LoRA 适配器，合并模型")) as made:
        walk.follow(models.start_convert_and_merge(space, trained))
        adapter, merged = _made_from(space, trained.id)
        made(_("适配器 {name}", name=adapter.name), adapter.path)
        made(_("合并模型 {name}", name=merged.name), merged.path)
    with walk.step(_("对话：同一句话，训练前和训练后")) as made:
        walk.update(answers=tuple(_answers(space, recipe, styles, merged.name)))
        made(_("{n} 种风格各一句", n=len(walk.report.answers)), "")
        if not walk.report.answers:
            raise StudioError(_("模型没有回答"))
    with walk.step(_("评测：没见过的称谓 × 场景")) as made:
        cases = evaluation.held_out_cases(recipe, styles, prompts)
        checker = evaluation.Checker(recipe, evaluation.training_pairs(recipe, file))
        before = evaluation.evaluate_folder(base, None, cases, checker)
        after = evaluation.evaluate_folder(merged.path, None, cases, checker)
        walk.update(rates=_rates(before, after), copied=after.overall.copied, complete=True)
        made(
            _(
                "通过率：训练前 {before:.0%}，训练后 {after:.0%}",
                before=before.overall.passed,
                after=after.overall.passed,
            ),
            "",
        )
    for pair in walk.report.answers:
        walk._say(f"  {pair.request}\n    {_('训练前')}：{pair.before}\n    {_('训练后')}：{pair.after}")


def _plan(space: Workspace, recipe: Recipe, styles: tuple[str, ...], count: int) -> Plan:
    """Texts for the cells that are learnt from; the held-out ones stay unseen. A new walk draws other texts."""
    cells, _held_out = split_cells(kept_cells(recipe, recipe.threshold))
    chosen = len(styles) or sum(style.enabled for style in recipe.styles)
    rounds = min(1000, math.ceil(count / max(1, len(cells) * chosen)))
    seed = len(runs.listed(space.engine, recipe.key, limit=1000))
    return Plan(
        styles=styles, rounds=rounds, threshold=recipe.threshold, seed=seed, limit=count, cells=tuple(cells)
    )


def _free_name(space: Workspace, wanted: str) -> str:
    name, number = wanted, 1
    while datasets.find(space.engine, name) is not None:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _made_from(space: Workspace, training_id: int) -> tuple[Artefact, Artefact]:
    mine = [each for each in models.artefacts(space) if each.training_run_id == training_id]
    adapter = next(each for each in mine if each.kind == "adapter")
    return adapter, next(each for each in mine if each.kind == "merged")


def _answers(space: Workspace, recipe: Recipe, styles: tuple[str, ...], merged: str) -> Iterator[BeforeAfter]:
    base = next(each.name for each in models.artefacts(space) if each.path == nano_base())
    sampling = ChatSampling(temperature=0.0, seed=0, max_tokens=360)
    asked = [s for s in recipe.styles if s.enabled and (not styles or s.text in styles)]
    _learnt, held_out = split_cells(kept_cells(recipe, 2))
    with answering(space, [base, merged]) as url:
        for style, (name, scene) in zip(
            asked, held_out[:: max(1, len(held_out) // len(asked))], strict=False
        ):
            request = written_request(recipe, name, scene, style.text)
            said = [answer(url, each, recipe.prompts.system, request, sampling) for each in (base, merged)]
            yield BeforeAfter(style=style.text, request=request, before=said[0], after=said[1])


def _rates(before: evaluation.Report, after: evaluation.Report) -> tuple[PassRate, ...]:
    earlier = {row.title: row.passed for row in before.styles}
    rows = [("", after.overall, before.overall.passed)] + [
        (r.title, r, earlier[r.title]) for r in after.styles
    ]
    return tuple(
        PassRate(style=title, count=row.count, before=was, after=row.passed, low=row.low, high=row.high)
        for title, row, was in rows
    )
