"""Rules that check whether a blessing fits its style, its receiver and its occasion."""

import re

from tianji_core.cleaning.facts import DAY_HINT, wrong_day
from tianji_core.cleaning.fault_model import MODERN, SLANG, worst_sentence
from tianji_core.cleaning.festivals import may_be_other, other_number, other_occasion
from tianji_core.cleaning.quick import QuickPattern
from tianji_core.cleaning.relations import pronoun
from tianji_core.cleaning.rule import (
    HARD_FLOOR,
    Context,
    Example,
    Found,
    Rule,
    Subject,
    phrases,
    registers,
)
from tianji_core.cleaning.talk import is_all_blessing, reading
from tianji_core.cleaning.talk_model import words_score
from tianji_core.i18n import N_, _
from tianji_core.recipe import Pronoun

_INFORMAL = re.compile(r"(?<!迷)你(?!们|追我|来我|侬我|一言我)")
_QUOTED = re.compile(r"(“[^”]*”)")
_FORMAL = re.compile(r"您(?!一家|全家|和家人|[二两]位|夫妇)")
"""您 to one person; a family is addressed with it, too."""
_SHORTFALL = 0.6
"""Share of a style's fewest characters from which a text is long enough: teachers cannot count, and a short
wish is no mistake."""
_FESTIVAL = QuickPattern(
    f"(?:{'|'.join(phrases()['festival'])})(?:节日?|日)?(?:快乐|安康|愉快|吉祥|大吉|幸福)|Merry Christmas"
    r"|(?:(?![佳双过春秋此本])[\u4e00-\u9fff]){1,3}节(?:快乐|安康)|喜得(?:贵子|千金|麟儿)"
)
_WEDDED = re.compile(r"(?:结婚|成婚|婚后)(?=[\d一二三四五六七八九十几多这]{1,4}(?:周?年|个?年头|载))")
"""A wedding that was years ago."""
_GREETING = re.compile(
    r"节?(?:快乐|安康|祝福|吉祥|大吉|之际|佳节|到了|来临|愉快|平安|良[夜宵辰]|[已将既又]至)"
)
_GREETED = re.compile(
    r"(?:值此|欣逢|恭逢|又逢|喜迎|适逢|时值|今逢|恭贺|喜贺|庆贺|共度|欢度|祝[你您]?|欣闻|喜闻|欣悉|恭喜[^，。！？]{0,4}|今天是|今日|又是|正是|早日|日盼|盼)\Z"
)
_SENTENCE_END = re.compile(r"[。！!？?~～…][”」』]?")
_CLASSICAL = frozenset({"文言文"})
_SOLEMN = frozenset({"文言文", "严肃", "诗词赋"})
_SURELY_MODERN, _SURELY_SLANG = 3.0, 1.0
"""The scores from which a sentence belongs to another way of writing."""
_GAP = QuickPattern(r"[{\[<][^{}\[\]<>\n]{1,20}[}\]>]")
"""A gap to be filled in: its name is no word of the text."""
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"
_FOR_ELDER = "爷爷，生日快乐！愿您新的一岁身体硬朗，每天都有好心情。"


def _too_short(text: str, subject: Subject, context: Context) -> Found | None:
    length = len(text.strip())
    low = (context.limits_of(subject) or (0, 0))[0]
    if not length or length >= max(HARD_FLOOR, _SHORTFALL * low):
        return None
    return Found(_("只有 {n} 个字，至少要 {low} 个", n=length, low=max(HARD_FLOOR, low)))


def _too_long(text: str, subject: Subject, context: Context) -> Found | None:
    if (limits := context.limits_of(subject)) is None:
        return None
    low, high = limits
    if len(text) <= high:
        return None
    ends = [m.end() for m in _SENTENCE_END.finditer(text) if max(low, HARD_FLOOR) <= m.end() <= high]
    return Found(_("有 {n} 个字，最多 {high} 个", n=len(text), high=high), text[: ends[-1]] if ends else None)


def _unsuitable_cell(_text: str, subject: Subject, context: Context) -> Found | None:
    name = subject.name if context.recipe.receivers else context.recipe.names[0].text
    rating = context.suitability.rating(name, subject.scene)
    if rating.value < context.threshold:
        values = {"name": name, "scene": subject.scene, "reason": rating.reason}
        return Found(
            _("“{name} × {scene}”不适合：{reason}", **values)
            if rating.reason
            else _("“{name} × {scene}”在适配度里不适合", **values)
        )
    for gap in context.gaps:
        if gap.covers(subject.style, name, subject.scene):
            values = {"cell": f"{name} × {subject.scene}", "style": subject.style}
            return Found(
                _("“{cell}”不用“{style}”的写法：{reason}", reason=gap.reason, **values)
                if gap.reason
                else _("“{cell}”在例外里，不用“{style}”的写法", **values)
            )
    return None


