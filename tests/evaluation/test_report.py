"""Rates are counted per style and bounded honestly."""

import pytest

from tests.other_tasks import copy_for_goods
from tianji_core.evaluation import Case, Judged, Verdict, summarise, wilson
from tianji_core.recipe import built_in_recipes, load_recipe

RECIPE = load_recipe(built_in_recipes()["wishes"])


def judged(style, person=True):
    asked = Case(RECIPE.names[0], RECIPE.scenes[0], RECIPE.style(style), "", "")
    return Judged(asked, "", Verdict(person, True, True, True, True, False))


def test_rows_follow_the_styles_and_the_total_counts_all():
    report = summarise([judged("正常"), judged("正常", person=False), judged("小红书")])
    assert [(row.title, row.count, row.passed) for row in report.styles] == [
        ("正常", 2, 0.5),
        ("小红书", 1, 1.0),
    ]
    assert report.overall.count == 3
    assert report.overall.passed == pytest.approx(2 / 3)
    assert report.overall.person == report.overall.passed
    assert report.overall.occasion == 1.0
    assert "正常" in report.table()


def test_the_interval_is_wilsons():
    assert wilson(95, 100) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(10, 10)[1] == pytest.approx(1.0)
    assert wilson(10, 10)[0] < 0.75


def test_no_answers_give_a_report_without_styles():
    report = summarise([])
    assert report.styles == ()
    assert report.overall.count == 0


def test_a_recipe_that_writes_to_nobody_has_no_column_for_receivers():
    goods = copy_for_goods()
    case = Case(goods.names[0], goods.scenes[0], goods.styles[0], "", "")
    head = summarise([Judged(case, "", Verdict(True, True, True, True, True, False))], goods).table()
    assert head.splitlines()[0].split()[:7] == ["语气", "条数", "通过率", "95%", "区间", "商品", "文风"]
