"""The rules tell mistakes from good texts, measured on a small piece of what the benchmark plants."""

import runpy
from pathlib import Path

import pytest

from tianji_core import cleaning
from tianji_core.recipe import Recipe, built_in_recipes, load_recipe

BENCHMARK = runpy.run_path(str(Path(__file__).resolve().parents[2] / "benchmarks" / "cleaning_accuracy.py"))


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe(built_in_recipes()["wishes"])


def test_clean_texts_of_all_cells_and_styles_stay_without_findings(recipe: Recipe) -> None:
    texts = BENCHMARK["composed"](recipe, 1, 23)
    assert len({text[1:] for text in texts}) == len(texts) > 4000
    share, rules = BENCHMARK["clean_share"](recipe, texts)
    assert share <= BENCHMARK["CLEAN_BAR"], rules


def test_every_rule_finds_its_planted_mistakes_and_little_else(recipe: Recipe) -> None:
    planted = BENCHMARK["plant"](recipe, 40, 31)
    counts, remarks = BENCHMARK["measure"](recipe, planted)
    own = cleaning.OWN_RULES
    built_in = {rule.id for rule in cleaning.RULES if rule not in own and rule.holds_in(recipe)}
    assert set(counts) == built_in - BENCHMARK["COMPARED"]
    assert BENCHMARK["COMPARED"] < built_in
    poor = {rule: c for rule, c in counts.items() if min(c.recall, c.precision) < BENCHMARK["BAR"]}
    assert poor == {}, [remark for remark in remarks if remark[2] in poor]
