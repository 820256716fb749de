"""Replaces in letters and chats what says who somebody is: names of those who wrote, numbers, addresses. What
a person has written is read on this machine only, and nothing of it is sent as it stands."""

import re
from collections.abc import Iterable, Set

_SIGNS = "甲乙丙丁戊己庚辛壬癸"
_COMMON = frozenset(
    (
        "我",
        "你",
        "妈妈",
        "爸爸",
        "母亲",
        "父亲",
        "姐姐",
        "哥哥",
        "弟弟",
        "妹妹",
        "爷爷",
        "奶奶",
        "外公",
        "外婆",
    )
)
"""What people call each other; it says nothing about who somebody is."""
_WORDS = frozenset(
    re.findall(
        r"\S+",
        "高兴 开心 快乐 幸福 平安 健康 吉祥 如意 祝福 朋友 老师 同学 大家 新年 春节 时光 阳光 明天 今天 生活 温暖 美好 "
        "天天 微笑 安静 努力 加油 晚安 早安 你好 谢谢 喜欢 可爱 幸运 希望 梦想 未来 永远 自由 简单 随便 回忆 思念",
    )
)
"""Words of greetings that people also call themselves; they are names only where a name stands."""
_NO_DECIMAL = r"(?<!\d)(?:(?<!\d\.)|(?<=^\d\.)|(?<=^\d\d\.))"
"""No digit before, nor the whole part of a decimal; at the head of a line that is the number of an entry."""
_PLACES = (
    (re.compile(r"https?://[^\s，。；、）)》\"']+|www\.[^\s，。；、）)》\"']+"), "〔链接〕"),
    (
        re.compile(
            r"(?:(?:(?![\u4e00-\u9fff])[\w.+-]){1,64}|[\u4e00-\u9fff]{1,4})"
            r"@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"
        ),
        "〔邮箱〕",
    ),
    (re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"), "〔证件号〕"),
    (re.compile(rf"(?m){_NO_DECIMAL}(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{{4}}[- ]?\d{{4}}(?!\d)"), "〔电话〕"),
    (re.compile(rf"(?m){_NO_DECIMAL}(?:0\d{{2,3}}[-—－ ]?)[2-9]\d{{6,7}}(?!\d)"), "〔电话〕"),
    (re.compile(rf"(?m){_NO_DECIMAL}\d(?:[ -]?\d){{14,18}}(?!\d)"), "〔卡号〕"),
    (
        re.compile(r"(?i)(?:微信号?|wechat|wxid|vx|QQ|扣扣)\s{0,4}[:：号是]{0,4}\s{0,4}[A-Za-z0-9_-]{5,20}"),
        "〔账号〕",
    ),
    (
        re.compile(
            r"(?<![\d.¥￥$])(?<![¥￥$] )\d{7,}(?!\d)(?!\.\d)(?!\s?(?:[万亿]?[元圆]|块|美元|港币|日元|欧元|英镑|人次))"
        ),
        "〔号码〕",
    ),
)
_HOUSE = re.compile(
    r"(?:路|街|道|巷|弄|小区|花园|苑)[\u4e00-\u9fff]{0,4}\d{1,5}\s{0,2}[号弄栋幢座#]"
    r"(?:\s{0,2}院?\s{0,2}\d{1,5}\s{0,2}(?:号楼|号|栋|幢|座|单元|楼|层|室|#)|\s{0,2}\d{2,4}室?){0,6}"
)
"""An address from the word for its street on."""
_STREET, _ABOVE = 10, (("区县镇乡", 6), ("市", 6), ("省区", 8))
"""Characters that the name of a street has at most, and those of what lies above it, by its last one."""
_REACH = _STREET + sum(most + 1 for _marks, most in _ABOVE)
_CHINESE_NAME = re.compile(r"[\u4e00-\u9fff]{3,4}")
_ADDRESS = re.compile(
    rf"(?:[亲尊敬]爱?的)?[{_SIGNS}]\d{{0,6}}(?:[，,：:！!、 ]+|(?=[祝您你]|恭喜|[早晚]上?[安好]|新[年春]|生日|\w{{1,3}}节))"
)
_SIGN = re.compile(rf"(?<![自知])[{_SIGNS}]")
_SPEAKER = re.compile(
    rf"(?P<who>[{_SIGNS}]\d{{0,6}}|{'|'.join(sorted(_COMMON, key=len, reverse=True))})：(?P<said>\S.*)"
)


def spoken_by(line: str) -> tuple[str, str] | None:
    """Returns the sign of who speaks in a line that begins a message of a chat, and the words behind it; None
    for any other line."""
    found = _SPEAKER.fullmatch(line)
    return (found["who"], found["said"]) if found else None


def without_address(text: str) -> str:
    """Returns a message of a letter or chat without the sign of a person that it begins with."""
    found = _ADDRESS.match(text)
    return text[found.end() :] if found else text


def names_sign(text: str) -> bool:
    """Returns whether the sign of a person may stand in a message of a letter or chat."""
    return _SIGN.search(text) is not None


class People:
    """The people of one file, each with a sign that stands for every form of the name."""

    def __init__(self) -> None:
        self._signs: dict[str, str] = {}
        self._called: dict[str, str] = {}

    def sign(self, name: str) -> str:
        """Returns the sign of a person; the first one met is 甲."""
        name = " ".join(name.split()).strip("\"'<>")
        if not name or name in _COMMON:
            return name
        if name not in self._signs:
            number = len(self._signs)
            turn = "" if number < len(_SIGNS) else str(number // len(_SIGNS) + 1)
            self._signs[name] = _SIGNS[number % len(_SIGNS)] + turn
        return self._signs[name]

    def call(self, name: str, other: str) -> None:
        """Has a further name of a person stand for the same sign."""
        sign = self.sign(name)
        if sign and other not in _COMMON:
            self._called.setdefault(other, sign)

    def without(self, text: str) -> str:
        """Returns a text without the names of these people, numbers and addresses."""
        for pattern, mark in _PLACES:
            text = pattern.sub(mark, text)
        text = _without_addresses(text)
        forms = {**self._called, **self._signs}
        for name, sign in list(forms.items()):
            if _CHINESE_NAME.fullmatch(name):  # people leave out the family name
                forms.setdefault(name[1:] if len(name) == 3 else name[2:], sign)
        return replaced(text, forms, _WORDS)


def _without_addresses(text: str) -> str:
    parts, done = [], 0
    for found in _HOUSE.finditer(text):
        begin = _address_begins(text, done, found.start())
        if begin < found.start():
            parts += [text[done:begin], "〔地址〕"]
            done = found.end()
    return "".join([*parts, text[done:]])


def _address_begins(text: str, least: int, street: int) -> int:
    """Returns where the address begins whose word for the street stands at ``street``; ``street`` itself
    where no name is before it."""
    first = street
    while first > max(least, street - _REACH) and "\u4e00" <= text[first - 1] <= "\u9fff":
        first -= 1
    begin, behind = max(first, street - _STREET), street
    for marks, most in _ABOVE:
        places = range(max(first, begin - 1), behind - 1)
        if (place := next((n for n in places if text[n] in marks), None)) is not None:
            begin, behind = max(first, place - most), place
    return begin


def replaced(text: str, forms: dict[str, str], common: Set[str] = frozenset()) -> str:
    """Returns a text with each key of ``forms`` as its value, the longest first; words of other alphabets
    only where they stand alone, single characters and ``common`` words only where a name stands."""
    names = sorted(filter(None, forms), key=len, reverse=True)
    if not names:
        return text
    pattern = re.compile("|".join(_form(name, name in common) for name in names), re.MULTILINE)
    return pattern.sub(lambda found: forms[found[0]], text)


def _form(name: str, common: bool) -> str:
    plain = re.escape(name)
    if len(name) == 1 or common:
        return rf"(?<=@){plain}|(?:^|(?<=我是)|(?<=我叫)){plain}(?![^\W_])"
    return rf"(?<![A-Za-z0-9]){plain}(?![A-Za-z0-9])" if name.isascii() else plain


def without_words(text: str, words: Iterable[str]) -> str:
    """Returns a text with every one of ``words`` as 某某."""
    return replaced(text, {word.strip(): "某某" for word in words if word.strip()})
