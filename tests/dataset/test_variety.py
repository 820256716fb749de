"""Self-BLEU tells copies from different texts, and phrases are whole words rather than their pieces."""

import math

import pytest

from tianji_core.dataset import variety
from tianji_core.dataset.variety import phrases, self_bleu
from tianji_core.recipe import Plan, brief, built_in_recipes, load_recipe, tasks
from tianji_core.teachers.composer import Composer


def test_copies_have_one_and_texts_without_a_common_character_almost_nothing() -> None:
    assert self_bleu(["生日快乐，天天开心"] * 3) == pytest.approx(1.0)
    assert self_bleu(["甲乙丙丁戊己", "子丑寅卯辰巳"]) < 0.2
    assert self_bleu(["只有一条"]) is None


def test_the_figure_is_the_one_worked_out_by_hand() -> None:
    # abcd against abce: 3 of 4 characters, 2 of 3 pairs, 1 of 2 triples, none of 1 (half a match), equal
    # length.
    wanted = math.exp((math.log(3 / 4) + math.log(2 / 3) + math.log(1 / 2) + math.log(0.5)) / 4)
    assert self_bleu(["abcd", "abce"]) == pytest.approx(wanted)
    # aaaa against ab: its four a are clipped to the one of the other text; ab is the shorter one.
    long = math.exp((math.log(1 / 4) + math.log(0.5 / 3) + math.log(0.5 / 2) + math.log(0.5)) / 4)
    short = math.exp(1 - 4 / 2 + (math.log(1 / 2) + math.log(0.5)) / 2)
    assert self_bleu(["aaaa", "ab"]) == pytest.approx((long + short) / 2)


def test_a_set_of_one_pattern_scores_higher_than_a_varied_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variety, "BLEU_SAMPLE", 60)
    recipe = load_recipe(built_in_recipes()["wishes"])
    planned = tasks(recipe, Plan(limit=400))
    composer = Composer()
    composed = [composer.compose(brief(recipe, task, 3)).text for task in planned]
    pattern = [f"{task.name}，祝您{task.scene}快乐，万事如意，心想事成，天天开心！" for task in planned]
    assert self_bleu(pattern, 1) > self_bleu(composed, 1) + 0.1
    assert self_bleu(composed, 1) == self_bleu(composed, 1) != self_bleu(composed, 2)


def test_phrases_are_as_long_as_they_come_back() -> None:
    texts = [f"{name}生日快乐，愿你{wish}" for name in "甲乙丙丁" for wish in ("平安喜乐", "步步高升")]
    found = {each.text: each.share for each in phrases(texts)}
    assert found["生日快乐"] == 1.0 and found["愿你"] == 1.0
    assert not {"日快", "生日", "快乐", "生日快"} & set(found)
    assert found["愿你平安喜乐"] == 0.5
    assert phrases([]) == []
