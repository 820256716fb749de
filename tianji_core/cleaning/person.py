"""Rules that check whom a blessing addresses, and words that spoil it."""

import re
from functools import cache

from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject, unsafe_words
from tianji_core.i18n import N_, _

_BEFORE = re.compile(
    r"(?:^|[，。！!？?~～、；：:\s“]|(?:亲|敬|挚|最)爱的|(?:尊敬|牵挂|想念|惦记|思念|感激|佩服)的|[祝愿贺向给对为致请望盼与赠于及]|恭喜|祝福|问候|想念|写给|告诉|呼叫|有请|超有福气的)$"
)
"""What precedes a form of address."""
_NOT_AFTER = re.compile(
    r"们|都|也|说|问好|问声好|问安|带个?好|和孩子|身体也|家(?![业庭和])|有方|层|力|嘱|里|制|课|带|做|煮|包的|般|似|那|的(?!生日|节日|康复|新)"
)
"""What follows a word that mentions somebody without addressing them: 老师们, 爷爷奶奶都念着你, 领导有方,
妈妈做的菜."""
_UNSAFE = re.compile("|".join(sorted(map(re.escape, unsafe_words()[0]), key=len, reverse=True)))
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _addressed(text: str, subject: Subject, context: Context) -> str | None:
    """Returns a word by which the text addresses somebody other than its receiver; None if it also names the
    receiver."""
    if not subject.name or subject.name in text:
        return None
    wrong = None
    for match in context.addresses.pattern.finditer(text):
        word = match.group()
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 6]
        if (
            not _BEFORE.search(before)
            or _NOT_AFTER.match(after)
            or context.addresses.pattern.match(after.lstrip("和与跟、"))
        ):
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
            Example("哥，生日快乐！替我向嫂子问好，愿你们一家天天开心。", name="哥哥"),
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
