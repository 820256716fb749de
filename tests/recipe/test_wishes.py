"""The built-in recipe keeps its own promises: its size, its limits, its examples and its reasons."""

import re
import unicodedata
from itertools import product

import pytest

from tianji_core.recipe import (
    UNSUITABLE,
    Plan,
    Pronoun,
    Recipe,
    Relation,
    Style,
    brief,
    built_in_recipes,
    kept_cells,
    load_recipe,
    normalise,
    tasks,
    training_input,
)

WISHES: Recipe = load_recipe(built_in_recipes()["wishes"])
NINE = ["正常", "严肃", "小红书", "白话", "文艺", "文言文", "放飞自我", "祝福长文", "诗词赋"]
CLOSING = ("呀", "哦", "啦", "呢", "~")


def emoji(text: str) -> list[str]:
    """The characters of ``text`` that are pictures ('Symbol, other')."""
    return [char for char in text if unicodedata.category(char) == "So"]


def styles() -> list[object]:
    return [pytest.param(style, id=style.text) for style in WISHES.styles]


def test_it_has_28_names_18_scenes_and_the_nine_styles_in_order() -> None:
    assert (len(WISHES.names), len(WISHES.scenes)) == (28, 18)
    assert [style.text for style in WISHES.styles] == NINE


def test_everything_is_switched_on_from_the_start() -> None:
    assert all(entry.enabled for entries in (WISHES.names, WISHES.scenes, WISHES.styles) for entry in entries)


def test_only_the_default_style_comes_without_being_asked_for() -> None:
    assert {style.text: style.suffix for style in WISHES.styles} == {
        text: "" if text == "正常" else f",{text}风格" for text in NINE
    }


def test_elders_teachers_and_superiors_are_addressed_formally_and_kin_of_the_same_age_are_not() -> None:
    formal = {Relation.ELDER, Relation.TEACHER, Relation.SUPERIOR}
    informal = {Relation.PEER, Relation.JUNIOR, Relation.COLLEAGUE}
    assert {n.pronoun for n in WISHES.names if n.relation in formal} == {Pronoun.FORMAL}
    assert {n.pronoun for n in WISHES.names if n.relation in informal} == {Pronoun.INFORMAL}


@pytest.mark.parametrize("style", styles())
def test_a_style_has_seven_examples_within_its_own_limits(style: Style) -> None:
    assert len(style.examples) >= 7
    outside = [text for text in style.examples if not style.min_chars <= len(text) <= style.max_chars]
    assert outside == []


@pytest.mark.parametrize("style", styles())
def test_examples_are_clean_single_lines(style: Style) -> None:
    for text in style.examples:
        assert "\n" not in text and text == text.strip()
        assert not re.search(r"[！。，？、；][呀哦啦呢~！。，？、；]", text), text


@pytest.mark.parametrize("style", styles())
def test_no_example_addresses_one_person_both_ways(style: Style) -> None:
    assert [text for text in style.examples if "您" in text and "你" in text] == []


@pytest.mark.parametrize("style", styles())
def test_an_example_uses_the_pronoun_of_the_name_it_mentions(style: Style) -> None:
    wrong = {name.text: "你" if name.pronoun is Pronoun.FORMAL else "您" for name in WISHES.names}
    mistakes = [
        (name, text) for text in style.examples for name in wrong if name in text and wrong[name] in text
    ]
    assert mistakes == []


@pytest.mark.parametrize("style", styles())
def test_examples_do_not_all_begin_alike(style: Style) -> None:
    assert len({text[:2] for text in style.examples}) == len(style.examples)


def test_no_example_occurs_twice() -> None:
    examples = [normalise(text) for style in WISHES.styles for text in style.examples]
    assert len(set(examples)) == len(examples)


def test_social_examples_carry_one_or_two_emoji_and_a_closing_particle() -> None:
    style = WISHES.style("小红书")
    assert style is not None
    for text in style.examples:
        assert 1 <= len(emoji(text)) <= 2, text
        assert "".join(char for char in text if char not in emoji(text)).endswith(CLOSING), text


@pytest.mark.parametrize("style", [p for p in styles() if p.id != "小红书"])  # type: ignore[attr-defined]
def test_the_other_styles_show_no_emoji(style: Style) -> None:
    assert [text for text in style.examples if emoji(text)] == []


def test_random_clauses_are_distinct_and_one_of_them_is_nothing() -> None:
    assert len(WISHES.clauses) >= 10
    assert len(set(WISHES.clauses)) == len(WISHES.clauses)
    assert "" in WISHES.clauses


def test_every_cell_below_suitable_says_why() -> None:
    silent = [cell for cell, rating in WISHES.matrix().cells.items() if not rating.reason.strip()]
    assert silent == []


def test_no_cell_is_rated_twice() -> None:
    rated = [cell for group in WISHES.suitability for cell in product(group.names, group.scenes)]
    assert len(set(rated)) == len(rated)


@pytest.mark.parametrize(
    ("name", "scene"),
    [("爷爷", "新婚快乐"), ("奶奶", "工作升职"), ("领导", "七夕节"), ("导师", "发财"), ("妹妹", "重阳节")],
)
def test_tactless_wishes_are_never_planned(name: str, scene: str) -> None:
    assert WISHES.matrix().value(name, scene) == UNSUITABLE
    assert (name, scene) not in kept_cells(WISHES, WISHES.threshold)


def test_every_name_and_every_scene_keeps_enough_cells_to_learn_from() -> None:
    kept = kept_cells(WISHES, WISHES.threshold)
    assert {name for name, _scene in kept} == {n.text for n in WISHES.names}
    for scene in WISHES.scenes:
        assert sum(s == scene.text for _n, s in kept) >= 10, scene.text


def test_the_first_input_template_is_the_canonical_one() -> None:
    assert WISHES.input_templates[0] == "祝{name}{scene}{suffix}"
    assert len(set(WISHES.input_templates)) == len(WISHES.input_templates) >= 10


@pytest.mark.parametrize("style", styles())
def test_inputs_of_every_template_name_the_receiver_and_end_in_the_trigger(style: Style) -> None:
    for template, name, scene in product(WISHES.input_templates, WISHES.names, WISHES.scenes):
        text = training_input(template, name, scene, style)
        assert name.text in text
        assert scene.text in text or scene.wish in text
        assert text.endswith(style.suffix)
        assert "{" not in text and "\n" not in text


def test_wishes_made_of_greetings_never_stutter() -> None:
    assert [s.text for s in WISHES.scenes if not s.greeting or s.greeting.startswith("祝")] == []


def test_the_teacher_hears_limits_manner_receiver_and_occasion_and_is_told_to_send_only_the_text() -> None:
    for task in tasks(WISHES, Plan(limit=60, seed=5)):
        asked = brief(WISHES, task, seed=5)
        lines = asked.prompt.splitlines()
        assert f"{asked.style.min_chars} 个字" in lines[0] and f"{asked.style.max_chars} 个字" in lines[0]
        for part in (asked.style.instruction, asked.name.text, asked.name.pronoun.value, asked.scene.text):
            assert part in asked.prompt
        assert WISHES.relation_title(asked.name.relation) in asked.prompt
        assert sum(example in asked.prompt for example in asked.style.examples) == 1
        assert lines[-1].startswith("只把祝福本身发给我")
        assert "{" not in asked.prompt
