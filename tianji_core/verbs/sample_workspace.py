"""A workspace to look around in, made by the program's own steps: two generation runs, reviews by two people,
dataset versions, trainings, adapters and a blind comparison with votes."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import typer
from pydantic import BaseModel

from tianji_core import dataset, generation, models, training
from tianji_core.comparison import (
    Ask,
    Board,
    Column,
    Comparer,
    ballots,
    check_board,
    choose,
    load_board,
    plan_board,
    undecided,
)
from tianji_core.errors import InputError, InterruptedWorkError
from tianji_core.evaluation import Checker, held_out_cases
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.recipe import Plan
from tianji_core.serving import ChatSampling
from tianji_core.store import datasets, recipes, runs, votes
from tianji_core.store import training as training_runs
from tianji_core.store.database import sqlite_address
from tianji_core.store.samples import ACCEPTED, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.verbs.common import follow
from tianji_core.verbs.interruption import command_line
from tianji_core.verbs.model_options import answering
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.sample_reviews import review_samples, reviewers
from tianji_core.workspace import Workspace, open_workspace

PRESET = "nano-cpu-qlora"
MISTAKES = 0.08
"""Share of texts with a planted mistake, so that there is something to find."""
STYLES, CANDIDATES = 2, 2
"""Styles that are compared, and answers of each model: models after a short training often agree on one."""
FACTS = "sample-workspace.json"
OWN_RECIPE = "my-wishes"


class SampleSize(BaseModel):
    """How much is made: texts, the samples that each training learns from, and the questions compared."""

    samples: int = 2000
    learnt: int = 240
    trainings: int = 3
    questions: int = 8


@dataclass(frozen=True)
class _Trial:
    """What one training tries."""

    title: str
    learning_rate: float
    lora_r: int


def sample_home(workspace: Path) -> Path:
    """Returns the folder of the sample workspace, beside a person's own."""
    return workspace.with_name(f"{workspace.name}-explore")


def open_sample(home: Path) -> Workspace:
    """Returns the sample workspace, with a database file of its own even where the person's is on a server.

    Raises:
        InputError: there is another workspace in the folder.
    """
    if (home / "studio.db").exists() and not (home / "exports" / FACTS).exists():
        raise InputError(
            _("{folder} 里已经有一个工作区，不是样例；请把它移走，或换一个 --workspace", folder=home)
        )
    space = open_workspace(home)
    return replace(space, database_url=sqlite_address(space.home / "studio.db"))


def make_sample(space: Workspace, size: SampleSize, quiet: bool = False) -> None:
    """Makes what is missing of the sample workspace; what an interrupted attempt made is used.

    Raises:
        InterruptedWorkError: Ctrl-C; running it again goes on.
    """
    marker = space.exports / FACTS
    if marker.exists() and json.loads(marker.read_text(encoding="utf-8")).get("complete"):
        return
    write_json(marker, {"complete": False, **size.model_dump()})
    try:
        _Making(space, size, quiet).make()
    except (KeyboardInterrupt, InterruptedWorkError) as error:
        again = _("样例做了一半，都留着；接着做：{command}", command=command_line("demo --explore"))
        raise InterruptedWorkError(again) from error
    write_json(marker, {"complete": True, **size.model_dump()})


