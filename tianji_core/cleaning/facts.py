"""What is true of everybody and every year: days of festivals, what is said to men and women only, set
phrases with a character of the same sound in them. Pure; the facts stand in
``configs/cleaning/facts.yaml``."""

import re
from functools import cache
from typing import Any

from tianji_core.cleaning.quick import QuickPattern, pairs_in
from tianji_core.cleaning.relations import sex
from tianji_core.cleaning.rule import Subject
from tianji_core.project import CONFIGS
from tianji_core.yaml_reading import read_yaml

_LEVEL_ONE = (0xB0, 0xD8)
_SAME_SOUND = 24
"""The characters of the first level of GB 2312 stand in the order of their sounds: so near to each other two
sound alike, up to the tone."""
_NEW_YEAR = ("春节", "除夕")
"""Festivals that last for days."""
DAY_HINT = QuickPattern("初一|十五|初五|初七|初八|初九|月五|月七|月九|三十")


@cache
def _facts() -> dict[str, Any]:
    return read_yaml(CONFIGS / "cleaning" / "facts.yaml")


@cache
def _dates() -> dict[str, tuple[re.Pattern[str], re.Pattern[str]]]:
    return {
        scene: (
            re.compile(f"(?<![一二三四五六七八九十])(?:{fact['days']})(?![一二三四五六七八九十日]|岁)"),
            re.compile(fact["names"]),
        )
        for scene, fact in _facts()["dates"].items()
    }


def wrong_day(text: str, subject: Subject) -> str | None:
    """Returns the day of another festival that a text for a festival names, and not the other festival."""
    if DAY_HINT.search(text) is None or subject.scene not in _dates() or subject.scene in _NEW_YEAR:
        return None
    if _dates()[subject.scene][1].search(text) is None:
        return None
    for scene, (days, names) in _dates().items():
        day = days.search(text) if scene != subject.scene else None
        if day is not None and names.search(text) is None:
            return day.group()
    return None


@cache
def _sexes() -> tuple[tuple[re.Pattern[str], QuickPattern], ...]:
    """Returns the names of receivers of one sex with the words that are said to the other only."""
    male, female = _facts()["sexes"]["male"], _facts()["sexes"]["female"]
    return (
        (re.compile(male["names"]), QuickPattern("|".join(female["words"]))),
        (re.compile(female["names"]), QuickPattern("|".join(male["words"]))),
    )


@cache
def _only_said_to_others(name: str) -> QuickPattern | None:
    (male, said_to_women), (female, said_to_men) = _sexes()
    if male.fullmatch(name) is not None:
        return said_to_women
    if female.fullmatch(name) is not None:
        return said_to_men
    known = sex(name)
    return None if known is None else said_to_men if known == "f" else said_to_women


def wrong_sex(text: str, subject: Subject) -> str | None:
    """Returns what a text says to its receiver that is said to the other sex only."""
    words = _only_said_to_others(subject.name)
    found = words.search(text) if words is not None else None
    return found.group().strip("，。！？") if found is not None else None


@cache
def set_phrases() -> frozenset[str]:
    """Returns the set phrases."""
    return frozenset(_facts()["phrases"])


@cache
def misspelt() -> dict[str, str]:
    """Returns set phrases with one character of the same sound in place of their own → the phrase."""
    signs = [
        bytes((row, cell)).decode("gb2312")
        for row in range(*_LEVEL_ONE)
        for cell in range(0xA1, 0xFF)
        if (row, cell) < (0xD7, 0xFA)
    ]
    place = {sign: n for n, sign in enumerate(signs)}
    phrases = set_phrases()
    found: dict[str, str] = {}
    for phrase in phrases:
        for n, sign in enumerate(phrase):
            if (at := place.get(sign)) is None:
                continue
            for other in signs[max(0, at - _SAME_SOUND) : at + _SAME_SOUND + 1]:
                wrong = phrase[:n] + other + phrase[n + 1 :]
                if wrong not in phrases:
                    found[wrong] = phrase
    return found


@cache
def _halves() -> frozenset[str]:
    """Returns the halves of the set phrases: one of them is left where one character is wrong."""
    return frozenset(half for phrase in set_phrases() for half in (phrase[:2], phrase[2:]))


@cache
def _wrong_halves() -> frozenset[str]:
    """Returns the halves in which the characters of the same sound stand, one of which each of these has."""
    return frozenset(
        wrong[n : n + 2]
        for wrong, phrase in misspelt().items()
        for n in (0, 2)
        if wrong[n] + wrong[n + 1] != phrase[n : n + 2]
    )


def typo(text: str) -> tuple[str, str] | None:
    """Returns a set phrase with a wrong character and the right one."""
    if _wrong_halves().isdisjoint(pairs_in(text)):
        return None
    wrong, found = misspelt(), []
    for half in _halves() & pairs_in(text):
        place = text.find(half)
        while place >= 0:
            found += [at for at in (place, place - 2) if at >= 0 and text[at : at + 4] in wrong]
            place = text.find(half, place + 1)
    piece = text[min(found) :][:4] if found else ""
    return (piece, wrong[piece]) if piece else None
