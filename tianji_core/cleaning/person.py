"""Rules that check whom a blessing addresses, and words that spoil it."""

import re
from functools import cache

from tianji_core.cleaning.facts import wrong_sex
from tianji_core.cleaning.fault_model import most_loving, most_mournful
from tianji_core.cleaning.never_said import never_said
from tianji_core.cleaning.other_tasks import called_stranger
from tianji_core.cleaning.quick import QuickPattern
from tianji_core.cleaning.relations import called, cannot_be, is_several, other_person, relation
from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject, only_han, phrases, unsafe_words
from tianji_core.cleaning.talk import CONTACT, reading
from tianji_core.i18n import N_, _

_BEFORE = re.compile(
    r"(?:^|[，。！!？?~～、；：:\s“]|(?:亲|敬|挚|最)爱的|(?:尊敬|牵挂|想念|惦记|思念|感激|佩服)的|[祝愿贺向给对为致请望盼与赠于及]|恭喜|祝福|问候|想念|写给|告诉|呼叫|有请|超有福气的)$"
)
"""What precedes a form of address."""
_NOT_AFTER = re.compile(
    r"们|都|也|说|问好|问声好|问安|带个?好|和孩子|身体也|家(?![业庭和])|(?:今[天日年]|这就)?(?:来(?![年日])|给[您你]|祝[您你]|敬[您你])|有方|层|力|嘱|里|制|课|带|做|煮|包的|般|似|那|的(?!生日|节日|康复|新)"
)
"""What follows a word that mentions somebody without addressing them: 老师们, 爷爷奶奶都念着你, 领导有方,
妈妈做的菜."""
_CALLED = re.compile(
    r"[，,！!：:~～\s。？?]|$|[您你祝愿请今又过恭节]|[雅尊道台钧惠]鉴|如[晤面]|[^，。！？]{0,4}(?:快乐|安康|大吉|辛苦|好[，。！!])"
)
"""What follows a word by which a clause begins that addresses somebody: 嫂子没少操心 only speaks of her."""
_SAID_TO = re.compile(r"[，,！!：:～~。、]|[们]?[您你拜祝道请送贺问敬作献寄说致谨呈]|生日|节日|新年|$")
"""What follows somebody to whom a text is said: 给姐姐点个赞 only speaks of her."""
_CLAUSE = re.compile(r"(?:^|[，。！!？?~～、；：:\s“])$")
_SURNAMES = (
    "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜谢邹喻柏窦章苏潘葛范彭郎鲁韦马苗方俞任袁柳"
    "唐罗薛雷贺倪汤殷毕郝安常傅齐康伍余顾孟黄穆萧尹姚邵汪毛贝戴宋庞熊纪舒屈项祝董梁杜阮蓝季江童郭梅林钟徐邱骆高夏蔡田樊胡凌霍万卢莫丁邓"
    "洪包左石崔龚程邢陆翁荀甄曲侯宁仇刘景龙叶黎白乔温庄柴瞿阎连习艾易廖欧曾关游盛谭申冉牛简饶丛覃肖聂涂卜"
)
_TITLES = "老师|总|医生|大夫|教授|经理|主任|局长|院长|校长|部长|处长|科长|阿姨|叔叔|伯伯|大妈|大爷|大姐|大哥|师傅|先生|女士|律师|导演|董"
_SEVERAL = re.compile(
    r"\s*(?:尊敬的|亲爱的)?(?:各位|诸位|全体)(?:(?![您你](?!好))[^，：！。!:\n]){1,10}[，：！!:]"
)
_TO_SOMEBODY = re.compile(r"\s*[^，：！\n]{1,6}[，：！,:!~]")
PARTNER = re.compile(
    "[妻夫爱恋]|老[婆公]|[男女]朋?友|对象|媳妇|情|新人|伴|未婚|那口子|孩子[他她]?[爸妈]|先生"
)
"""Somebody to whom a lover may write."""
_ABOUT = re.compile(r"(?:[祝愿]|祝福|希望|但愿)[他她](?![们俩])")
"""A wish for somebody who is not spoken to."""
_THIRD, _MENTIONS = re.compile("[他她](?!们|[乡山日])"), 2
"""How often a text that calls somebody speaks of somebody else instead of them."""
_WISHED_THIRD = QuickPattern("[愿祝望]([他她它])(?!们)")
"""Who is wished something: it may be one of them, not one after the other."""
_THIRD_HINT = QuickPattern("[他她]|TA|对方")
_TOLD_HOW = re.compile(
    r"[你您]\s*(?:可以|不妨|就|只要)(?:这样|这么|直接)?(?:祝(?:[他她](?!们)|TA|对方)|[对跟向给和](?:[他她](?!们)|TA|对方)[^，。！？]{0,3}[说讲道写发祝表])"
)
"""Advice what to say to somebody."""
_CHILD = re.compile("[女儿孩娃宝]|满月|百[日天]|周岁|千金|出生|得子|添丁")
"""Occasions that are about somebody else than who is congratulated."""
_SPEECH = re.compile("致辞|演讲|广播|发言|公告|讲话")
"""Styles of texts that many people hear."""
_TITLED = re.compile(rf"([{_SURNAMES}])({_TITLES})")
_UNSAFE = QuickPattern("|".join(sorted(map(re.escape, unsafe_words()[0]), key=len, reverse=True)))
_CHAIN = re.compile("|".join(f"(?:{pattern})" for pattern in phrases()["chain"]))
_CODES = re.compile(
    r"\\{1,2}[nu][0-9a-fA-F]{0,4}|&#?\w{2,8};|<[^<>]{1,40}>|%[0-9A-Fa-f]{2}|\[UNUSED_TOKEN_\d+\]"
    r"|\[[^\]\n]{1,30}\]|\x1b\S{1,5}m|\{[^{}]{1,40}\}|https?\S+"
)
"""Escapes, tags and marks of programs, which other rules report."""
_ID = re.compile(
    r"(?<![A-Za-z0-9_.])(?=[A-Za-z_-]{1,20}\d)[A-Za-z][A-Za-z0-9_-]{5,24}(?![A-Za-z0-9])"
    r"|(?<![\d.,-])(?!(?:520|521|1314|886|666|888)+(?!\d))(?!\d?0{3,}|(?:19|20)\d{6}(?!\d))\d(?:[ -]?\d){6,17}(?![\d.,]|[ -]\d|[元块天秒年亿万])"
)
"""A name of an account, letters and digits mixed; a number of seven digits or more that is no amount, no date
and no love in digits."""
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _addressed(text: str, subject: Subject, context: Context) -> str | None:
    """Returns a word by which the text addresses somebody other than its receiver; None if it also names the
    receiver."""
    if not subject.name or subject.name in text or _is_called(text, subject.name):
        return None
    wrong = None
    for match in context.addresses.pattern.finditer(text):
        word = match.group()
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 6]
        if (
            not _BEFORE.search(before)
            or (_NOT_AFTER.match(after) and not (before[-1:] in "愿祝" and after[0] == "的"))
            or (_CLAUSE.search(before) and not _CALLED.match(after))
            or context.addresses.pattern.match(after.lstrip("和与跟、"))
            or (before[-1:] == "给" and not _SAID_TO.match(after))
        ):
            continue
        if subject.name in context.addresses.fitting[word] or word in subject.name:
            return None
        wrong = wrong or word
    return wrong


