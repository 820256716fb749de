"""Recipes beside the default one are whole: nothing in the studio is tied to one task."""

import re
from itertools import product

import pytest

from tianji_core.i18n import set_language
from tianji_core.recipe import (
    Plan,
    Pronoun,
    Recipe,
    Words,
    brief,
    built_in_recipe,
    built_in_recipes,
    kept_cells,
    normalise,
    tasks,
)
from tianji_core.recipe.words import OF_SHIPPED

OTHERS = [key for key in built_in_recipes() if key not in ("wishes", "tutorial")]


@pytest.fixture(params=OTHERS)
def recipe(request: pytest.FixtureRequest) -> Recipe:
    return built_in_recipe(request.param)


def test_each_is_large_enough_to_learn_from(recipe: Recipe) -> None:
    assert len(recipe.names) >= 12 and len(recipe.scenes) >= 8 and len(recipe.styles) >= 4
    assert len(recipe.clauses) >= 8 and len(recipe.input_templates) >= 8 and "" in recipe.clauses
    kept = kept_cells(recipe, recipe.threshold)
    assert {n.text for n in recipe.names} == {name for name, _scene in kept}
    assert {s.text for s in recipe.scenes} == {scene for _name, scene in kept}


def test_exactly_one_style_comes_without_being_asked_for(recipe: Recipe) -> None:
    assert [s.suffix for s in recipe.styles].count("") == 1
    assert all(s.suffix in ("", f",{s.text}风格") for s in recipe.styles)


def test_examples_keep_the_limits_and_the_pronouns(recipe: Recipe) -> None:
    wrong = {n.text: "你" if n.pronoun is Pronoun.FORMAL else "您" for n in recipe.names}
    for style in recipe.styles:
        for text in style.examples:
            assert style.min_chars <= len(text) <= style.max_chars, text
            assert not ("您" in text and "你" in text), text
            assert not [n for n in wrong if n in text and wrong[n] in text], text
    examples = [normalise(text) for style in recipe.styles for text in style.examples]
    assert len(set(examples)) == len(examples)


def test_every_unsuitable_cell_and_every_style_gap_says_why_once(recipe: Recipe) -> None:
    rated = [cell for group in recipe.suitability for cell in product(group.names, group.scenes)]
    assert len(set(rated)) == len(rated)
    assert all(group.reason for group in recipe.suitability)
    assert all(gap.reason for gap in recipe.style_gaps)


def test_pages_speak_of_it_in_its_own_words_in_both_languages(recipe: Recipe) -> None:
    own, shipped = recipe.words.model_dump(), Words().model_dump()
    assert not set(own.values()) & set(shipped.values())
    assert set(own.values()) <= set(OF_SHIPPED)
    set_language("en")
    try:
        assert all(word.isascii() for word in recipe.words.shown().model_dump().values())
    finally:
        set_language("zh")


def test_prompts_and_inputs_are_its_own(recipe: Recipe) -> None:
    wishes = built_in_recipe("wishes")
    assert recipe.prompts.system != wishes.prompts.system
    assert not set(recipe.input_templates) & set(wishes.input_templates)
    for task in tasks(recipe, Plan(limit=60, seed=3)):
        asked = brief(recipe, task, 3)
        assert "祝福" not in asked.prompt and "{" not in asked.prompt + asked.input
        assert asked.input.endswith(asked.style.suffix)


def test_the_tutorials_recipe_has_its_lists_styles_and_conditions() -> None:
    tutorial, wishes = built_in_recipe("tutorial"), built_in_recipe("wishes")
    assert (tutorial.names, tutorial.scenes) == (wishes.names, wishes.scenes)
    assert {s.text: s.max_chars for s in tutorial.styles} == {"正常": 30, "小红书": 50, "严肃": 100}
    assert [bool(s.examples) for s in tutorial.styles] == [False, True, False]
    assert tutorial.prompts.system == wishes.prompts.system
    inputs = {brief(tutorial, task, 3).input for task in tasks(tutorial, Plan(limit=30))}
    assert all(re.fullmatch(r"祝[^,]+(,(小红书|严肃)风格)?", asked) for asked in inputs)
