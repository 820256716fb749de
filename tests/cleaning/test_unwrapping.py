"""Whatever is wrapped round a clean text, cleaning returns the text or leaves a finding for a person."""

import random

import pytest

from benchmarks.planted.texts import Text, composed
from tianji_core.cleaning import Context, Subject, check, clean_text, layers
from tianji_core.recipe import built_in_recipes, load_recipe

WRAPPERS = (
    "“{}”", "「{}」", "【{}】", "**{}**", "# {}", "> {}", "- {}", "1. {}", "①{}", "1️⃣ {}", "一、{}", "（1）{}", "版本一：{}",
    "```\n{}\n```", "<think>先想一想要写什么。</think>\n\n{}", "<blessing>{}</blessing>", "<p>{}</p>", "{}<|im_end|>",
    "<|im_start|>assistant\n{}<|im_end|>", "| 祝福 |\n|---|\n| {} |", "content: {}", "&ldquo;{}&rdquo;", "{}&nbsp;", "祝福语：{}",
    "好的，以下是祝福语：\n\n{}", "Sure! Here is a birthday blessing:\n\n{}", "{}\n\n希望你喜欢！", "{}\n\n（字数：50字）",
    "{}\n\n如需调整风格，请随时告诉我。", "{}\n\nLet me know if you'd like any changes!", "我写了一段，你看看合不合适：\n{}", "回答：{}",
)  # fmt: skip

CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


@pytest.fixture(scope="module")
def clean_texts(context: Context) -> list[Text]:
    texts = composed(load_recipe(built_in_recipes()["wishes"]), 1, 11)
    random.Random(3).shuffle(texts)
    return [text for text in texts[:400] if not check(Subject(*text), context)]


def cleaned(text: Text, wrappers: list[str], context: Context) -> tuple[str, bool]:
    """Returns the wrapped text after its safe fixes, and whether a finding is left."""
    output = text.output
    for wrapper in wrappers:
        output = wrapper.replace("{}", output)
    after = clean_text(Subject(output, *text[1:]), context)
    return after, bool(check(Subject(after, *text[1:]), context))


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_one_wrapper_is_taken_off_and_nothing_else(
    wrapper: str, clean_texts: list[Text], context: Context
) -> None:
    results = [(text, *cleaned(text, [wrapper], context)) for text in clean_texts[:40]]
    wrong = [(text, after) for text, after, finding in results if after != text.output and not finding]
    assert wrong == []
    assert sum(after == text.output for text, after, _finding in results) >= 36


def test_wrappers_three_deep_are_taken_off_or_left_to_a_person(
    clean_texts: list[Text], context: Context
) -> None:
    source = random.Random(8)
    right, wrong = 0, []
    for text in clean_texts:
        wrappers = source.sample(WRAPPERS, source.choice((2, 3)))
        after, finding = cleaned(text, wrappers, context)
        right += after == text.output
        if after != text.output and not finding:
            wrong.append((wrappers, after))
    assert wrong == []
    assert right >= 0.9 * len(clean_texts)


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("妹妹，生日快乐！愿你天天开心。希望这份礼物你能喜欢。", "妹妹，生日快乐！愿你天天开心。希望这份礼物你能喜欢。"),
        ("这是为你准备的生日祝福：妹妹，生日快乐！愿你天天开心。", "妹妹，生日快乐！愿你天天开心。"),
        ("好的日子都在后头，妹妹生日快乐，愿你天天开心。", "好的日子都在后头，妹妹生日快乐，愿你天天开心。"),
        ('"妹妹，生日快乐！\\n愿你天天开心。"', "妹妹，生日快乐！愿你天天开心。"),
    ],
)  # fmt: skip
def test_the_blessing_itself_stays_whole(answer: str, text: str, context: Context) -> None:
    assert clean_text(Subject(answer, "妹妹", "生日", "正常"), context) == text


def test_what_holds_no_blessing_is_left_as_it_is(context: Context) -> None:
    for answer in ("好的，以下是为你写的文案：", "请问你想要什么风格的文案？我可以再写几版。"):
        subject = Subject(answer, "妹妹", "生日", "正常")
        assert clean_text(subject, context) == answer
        assert "not_blessing" in {finding.rule for finding in check(subject, context)}


@pytest.mark.parametrize(
    "text",
    [
        "2026年2月16日 18:00 在家里吃年夜饭，等你们全家过来。",
        "2026-02-16 18:00 老地方见，祝你生日快乐。",
        "【图书馆】周末九点开门，愿你天天有书读。",
        "【视频号】上的那段我看了三遍，祝你越来越好。",
        "【图一】是去年的你，愿今年的你更开心。",
        "[链接](http://a.cn)里是我们的合影，祝你毕业快乐。",
    ],
)
def test_dates_and_titles_of_the_text_itself_stay(text: str) -> None:
    unwrapped = layers.without_page_marks(text)
    assert unwrapped is None or unwrapped.text == text


