"""Replaces in letters and chats what says who somebody is: names of those who wrote, numbers, addresses. What
a person has written is read on this machine only, and nothing of it is sent as it stands."""

import re
from collections.abc import Iterable

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
_PLACES = (
    (re.compile(r"https?://[^\s，。；、）)》\"']+|www\.[^\s，。；、）)》\"']+"), "〔链接〕"),
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "〔邮箱〕"),
    (re.compile(r"(?<![0-9A-Za-z])\d{17}[0-9Xx](?![0-9A-Za-z])"), "〔证件号〕"),
    (re.compile(r"(?<!\d)(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)"), "〔电话〕"),
    (re.compile(r"(?<!\d)(?:0\d{2,3}[-—－ ]?)[2-9]\d{6,7}(?!\d)"), "〔电话〕"),
    (re.compile(r"(?<!\d)\d(?:[ -]?\d){14,18}(?!\d)"), "〔卡号〕"),
    (re.compile(r"(?i)(?:微信号?|wechat|wxid|vx|QQ|扣扣)\s*[:：号是]*\s*[A-Za-z0-9_-]{5,20}"), "〔账号〕"),
    (
        re.compile(
            r"(?:[\u4e00-\u9fff]{2,8}(?:省|自治区))?(?:[\u4e00-\u9fff]{2,6}市)?(?:[\u4e00-\u9fff]{1,6}[区县镇乡])?"
            r"[\u4e00-\u9fff]{1,10}(?:路|街|道|巷|弄|小区|花园|苑)[\u4e00-\u9fff]{0,4}\d+\s*[号弄栋幢座#]"
            r"(?:\s*院?\s*\d+\s*(?:号楼|号|栋|幢|座|单元|楼|层|室|#)|\s*\d{2,4}(?:室)?)*"
        ),
        "〔地址〕",
    ),
    (re.compile(r"(?<![\d.])\d{7,}(?![\d.])"), "〔号码〕"),
)
_CHINESE_NAME = re.compile(r"[\u4e00-\u9fff]{3,4}")


class People:
    """The people of one file, each with a sign that stands for every form of the name."""

    def __init__(self) -> None:
        self._signs: dict[str, str] = {}

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

    def without(self, text: str) -> str:
        """Returns a text without the names of these people, numbers and addresses."""
        for pattern, mark in _PLACES:
            text = pattern.sub(mark, text)
        forms = dict(self._signs)
        for name, sign in self._signs.items():
            if _CHINESE_NAME.fullmatch(name):  # people leave out the family name
                forms.setdefault(name[1:] if len(name) == 3 else name[2:], sign)
        return replaced(text, forms)


def replaced(text: str, forms: dict[str, str]) -> str:
    """Returns a text with each key of ``forms`` as its value, the longest first; words of other alphabets
    only where they stand alone."""
    names = sorted((name for name in forms if len(name) > 1), key=len, reverse=True)
    if not names:
        return text
    pattern = re.compile(
        "|".join(
            rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])" if name.isascii() else re.escape(name)
            for name in names
        )
    )
    return pattern.sub(lambda found: forms[found[0]], text)


def without_words(text: str, words: Iterable[str]) -> str:
    """Returns a text with every one of ``words`` as 某某."""
    return replaced(text, {word.strip(): "某某" for word in words if word.strip()})
