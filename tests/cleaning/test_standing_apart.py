"""What stands apart from the blessing by its form goes as a whole, and nothing of the blessing with it."""

import pytest

from benchmarks.cleaning_corpus import answers
from tianji_core.cleaning import Context, Subject, check, clean_text

BODY = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
APART = {
    "direction": ("（弯腰递上一束花）{}", BODY),
    "directions": ("（清了清嗓子）{}（台下一片掌声）", BODY),
    "fields": ("{}\n字数：27字 | 风格：正常 | 对象：妹妹", BODY),
    "list": ("{}\n\n写作亮点：\n①语气亲切，贴近生活；\n②用词朴素，情感真挚。", BODY),
    "checks": ("{}【审核：通过】【等级：低】", BODY),
    "gap": ("{}（此处可加一个蛋糕表情）", BODY),
    "cyrillic": ("Поздравление: {}", BODY),
    "hangul": ("{} 감사합니다.", BODY),
    "sounds": ("妹妹，生日快乐！(shēng rì kuài lè) 愿你新的一岁平安喜乐，每天都有好心情。", BODY),
    "note": ("妹妹，生日快乐①！愿你新的一岁平安喜乐，每天都有好心情。\n①此句点明由头。", BODY),
    "date": ("{}\n2025年3月6日", BODY),
    "tag": ("[big]{}[/big]", BODY),
    "request": ("由头：生日。文风：正常。收祝福的人：妹妹。\n{}", BODY),
    "gloss": ("妹妹，生日快乐！愿你新的一岁平安喜乐（喜乐：欢喜），每天都有好心情。", BODY),
    "translation": ("{}\n\n译文：妹妹，愿你今天快乐，往后每天都开心。", BODY),
    "advertisement": ("{}需要订蛋糕的请打13800001111，八折。", BODY),
    "change": ("- 妹妹，祝你生日快乐，越来越好。\n+ {}", BODY),
}


@pytest.mark.parametrize(("form", "right"), APART.values(), ids=APART)
def test_it_goes_as_a_whole(form: str, right: str, context: Context) -> None:
    subject = Subject(form.format(BODY), "妹妹", "生日", "正常")
    assert clean_text(subject, context) == right


@pytest.mark.parametrize("form", [form for form, _right in APART.values() if "{}" in form])
def test_a_clean_text_comes_out_whole_or_is_flagged(form: str, context: Context) -> None:
    for answer in [each for each in answers("dev3") if not each.kinds and "\n" not in each.output]:
        wrapped = answer._replace(output=form.format(answer.output))
        fixed = clean_text(wrapped, context)
        left = check(answer._replace(output=fixed), context)
        assert fixed == answer.output or left or answer.output in fixed, (wrapped.output, fixed)


@pytest.mark.parametrize(
    "text",
    [
        "妹妹，生日快乐（蛋糕我藏冰箱了）！愿你新的一岁平安喜乐。",
        "（悄悄告诉你，蛋糕在冰箱里）妹妹生日快乐，愿你天天都有好心情！",
        "妹妹，生日快乐！愿你新的一岁（二十岁：大姑娘了）平安喜乐，每天都有好心情。",
    ],
)
def test_an_aside_of_the_blessing_stays(text: str, context: Context) -> None:
    assert clean_text(Subject(text, "妹妹", "生日", "正常"), context) == text


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("妹妹（或称“小妹”），生日快乐！愿你吃得香（或睡得香），天天开心。", "placeholder"),
        ("妹妹，生日快乐！别老order外卖，自己cook一碗面，很warm，别让妈worry。", "foreign"),
        ("@生活小助手 @蛋糕研究所 妹妹，生日快乐！愿你天天都有好心情。", "unsafe"),
    ],
)
def test_what_has_to_be_chosen_or_told_apart_is_left_to_a_person(
    text: str, rule: str, context: Context
) -> None:
    found = {each.rule: each.fixed for each in check(Subject(text, "妹妹", "生日", "白话"), context)}
    assert rule in found
    assert found[rule] is None