@pytest.mark.parametrize(
    "mark", ["[2026-02-16 18:00:01] ", "2026-02-16T18:00:01Z ", "[图片1]", "【语音：3秒】", "[photo]"]
)
def test_stamps_and_stand_ins_for_pictures_come_off(mark: str) -> None:
    unwrapped = layers.without_page_marks(mark + "祝你一路平安，早日团圆。")
    assert unwrapped is not None
    assert unwrapped.text == "祝你一路平安，早日团圆。"


@pytest.mark.parametrize(
    ("name", "scene", "text"),
    [
        ("爸爸", "除夕", "爸爸，除夕，我们都回来陪您吃年夜饭，愿您身体健康，天天开心。"),
        ("妈妈", "母亲节", "妈妈，母亲节，请收下我的爱，愿您年年岁岁都有人疼，有人陪。"),
        ("外公", "春节", "外公，春节，家里的灯给您留着，愿您新的一年身体硬朗，笑口常开。"),
        ("外公", "新年快乐", "外公，新年快乐！\n家里的灯给您留着，愿您新的一年身体硬朗，笑口常开。"),
        ("外公", "春节", "外公，春节，\n家里的灯给您留着，愿您新的一年身体硬朗，笑口常开。"),
    ],
)
def test_a_text_that_begins_with_its_receiver_and_occasion_keeps_them(
    name: str, scene: str, text: str, context: Context
) -> None:
    assert clean_text(Subject(text, name, scene, "正常"), context).startswith(f"{name}，{scene}")


@pytest.mark.parametrize(
    "request_part",
    [
        "爸爸，除夕，正常，",
        "爸爸，除夕，爸爸，",
        "爸爸/除夕，",
        "对象：爸爸，场景：除夕，",
        "爸爸，除夕，正文：",
    ],
)
def test_a_request_that_is_repeated_before_the_text_comes_off(request_part: str, context: Context) -> None:
    body = "我们都回来陪您吃年夜饭，愿您身体健康，天天开心。"
    after = clean_text(Subject(request_part + body, "爸爸", "除夕", "正常"), context)
    assert after == ("爸爸，" + body if request_part.endswith("爸爸，") else body)


@pytest.mark.parametrize(
    ("style", "text", "fixed"),
    [
        (
            "诗词赋",
            "春风送暖入新堂，燕语声声绕画梁。<br/>愿得年年花似锦，一门和气福绵长。<br/>",
            "春风送暖入新堂，燕语声声绕画梁。\n愿得年年花似锦，一门和气福绵长。",
        ),
        (
            "诗词赋",
            "# 贺新居\n\n春风送暖入新堂，燕语声声绕画梁。\n愿得年年花似锦，一门和气福绵长。",
            "春风送暖入新堂，燕语声声绕画梁。\n愿得年年花似锦，一门和气福绵长。",
        ),
        ("正常", f"[思考开始]对象是妹妹。[思考结束]{CLEAN}", CLEAN),
        ("文言文", f"「文言文」{CLEAN}", CLEAN),
        ("正常", f"{CLEAN}</div><script>", CLEAN),
        ("正常", f"{CLEAN}\n\n注释：\n1. 平安：没有灾祸。\n2. 喜乐：开心。", CLEAN),
        ("正常", f"{CLEAN}\n（以生日为线，收尾留白。）", CLEAN),
    ],
)
def test_what_stands_apart_is_taken_off(context: Context, style: str, text: str, fixed: str) -> None:
    assert clean_text(Subject(text, "妹妹", "生日", style), context) == fixed


@pytest.mark.parametrize(
    ("style", "text"),
    [
        ("小红书", "妹妹生日快乐呀🎂愿你天天开心，好运贴贴✨#生日祝福 #我的妹妹"),
        ("祝福长文", "敬爱的陈老师：\n\n听说您月底荣休了，愿您身体康健。\n\n学生 林一舟 敬上\n十月二十六日"),
        ("小红书", "@阿芳 今天全群一起说：生日快乐🎂愿你红包抢第一呀✨"),
    ],
)
def test_what_belongs_to_a_text_stays(context: Context, style: str, text: str) -> None:
    assert clean_text(Subject(text, "妹妹", "生日", style), context) == text


def test_texts_to_choose_from_are_left_to_a_person(context: Context) -> None:
    text = "愿妹妹福寿安康，岁岁平安。\n\n愿妹妹芳龄永继，喜乐长随。（请任选其一）"
    assert "任选" in clean_text(Subject(text, "妹妹", "生日", "文言文"), context)
