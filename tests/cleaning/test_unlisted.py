"""Receivers and occasions that no list of the recipe has are understood all the same."""

import pytest

from tianji_core.cleaning import Context, Subject, check, clean_text


def rules(context: Context, text: str, name: str, scene: str, style: str = "正常") -> set[str]:
    return {finding.rule for finding in check(Subject(text, name, scene, style), context)}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("爸爸", "妈妈，生日快乐！您操劳了大半辈子，愿您从今以后轻轻松松，健健康康。"),
        ("岳母", "老婆，生日快乐！孩子还小，你辛苦了，今晚我来哄睡，你好好休息。"),
        ("儿子", "女婿，生日快乐！愿你好好待她，别让我们担心，往后和和美美。"),
        ("围棋教练", "妈妈，生日快乐！谢谢您每天给我做饭、送我上学，愿您青春常在。"),
        ("小美", "小丽，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
        ("堂弟", "老公，生日快乐！谢谢你夜里起来冲奶粉，往后也要好好的。"),
        ("房东", "各位同事，生日快乐！祝大家工作顺利，身体健康，天天开心。"),
        ("女同学", "老同学，祝她生日快乐，愿她永远年轻，皮肤越来越好，穿上新裙子去看海。"),
    ],
)
def test_a_text_that_calls_somebody_else_is_found(context: Context, name: str, text: str) -> None:
    assert "wrong_person" in rules(context, text, name, "生日")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("岳母", "妈，生日快乐！您操劳了大半辈子，愿您从今以后轻轻松松，健健康康。"),
        ("房东阿姨", "姐，生日快乐！房租我一早就转了，愿您新的一岁天天开心，事事顺心。"),
        ("远行的女儿", "闺女，生日快乐！灯给你留着，愿你在外头吃好睡好。妈妈"),
        ("小美", "美美，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
        ("青年志愿者们", "各位志愿者，生日快乐！谢谢大家凌晨递出的温水，愿你们平安健康。"),
        ("表姐", "表姐，生日快乐！替我向姨妈问好，愿你新的一岁平安喜乐。"),
    ],
)
def test_other_words_for_the_receiver_are_right(context: Context, name: str, text: str) -> None:
    assert rules(context, text, name, "生日") == set()


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        ("毕业", "学长，新春快乐！愿你在新的一年里阖家团圆，红包满满，财源滚滚。"),
        ("考研上岸", "学长，祝你和新娘新婚快乐，永结同心，愿你们的小家充满欢声笑语。"),
        ("教师节", "学长，圣诞快乐！愿圣诞老人把礼物塞满你的袜子，天天开心。"),
        ("拆石膏", "学长，记者节快乐！愿你的笔下有风骨，镜头里有温度，事事顺心。"),
    ],
)
def test_a_wish_for_another_occasion_is_found(context: Context, scene: str, text: str) -> None:
    assert "wrong_occasion" in rules(context, text, "学长", scene)


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        ("毕业", "学长，毕业快乐！中秋前后你回来，我请你吃月饼，愿你前程似锦。"),
        ("元旦", "学长，新年快乐！愿你在新的一年里红包满满，万事顺心。"),
        ("国庆中秋双节", "学长，中秋国庆快乐！愿你假期好好休息，吃好玩好。"),
        ("入伍", "学长，到了部队好好照顾自己，愿你平平安安，早日立功。"),
    ],
)
def test_other_words_for_the_occasion_are_right(context: Context, scene: str, text: str) -> None:
    assert rules(context, text, "学长", scene) == set()


SAID = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


@pytest.mark.parametrize(
    "around",
    [
        "妹妹,生日,正常,{}",
        "接收者：妹妹\n场景：生日\n风格：正常\n\n{}",
        "*清了清嗓子，双手奉上蛋糕* {}",
    ],
)
def test_what_was_asked_for_and_gestures_are_taken_away(context: Context, around: str) -> None:
    assert clean_text(Subject(around.format(SAID), "妹妹", "生日", "正常"), context) == SAID


def test_the_mark_of_a_note_goes_with_the_note(context: Context) -> None:
    text = "欣闻大著付梓，洛阳纸贵①可期。愿先生笔健身康，文名远播。\n\n【注】①洛阳纸贵：形容著作风行一时。"
    fixed = clean_text(Subject(text, "导师", "新书出版", "文言文"), context)
    assert fixed == "欣闻大著付梓，洛阳纸贵可期。愿先生笔健身康，文名远播。"


def test_a_signature_and_hashtags_of_the_message_stay(context: Context) -> None:
    signed = f"{SAID}\n——爱你的姑姑"
    assert clean_text(Subject(signed, "妹妹", "生日", "正常"), context) == f"{SAID}——爱你的姑姑"
    tagged = "小宇冲鸭🦆愿你落笔有神，金榜题名🎉 #中考加油 #小宇必胜 #愿努力有回报"
    assert clean_text(Subject(tagged, "小宇", "中考", "小红书"), context) == tagged


def test_a_correction_and_half_a_refusal_are_left_to_a_person(context: Context) -> None:
    corrected = "栗老师，母亲节……抱歉写错了，是教师节快乐！祝您桃李满园，身体健康。"
    assert "talk" in rules(context, corrected, "栗老师", "教师节")
    declined = "由于我不了解王局长的情况，难以写出贴切的内容，以下仅供参考：恭喜王局长履新，祝您工作顺利。"
    assert clean_text(Subject(declined, "王局长", "履新", "正常"), context) == declined
    assert rules(context, declined, "王局长", "履新")