class _Making:
    """The steps, one after the other; each looks first at what is there already."""

    STEPS = 6

    def __init__(self, space: Workspace, size: SampleSize, quiet: bool) -> None:
        self.space, self.size, self.quiet = space, size, quiet
        self.recipe = space.settings().recipe
        self._number = 0

    def make(self) -> None:
        """Makes everything."""
        with self._step(_("配方：内置的，和一份改过的副本")):
            self._recipes()
        with self._step(_("造数：离线造句，两个批次")):
            first = self._run(_("第一批")[:], self.size.samples * 7 // 10, 0)
            self._run(_("第二批")[:], self.size.samples - self.size.samples * 7 // 10, 1)
        with self._step(_("清洗和审核：两位审核人，各种状态")):
            review_samples(self.space, self.recipe, first)
        with self._step(_("数据集：两个版本")):
            versions = self._versions(first)
        with self._step(_("训练：内置小模型，几次短训练，转换成适配器")):
            adapters = self._trainings(versions)
        with self._step(_("对比：底模和适配器盲评，投了票")):
            self._comparison(adapters)

    @contextlib.contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._number += 1
        if not self.quiet:
            typer.echo(f"[{self._number}/{self.STEPS}] {title}")
        yield

    def _recipes(self) -> None:
        engine, (first, _second) = self.space.engine, reviewers()
        settings = self.space.settings()
        if settings.reviewer != first:
            self.space.save_settings(settings.model_copy(update={"reviewer": first}))
        if OWN_RECIPE not in recipes.keys(engine):
            made = recipes.copy(engine, self.recipe, OWN_RECIPE, _("我的祝福")[:])
            fewer = made.recipe.model_copy(update={"threshold": 2})
            recipes.save(engine, fewer, made.revision, _("只造合适的格子")[:])

    def _run(self, title: str, count: int, seed: int) -> int:
        """Makes a run with its samples; returns its number."""
        engine = self.space.engine
        known = [run for run in runs.listed(engine, self.recipe) if run.title == title]
        if known:
            run = known[0]
        else:
            plan = Plan(rounds=20, threshold=1, seed=seed, limit=count)
            teacher = TeacherChoice(mistakes=MISTAKES)
            run = generation.create_run(self.space, self.recipe, plan, teacher, Sampling(), title=title)
        if not generation.run_state(engine, run.id, latest=0).complete:
            follow(self.space, generation.start_generation(self.space, run.id), quiet=self.quiet)
        return run.id

    def _versions(self, run_id: int) -> list[datasets.DatasetVersion]:
        """Freezes a small balanced version and one with all accepted samples, with a validation part."""
        engine = self.space.engine
        accepted = SampleFilter(self.recipe, run_id=run_id, states=(ACCEPTED,))
        wanted = (
            (_("第一版")[:], dataset.Balance(per_cell=1), _("每个格子一条，先看看")),
            (_("第二版")[:], dataset.Balance(validation=0.1), _("全部采用的，留一成验证")),
        )
        made = []
        for name, balance, note in wanted:
            known = datasets.find(engine, name)
            made.append(known or dataset.freeze(self.space, self.recipe, name, accepted, note, balance))
        return made

    def _trainings(self, versions: list[datasets.DatasetVersion]) -> list[str]:
        """Trains and converts; returns the adapters' names."""
        trials = (
            _Trial(_("第一次：少量样本")[:], 2e-3, 8),
            _Trial(_("第二次：学习率减半")[:], 1e-3, 8),
            _Trial(_("第三次：秩小一半")[:], 2e-3, 4),
        )
        engine, made = self.space.engine, []
        for number, trial in enumerate(trials[: self.size.trainings]):
            version = versions[min(number, len(versions) - 1)]
            known = [run for run in training_runs.listed(engine) if run.title == trial.title]
            run = known[0] if known else self._start(trial, version)
            state = training.training_state(self.space, run)
            if not state.active and not state.finished:
                lost = state.points and not state.checkpoints  # stopped before its first checkpoint
                run = self._start(trial, version) if lost else training.resume_training(self.space, run)
                state = training.training_state(self.space, run)
            if state.job is not None and not state.finished:
                follow(self.space, state.job, quiet=self.quiet)
            if not self._adapters_of(run.id):
                follow(self.space, models.start_convert(self.space, run), quiet=self.quiet)
            made += self._adapters_of(run.id)
        return made

    def _start(self, trial: _Trial, version: datasets.DatasetVersion) -> training.TrainingRun:
        settings = training.default_settings(PRESET, self.space, self.recipe).model_copy(
            update={
                "samples": min(self.size.learnt, version.count),
                "learning_rate": trial.learning_rate,
                "lora_r": trial.lora_r,
                "lora_alpha": trial.lora_r,
                "keep_checkpoints": 1,
                "log_interval": 1,
            }
        )
        return training.start_training(self.space, PRESET, settings, version, trial.title)

    def _adapters_of(self, run_id: int) -> list[str]:
        listed = models.loadable(self.space)
        return [one.name for one in listed if one.training_run_id == run_id and one.kind == "adapter"]

    def _comparison(self, adapters: list[str]) -> None:
        """Asks the base and the adapters the same questions, and votes by what the checks found."""
        space, recipe = self.space, recipes.current(self.space.engine, self.recipe).recipe
        if votes.listed(space.engine, self.recipe):
            return
        base = next(one.name for one in models.loadable(space) if one.kind == "base")
        cells = dict.fromkeys((case.name.text, case.scene.text) for case in held_out_cases(recipe))
        asks = [Ask(name=name, scene=scene) for name, scene in list(cells)[: self.size.questions]]
        styles = [style.text for style in recipe.styles if style.enabled][:STYLES]
        names = [base, *adapters]
        with answering(space, names) as address:
            columns = [Column(url=address, model=name, style=style) for style in styles for name in names]
            sampling = ChatSampling(temperature=1.0, max_tokens=120, seed=0)
            board = plan_board(recipe, asks, columns, recipe.prompts.system, sampling, CANDIDATES)
            comparer = Comparer(space)
            comparer.start(board)
            with progress_line(_("对比"), self.quiet) as progress:
                comparer.wait(board.key, lambda now: progress(now.finished, len(now.cells)))
        self._vote(load_board(space, board.key), Checker(recipe, []))

    def _vote(self, board: Board, checker: Checker) -> None:
        """Votes for each reviewer: for the longest answer that passes the checks, or for the shortest; for
        none where none passes."""
        checked = check_board(board, lambda _model: checker)
        passed = {one.cell.place for one in checked if one.passed}
        for who, best in zip(reviewers(), (max, min), strict=True):
            for ballot in ballots(board):
                good = [cell for cell in ballot.cells if cell.place in passed]
                said = (
                    choose(board, ballot, best(good, key=lambda cell: len(cell.text)))
                    if good
                    else undecided(board, ballot, votes.NONE)
                )
                votes.decide(self.space.engine, said, who)
