"""The cleaning on answers that nobody wrote a rule for does not get worse; the bars it is to reach stand in
``benchmarks/cleaning_corpus.py``."""

from benchmarks.cleaning_corpus import answers, cleaned, figures
from tianji_core.cleaning.rule import context_of
from tianji_core.recipe import built_in_recipes, load_recipe


def test_the_developers_half_is_read_as_well_as_before() -> None:
    context = context_of(load_recipe(built_in_recipes()["wishes"]))
    measured = figures([cleaned(answer, context) for answer in answers("dev")])
    assert measured["precision"] >= 0.97
    assert measured["recall"] >= 0.97
    assert measured["right_fixes"] >= 0.95
    assert measured["clean_damaged"] == 0
    assert measured["wrong_accepted"] <= 0.02
    assert measured["clean_left"] <= 0.25
