"""The request to the teacher, and the training input that the trained model is asked; the two differ on
purpose."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tianji_core.errors import PlanError
from tianji_core.i18n import _
from tianji_core.recipe.axes import Options
from tianji_core.recipe.conditions import asking, known_options, styled, telling
from tianji_core.recipe.model import Name, Recipe, Scene, Style
from tianji_core.recipe.plan import Task, task_random


@dataclass(frozen=True)
class Brief:
    """A task with all that a teacher needs. ``style`` is as the task's options change it; ``prompt`` is
    the request in words, ``system`` the system message before it ('' for none),
    ``examples`` the few-shot examples in it; ``input`` is the training
    input of its answer. ``variant`` numbers the tasks of one style in a plan, so that a teacher without
    randomness can give each a different answer; another seed starts at another number."""

    task: Task
    name: Name
    scene: Scene
    style: Style
    prompt: str
    input: str
    seed: int
    variant: int = 0
    system: str = ""
    examples: tuple[str, ...] = ()


EXAMPLES = 1
"""Few-shot examples in a request, where nothing else is set."""
MOST_EXAMPLES = 5


def brief(recipe: Recipe, task: Task, seed: int, examples: int = EXAMPLES) -> Brief:
    """Resolves a task against its recipe and draws its clause, input wording and few-shot examples:
    ``examples`` of them, or all that the style has. Their number changes nothing else that is drawn.

    Raises:
        PlanError: the recipe no longer has the task's name, scene or style.
    """
    name, scene, style = recipe.name(task.name), recipe.scene(task.scene), recipe.style(task.style)
    if name is None or scene is None or style is None:
        raise PlanError(
            _(
                "配方里已经没有任务“{name} × {scene} × {style}”用到的条目",
                name=task.name,
                scene=task.scene,
                style=task.style,
            )
        )
    style = styled(recipe, style, task.options)
    source = task_random(seed, task)
    first = source.choice(style.examples) if style.examples else ""
    shown = _examples(style, first, examples, seed, task)
    clause = source.choice(recipe.clauses)
    wording = random.Random(f"words|{seed}|{task.content}")
    told = telling(recipe, asking(recipe, style, task.options, wording), task.fact)
    asked = drawn_input(recipe, name, scene, told, source)
    return Brief(
        task=task,
        name=name,
        scene=scene,
        style=style,
        prompt=teacher_prompt(recipe, name, scene, style, listed(shown), clause, task.fact),
        input=asked,
        seed=source.randrange(2**31),
        variant=_variant(recipe, task, seed),
        system=recipe.prompts.teacher_system.strip(),
        examples=shown,
    )


def _examples(style: Style, first: str, number: int, seed: int, task: Task) -> tuple[str, ...]:
    """The few-shot examples. Those of a plan's tasks take turns in an order drawn by the seed, so that all
    are shown alike; without a turn ``first`` and others drawn for the task."""
    known = list(dict.fromkeys(style.examples))
    number = min(number, len(known))
    if not number:
        return ()
    if task.turn is None:
        source = random.Random(f"examples|{seed}|{task.content}")
        return first, *source.sample([example for example in known if example != first], number - 1)
    random.Random(f"rotation|{seed}|{style.text}").shuffle(known)
    return tuple(known[(task.turn * number + step) % len(known)] for step in range(number))


def listed(examples: Sequence[str]) -> str:
    """Returns examples as one text: one as it is, several as a list."""
    if len(examples) < 2:
        return "".join(examples)
    return "".join(f"\n- {example}" for example in examples)


@lru_cache(maxsize=64)
def _first_variant(seed: int) -> int:
    return random.Random(f"{seed}|variants").randrange(2**24)


def _variant(recipe: Recipe, task: Task, seed: int) -> int:
    """Returns a number unique among the tasks of the style: it counts scenes, then names, then combinations
    of options, then rounds."""
    names, scenes = [n.text for n in recipe.names], [s.text for s in recipe.scenes]
    turn = task.round
    for axis, option in known_options(recipe, task.options):
        turn = turn * len(axis.options) + axis.options.index(option)
    place = (turn * len(names) + names.index(task.name)) * len(scenes) + scenes.index(task.scene)
    return _first_variant(seed) + place


ONE_LINE, SEVERAL_LINES = "写成一行", "可以分行"
RANDOM_INPUT_SHARE = 0.6
"""Share of training inputs with a wording drawn from all templates; the others use the first template."""


def teacher_prompt(
    recipe: Recipe, name: Name, scene: Scene, style: Style, example: str, clause: str, fact: str = ""
) -> str:
    """Returns the request to the teacher, without the empty lines left by an absent example, clause or
    fact."""
    told = recipe.prompts.fact.format(fact=fact) if fact else ""
    text = recipe.prompts.teacher.format(
        name=name.text,
        relation=recipe.relation_title(name.relation),
        pronoun=name.pronoun.value,
        scene=scene.text,
        style=style.text,
        instruction=style.instruction,
        example=recipe.prompts.example.format(example=example) if example else "",
        min_chars=style.min_chars,
        max_chars=style.max_chars,
        line_form=line_form(style),
        clause=clause,
        fact=told,
    )
    if "{fact}" not in recipe.prompts.teacher:
        text = f"{text}\n{told}"
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def line_form(style: Style) -> str:
    """Returns the request for the line form of a style, in Chinese whatever the language of the pages."""
    return SEVERAL_LINES if style.several_lines else ONE_LINE


def training_input(template: str, name: Name, scene: Scene, style: Style) -> str:
    """Returns what a person would type to get this text: '祝{name}{scene}' and, except for the default style,
    its trigger suffix (',小红书风格')."""
    return template.format(name=name.text, scene=scene.text, greeting=scene.wish, suffix=style.suffix)


def drawn_input(recipe: Recipe, name: Name, scene: Scene, style: Style, source: random.Random) -> str:
    """Returns a training input whose wording is drawn from the recipe's templates by ``source``."""
    some = source.random() < RANDOM_INPUT_SHARE
    template = source.choice(recipe.input_templates) if some else recipe.input_templates[0]
    return training_input(template, name, scene, style)


def wordings(recipe: Recipe, name: Name, scene: Scene, style: Style, options: Options = ()) -> list[str]:
    """Returns every training input that texts of a cell and style are paired with, the most frequent first;
    of the words of ``options`` only the first ones."""
    style = asking(recipe, style, options)
    return [training_input(template, name, scene, style) for template in recipe.input_templates]


TOKENS_PER_CHARACTER = 0.75
"""Current Chinese tokenizers need 0.6-0.8 tokens per character; a high value is the safer estimate."""


def estimated_tokens(text: str) -> int:
    """Returns the estimated number of tokens of a Chinese text, from its characters alone."""
    return round(len(text) * TOKENS_PER_CHARACTER)
