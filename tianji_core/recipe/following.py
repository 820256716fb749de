"""追问: what a person asks for after an answer: shorter, longer, in another style, without a word. Its words are
recognised in samples, and whether the next answer does it can be counted. Pure."""

import random
import re
from collections.abc import Collection, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from tianji_core.i18n import N_, _
from tianji_core.recipe.model import Recipe, Style
from tianji_core.recipe.words import Words

SHORTER_SHARE, LONGER_SHARE = 0.8, 1.25
"""The most that an answer may have of the length of the one before, and the least, where it is asked to be
shorter or longer."""
LEAST_TO_SHORTEN = 24
"""Characters below which nobody asks for a shorter text."""


class FollowUpKind(StrEnum):
    """What a person asks for."""

    SHORTER = "shorter"
    LONGER = "longer"
    STYLE = "style"
    WITHOUT = "without"


FOLLOW_UP_TITLES = {
    FollowUpKind.SHORTER: N_("再短一点"),
    FollowUpKind.LONGER: N_("再长一点"),
    FollowUpKind.STYLE: N_("换种写法"),
    FollowUpKind.WITHOUT: N_("别提什么"),
}
STYLE_WORD = Words().style
"""What styles are called where a recipe says nothing else."""
_WORDINGS = {
    FollowUpKind.SHORTER: ("再短一点", "太长了，短一些", "精简一下", "能不能短点"),
    FollowUpKind.LONGER: ("再长一点", "太短了，多写几句", "展开写写", "能不能长点"),
    FollowUpKind.STYLE: ("换成{target}{word}", "改成{target}{word}的", "用{target}{word}再写一遍"),
    FollowUpKind.WITHOUT: ("别提{target}", "不要说{target}", "把{target}去掉", "重写一下，别出现{target}"),
}


class FollowUp(NamedTuple):
    """A request after an answer, as the person words it; ``target`` is the style or the word, '' for none."""

    kind: FollowUpKind
    request: str
    target: str = ""

    def fault(self, before: str, after: str) -> str:
        """Returns what an answer after ``before`` fails to do, in a sentence for people; '' where it does it.
        The limits of a style are checked elsewhere."""
        old, new = len(before.strip()), len(after.strip())
        if self.kind is FollowUpKind.SHORTER and new > old * SHORTER_SHARE:
            return _("要的是短一点：原来 {old} 字，现在 {new} 字", old=old, new=new)
        if self.kind is FollowUpKind.LONGER and new < old * LONGER_SHARE:
            return _("要的是长一点：原来 {old} 字，现在 {new} 字", old=old, new=new)
        if self.kind is FollowUpKind.WITHOUT and self.target in after:
            return _("说了别提“{word}”，还是提了", word=self.target)
        if before.strip() == after.strip():
            return _("和上一条回答一样，没有改")
        return ""


def _pattern(wording: str, word: str) -> re.Pattern[str]:
    before, _field, after = wording.replace("{word}", word).partition("{target}")
    target = "(?P<target>.{1,40}?)" if _field else ""
    return re.compile(re.escape(before) + target + re.escape(after))


@lru_cache(maxsize=32)
def _patterns(word: str) -> list[tuple[FollowUpKind, re.Pattern[str]]]:
    """The wordings with what a recipe calls its styles, and with what they are called by default."""
    return [
        (kind, _pattern(wording, each))
        for kind, wordings in _WORDINGS.items()
        for wording in wordings
        for each in dict.fromkeys((word, STYLE_WORD))
    ]


_END = "。！!~～ \n"


def recognised(request: str, styles: Collection[str], word: str = STYLE_WORD) -> FollowUp | None:
    """Returns what a request asks for, None where it is no request of these kinds; a style, which the recipe
    calls ``word``, counts only where it is one of ``styles``."""
    bare = request.strip().strip(_END)
    for kind, pattern in _patterns(word):
        if (found := pattern.fullmatch(bare)) is None:
            continue
        target = found.groupdict().get("target") or ""
        if kind is not FollowUpKind.STYLE or target in styles:
            return FollowUp(kind, request, target)
    return None


def possible(
    recipe: Recipe,
    cell: tuple[str, str, str],
    answer: str,
    kinds: Collection[FollowUpKind],
    words: Sequence[str],
) -> list[tuple[FollowUpKind, str]]:
    """Returns what may be asked for after an answer for a cell (name, scene, style): kinds with their
    targets. A shorter or longer text is asked for only where it keeps to the limits of the style, a word to
    go only where the answer has it; a style where it suits the cell."""
    name, scene, style = cell
    known = recipe.style(style)
    low, high = (known.min_chars, known.max_chars) if known is not None else (0, None)
    found: list[tuple[FollowUpKind, str]] = []
    if FollowUpKind.SHORTER in kinds and len(answer) >= LEAST_TO_SHORTEN and _most_for(answer) >= low:
        found.append((FollowUpKind.SHORTER, ""))
    if FollowUpKind.LONGER in kinds and (high is None or _least_for(answer) <= high):
        found.append((FollowUpKind.LONGER, ""))
    if FollowUpKind.STYLE in kinds:
        others = [each for each in recipe.styles if each.enabled and each.text != style]
        fitting = [each.text for each in others if recipe.gap(each.text, name, scene) is None]
        found += [(FollowUpKind.STYLE, each) for each in fitting]
    if FollowUpKind.WITHOUT in kinds:
        taken = {name, scene}
        found += [
            (FollowUpKind.WITHOUT, word)
            for word in words
            if word in answer and not any(word in each for each in taken)
        ]
    return found


def _most_for(before: str) -> int:
    """The characters that a shorter text may have; fewer than count as shorter, since teachers miscount."""
    return int(len(before) * SHORTER_SHARE * 0.9)


def _least_for(before: str) -> int:
    """The characters that a longer text must have; more than count as longer."""
    return round(len(before) * LONGER_SHARE * 1.1) + 1


def drawn_follow_up(
    choices: Sequence[tuple[FollowUpKind, str]], source: random.Random, word: str = STYLE_WORD
) -> FollowUp:
    """Draws one of the possible requests, each kind as often as the others, and its wording; ``word`` is what
    the recipe calls its styles."""
    kind = source.choice(list(dict.fromkeys(kind for kind, _target in choices)))
    target = source.choice([target for each, target in choices if each is kind])
    return FollowUp(kind, source.choice(_WORDINGS[kind]).format(target=target, word=word), target)


def follow_up_request(recipe: Recipe, follow_up: FollowUp, before: str, style: Style | None) -> str:
    """Returns the request to a teacher in Chinese: the words of the person, and what they mean in numbers.
    ``style`` is the one that is asked for, None for none."""
    meant = ""
    if follow_up.kind is FollowUpKind.SHORTER:
        meant = f"意思不变，最多 {_most_for(before)} 个字。"
    elif follow_up.kind is FollowUpKind.LONGER:
        meant = f"添新的内容，不要重复，至少 {_least_for(before)} 个字。"
    elif style is not None:
        meant = f"{style.instruction}{style.min_chars} 到 {style.max_chars} 个字。"
    elif follow_up.kind is FollowUpKind.WITHOUT:
        meant = f"“{follow_up.target}”一个字也不要出现，别的尽量不变。"
    return recipe.request("follow_up", request=follow_up.request, meaning=meant)
