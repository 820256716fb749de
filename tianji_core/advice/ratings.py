"""What a teacher thinks of every cell, as differences that a person takes over or not."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.advice.answers import SYSTEM_TOKENS, read_list
from tianji_core.errors import SettingsError, TeacherError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.recipe import RELATION_TITLES, Name, Recipe, Scene
from tianji_core.recipe.editing import changed
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.teachers.asking import Ask, asking
from tianji_core.workspace import Workspace

SCENES_AT_ONCE = 24
"""Scenes of one name in one request; longer lists are answered less carefully."""
CONCURRENCY = 8


class Opinion(BaseModel):
    """A teacher's value (0, 1 or 2) for one cell, and why."""

    model_config = ConfigDict(frozen=True)

    name: str
    scene: str
    value: int = Field(ge=0, le=2)
    reason: str = ""


class Difference(NamedTuple):
    """A cell where the teacher thinks otherwise than the recipe."""

    name: str
    scene: str
    before: int
    value: int
    reason: str


@dataclass(frozen=True)
class RatingResult:
    """What came back: usable opinions, and a sentence for each request or item that was not."""

    opinions: list[Opinion]
    faults: list[str]


class _Kept(BaseModel):
    """The rating file."""

    opinions: list[Opinion] = []
    faults: list[str] = []


async def rate_cells(
    workspace: Workspace,
    recipe: Recipe,
    choice: TeacherChoice,
    sampling: Sampling | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> RatingResult:
    """Have every enabled cell rated, a name at a time. What has arrived is kept in the workspace after each answer, so
    nothing paid for is lost; a request that fails leaves its cells out.

    Raises:
        InputError: the offline composer. TeacherError: every request failed. SettingsError: the teacher is not set up.
    """
    scenes = [s for s in recipe.scenes if s.enabled]
    pieces = [scenes[i : i + SCENES_AT_ONCE] for i in range(0, len(scenes), SCENES_AT_ONCE)]
    batches = [(name, piece) for name in recipe.names if name.enabled for piece in pieces]
    opinions: list[Opinion] = []
    faults: list[str] = []
    errors: list[TeacherError] = []
    gate = asyncio.Semaphore(CONCURRENCY)
    how = sampling or Sampling(temperature=0.2, max_tokens=SYSTEM_TOKENS)
    finished = 0

    async def one(ask: Ask, name: Name, piece: Sequence[Scene]) -> None:
        nonlocal finished
        async with gate:
            try:
                answer = await ask(request(recipe, name, piece), how)
                found, wrong = read_list(answer.text, Opinion, {"name": name.text})
            except TeacherError as error:
                errors.append(error)
                faults.append(f"{name.text}：{error}")
            else:
                known = {s.text for s in piece}
                opinions.extend(opinion for opinion in found if opinion.scene in known)
                faults.extend(f"{name.text}：{fault.shown} {fault.reason}" for fault in wrong)
                faults.extend(
                    _("{name}：没有场景“{scene}”", name=name.text, scene=opinion.scene)
                    for opinion in found
                    if opinion.scene not in known
                )
            if opinions:
                _save(workspace, recipe.key, RatingResult(opinions, faults))
        finished += 1
        progress(finished, len(batches))

    async with asking(workspace, choice) as ask:
        await asyncio.gather(*(one(ask, name, piece) for name, piece in batches))
    if not opinions and errors:
        raise errors[0]
    return RatingResult(opinions, faults)


def request(recipe: Recipe, name: Name, scenes: Sequence[Scene]) -> str:
    """The question about one name's cells, in Chinese whatever the language of the pages."""
    listed = "、".join(s.text for s in scenes)
    return "\n".join(
        (
            f"任务是“{recipe.title}”：{recipe.description or recipe.prompts.system}",
            f"对方是{name.text}，对我来说是{RELATION_TITLES[name.relation]}。",
            f"下面这些场景，哪些适合拿来写给这个人？{listed}",
            "逐个场景打分：2 合情合理，1 要看具体情况，0 不合情理或失礼。",
            '只回一个 JSON 数组，每项形如 {"scene": "场景原文", "value": 0、1 或 2, "reason": "二十字以内的理由"}，'
            "每个场景一项，数组之外什么都不写。",
        )
    )


def differences(recipe: Recipe, opinions: Iterable[Opinion]) -> list[Difference]:
    """Where the opinions differ from the recipe, the largest disagreements first; cells that are gone are left out."""
    matrix = recipe.matrix()
    names, scenes = {n.text for n in recipe.names}, {s.text for s in recipe.scenes}
    found = {
        (o.name, o.scene): Difference(o.name, o.scene, matrix.value(o.name, o.scene), o.value, o.reason)
        for o in opinions
        if o.name in names and o.scene in scenes
    }
    unlike = [d for d in found.values() if d.before != d.value]
    return sorted(unlike, key=lambda d: -abs(d.before - d.value))


def with_opinions(recipe: Recipe, chosen: Iterable[Difference]) -> Recipe:
    """The recipe with the chosen differences taken over, reasons included."""
    matrix = recipe.matrix()
    for difference in chosen:
        reason = difference.reason if difference.value != 2 else ""
        matrix.set(difference.name, difference.scene, difference.value, reason)
    return changed(recipe, suitability=matrix.to_groups())


def load_rating(workspace: Workspace, recipe_key: str) -> RatingResult:
    """The last rating, as far as it came; empty where there was none.

    Raises:
        SettingsError: the file is broken.
    """
    path = _path(workspace, recipe_key)
    try:
        kept = _Kept.model_validate_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return RatingResult([], [])
    except ValueError as error:
        raise SettingsError(_("打分文件 {file} 坏了，删掉它再打一次", file=path)) from error
    return RatingResult(kept.opinions, kept.faults)


def forget_rating(workspace: Workspace, recipe_key: str) -> None:
    """Throw the last rating away."""
    _path(workspace, recipe_key).unlink(missing_ok=True)


def _save(workspace: Workspace, recipe_key: str, result: RatingResult) -> None:
    path = _path(workspace, recipe_key)
    path.parent.mkdir(exist_ok=True)
    write_json(path, _Kept(opinions=result.opinions, faults=result.faults).model_dump())


def _path(workspace: Workspace, recipe_key: str) -> Path:
    return workspace.home / "advice" / f"ratings-{recipe_key}.json"