def _is_called(text: str, name: str) -> bool:
    """Returns whether a text begins with the short form of a name, 哥 for 哥哥, or another word for the same
    relation."""
    word, mine = called(text), relation(name)
    said = relation(word) if word is not None else None
    if mine is not None and said is not None and (said.row, said.word) == (mine.row, word):
        return True
    return re.match(rf"(?:亲爱的|我的|老|好)?{re.escape(name[-1])}+[，,！!：:~～]", text.strip()) is not None


def _other_surname(text: str, name: str) -> str | None:
    """Returns a surname with a title by which the text addresses somebody else than ``name``, who has another
    surname."""
    mine = _TITLED.search(name)
    if mine is None or name in text:
        return None
    for match in _TITLED.finditer(text):
        before, after = text[max(0, match.start() - 4) : match.start()], text[match.end() : match.end() + 6]
        called = _BEFORE.search(before) and not _NOT_AFTER.match(after) and _CALLED.match(after)
        if called and match.group(1) != mine.group(1):
            return match.group()
    return None


def _is_to_one(subject: Subject) -> bool:
    """Returns whether a text is meant for one person."""
    return subject.name != "" and not is_several(subject.name) and _SPEECH.search(subject.style) is None


def _to_nobody(text: str, subject: Subject) -> str | None:
    """Returns the words that show that a text is said to many people, or about its receiver and not to
    them."""
    several = _SEVERAL.match(text)
    if several is not None and _is_to_one(subject) and subject.name not in several.group():
        return several.group().strip("，：！:! ")
    if _THIRD_HINT.search(text) is not None and (told := _TOLD_HOW.search(text)) is not None:
        return told.group()
    wished = {match[1] for match in _WISHED_THIRD.finditer(text)}
    if len(wished) > 1 and _is_to_one(subject):
        return "、".join(sorted(wished))
    if "你" in text or "您" in text or is_several(subject.name) or _CHILD.search(subject.scene):
        return None
    about = _ABOUT.search(text)
    if about is None or (_TO_SOMEBODY.match(text) and len(_THIRD.findall(text)) < _MENTIONS):
        return None
    return about.group()


