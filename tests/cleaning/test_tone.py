"""The score of the assistant's tone, on texts that its training never reads."""

import json
import re
from pathlib import Path

import pytest

from tianji_core.cleaning import check
from tianji_core.cleaning.rule import Subject, context_of
from tianji_core.cleaning.tone import mean_tone, threshold, tone
from tianji_core.i18n import set_language, shown, stored
from tianji_core.recipe import built_in_recipe, built_in_recipes, load_recipe

DATA = Path(__file__).resolve().parents[1] / "data"
ASSISTANT = [
    line
    for line in (DATA / "assistant_tone.txt").read_text(encoding="utf-8").splitlines()
    if not line.startswith("#")
]
PEOPLE = [
    row["text"]
    for part in sorted((DATA / "cleaning_corpus").glob("held*.jsonl"))
    for line in part.read_text(encoding="utf-8").split("\n")
    if line and (row := json.loads(line))["clean"]
]


def test_most_texts_of_an_assistant_are_reported_and_of_people_at_most_one_in_a_hundred() -> None:
    found = sum(tone(text).score >= threshold() for text in ASSISTANT) / len(ASSISTANT)
    wrongly = sum(tone(text).score >= threshold() for text in PEOPLE) / len(PEOPLE)
    assert len(ASSISTANT) >= 30 and found >= 0.7
    assert len(PEOPLE) > 350 and wrongly <= 0.01


def test_the_mean_tells_the_two_apart() -> None:
    assert mean_tone(ASSISTANT) > 0.8
    assert mean_tone(PEOPLE) < 0.05
    assert mean_tone([]) is None


@pytest.mark.parametrize("recipe", built_in_recipes().values(), ids=lambda path: path.stem)
def test_no_example_of_a_recipe_is_reported(recipe: Path) -> None:
    for style in load_recipe(recipe).styles:
        assert all(tone(text).score < threshold() for text in style.examples)


@pytest.mark.parametrize(
    "text",
    [
        "值此新春，谨祝李总诸事顺遂，阖府安康。承蒙关照，特此致谢，来年仍望不吝赐教。",
        "维岁之元，万象更新。愿君福寿绵长，岁岁安康，诸事胜意，四时有庆。",
    ],
)
def test_solemn_and_classical_texts_are_no_assistants(text: str) -> None:
    assert tone(text).score < threshold()


def test_the_words_that_stand_for_it_are_in_the_text_and_named() -> None:
    text = "亲爱的老师，愿您的每一天都充满阳光与温暖，愿您的人生不断绽放属于自己的光芒，愿幸福永远伴随着您。"
    heard = tone(text)
    assert heard.score > 0.9
    assert heard.words and all(part in text for words in heard.words for part in words.split("，"))
    assert len(heard.titles) > 1


@pytest.mark.parametrize(
    "text", ["", "好", "🎂" * 30, "愿" * 5000, "，" * 5000, "愿您，" * 3000, "的" * 9000]
)
def test_odd_texts_have_a_score_too(text: str) -> None:
    assert 0 <= tone(text).score <= 1


def test_a_finding_is_read_in_the_language_of_its_reader() -> None:
    found = check(Subject(ASSISTANT[0]), context_of(built_in_recipe("wishes")))
    detail = stored(next(each.detail for each in found if each.rule == "assistant_tone"))
    set_language("en")
    try:
        said = shown(detail)
    finally:
        set_language("zh")
    assert "一样长" not in said and "抽象名词" not in said
    assert re.search(r"[a-z]{4}.*, .*[a-z]{4}", said)
