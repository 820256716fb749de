"""What a renamed name, scene or style changes in the texts that were written under its old name. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tianji_core.recipe.following import STYLE_WORD, FollowUpKind, recognised
from tianji_core.recipe.model import Name, Recipe, Scene, Style
from tianji_core.recipe.prompts import training_input

_SHORT = 2
"""Characters of names that may be common nouns too; shorter ones are syllables of many words."""
_BEFORE = re.compile(r"(?:^|[^\w]|[祝愿给送对向跟谢贺]|[敬亲可]爱的|尊敬的)$")
"""What stands before a name that is spoken to."""
_AFTER = re.compile(
    r"\W|$|[您你我]|好(?!\w)|"
    r"(?:生日|新[年春婚]|春节|元旦|元宵|端午|中秋|国庆|圣诞|毕业|结婚|乔迁|开业|升职|晋升)(?!会|宴|典)|"
    r"快乐|高升|健康|身体|平安|幸福|安康|吉祥|如意|万事|一切|事业有|工作[顺愉]|步步|前程|福如|寿比|天天|永远|早日|"
    r"辛苦|谢谢|感谢|恭喜|写|说|送|发[一几条个]|道[贺喜谢]|的\w{0,6}?[祝贺]"
)
"""What goes on after a name of two characters, and does not make another word of it as 母亲节 and 领导力."""
_SUFFIX = "\x00"


class CellEntries(NamedTuple):
    """The entries that a text was written for."""

    name: Name
    scene: Scene
    style: Style


def cell_of(recipe: Recipe, name: str, scene: str, style: str) -> CellEntries | None:
    """Returns the entries of a recipe with these texts; None where it lacks one of them."""
    entries = recipe.name(name), recipe.scene(scene), recipe.style(style)
    return CellEntries(*entries) if all(entries) else None  # type: ignore[arg-type]


def with_name(text: str, old: str, new: str, names: Iterable[str]) -> tuple[str, int, int]:
    """Returns a text that calls its receiver ``new`` instead of ``old``, with the number of places that
    changed and of those that were left. A place is left where it may be something else: within one of the
    longer ``names``, where the old name has one character only, or where one of two characters, such as 领导,
    is not said to somebody or may begin another word."""
    longer = sorted((each for each in {*names, new} if old in each and each != old), key=len, reverse=True)
    whole = "|".join(re.escape(each) for each in longer)
    changed = left = 0

    def place(match: re.Match[str]) -> str:
        nonlocal changed, left
        if match[1] is None and _is_address(text, match.start(), match.end()):
            changed += 1
            return new
        left += match[0] != new
        return match[0]

    after = re.sub(f"({whole or '(?!)'})|{re.escape(old)}", place, text)
    return after, changed, left


def _is_address(text: str, start: int, end: int) -> bool:
    """Whether the name at a place of a text can only be the receiver."""
    if end - start != _SHORT:
        return end - start > _SHORT
    if _BEFORE.search(text[:start]):
        return bool(_AFTER.match(text, end))
    return not text[:start].endswith("的") and not text[end : end + 1].isalnum()


def renamed_request(
    text: str,
    before: CellEntries,
    after: CellEntries,
    templates: Sequence[str],
    names: Iterable[str],
    word: str = STYLE_WORD,
) -> str:
    """Returns what a person asks in ``text`` with the entries ``after`` in place of those ``before``: in the
    wording of the template that it has, else wherever the old ones are named. ``word`` is what the recipe
    calls its styles."""
    for template in templates:
        if (made := _in_template(text, template, before, after)) is not None:
            return made
    if before.style.text != after.style.text:
        asked = recognised(text, [before.style.text], word)
        if asked is not None and asked.kind is FollowUpKind.STYLE:
            return text.replace(before.style.text, after.style.text)
    if before.name.text != after.name.text:
        text = with_name(text, before.name.text, after.name.text, names)[0]
    for old, new in (
        (before.scene.wish, after.scene.wish),
        (before.scene.text, after.scene.text),
        (before.style.suffix, after.style.suffix),
    ):
        if old != new and len(old) >= _SHORT and (new in old or new not in text):
            text = text.replace(old, new)
    return text


def _in_template(text: str, template: str, before: CellEntries, after: CellEntries) -> str | None:
    """The text in the same template with other entries; None where the template does not give it. What
    stands where the suffix does may tell options and a fact, too."""
    bare = before.style.model_copy(update={"suffix": _SUFFIX})
    start, _mark, end = training_input(template, before.name, before.scene, bare).partition(_SUFFIX)
    if not (text.startswith(start) and text.endswith(end) and len(text) >= len(start) + len(end)):
        return None
    told = text[len(start) : len(text) - len(end)]
    if before.style.suffix not in told or (told and told[0] not in ",，" and told != before.style.suffix):
        return None
    if before.style.suffix:
        told = told.replace(before.style.suffix, after.style.suffix)
    elif after.style.suffix:
        told += after.style.suffix
    renamed = after.style.model_copy(update={"suffix": told})
    return training_input(template, after.name, after.scene, renamed)