def _wrong_pronoun(text: str, subject: Subject, context: Context) -> Found | None:
    right = context.pronouns.get(subject.name)
    if right is None and (right := pronoun(subject.name)) is not None and right.value in text:
        return None  # where no list says so, a text that uses both may mean two people
    if right not in (Pronoun.FORMAL, Pronoun.INFORMAL):
        return None
    wrong = _INFORMAL if right is Pronoun.FORMAL else _FORMAL
    if ("你" if right is Pronoun.FORMAL else "您") not in text:
        return None
    parts = _QUOTED.split(text)  # what somebody else says in quotes is said to somebody else
    fixed = "".join(
        part if n % 2 and 2 * len(part) < len(text) else wrong.sub(right.value, part)
        for n, part in enumerate(parts)
    )
    return (
        None
        if fixed == text
        else Found(_("对{name}该用“{word}”", name=subject.name, word=right.value), fixed)
    )


def _mixed_style(text: str, subject: Subject, _context: Context) -> Found | None:
    for register in registers():
        if subject.style not in register.styles or (register.one_line and "\n" in text.strip()):
            continue
        said = _GAP.sub("", text)
        found = list(dict.fromkeys(match.group() for match in register.words.finditer(said)))
        if len(found) > register.few and is_all_blessing(text, subject.name):
            words = "、".join(found[:4])
            return Found(_("{style}里不该有：{words}", style=subject.style, words=words))
    if subject.style in _SOLEMN and is_all_blessing(text, subject.name):
        other = _other_register(text, subject)
        if other is not None and words_score(other, subject.name if subject.name in other else "") < -1:
            return Found(_("{style}里不该有：{words}", style=subject.style, words=other.strip()[:30]))
    return None


def _other_register(text: str, subject: Subject) -> str | None:
    """Returns a sentence of another way of writing than the style asks for."""
    cut = reading(_GAP.sub("", text), subject.name).pieces
    if subject.style in _CLASSICAL and (
        (modern := worst_sentence(MODERN, cut, subject.name, _SURELY_MODERN)) is not None
    ):
        return modern
    if subject.style in _SOLEMN:
        return worst_sentence(SLANG, cut, subject.name, _SURELY_SLANG)
    return None


def _is_greeted(text: str, sign: str) -> bool:
    """Returns whether a text wishes something for an occasion, and does not only mention it."""
    return any(
        _GREETING.match(text, match.end()) or _GREETED.search(text, 0, match.start())
        for match in re.finditer(re.escape(sign), text)
    )


def _wrong_occasion(text: str, subject: Subject, context: Context) -> Found | None:
    mine = context.occasions.get(subject.scene)
    if mine is None:
        return _other_occasion(text, subject)
    foreign = context.foreign_signs[subject.scene]
    # What these need holds no comma, so that the text may be asked with the name that goes below.
    dated, festive = DAY_HINT.may_match(text), _FESTIVAL.may_match(text)
    abroad, another = foreign.may_match(text), may_be_other(text, subject.scene)
    if "婚" in text:  # words that go join those beside them
        festive = abroad = another = True
    if not (dated or festive or abroad or another):
        return None
    if subject.name:  # 医生日日平安 does not speak of a birthday
        text = text.replace(subject.name, "，")
    if dated and (day := wrong_day(text, subject)) is not None:
        return Found(_("“{day}”不是{scene}", day=day, scene=subject.scene))
    if "婚" in text:
        text = _WEDDED.sub("", text)
    festival = _FESTIVAL.pattern.search(text) if festive else None
    if festival is not None and subject.scene[:2] not in festival.group() and subject.scene[:2] not in text:
        return Found(_("祝的是“{word}”，不是{scene}", word=festival.group(), scene=subject.scene))
    if not abroad or foreign.pattern.search(text) is None:
        return _other_occasion(text, subject) if another else None
    spoken = any(word in text for word in mine.own)
    named = any(word in text for word in mine.signs)
    for scene, other in context.occasions.items():
        if scene == subject.scene:
            continue
        for sign in other.signs:
            if sign not in text or sign in mine.signs:
                continue
            if spoken and subject.scene in other.near:
                continue
            if (named or spoken) and not _is_greeted(text, sign):  # another occasion in passing
                continue
            return Found(
                _("说的是{other}（“{word}”），不是{scene}", other=scene, word=sign, scene=subject.scene)
            )
    return _other_occasion(text, subject)


def _other_occasion(text: str, subject: Subject) -> Found | None:
    if not subject.scene:
        return None
    word = other_number(text, subject.scene) or other_occasion(text, subject.scene)
    return None if word is None else Found(_("祝的是“{word}”，不是{scene}", word=word, scene=subject.scene))


