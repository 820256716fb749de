"""Tells that a text wishes another occasion than its own, whatever that is called. Pure; what is wished on
which occasion stands in ``configs/cleaning/festivals.yaml``."""

import re
from functools import cache, lru_cache

from tianji_core.cleaning.quick import QuickPattern, pairs_in
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

_GREETED = re.compile(r"(?P<day>(?:(?![佳双过春秋此本个祝是年])[一-鿿]){1,4}节)(?:快乐|安康|吉祥)")
"""A festival of any name that is wished."""
_EMPTY = frozenset(
    {"快乐", "顺利", "成功", "节日", "纪念", "祝福", "恭喜", "庆祝", "平安", "安康", "之喜", "大吉", "好成"}
)
"""Parts of the name of an occasion that any blessing has."""


@cache
def _kinds() -> list[tuple[re.Pattern[str], str]]:
    return [
        (re.compile(row["scene"]), f"(?:{row['said']})")
        for row in read_yaml(CONFIGS / "cleaning" / "festivals.yaml")
    ]


@lru_cache(maxsize=1_000)
def _others(scene: str) -> QuickPattern:
    """Returns what wishes an occasion that ``scene`` is none of."""
    said = [said for fits, said in _kinds() if fits.search(scene) is None]
    return QuickPattern("|".join(said) or r"(?!)")


@lru_cache(maxsize=1_000)
def _own(scene: str) -> tuple[frozenset[str], re.Pattern[str]]:
    """Returns the words and wishes by which a text speaks of ``scene``."""
    pairs = {scene[i : i + 2] for i in range(len(scene) - 1)} - _EMPTY
    said = [said for fits, said in _kinds() if fits.search(scene) is not None]
    return frozenset(pairs), re.compile("|".join(said) or r"(?!)")


_NUMBER = "[0-9一二三四五六七八九十百两零〇]{1,6}"
_COUNTED = re.compile(f"({_NUMBER})(?:周?(岁)|(大寿|华诞|寿辰)|(周年))")
_DIGITS = {sign: n for n, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_NOT_NOW = re.compile(
    r"[长大小老][了过]?$|记得|想起|当年|那年|从前|小时候|等|盼|到|下一?个|将来|以后|[明来]年|再过|比[你您我他她]"
)
"""What stands before an age in its clause where it is not the one that is reached now."""
_NOT_THEN = re.compile("的?(?:生日|大寿)?(?:那[一年天晚时次个]|时|的时候|以?前|[以之]后)")
"""What stands behind an age in memories and plans."""
_CLAUSE = re.compile("[^，。！？!?；;：:\n]*$")


def _value(number: str) -> int | None:
    """Returns a number below a thousand; None if it is none."""
    if number.isascii():
        return int(number)
    hundreds, hundred, rest = number.rpartition("百")
    if hundred:
        below = _value(rest.strip("零〇")) if rest.strip("零〇") else 0
        if below is not None and below < 10 and rest[:1] in _DIGITS and rest[0] not in "零〇":
            below *= 10  # "一百二" says a hundred and twenty
        return None if below is None else 100 * _DIGITS.get(hundreds, 1) + below
    if "十" in number:
        tens, _ten, ones = number.partition("十")
        return 10 * (_DIGITS.get(tens, 1) if tens else 1) + (_DIGITS.get(ones, 0) if ones else 0)
    return _DIGITS.get(number)


def other_number(text: str, scene: str) -> str | None:
    """Returns the age or the number of years for which a text congratulates if ``scene`` has another."""
    if (mine := _COUNTED.search(scene)) is None:
        return None
    years = mine[4] is not None
    said = [match for match in _COUNTED.finditer(text) if (match[4] is not None) == years]
    if not said or any(_value(match[1]) == _value(mine[1]) for match in said):
        return None
    wished = [match for match in said if match[2] is None or _BIRTHDAY.match(text, match.end())]
    return next((match.group() for match in wished if _now(text, match)), None)


def _now(text: str, number: re.Match[str]) -> bool:
    """Returns whether the age or the years in ``number`` are those that are reached now."""
    before = _CLAUSE.search(text, 0, number.start())
    then = before is not None and _NOT_NOW.search(before.group()) is not None
    return not then and _NOT_THEN.match(text, number.end()) is None


_BIRTHDAY = re.compile("的?生日|快乐|啦|了[，。！]")
"""What follows an age that somebody has reached."""


def may_be_other(text: str, scene: str) -> bool:
    """Returns whether :func:`other_number` or :func:`other_occasion` could find anything in a text: a look
    that is cheap and never wrong where it says no, a receiver's name left out or not."""
    return "节" in text or _others(scene).may_match(text) or _COUNTED.search(scene) is not None


def other_occasion(text: str, scene: str) -> str | None:
    """Returns the words by which a text wishes another occasion than ``scene``, None if it wishes none, or
    its own as well."""
    pairs, own = _own(scene)
    if not pairs.isdisjoint(pairs_in(text)):
        return None
    match = _others(scene).search(text)
    word = match.group() if match is not None else None
    if word is None and "节" in text and (greeted := _GREETED.search(text)) is not None:
        day = greeted["day"]
        word = greeted.group() if set(day[:-1]).isdisjoint(scene) else None
    return None if word is None or own.search(text) else word
