"""Has a teacher rate every cell, and lists where it differs from the recipe, for a person to take over or
not."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core import dispatch
from tianji_core.advice.answers import LIST_TOKENS, checked_items
from tianji_core.advice.cell_answers import cell_items
from tianji_core.dispatch import Failed, Lane, Outcome, Retry, Usage, expected_usage
from tianji_core.errors import SettingsError, TeacherError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.ownership import remove
from tianji_core.recipe import Name, Recipe, Scene
from tianji_core.recipe.editing import changed
from tianji_core.sentences import STORED, Sentence
from tianji_core.teachers import Sampling, TeacherChoice, price_of, provider
from tianji_core.teachers.asking import Ask, asking
from tianji_core.teachers.reply import finished_part
from tianji_core.workspace import Workspace

SCENES_AT_ONCE = 24
"""Scenes of one name in one request; models answer longer lists less carefully."""
CONCURRENCY = 8
OPINION_TOKENS = 30
"""Tokens of one opinion: the scene, a number and a short reason."""
_SHOWN_FAULTS = 3
"""Items of one answer that are named with what is wrong with them."""
_ROUNDS = 3
"""How often the cells that an answer leaves out are asked for."""


Cell = tuple[str, str]
"""A name and a scene."""


class Opinion(BaseModel):
    """A teacher's value (0, 1 or 2) for one cell, and why."""

    model_config = ConfigDict(frozen=True)

    name: str
    scene: str
    value: int = Field(ge=0, le=2)
    reason: str = ""


class Difference(NamedTuple):
    """A cell where the teacher's value differs from the recipe's."""

    name: str
    scene: str
    before: int
    value: int
    reason: str


@dataclass(frozen=True)
class RatingResult:
    """The usable opinions, a sentence for each request or item that was not, and the reason why cells got no
    opinion: what ended the rating, else what most requests failed with, '' where none failed."""

    opinions: list[Opinion]
    faults: list[str]
    reason: str = field(default="", compare=False)


class _RatingFile(BaseModel):
    """The content of the rating file."""

    opinions: list[Opinion] = []
    faults: list[Sentence] = []


@dataclass(frozen=True)
class _Batch:
    """The cells of one request."""

    name: Name
    scenes: Sequence[Scene]


class _RatingClient:
    """Asks one teacher to rate batches of cells."""

    def __init__(self, recipe: Recipe, sampling: Sampling, ask: Ask) -> None:
        self._recipe = recipe
        self._sampling = sampling
        self._ask = ask

    def expected(self, item: _Batch) -> Usage:
        """Returns an estimate from the characters of the request and the number of cells."""
        return expected_usage(
            request(self._recipe, item.name, item.scenes), OPINION_TOKENS * len(item.scenes)
        )

    async def ask(self, item: _Batch, _attempts: int) -> Outcome[RatingResult]:
        """Sends one request about a batch.

        Raises:
            TeacherError: no answer, or one without a list.
        """
        answer = await self._ask(request(self._recipe, item.name, item.scenes), self._sampling)
        known = {scene.text for scene in self._recipe.scenes}
        return Outcome(_read_rating(finished_part(answer), item, known), Usage.of(answer))


