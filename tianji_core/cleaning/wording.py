"""Rules about the words and marks inside a blessing."""

import re
from functools import cache
from typing import Any

from tianji_core.cleaning.facts import typo
from tianji_core.cleaning.layers import without_escapes
from tianji_core.cleaning.quick import QuickPattern, signs_in
from tianji_core.cleaning.rule import (
    REQUEST_HINT,
    REQUEST_PIECE,
    Context,
    Example,
    Found,
    Rule,
    Subject,
    only_han,
    phrases,
)
from tianji_core.cleaning.script import common_signs, is_misread
from tianji_core.cleaning.talk import is_all_blessing
from tianji_core.i18n import N_, _

_PARTICLES = "哦啦呀呢哟喔嘛咯噢啰哩"
_PARTICLE_CLASH = QuickPattern(
    # A run of marks is read from its first one alone, or a long run would be read once for every mark.
    rf"([{_PARTICLES}]?)(?<![。！!？?~～])[。！!？?~～]++([{_PARTICLES}])([~～！!。.？?]+)"
)
_PUNCTUATION = (
    (re.compile(r"[，、；,;：:]+([。！？!?…])"), r"\1"),
    (re.compile(r"。[。，、；,;]+"), "。"),
    (re.compile(r"([，、；：])[，、；,;]+"), r"\1"),
    (re.compile(r"([！？!?])[。，、；,;]+"), r"\1"),
    (re.compile(r"。([！？!?])"), r"\1"),
)
_PUNCTUATION_HINT = re.compile(r"[，、；;,：:。！？!?][，、；;,：:。！？!?…]")
_STRAY_START = re.compile(r"\s*[，。、；：！？,;]+\s*(?=[\u4e00-\u9fff“「])")
"""A mark with which no text begins."""
_LEAKED = QuickPattern("|".join(phrases()["leaked"]))
_REFUSAL = QuickPattern("|".join(phrases()["refusal"]), re.MULTILINE)
_PLACEHOLDER = re.compile("|".join(phrases()["placeholder"]))
_NAME_WORDS = (
    "姓名",
    "名字",
    "昵称",
    "称呼",
    "称谓",
    "收件人",
    "收信人",
    "收礼人",
    "对方",
    "某人",
    "张三",
    "李四",
    "王五",
)
_NAMELESS = QuickPattern(
    rf"(?:(?:亲爱|敬爱|尊敬)的|\A\s*|[祝愿致给向]|写给|送给)(?P<word>{'|'.join(_NAME_WORDS)})"
    r"(?=[，,：:！!、]|生日|节日|新年|[祝您你])"
)
"""A word for a name where a name is expected."""
_GAP = re.compile(
    r"[\[［【{｛<＜(（「『《]\s*(?=[^\]］】}｝>＞)）」』》\n]{2,16}[\]］】}｝>＞)）」』》])"
    r"(?:[^\]］】}｝>＞)）」』》\n，。]*(?:插入|填入|填写|填上|替换|自行填|此处|补充具体|加入具体|可替换|可修改|视情况)"
    r"|(?:具体|对方|收礼人|您的|你的|TA的?|某个?|实际|真实)?[\u4e00-\u9fff]{0,4}"
    r"(?:姓名|名字|昵称|称呼|年龄|岁数|职位|职务|头衔|公司|单位|部门|学校|班级|年级|专业|城市|地点|地名|日期|年份|回忆|往事|事件|爱好|兴趣|项目名?|礼物名?|署名|落款|细节)"
    r"\d?\s*[\]］】}｝>＞)）」』》])[^\n]{0,16}"
)
"""A remark in brackets that names what is to be filled in."""
_HALVES = re.compile(r"([\ud800-\udfff]+)")
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _empty(text: str, _subject: Subject, _context: Context) -> Found | None:
    return None if any(char.isalnum() for char in text) else Found(_("没有文字"))


def _refusal(text: str, _subject: Subject, _context: Context) -> Found | None:
    match = _REFUSAL.search(text)
    return None if match is None else Found(_("像是拒绝或自我介绍：{words}", words=match.group()))


