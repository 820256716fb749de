"""Rules about whom a blessing speaks to, and about words that spoil it."""

import re
from functools import cache

from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject, unsafe_words
from tianji_core.i18n import N_, _

_BEFORE = re.compile(
    r"(?:^|[，。！!？?~～、；：:\s“]|(?:亲|敬|挚)爱的|尊敬的|最爱的|亲爱滴|祝福?|祝愿|愿|恭祝|恭喜|恭贺|谨祝|敬祝|喜贺|敬贺|遥贺|敬贺|贺|给|向|对|为|致|送|让|请|望|盼|跟|和|谢谢|感谢|嗨|哈喽)$"
)
_AFTER = re.compile(
    r"[，,！!：:~～。、\s]|您|你|$|(?:在|的)?(?:生日|新年|新春|春节|元宵|端午|七夕|中秋|重阳|除夕|腊八|节日|谈判|乔迁|周年|新婚|家庭|比赛|发财|升职|康复|早日|身体|天天|永远|万事|事事|工作|平安|健康|快乐|幸福|开心|财源|步步|安康|一切|往后|能|福|阖家|全家|心想|笑口|越来越|好好|新)"
)
_UNSAFE = re.compile("|".join(sorted(map(re.escape, unsafe_words()[0]), key=len, reverse=True)))
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _addressed(text: str, subject: Subject, context: Context) -> str | None:
    """A word by which the text addresses somebody else than its receiver; None where the receiver is named, too."""
    if not subject.name or subject.name in text:
        return None
    wrong = None
    for match in context.addresses.pattern.finditer(text):
        word = match.group()
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 4]
        if not _BEFORE.search(before) or not _AFTER.match(after):
            continue
        if subject.name in context.addresses.fitting[word] or word in subject.name:
            return None
        wrong = wrong or word
    return wrong


def _wrong_person(text: str, subject: Subject, context: Context) -> Found | None:
    word = _addressed(text, subject, context)
    if word is None or word not in context.addresses.names:
        return None
    return Found(_("是写给{other}的，不是{name}", other=word, name=subject.name))


def _wrong_kinship(text: str, subject: Subject, context: Context) -> Found | None:
    word = _addressed(text, subject, context)
    if word is None or word in context.addresses.names:
        return None
    return Found(_("叫成了“{word}”，该是{name}", word=word, name=subject.name))


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, unsafe_words()[1])))


def _unsafe(text: str, _subject: Subject, _context: Context) -> Found | None:
    if _UNSAFE.search(text) is None:
        return None
    match = _UNSAFE.search(_harmless().sub("，", text))
    if match is None:
        return None
    kind = unsafe_words()[0][match.group()]
    return Found(_("有不合适的词：{word}（{kind}）", word=match.group(), kind=kind))


PERSON_RULES = (
    Rule(
        "wrong_person",
        N_("写给了别人"),
        N_("开口叫的是名单里的另一个人，多半是造数模型串了称谓。"),
        _wrong_person,
        bad=(
            Example("爷爷，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
            Example("新的一岁，祝表哥生日快乐，愿你平安喜乐，每天都有好心情。"),
        ),
        good=(
            Example(_CLEAN),
            Example("作为你的姐姐，我最开心的就是看着你长大，生日快乐，愿你天天开心。"),
            Example("妹妹，生日快乐！爷爷奶奶都念着你，愿你天天都有好心情。"),
            Example("愿你在公司领导有方，同事们都服你，生日快乐。"),
        ),
    ),
    Rule(
        "wrong_kinship",
        N_("称呼错了"),
        N_("用的称呼不是对这个人该用的，比如对外公叫“爸爸”。同义的叫法（姥爷、妈妈）不算错。"),
        _wrong_kinship,
        bad=(
            Example("亲爱的爸爸，生日快乐！愿您平安喜乐，每天都有好心情。", name="外公"),
            Example("新的一岁，祝舅妈生日快乐，愿您平安喜乐，每天都有好心情。", name="阿姨"),
        ),
        good=(
            Example(_CLEAN),
            Example("姥爷，生日快乐！愿您平安喜乐，每天都有好心情。", name="外公"),
            Example("老妈，生日快乐！愿您平安喜乐，每天都有好心情。", name="母亲"),
            Example("儿女都在身边，爸爸妈妈都好，祝您生日快乐，天天开心。", name="外公"),
        ),
    ),
    Rule(
        "unsafe",
        N_("不合适的词"),
        N_("丧葬、辱骂、赌博、广告之类的词不该出现在祝福里；词表在 configs/cleaning/unsafe.yaml。"),
        _unsafe,
        bad=(
            Example("妹妹，生日快乐！想要更多惊喜请加微信，优惠多多。"),
            Example("妹妹，你这个白痴，生日快乐，愿你天天开心。"),
        ),
        good=(Example(_CLEAN), Example("妹妹，我的死党，生日快乐！愿你天天笑死，好运不断。")),
    ),
)
