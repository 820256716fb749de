"""Hand-written good and bad answers get the verdict a reader would give."""

import pytest

from tianji_core.evaluation import Case, Checker
from tianji_core.evaluation.marks import closes_on_particle, emoji_count, is_verse, load_marks
from tianji_core.recipe import built_in_recipes, load_recipe

RECIPE = load_recipe(built_in_recipes()["wishes"])


def case(name, scene, style):
    return Case(RECIPE.name(name), RECIPE.scene(scene), RECIPE.style(style), RECIPE.prompts.system, "")


@pytest.fixture(scope="module")
def checker():
    return Checker(RECIPE, [("姐姐", "祝姐姐中秋快乐，愿你人月两圆，事事顺心。")])


GOOD = [
    ("母亲", "生日", "正常", "祝母亲生日快乐，愿您身体健康，天天都有好心情。"),
    ("母亲", "中秋节", "正常", "中秋到了，妈妈，愿您心里圆圆满满，身体健健康康。"),
    ("邻居赵大妈", "腊八节", "正常", "赵大妈，腊八节快乐，愿您身体暖暖的，平安健康。"),
    ("表哥", "工作升职", "正常", "恭喜表哥升职，愿你和同事们一起把事情越做越好。"),
    ("李总", "谈判顺利", "严肃", "值此谈判在即之时，谨祝李总运筹得当，与对方互利共赢，您的事业再进一步。"),
    ("妹妹", "春节", "小红书", "妹妹新春快乐呀🧧愿你红包收到手软，好运撞满怀哦~"),
    ("妹妹", "生日", "小红书", "蛋糕上的蜡烛给妹妹点亮啦，生日快乐，愿望都实现呀🎂🎉"),
    ("爷爷", "重阳节", "白话", "爷爷，重阳节到了，您出门慢点走，吃好睡好，我们就都放心了。"),
    ("外婆", "除夕", "文艺", "除夕的灯火像一条河，愿外婆的梦里也有月光，慢慢流过旧年。"),
    ("赵老师", "生日", "文言文", "先生授业有年，今逢华诞，惟愿先生寿比松柏，福泽绵长。"),
    ("同学", "比赛取得好成绩", "放飞自我", "裁判请系好安全带！同学今天要在赛场上起飞，奖牌多到脖子要健身！"),
    ("奶奶", "元宵节", "诗词赋", "元宵灯火照高堂，奶奶笑语满庭芳。但愿年年身康健，清欢岁岁伴时光。"),
    ("医生", "生日", "正常", "愿医生日子越过越好，生日快乐，身体健康，平安喜乐。"),
]


@pytest.mark.parametrize(("name", "scene", "style", "text"), GOOD, ids=lambda v: str(v)[:12])
def test_a_good_answer_passes(checker, name, scene, style, text):
    verdict = checker.check(case(name, scene, style), text)
    assert verdict.faults == ()
    assert verdict.passed


BAD = [
    ("person", "母亲", "生日", "正常", "祝您生日快乐，愿您身体健康，天天都有好心情。"),
    ("person", "母亲", "生日", "正常", "祝姐姐生日快乐，愿您身体健康，天天都有好心情。"),
    ("person", "邻居", "生日", "正常", "祝邻居赵大妈生日快乐，邻居家常有笑声，大家平安。"),
    ("person", "表哥", "春节", "正常", "祝表哥和表嫂春节快乐，也祝堂兄万事如意，前程似锦。"),
    ("pronoun", "爷爷", "生日", "正常", "祝爷爷生日快乐，愿你身体健康，天天都有好心情。"),
    ("occasion", "母亲", "生日", "正常", "祝母亲中秋快乐，愿您人月两圆，天天都有好心情。"),
    ("occasion", "母亲", "生日", "正常", "祝母亲生日快乐，也祝您春节大吉，天天都有好心情。"),
    ("occasion", "母亲", "生日", "正常", "祝母亲身体健康，愿您万事如意，天天都有好心情。"),
    ("style", "母亲", "生日", "正常", "祝母亲生日快乐，愿您身体健康，天天有好心情🎂"),
    ("style", "妹妹", "春节", "小红书", "妹妹新春快乐，愿你红包收到手软，好运撞满怀。"),
    ("style", "妹妹", "春节", "小红书", "妹妹新春快乐🧧🧧🎊愿你红包收到手软，好运撞满怀哦~"),
    ("style", "妹妹", "春节", "小红书", "妹妹新春快乐呀🧧愿你红包收到手软，好运撞满怀。"),
    ("style", "李总", "谈判顺利", "严肃", "李总，祝您谈判顺利呀，开口就加分，带着好消息回来，大家等您吃饭。"),
    ("style", "赵老师", "生日", "文言文", "先生教了很多年的书了，生日快乐，我们都很想念先生。"),
    (
        "style",
        "奶奶",
        "元宵节",
        "诗词赋",
        "奶奶，元宵节到了，多吃几个汤圆，天气冷要多穿衣服别着凉，等我回来。",
    ),
    ("length", "母亲", "生日", "正常", "祝母亲生日快乐！"),
    ("length", "母亲", "生日", "正常", "祝母亲生日快乐，愿您身体健康。\n祝母亲生日快乐，愿您万事如意。"),
]


@pytest.mark.parametrize(("fault", "name", "scene", "style", "text"), BAD, ids=lambda v: str(v)[:12])
def test_a_bad_answer_fails_for_the_right_reason(checker, fault, name, scene, style, text):
    verdict = checker.check(case(name, scene, style), text)
    assert verdict.faults == (fault,)
    assert not verdict.passed


def test_a_training_output_under_another_name_counts_as_copied(checker):
    asked = case("哥哥", "中秋节", "正常")
    assert checker.check(asked, "祝哥哥中秋快乐，愿你人月两圆，事事顺心。").copied
    assert not checker.check(asked, "祝哥哥中秋快乐，愿你心想事成，事事顺心。").copied


def test_an_empty_answer_fails(checker):
    assert not checker.check(case("哥哥", "中秋节", "小红书"), "").passed


def test_emoji_and_endings_are_told_from_text():
    assert emoji_count("❄️冬天👨‍👩‍👧") == 4
    assert emoji_count("～！…①") == 0
    assert closes_on_particle("好呀🎂")
    assert closes_on_particle("真好~")
    assert not closes_on_particle("呀，真好。")


def test_verse_has_lines_of_like_length():
    assert is_verse("桂子落清秋，冰轮照小楼。慈亲灯下笑，万里亦忘忧。")
    assert not is_verse("今天是您的生日，我给您打个电话，问问您好不好，吃了没有。")


def test_every_style_of_the_recipe_has_marks():
    assert set(load_marks().styles) == {style.text for style in RECIPE.styles}


def test_the_examples_of_a_style_carry_its_marks():
    missing = [
        (style.text, example)
        for style in RECIPE.styles
        for example in style.examples
        if not load_marks().of(style.text).shown_by(example)
    ]
    assert missing == []