def _leaked_prompt(text: str, subject: Subject, context: Context) -> Found | None:
    match = _LEAKED.search(text)
    if match is not None and (
        match.group()[-1] not in ":："
        or text.startswith(tuple(filter(None, (subject.name, subject.scene, subject.style))), match.end())
        or not is_all_blessing(text, subject.name)
    ):
        return Found(_("混进了提示词：{words}", words=match.group()))
    hints = [text[i : i + REQUEST_HINT] for i in range(0, len(text), REQUEST_HINT)]
    if context.request_hints.isdisjoint(hints):
        return None
    for start in range(len(text) - REQUEST_PIECE + 1):
        piece = text[start : start + REQUEST_PIECE]
        if piece in context.request_pieces:
            return Found(_("混进了提示词：{words}", words=f"…{piece}…"))
    return None


def _placeholder(text: str, subject: Subject, _context: Context) -> Found | None:
    match = _NAMELESS.search(text)
    if match is not None and match["word"] != subject.name:
        return Found(_("留着没填的空：{words}", words=match.group()))
    if only_han(text) and "某某" not in text:
        return None
    match = _PLACEHOLDER.search(text) or _GAP.search(text)
    return None if match is None else Found(_("留着没填的空：{words}", words=match.group()))


def _particle_clash(text: str, _subject: Subject, _context: Context) -> Found | None:
    match = _PARTICLE_CLASH.search(text)
    if match is None:
        return None
    fixed = text
    while (shorter := _PARTICLE_CLASH.pattern.sub(_without_clash, fixed)) != fixed:
        fixed = shorter
    return Found(_("语气词前后的标点打架：{words}", words=match.group()), fixed)


def _without_clash(match: re.Match[str]) -> str:
    before, particle, stops = match.groups()
    return (before or particle) + stops[0]


def _punctuation(text: str, _subject: Subject, _context: Context) -> Found | None:
    if (stray := _STRAY_START.match(text)) is not None:
        return Found(_("开头有多余的标点"), text[stray.end() :])
    if _PUNCTUATION_HINT.search(text) is None or without_escapes(text) != text:  # the mark ends an entity
        return None
    fixed = text
    for pattern, replacement in _PUNCTUATION:
        fixed = pattern.sub(replacement, fixed)
    return None if fixed == text else Found(_("标点重复或相互冲突"), fixed)


def _traditional(text: str, _subject: Subject, _context: Context) -> Found | None:
    seen = signs_in(text)
    if seen <= _simplified_signs() or not any(map(_is_han, seen - _simplified_signs())):
        return None
    fixed = _simplified(text, "t2s")
    if fixed != text and "著" in text:
        fixed = _simplified(text, "tw2s")
    if fixed == text or is_misread(text):
        return None
    different = [old for old, new in zip(text, fixed, strict=False) if old != new]
    return Found(_("有繁体字：{words}", words="".join(different[:8])), fixed)


def _typo(text: str, _subject: Subject, _context: Context) -> Found | None:
    found = typo(text)
    return None if found is None else Found(_("“{wrong}”该是“{right}”", wrong=found[0], right=found[1]))


def _simplified(text: str, form: str) -> str:
    """Returns a text in simplified characters; half characters, which OpenCC does not take, stay."""
    parts = _HALVES.split(text)
    return "".join(part if n % 2 else _to_simplified(form).convert(part) for n, part in enumerate(parts))


@cache
def _to_simplified(form: str) -> Any:
    """Returns a converter; that of ``tw2s`` also knows where 著 stands for 着."""
    from opencc import OpenCC

    return OpenCC(form)


def _is_han(sign: str) -> bool:
    """Whether a character may be a Chinese one: signs and emoji have no traditional form."""
    return "\u2e80" <= sign <= "\ufaff" or sign >= "\U00020000"


@cache
def _simplified_signs() -> frozenset[str]:
    """Returns characters that stay what they are in every text: most texts have no others."""
    return frozenset(sign for sign in common_signs() if _to_simplified("t2s").convert(sign) == sign)


