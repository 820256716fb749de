"""The requests to teachers are kept with the recipe, as a person has worded them."""

import pytest

from tests.other_tasks import apologies, copy_for_goods
from tianji_core.advice.ratings import request as rating_request
from tianji_core.errors import RecipeError
from tianji_core.recipe import built_in_recipe, dump_recipe, parse_recipe
from tianji_core.recipe.editing import changed
from tianji_core.recipe.requests import REQUESTS, filled

RECIPE = apologies()


def test_a_changed_request_is_asked_and_kept_and_reset() -> None:
    mine = "给这段致歉打分：{text}\n任务：{task}\n{style}\n{form}"
    new = changed(RECIPE, requests={"judge": mine})
    asked = new.request("judge", text="正文", task="任务一", style="", form='{"fit": 5}')
    assert asked == '给这段致歉打分：正文\n任务：任务一\n{"fit": 5}', "an empty placeholder leaves no line"
    assert parse_recipe(dump_recipe(new), "again") == new
    assert changed(new, requests={"judge": REQUESTS["judge"].text}) == RECIPE, "the shipped one is not kept"


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("judge", "打分：{text} {task}", "缺少字段 {form}"),
        ("judge", "打分：{text} {task} {form} {name}", "不认识的字段 {name}"),
        ("judge", '打分：{text} {task} {form} {"fit": 5}', "字段"),
        ("judge", "打分：{text} {task} {form} {", "不成对"),
        ("judge", "打分：{text!x} {task} {form}", "字段名"),
        ("jugde", "打分", "没有叫“jugde”"),
        ("documents", "一" * 8001, "太长"),
    ],
)
def test_a_request_that_could_not_be_asked_is_refused(key: str, text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said.replace("{", r"\{").replace("}", r"\}")):
        changed(RECIPE, requests={key: text})


@pytest.mark.parametrize("key", REQUESTS)
def test_the_shipped_requests_fill_their_placeholders(key: str) -> None:
    kind = REQUESTS[key]
    values = {field: f"<{field}>" for field in kind.fields}
    asked = filled(kind.text, values)
    assert all(f"<{field}>" in asked for field in kind.fields)
    assert "祝福" not in asked and "送" not in asked


def test_requests_speak_of_the_recipe_that_they_are_for() -> None:
    asked = rating_request(RECIPE, RECIPE.names[0], RECIPE.scenes[:2])
    assert "对方是赵先生，对我来说是老客户。" in asked and "下面这些投诉事由" in asked
    goods = copy_for_goods()
    assert "对方" not in rating_request(goods, goods.names[0], goods.scenes)
    wishes = built_in_recipe("wishes")
    assert "长辈" in rating_request(wishes, wishes.names[1], wishes.scenes[:2])