FIT_RULES = (
    Rule(
        "too_short",
        N_("太短"),
        N_("比配方要的最少字数少四成以上，或不到 10 个字，学不到东西。"),
        _too_short,
        bad=(Example("生日快乐！"), Example("妹妹生日快乐呀~", style="小红书")),
        good=(
            Example(_CLEAN),
            Example("同学，生日快乐，天天开心！", name="同学"),
            Example("妹妹生日快乐，愿你天天都开心呀~", style="小红书"),
        ),
    ),
    Rule(
        "too_long",
        N_("太长"),
        N_("超过了配方要的最多字数；修正是保留字数之内的完整句子，请看过再用。"),
        _too_long,
        bad=(Example(_CLEAN * 3, _CLEAN * 2), Example("愿" * 61)),
        good=(Example(_CLEAN),),
    ),
    Rule(
        "unsuitable_cell",
        N_("格子不适合"),
        N_("按现在的适配度，写给谁和写什么不该这样放在一起，或者这种写法不该用在这里（例外）。"),
        _unsuitable_cell,
        bad=(Example("爷爷，愿您新婚快乐，往后的日子甜甜蜜蜜。", name="爷爷", scene="新婚快乐"),),
        good=(Example(_CLEAN), Example("愿您一切都好，平安顺遂，笑口常开，天天开心。", name="", scene="")),
    ),
    Rule(
        "wrong_pronoun",
        N_("您与你用错"),
        N_("该称“您”的称了“你”，或者反过来；按名单里的设定检查。"),
        _wrong_pronoun,
        bad=(
            Example(_FOR_ELDER.replace("您", "你"), _FOR_ELDER, name="爷爷"),
            Example(_CLEAN.replace("你", "您"), _CLEAN),
        ),
        good=(
            Example(_CLEAN),
            Example(_FOR_ELDER, name="爷爷"),
            Example("爷爷，您总说“等你长大”，如今我长大了，愿您身体硬朗，天天都有好心情。", name="爷爷"),
            Example("爷爷奶奶，愿你们身体硬朗，天天都有好心情。", name="爷爷"),
            Example("妹妹，生日快乐！祝您一家平安喜乐，每天都有好心情。"),
        ),
    ),
    Rule(
        "mixed_style",
        N_("文风不一"),
        N_("文言文里的大白话、庄重文字里的网络用语，会让模型学成四不像；要人来改。"),
        _mixed_style,
        wishes=True,
        bad=(
            Example("妹妹芳辰，愿岁岁长安。家人们谁懂啊，福泽绵长。", style="文言文"),
            Example("欣逢芳辰，你要记得多喝热水，愿福泽绵长，岁岁平安。", style="文言文"),
            Example("值此生日之际，谨祝妹妹学业精进，绝绝子，诸事顺遂，平安康健，前程远大。", style="严肃"),
        ),
        good=(
            Example(_CLEAN),
            Example("今逢芳辰，愿妹从容自在，福泽绵长，岁岁如今日。", style="文言文"),
            Example("{name}芳辰，愿妹从容自在，福泽绵长，岁岁如今日。", style="文言文"),
            Example("值此生日之际，谨祝妹妹学业精进，诸事顺遂，愿你平安康健，前程远大。", style="严肃"),
        ),
    ),
    Rule(
        "wrong_occasion",
        N_("说错场合"),
        N_("提到了别的节日或事情。相近的场合（如除夕与春节）只有完全没提自己的场合时才算错。"),
        _wrong_occasion,
        wishes=True,
        bad=(
            Example("妹妹，中秋快乐！愿你吃着月饼，想着家人，事事圆满。"),
            Example("大年初一给妹妹拜年，愿你新的一年里步步生莲。", scene="除夕"),
            Example("妹妹，圣诞快乐！愿你收到满满一袜子的礼物，平安喜乐。"),
            Example("正月十五月儿圆，中秋到了，愿妹妹吃着月饼，事事顺心。", scene="中秋节"),
        ),
        good=(
            Example(_CLEAN),
            Example("除夕夜给妹妹提前拜年，愿你新的一年里事事顺心。", scene="除夕"),
            Example("妹妹新春快乐，恭喜发财，愿你万事顺意，天天开心。", scene="春节"),
            Example("妹妹，生日快乐！中秋前后你回来，我给你做好吃的。"),
            Example("哥，结婚五年了，买束花回家，祝你们接着好好过。", name="哥哥", scene="周年纪念"),
            Example("妹妹生日快乐，愿你的日子比七夕还甜，财源滚滚，事事顺心。"),
            Example("愿医生日子安稳，谈判席上句句在理，合作顺利。", name="医生", scene="谈判顺利"),
        ),
    ),
)
