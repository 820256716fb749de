"""What a rename changes in texts, on texts that no rule was written for."""

import pytest

from tianji_core.recipe import built_in_recipe
from tianji_core.recipe.renaming import CellEntries, cell_of, renamed_request, with_name

WISHES = built_in_recipe("wishes")
NAMES = [name.text for name in WISHES.names]


def cells(listing: str, new: str, **more: str) -> tuple[CellEntries, CellEntries]:
    before = cell_of(WISHES, "赵老师", "生日", "小红书")
    assert before is not None
    return before, before._replace(
        **{listing: getattr(before, listing).model_copy(update={"text": new, **more})}
    )


@pytest.mark.parametrize(
    ("text", "old", "new", "after", "changed", "left"),
    [
        (
            "赵老师，生日快乐！愿赵老师桃李满园。",
            "赵老师",
            "王老师",
            "王老师，生日快乐！愿王老师桃李满园。",
            2,
            0,
        ),
        ("老师好！赵老师也好。", "老师", "导师", "导师好！赵老师也好。", 1, 1),
        ("妈，妈妈的味道最香。", "妈", "老妈", "妈，妈妈的味道最香。", 0, 2),
        ("赵老师生日快乐", "老师", "赵老师", "赵老师生日快乐", 0, 0),
        (
            "领导，在您的领导下我们学了很多，祝领导高升！",
            "领导",
            "王总",
            "王总，在您的领导下我们学了很多，祝王总高升！",
            2,
            1,
        ),
        ("同学，毕业快乐，同学们都想你。", "同学", "老同学", "老同学，毕业快乐，同学们都想你。", 1, 1),
        (
            "有您这样的领导，是福气；亲爱的领导，生日快乐",
            "领导",
            "王总",
            "有您这样的领导，是福气；亲爱的王总，生日快乐",
            1,
            1,
        ),
        ("母亲节快乐！祝母亲健康。", "母亲", "妈妈", "母亲节快乐！祝妈妈健康。", 1, 1),
        ("领导力来自担当，祝领导高升", "领导", "王总", "领导力来自担当，祝王总高升", 1, 1),
        ("同学聚会总少不了你", "同学", "老同学", "同学聚会总少不了你", 0, 1),
        ("给老板娘问好，老板您辛苦了", "老板", "王总", "给老板娘问好，王总您辛苦了", 1, 1),
        ("祝您福如东海。", "赵老师", "王老师", "祝您福如东海。", 0, 0),
    ],
)
def test_a_name_is_replaced_where_nothing_else_can_be_meant(
    text: str, old: str, new: str, after: str, changed: int, left: int
) -> None:
    assert with_name(text, old, new, [*NAMES, "赵老师", "妈妈"]) == (after, changed, left)


def test_a_request_keeps_its_template_whatever_it_tells_beside_the_style() -> None:
    before, after = cells("name", "王老师")
    for template in WISHES.input_templates:
        suffix = before.style.suffix
        for told in (suffix, f",他刚带完高三{suffix}", f"{suffix},长一点"):
            style = before.style.model_copy(update={"suffix": told})
            asked = template.format(
                name="赵老师", scene="生日", greeting=before.scene.wish, suffix=style.suffix
            )
            wanted = template.format(
                name="王老师", scene="生日", greeting=before.scene.wish, suffix=style.suffix
            )
            assert renamed_request(asked, before, after, WISHES.input_templates, NAMES) == wanted


def test_words_of_ones_own_follow_where_they_name_the_entry() -> None:
    before, after = cells("name", "王老师")
    assert renamed_request("帮我给赵老师写几句", before, after, WISHES.input_templates, NAMES) == (
        "帮我给王老师写几句"
    )
    before, after = cells("style", "种草", suffix=",种草风格")
    assert renamed_request("写给他，换个说法", before, after, WISHES.input_templates, NAMES) == (
        "写给他，换个说法"
    )
    other = renamed_request("改成小红书口气的", before, after, WISHES.input_templates, NAMES, "口气")
    assert other == "改成种草口气的"
    assert renamed_request("换成小红书风格", before, after, WISHES.input_templates, NAMES) == "换成种草风格"
    first = WISHES.input_templates[0].format(
        name="赵老师", scene="生日", greeting=before.scene.wish, suffix=before.style.suffix
    )
    assert renamed_request(first, before, after, WISHES.input_templates, NAMES).endswith(",种草风格")


def test_a_one_character_name_follows_in_a_template_where_it_is_sure() -> None:
    before, _after = cells("name", "王老师")
    short = before._replace(name=before.name.model_copy(update={"text": "妈"}))
    longer = before._replace(name=before.name.model_copy(update={"text": "老妈"}))
    template = WISHES.input_templates[0]
    values = {"scene": "生日", "greeting": before.scene.wish, "suffix": before.style.suffix}
    asked = template.format(name="妈", **values)
    assert renamed_request(asked, short, longer, WISHES.input_templates, NAMES) == template.format(
        name="老妈", **values
    )


def test_an_occasion_that_gets_shorter_is_renamed_in_words_of_ones_own() -> None:
    before, _after = cells("name", "王老师")
    party = before._replace(scene=before.scene.model_copy(update={"text": "生日聚会"}))
    birthday = before._replace(scene=before.scene.model_copy(update={"text": "生日"}))
    asked = "他办生日聚会，帮我写两句"
    assert renamed_request(asked, party, birthday, WISHES.input_templates, NAMES) == "他办生日，帮我写两句"
