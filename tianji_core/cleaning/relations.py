"""Tells by the word with which a text calls somebody that it is for somebody else than its receiver: a name
of no list is understood by the relation in it. Pure; the words stand in
``configs/cleaning/relations.yaml``."""

import re
from functools import cache, lru_cache
from typing import Any, NamedTuple

from tianji_core.cleaning.quick import pairs_in
from tianji_core.project import CONFIGS
from tianji_core.recipe import Pronoun
from tianji_core.yaml_reading import read_yaml

_MANNERS = r"(?:亲爱|敬爱|尊敬|最爱|挚爱|可爱|最好|最棒|辛苦|美丽|帅气)的|我(?:最?(?:亲爱|爱|好)?的)?|祝|愿|恭喜|祝贺|恭贺|祝福"
_CALLS = re.compile(
    rf"[\s“「『（【>*#\"]*(?:{_MANNERS})*(?P<word>[^，。！？!?：:；\s、~～“”您你祝愿]{{1,6}}?)"
    r"(?:大人|同志|同学)?(?=[，！!：:~～]|(?:您|你)?(?:生日|节日|新年|新春|中秋|端午|元宵|国庆|新婚|乔迁|毕业|早日|"
    r"[一-鿿]{2,3}节?)(?:快乐|安康|大吉|愉快|康复|好))"
)
"""The beginning of a text that calls somebody."""
_FULL = re.compile(
    "[王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹"
    "熊金陆郝孔崔康毛邱秦江史顾侯邵孟龙段雷钱汤尹黎易武乔贺赖龚][一-鿿]{1,2}"
)
"""A surname and a name."""
_PROPER = re.compile(r"(?:[小阿老大][一-鿿]|([一-鿿])\1)")
_NO_NAME = frozenset("时人家子朋友们年日心伙宝可妞哥姐弟妹爸妈爷奶叔姨舅姑板师鬼天半夜早晚")
"""What stands behind 小, 阿, 老, 大 in words that are no name, or has two characters alike without being one."""


_HEAD = 8
"""Characters at the beginning of a text in which several people are called one behind the other."""


class Kinship(NamedTuple):
    """What a word of address says of a person: its row of the table, their sex and generation."""

    row: int
    sex: str
    generation: int
    spouse: bool
    word: str


@cache
def _file() -> dict[str, Any]:
    return read_yaml(CONFIGS / "cleaning" / "relations.yaml")


@cache
def _words() -> dict[str, Kinship]:
    rows = _file()["rows"]
    return {
        word: Kinship(number, row["sex"], row["generation"], row.get("spouse", False), word)
        for number, row in enumerate(rows)
        for word in row["words"]
    }


@cache
def _loose() -> frozenset[str]:
    return frozenset(_file()["loose"])


@cache
def _several() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _file()["several"])))


def is_several(name: str) -> bool:
    """Returns whether a name means several people."""
    return _several().search(name) is not None


@lru_cache(maxsize=1_000)
def relation(name: str) -> Kinship | None:
    """Returns what the longest word of relation at the end of a name says, None if there is none."""
    words = _words()
    return next((words[name[n:]] for n in range(len(name)) if name[n:] in words), None)


@lru_cache(maxsize=1_000)
def same_relation(name: str) -> frozenset[str]:
    """Returns a name and the words that mean the same relation as the one it ends with."""
    mine = relation(name)
    if mine is None or len(mine.word) < 2:
        return frozenset({name})
    row = _file()["rows"][mine.row]["words"]
    return frozenset({name, mine.word, *(word for word in row if len(word) > 1 and mine.word in word)})


def called(text: str) -> str | None:
    """Returns the word with which a text begins by calling somebody, None if it does not."""
    match = _CALLS.match(text)
    return match["word"] if match is not None else None


def other_person(text: str, name: str) -> str | None:
    """Returns the word by which the beginning of a text calls somebody whom ``name`` cannot be, None if it
    calls nobody such."""
    if not name or is_several(name):
        return None
    word = called(text)
    if word is None or word in name or name in word:
        return None
    if name in text and (relation(name) is None or relation(word) is None or name in text[:_HEAD]):
        return None
    if relation(name) is None and relation(word) is None:
        return word if _other_name(word, name) else None
    return word if cannot_be(name, word) else None


def cannot_be(name: str, word: str) -> bool:
    """Returns whether somebody of this name cannot be called by this word: another sex or generation, or a
    word of the family for a stranger."""
    mine, theirs = relation(name), relation(word)
    if theirs is None or word in name:
        return False
    if theirs.word in _file()["family"] and word == theirs.word and _roles().search(name) is not None:
        return mine is None or mine.row != theirs.row
    return mine is not None and _differ(mine, theirs)


@cache
def _roles() -> re.Pattern[str]:
    return re.compile(_file()["roles"])


@cache
def _form(kind: str) -> re.Pattern[str]:
    return re.compile(_file()[kind])


@lru_cache(maxsize=1_000)
def pronoun(name: str) -> Pronoun | None:
    """Returns the pronoun that is due to somebody of no list by the relation in their name, None if either
    may be."""
    if not name or is_several(name):
        return None
    if _form("formal").search(name) is not None:
        return Pronoun.FORMAL
    return Pronoun.INFORMAL if _form("informal").search(name) is not None else None


@lru_cache(maxsize=1_000)
def sex(name: str) -> str | None:
    """Returns 'f' or 'm' where a name says so, None where it does not or means several people. The relation
    in it says it first: a 女婿 is no woman."""
    if is_several(name):
        return None
    if (known := relation(name)) is not None and known.sex:
        return known.sex
    female, male = (_form(kind).search(name) is not None for kind in ("female", "male"))
    return None if female == male else "f" if female else "m"


def _differ(mine: Kinship, theirs: Kinship) -> bool:
    """Returns whether two words of relation cannot mean one person."""
    if mine.row == theirs.row:
        return False
    if (mine.sex and theirs.sex and mine.sex != theirs.sex) or mine.spouse != theirs.spouse:
        return True
    if mine.word in _loose() or theirs.word in _loose() or not (mine.sex and theirs.sex):
        return abs(mine.generation - theirs.generation) > 1
    return mine.generation != theirs.generation or mine.generation < 0


def _other_name(word: str, name: str) -> bool:
    """Returns whether both are proper names such as 小美 and 小丽, and not the same one."""
    if _FULL.fullmatch(word) is not None and _FULL.fullmatch(name) is not None:
        return set(word).isdisjoint(name)
    if _PROPER.fullmatch(word) is None or _PROPER.fullmatch(name) is None:
        return False
    return not (_NO_NAME | set(name[1:])) & set(word[1:]) and not _NO_NAME & set(name[1:])


@cache
def _mentions() -> dict[str, tuple[str, ...]]:
    """Returns pair of characters → the words of relation that begin with it."""
    found: dict[str, list[str]] = {}
    for word in _words():
        if len(word) > 1:
            found.setdefault(word[:2], []).append(word)
    return {pair: tuple(sorted(words, key=len, reverse=True)) for pair, words in found.items()}


def kin_words(text: str) -> frozenset[str]:
    """Returns the words of relation of two characters and more that a text mentions."""
    known = _mentions()
    pairs = known.keys() & pairs_in(text)
    return frozenset(word for pair in pairs for word in known[pair] if word in text)
