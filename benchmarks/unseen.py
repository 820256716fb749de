"""Questions about receivers and occasions of ``unseen_words.yaml``, which neither the lists nor the corpus of
the nano base hold: whether a model takes them from its request."""

from pathlib import Path
from random import Random

from tianji_core.dataset.fresh_words import fresh_words
from tianji_core.evaluation import Case, Checker
from tianji_core.models.nano.reading import TEXTS
from tianji_core.recipe import (
    Name,
    Plan,
    Pronoun,
    Recipe,
    Relation,
    Scene,
    SceneKind,
    brief,
    kept_cells,
    tasks,
)
from tianji_core.yaml_reading import read_yaml

WORDS = Path(__file__).with_name("unseen_words.yaml")
SCENES_PER_NAME, NAMES_PER_OCCASION = 3, 8


def unseen_recipe(recipe: Recipe) -> Recipe:
    """The recipe with the unseen receivers and occasions added to its lists."""
    words = read_yaml(WORDS)
    names = []
    for group, texts in words["names"].items():
        relation, pronoun = group.split()
        names += [Name(text=text, relation=Relation(relation), pronoun=Pronoun(pronoun)) for text in texts]
    scenes = [
        Scene(text=text, kind=SceneKind(kind), greeting=wish)
        for kind, texts in words["occasions"].items()
        for text, wish in texts.items()
    ]
    return recipe.changed(names=(*recipe.names, *names), scenes=(*recipe.scenes, *scenes))


def unseen_cases(recipe: Recipe, styles: tuple[str, ...], seed: int) -> tuple[list[Case], list[Case]]:
    """(questions with an unseen receiver and a listed occasion, questions with a listed receiver and an
    unseen occasion), each in every style."""
    wider = unseen_recipe(recipe)
    source, known = Random(f"unseen|{seed}"), kept_cells(recipe, 2)
    listed = sorted({name for name, _scene in known})
    names, occasions = [], []
    for name in wider.names[len(recipe.names) :]:
        fits = sorted({s for n, s in known if _alike(recipe, n, name)})
        names += [(name.text, scene) for scene in source.sample(fits, SCENES_PER_NAME)]
    for scene in wider.scenes[len(recipe.scenes) :]:
        occasions += [(name, scene.text) for name in source.sample(listed, NAMES_PER_OCCASION)]
    return _asked(wider, styles, names, seed), _asked(wider, styles, occasions, seed)


def _alike(recipe: Recipe, listed: str, name: Name) -> bool:
    return any(one.text == listed and one.relation is name.relation for one in recipe.names)


def _asked(recipe: Recipe, styles: tuple[str, ...], cells: list[tuple[str, str]], seed: int) -> list[Case]:
    plan = Plan(styles=styles, rounds=1, threshold=0, seed=seed, cells=tuple(cells))
    return [
        Case(one.name, one.scene, one.style, recipe.prompts.system, one.input)
        for one in (brief(recipe, task, seed) for task in tasks(recipe, plan))
    ]


def known_words() -> str:
    """Every word that the base's corpus and the variants of a training file are made of, in one text."""
    return TEXTS.read_text(encoding="utf-8") + fresh_words().model_dump_json()


def unseen_checker(recipe: Recipe, pairs: list[tuple[str, str]]) -> Checker:
    """A checker that knows the unseen receivers too."""
    return Checker(unseen_recipe(recipe), pairs)