def _stranger(text: str, subject: Subject, context: Context) -> str | None:
    return None if context.recipe.blessings else called_stranger(text, subject.name, context)


def _wrong_person(text: str, subject: Subject, context: Context) -> Found | None:
    if subject.name and PARTNER.search(subject.name) is None:
        read = reading(text, subject.name)
        loving = most_loving(read.pieces, read.words)
        if loving is not None:
            return Found(
                _("像是对爱人说的话，不是对{name}：{words}", name=subject.name, words=loving.strip()[:30])
            )
    if (said := wrong_sex(text, subject)) is not None:
        return Found(_("“{words}”不是对{name}说的话", words=said, name=subject.name))
    said = never_said(text, subject)
    word = other_person(text, subject.name)
    if (said is not None or word is not None) and _wrong_kinship(text, subject, context) is not None:
        return None
    if said is not None:
        return Found(_("“{words}”不是对{name}说的话", words=said[:30], name=subject.name))
    nobody = _to_nobody(text, subject)
    if nobody is not None:
        return Found(_("是写给{other}的，不是{name}", other=nobody, name=subject.name))
    other = _other_surname(text, subject.name) or _stranger(text, subject, context)
    if other is not None:
        return Found(_("是写给{other}的，不是{name}", other=other, name=subject.name))
    if word is not None:
        return Found(_("是写给{other}的，不是{name}", other=word, name=subject.name))
    if subject.name not in context.addresses.names:
        return _called_other(text, subject, context)
    word = _addressed(text, subject, context)
    if word is None or word not in context.addresses.names:
        return None
    return Found(_("是写给{other}的，不是{name}", other=word, name=subject.name))


def _called_other(text: str, subject: Subject, context: Context) -> Found | None:
    """Returns what shows that a text is not for a receiver of no list."""
    if is_several(subject.name):
        return None
    word = _addressed(text, subject, context)
    if word is not None and (f"祝{word}" not in text or not cannot_be(subject.name, word)):
        return None
    return None if word is None else Found(_("是写给{other}的，不是{name}", other=word, name=subject.name))


def _wrong_kinship(text: str, subject: Subject, context: Context) -> Found | None:
    word = _addressed(text, subject, context)
    if word is None or word in context.addresses.names:
        return None
    if subject.name not in context.addresses.names:  # nobody knows how they are called
        return None
    return Found(_("叫成了“{word}”，该是{name}", word=word, name=subject.name))


@cache
def _harmless() -> re.Pattern[str]:
    return re.compile("|".join(unsafe_words()[1]))


def _unsafe(text: str, subject: Subject, _context: Context) -> Found | None:
    contact = None if only_han(text) else CONTACT.search(text) or _ID.search(_CODES.sub("", text))
    if contact is not None:
        return Found(_("有联系方式或链接：{words}", words=contact.group()[:30]))
    if "转" in text and (chain := _CHAIN.search(text)) is not None:
        return Found(_("像是要人转发的连环信：{words}", words=chain.group()[:30]))
    read = reading(text, subject.name)
    if (said := most_mournful(read.pieces, read.words)) is not None:
        return Found(_("像是不吉利或伤人的话：{words}", words=said.strip()[:30]))
    if _UNSAFE.search(text) is None:
        return None
    asked = f"{subject.name}\n{subject.scene}"  # what a recipe lists is what its texts are about
    said_words = (match.group() for match in _UNSAFE.finditer(_harmless().sub("，", text)))
    word = next((one for one in said_words if one not in asked), None)
    if word is None:
        return None
    return Found(_("有不合适的词：{word}（{kind}）", word=word, kind=unsafe_words()[0][word]))