async def rate_cells(
    workspace: Workspace,
    recipe: Recipe,
    choice: TeacherChoice,
    sampling: Sampling | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    retry: Retry | None = None,
) -> RatingResult:
    """Has every enabled cell rated that the last rating lacks; where it lacks none, all of them anew. Cells
    that an answer leaves out are asked for again. What has arrived is kept in the workspace after each
    answer, so nothing paid for is lost; :func:`missing_cells` says what is still missing.

    Raises:
        InputError: the teacher answers no prompts. TeacherError: no request was answered.
        SettingsError: the teacher is not set up.
    """
    earlier = load_rating(workspace, recipe.key).opinions
    missing = missing_cells(recipe, earlier)
    rating = _Rating(workspace, recipe, earlier if missing else [], progress)
    async with asking(workspace, choice) as ask:
        client = _RatingClient(recipe, sampling or Sampling(temperature=0.2, max_tokens=LIST_TOKENS), ask)
        price = price_of(provider(workspace, choice.provider), choice)
        cells = missing or missing_cells(recipe, [])
        ended = ""
        for _round in range(_ROUNDS):
            batches, before = rating.expect(cells), rating.fresh
            try:
                await dispatch.run(
                    [Lane(client, iter(batches), choice, price)],
                    rating.store,
                    concurrency=CONCURRENCY,
                    items=len(batches),
                    on_stored=rating.report,
                    retry=retry,
                )
            except TeacherError as error:
                if not rating.fresh:
                    raise
                rating.faults.append(str(error))
                rating.save()
                ended = str(error)
                break
            cells = [cell for cell in missing_cells(recipe, rating.opinions) if cell[0] not in rating.failed]
            if not cells or rating.fresh == before:
                break
    if not rating.fresh and rating.unanswered:
        raise TeacherError(rating.unanswered[0])
    return RatingResult(rating.opinions, rating.faults, ended or rating.reasons.most_frequent)


class _Rating:
    """What a rating has found so far; ``fresh`` counts the opinions of this start, ``failed`` holds the
    names whose requests were not answered."""

    def __init__(
        self,
        workspace: Workspace,
        recipe: Recipe,
        opinions: Sequence[Opinion],
        progress: Callable[[int, int], None],
    ) -> None:
        self.opinions = list(opinions)
        self.faults: list[str] = []
        self.unanswered: list[str] = []
        self.failed: set[str] = set()
        self.reasons = dispatch.Reasons()
        self.fresh = 0
        self._workspace = workspace
        self._recipe = recipe
        self._progress = progress
        self._finished = self._total = 0

    def expect(self, cells: Sequence[Cell]) -> list[_Batch]:
        """Returns the requests for these cells, and counts them."""
        batches = _batches(self._recipe, cells)
        self._total += len(batches)
        return batches

    def store(self, results: list[RatingResult], failures: list[Failed[_Batch]]) -> None:
        """Keeps the opinions of one batch of answers. It may come again where it could not be stored."""
        more = [opinion for result in results for opinion in result.opinions]
        wrong = [fault for result in results for fault in result.faults]
        wrong += [f"{failure.item.name.text}：{failure.message}" for failure in failures]
        wrong = [fault for fault in dict.fromkeys(wrong) if fault not in self.faults]
        if self.opinions or more:
            _save(
                self._workspace,
                self._recipe.key,
                RatingResult([*self.opinions, *more], [*self.faults, *wrong]),
            )
        self.opinions.extend(more)
        self.faults.extend(wrong)
        self.fresh += len(more)
        self.failed.update(failure.item.name.text for failure in failures)
        self.unanswered.extend(failure.message for failure in failures)
        self.reasons.add(failures)

    def report(self, results: list[RatingResult], failures: list[Failed[_Batch]]) -> None:
        """Reports the progress after one batch."""
        self._finished += len(results) + len(failures)
        self._progress(self._finished, self._total)

    def save(self) -> None:
        """Keeps what has been found."""
        _save(self._workspace, self._recipe.key, RatingResult(self.opinions, self.faults))


def missing_cells(recipe: Recipe, opinions: Iterable[Opinion]) -> list[Cell]:
    """Returns the enabled cells (name, scene) without an opinion."""
    rated = {(opinion.name, opinion.scene) for opinion in opinions}
    return [
        (name.text, scene.text)
        for name in recipe.names
        if name.enabled
        for scene in recipe.scenes
        if scene.enabled and (name.text, scene.text) not in rated
    ]


def _batches(recipe: Recipe, cells: Sequence[Cell]) -> list[_Batch]:
    """Returns the cells, a name and at most :data:`SCENES_AT_ONCE` scenes at a time."""
    wanted = set(cells)
    batches = []
    for name in recipe.names:
        scenes = [scene for scene in recipe.scenes if (name.text, scene.text) in wanted]
        batches += [
            _Batch(name, scenes[start : start + SCENES_AT_ONCE])
            for start in range(0, len(scenes), SCENES_AT_ONCE)
        ]
    return batches


