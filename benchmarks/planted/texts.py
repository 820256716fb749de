"""Clean texts of the offline composer."""

from typing import NamedTuple

from tianji_core.recipe import Plan, Recipe, brief, tasks
from tianji_core.teachers.composer import Composer


class Text(NamedTuple):
    """A text and what it is meant to be."""

    output: str
    name: str
    scene: str
    style: str


def composed(
    recipe: Recipe, rounds: int, seed: int, limit: int | None = None, mistakes: float = 0.0
) -> list[Text]:
    """Returns texts for all suitable cells and styles, ``mistakes`` of them (a share) with a mistake in
    it."""
    composer = Composer(mistakes=mistakes)
    texts = []
    for task in tasks(recipe, Plan(rounds=rounds, limit=limit)):
        answer = composer.compose(brief(recipe, task, seed))
        texts.append(Text(answer.text, task.name, task.scene, task.style))
    return texts