PERSON_RULES = (
    Rule(
        "wrong_person",
        N_("写给了别人"),
        N_("开口叫的是名单里的另一个人，多半是造数模型串了人。"),
        _wrong_person,
        bad=(
            Example("爷爷，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
            Example("新的一岁，祝表哥生日快乐，愿你平安喜乐，每天都有好心情。"),
            Example("李老师，生日快乐！愿您身体健康，桃李满园。", name="赵老师"),
            Example("各位同事，大家好！祝大家生日快乐，工作顺利，身体健康。"),
            Example("她一直是个认真的人，今天是她的生日，希望她能天天开心。"),
            Example("恭喜你娶到心爱的姑娘，愿你往后疼人家，日子和和美美。", scene="新婚快乐"),
            Example("亲爱的老婆，生日快乐，余生只爱你一人，我爱你一辈子。"),
        ),
        good=(
            Example(_CLEAN),
            Example("作为你的姐姐，我最开心的就是看着你长大，生日快乐，愿你天天开心。"),
            Example("妹妹，生日快乐！爷爷奶奶都念着你，愿你天天都有好心情。"),
            Example("红包已发，记得给姐姐点个赞，愿你新年想去的地方都能出发。", scene="春节"),
            Example("愿你在公司领导有方，同事们都服你，生日快乐。"),
            Example("全体月饼为您过中秋而圆！我宣布外公从今天起坐火箭奔月。", name="外公", scene="中秋节"),
        ),
    ),
    Rule(
        "wrong_kinship",
        N_("称呼错了"),
        N_("用的称呼不是对这个人该用的，比如对外公叫“爸爸”。同义的叫法（姥爷、妈妈）不算错。"),
        _wrong_kinship,
        wishes=True,
        bad=(
            Example("亲爱的爸爸，生日快乐！愿您平安喜乐，每天都有好心情。", name="外公"),
            Example("新的一岁，祝舅妈生日快乐，愿您平安喜乐，每天都有好心情。", name="阿姨"),
        ),
        good=(
            Example(_CLEAN),
            Example("哥，结婚五年了，嫂子没少操心，祝你们接着好好过。", name="哥哥", scene="周年纪念"),
            Example("哥，生日快乐！替我向嫂子问好，愿你们一家天天开心。", name="哥哥"),
            Example("姥爷，生日快乐！愿您平安喜乐，每天都有好心情。", name="外公"),
            Example("老妈，生日快乐！愿您平安喜乐，每天都有好心情。", name="母亲"),
            Example("儿女都在身边，爸爸妈妈都好，祝您生日快乐，天天开心。", name="外公"),
        ),
    ),
    Rule(
        "unsafe",
        N_("不合适的词"),
        N_("丧葬、辱骂、赌博、广告之类的词不该出现；词表在 configs/cleaning/unsafe.yaml。"),
        _unsafe,
        bad=(
            Example("妹妹，生日快乐！想要更多惊喜请加微信，优惠多多。"),
            Example("妹妹，生日快乐，愿你天天开心！公众号：zhufu_daily"),
            Example("妹妹，生日快乐，愿你天天开心！ V：abc12345"),
            Example("妹妹，生日快乐，愿你天天开心！有事找我：138 0013 8000"),
            Example("妹妹，你这个白痴，生日快乐，愿你天天开心。"),
            Example("妹妹，生日快乐，愿你天天开心。收到后请转发给八位好友，切勿中断！"),
            Example("妹妹，这病怕是拖不过今年冬天，剩下的时间不多了，想吃什么就趁早说吧。"),
        ),
        good=(
            Example(_CLEAN),
            Example("妹妹，我的死党，生日快乐！愿你天天笑死，好运不断。"),
            Example("妹妹，生日快乐！送你5201314个拥抱，从20080808一直到今天，存款1000000起。"),
        ),
    ),
)