def _read_rating(text: str, batch: _Batch, known: Collection[str]) -> RatingResult:
    """Returns the opinions in an answer about the scenes of a batch, one for each, and sentences about what
    cannot be used; other ``known`` scenes of the recipe are left alone.

    Raises:
        TeacherAnswerError: there is no list in it.
    """
    name = batch.name.text
    opinions, wrong = checked_items(cell_items(text, known), text, Opinion, {"name": name})
    asked = {scene.text for scene in batch.scenes}
    faults = [f"{name}：{fault.shown} {fault.reason}" for fault in wrong]
    faults += [
        _("{name}：列表里没有“{scene}”", name=name, scene=opinion.scene)
        for opinion in opinions
        if opinion.scene not in known
    ]
    if len(faults) > _SHOWN_FAULTS:
        more = len(faults) - _SHOWN_FAULTS
        faults = [*faults[:_SHOWN_FAULTS], _("{name}：还有 {n} 项也用不了", name=name, n=more)]
    usable = {opinion.scene: opinion for opinion in reversed(opinions) if opinion.scene in asked}
    return RatingResult(list(reversed(usable.values())), faults)


_FORM = (
    '只回一个 JSON 数组，每项形如 {"scene": "原文", "value": 0、1 或 2, "reason": "二十字以内的理由"}，'
    "每个一项，数组之外什么都不写。"
)


def request(recipe: Recipe, name: Name, scenes: Sequence[Scene]) -> str:
    """Returns the request for one name's cells, in Chinese whatever the language of the pages."""
    receiver = f"对方是{name.text}，对我来说是{recipe.relation_title(name.relation)}。"
    return recipe.request(
        "rating",
        title=recipe.title,
        task=recipe.description or recipe.prompts.system,
        receiver=receiver if recipe.receivers else "",
        scene_title=recipe.words.scene,
        scenes="、".join(scene.text for scene in scenes),
        form=_FORM,
    )


def differences(recipe: Recipe, opinions: Iterable[Opinion]) -> list[Difference]:
    """Returns where the opinions differ from the recipe, the largest differences first; cells that are no
    longer in the recipe are left out."""
    matrix = recipe.matrix()
    names, scenes = {n.text for n in recipe.names}, {s.text for s in recipe.scenes}
    compared = {
        (o.name, o.scene): Difference(o.name, o.scene, matrix.value(o.name, o.scene), o.value, o.reason)
        for o in opinions
        if o.name in names and o.scene in scenes
    }
    differing = [d for d in compared.values() if d.before != d.value]
    return sorted(differing, key=lambda d: -abs(d.before - d.value))


def with_opinions(recipe: Recipe, chosen: Iterable[Difference]) -> Recipe:
    """Returns the recipe with the chosen differences taken over, reasons included."""
    matrix = recipe.matrix()
    for difference in chosen:
        reason = difference.reason if difference.value != 2 else ""
        matrix.set(difference.name, difference.scene, difference.value, reason)
    return changed(recipe, suitability=matrix.to_groups())


def load_rating(workspace: Workspace, recipe_key: str) -> RatingResult:
    """Returns the last rating as far as it got; empty where there was none.

    Raises:
        SettingsError: the file is broken.
    """
    path = _path(workspace, recipe_key)
    try:
        stored = _RatingFile.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RatingResult([], [])
    except ValueError as error:
        raise SettingsError(_("打分文件 {file} 坏了，删掉它再打一次", file=path)) from error
    return RatingResult(stored.opinions, stored.faults)


def forget_rating(workspace: Workspace, recipe_key: str) -> None:
    """Deletes the last rating."""
    remove(_path(workspace, recipe_key))


def _save(workspace: Workspace, recipe_key: str, result: RatingResult) -> None:
    path = _path(workspace, recipe_key)
    path.parent.mkdir(exist_ok=True)
    write_json(path, _RatingFile(opinions=result.opinions, faults=result.faults).model_dump(context=STORED))


def _path(workspace: Workspace, recipe_key: str) -> Path:
    return workspace.home / "advice" / f"ratings-{recipe_key}.json"