@pytest.mark.parametrize(
    ("name", "text", "rule"),
    [
        ("王老师", "王老师，生日快乐！愿你身体健康，桃李满园，天天开心。", "wrong_pronoun"),
        ("小侄女", "小侄女，生日快乐！愿您健康长大，天天开心，学习进步。", "wrong_pronoun"),
        ("表姑", "小伙子，生日快乐！愿您身体健康，事事顺心，天天开心。", "wrong_person"),
        ("李先生", "美女，生日快乐！愿您身体健康，事事顺心，天天开心。", "wrong_person"),
        ("老邻居", "祝{小名}生日快乐，愿你身体健康，事事顺心，天天开心。", "placeholder"),
        ("老邻居", "老邻居，生日快乐！蛋糕寄到桂花巷18号2栋，愿你天天开心。", "unsafe"),
    ],
)
def test_faults_of_unlisted_receivers_are_found(context: Context, name: str, text: str, rule: str) -> None:
    assert rule in rules(context, text, name, "生日")


def test_another_age_is_another_occasion(context: Context) -> None:
    text = "{}，愿您身体硬朗，笑口常开，往后的日子天天都是好日子。"
    assert "wrong_occasion" in rules(context, text.format("恭贺您七十大寿"), "姨父", "八十大寿")
    assert rules(context, text.format("恭贺您80大寿"), "姨父", "八十大寿") == set()
    told = "wrong_occasion" in rules(context, text.format("母校一百周年华诞快乐"), "母校", "母校120周年校庆")
    assert told, "a hundred years are not a hundred and twenty"


@pytest.mark.parametrize(
    ("scene", "text"),
    [
        ("三十岁生日", "妹妹，又长一岁啦！祝你生日快乐，愿你天天开心，事事都如意。"),
        ("八十大寿", "妹妹，祝您健康长寿，等您九十大寿，我们还陪您切蛋糕，陪您说笑。"),
        ("七十大寿", "妹妹，寿比南山！祝您活到一百岁啦还能跳舞，天天都有好心情。"),
        ("四十岁生日", "妹妹，十八岁生日那晚的酒还没喝完，愿你往后的日子都有人陪着喝。"),
        ("四十岁生日", "妹妹，还记得你十八岁生日，我们淋着雨跑了一路，愿你一直这样勇敢。"),
        ("母校120周年校庆", "母校一百二十周年华诞，愿桃李芬芳，弦歌不辍，再育英才。"),
        ("母校105周年校庆", "母校一百零五周年华诞，愿桃李芬芳，弦歌不辍，再育英才。"),
    ],
)
def test_a_number_that_is_not_reached_now_is_no_other_occasion(
    context: Context, scene: str, text: str
) -> None:
    assert "wrong_occasion" not in rules(context, text, "妹妹", scene)


@pytest.mark.parametrize(
    ("name", "scene", "text"),
    [
        ("女婿", "婚礼", "女婿，恭喜你当上新郎！愿你们小两口和和美美，白头到老。"),
        ("弟媳", "婚礼", "弟媳，恭喜你当新娘！愿你们小两口和和美美，白头到老。"),
        ("舅母", "生日", "舅母，愿您慈颜常驻，岁岁平安，天天都有好心情。慈颜常含笑。"),
        ("小公主", "生日", "小公主，生日快乐！愿你做个小仙女，天天开心，健康长大。"),
        ("姑丈", "生日", "姑丈，生日快乐！胡子别留了，显老，愿您身体硬朗，笑口常开。"),
        ("前公交公司女司机", "生日", "师傅，愿您做一个好妈妈，天天开心，一路平平安安的。"),
        ("爱人", "婚礼", "恭喜你当新娘，恭喜我当新郎，愿我们白头到老，天天开心。"),
    ],
)
def test_words_for_the_sex_of_the_receiver_are_right(
    context: Context, name: str, scene: str, text: str
) -> None:
    assert "wrong_person" not in rules(context, text, name, scene)


def test_words_for_the_other_sex_are_found_by_the_relation(context: Context) -> None:
    text = "{}，恭喜你当新娘！愿你们小两口和和美美，白头到老。"
    assert "wrong_person" in rules(context, text.format("女婿"), "女婿", "婚礼")


def test_officialese_does_not_fit_a_playful_style(context: Context) -> None:
    text = "妹妹生日到啦🎂现将有关事项通知如下，请严格按照文件精神开心一整天呀~"
    assert "mixed_style" in rules(context, text, "妹妹", "生日", "小红书")


@pytest.mark.parametrize(
    "text",
    [
        "内容如题，情义如山，礼物如风。妹妹，生日快乐！愿你新的一岁平安喜乐，天天开心。",
        "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。\n姐姐\n于成都",
    ],
)
def test_what_only_looks_like_talk_is_not_cut_off(context: Context, text: str) -> None:
    fixed = clean_text(Subject(text, "妹妹", "生日", "正常"), context)
    assert fixed.replace("\n", "") == text.replace("\n", "")