EMPTY_RULE = Rule(
    "empty",
    N_("没有文字"),
    N_("只有空白、标点或表情，没有正文。"),
    _empty,
    bad=(Example(""), Example(" \n"), Example("🎂🎂！！")),
    good=(Example(_CLEAN),),
)
REQUEST_RULES = (
    Rule(
        "refusal",
        N_("拒绝或自称 AI"),
        N_("模型拒绝回答，或说起自己是人工智能；这种话训练进去就会再说出来。"),
        _refusal,
        bad=(
            Example("作为一个人工智能助手，我很高兴为妹妹送上生日祝福。"),
            Example("抱歉，我无法生成这样的内容。"),
            Example("As an AI language model, I cannot write this."),
        ),
        good=(Example(_CLEAN), Example("作为你的姐姐，我最开心的就是看着你长大，妹妹生日快乐。")),
    ),
    Rule(
        "leaked_prompt",
        N_("混进提示词"),
        N_("字数、写法要求这类给造数模型的话跑到了正文里。多半残缺不全，请改写或弃用。"),
        _leaked_prompt,
        bad=(
            Example(f"成品不少于 20 个字，不超过 60 个字，写成一行。{_CLEAN}"),
            Example(f"由头：生日。{_CLEAN}"),
            Example(f"语气亲切有礼，句子通顺自然，像认真写给对方的一条短信；{_CLEAN}"),
            Example(f"写一段五十字的话，字数要求五十。{_CLEAN}"),
        ),
        good=(Example(_CLEAN), Example("妹妹，生日快乐！送你一百个字的唠叨，不如送你一个大蛋糕。")),
    ),
    Rule(
        "placeholder",
        N_("没填的空"),
        N_("[姓名]、XX 这样的空位不会有人去填，模型会照着学。"),
        _placeholder,
        bad=(
            Example("亲爱的[姓名]，祝你生日快乐，天天都有好心情。"),
            Example("祝XX生日快乐，愿你新的一岁平平安安。"),
            Example("祝{name}生日快乐，愿你新的一岁平平安安。"),
            Example("亲爱的昵称，生日快乐，天天都有好心情。"),
            Example("妹妹生日快乐，愿你在「具体城市」平平安安。"),
            Example("妹妹生日快乐，还记得一起（插入共同回忆）的日子吗？"),
            Example("祝×××生日快乐，愿你新的一岁平平安安。"),
        ),
        good=(Example(_CLEAN), Example("妹妹生日快乐（姓名里带福的人就是不一样），愿你万事顺心。")),
    ),
)
MARK_RULES = (
    Rule(
        "particle_clash",
        N_("语气词与标点打架"),
        N_("“！啦~”“。哦！”是语气词接在了已经结束的句子后面，读起来别扭。"),
        _particle_clash,
        bad=(
            Example("妹妹生日快乐，愿你天天开心！啦~", "妹妹生日快乐，愿你天天开心啦~"),
            Example("妹妹生日快乐，愿你天天开心。哦！", "妹妹生日快乐，愿你天天开心哦！"),
            Example("妹妹生日快乐，愿你天天开心呀~呀~", "妹妹生日快乐，愿你天天开心呀~"),
            Example("妹妹生日快乐🎂！哦~", "妹妹生日快乐🎂哦~"),
        ),
        good=(
            Example(_CLEAN),
            Example("哎呀！妹妹生日快乐呀~愿你天天都开心哦！"),
            Example("来啦来啦！妹妹生日快乐！"),
        ),
        safe=True,
    ),
    Rule(
        "punctuation",
        N_("标点冲突"),
        N_("“，。”“。。”这样连在一起的标点，留下一个就够了。"),
        _punctuation,
        bad=(
            Example("妹妹，生日快乐，。愿你天天开心。。", "妹妹，生日快乐。愿你天天开心。"),
            Example("妹妹，生日快乐！。愿你天天开心。", "妹妹，生日快乐！愿你天天开心。"),
            Example("，妹妹，生日快乐，愿你天天开心。", "妹妹，生日快乐，愿你天天开心。"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹生日快乐！！！愿你天天开心……永远十八岁！"),
            Example("长到1,000岁！"),
        ),
        safe=True,
    ),
    Rule(
        "traditional",
        N_("繁体字"),
        N_("数据统一用简体字，混进去的繁体字会让模型两种都写。"),
        _traditional,
        bad=(
            Example("妹妹，生日快樂！願你平安喜樂。", "妹妹，生日快乐！愿你平安喜乐。"),
            Example("妹妹，生日快樂！願你笑著過每一天。", "妹妹，生日快乐！愿你笑着过每一天。"),
        ),
        good=(Example(_CLEAN), Example("乾坤朗朗，愿妹妹生日快乐，著作等身。")),
        safe=True,
    ),
    Rule(
        "typo",
        N_("错别字"),
        N_("常用的四字祝词里有个音近的别字，如“身体建康”；要人来改，也可能是有意的谐音。"),
        _typo,
        bad=(Example("妹妹，生日快乐！祝你身体建康，每天都有好心情。"),),
        good=(Example(_CLEAN), Example("妹妹，生日快乐！祝你身体安康，年年有鱼，每天都有好心情。")),
    ),
)
