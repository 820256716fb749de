"""Whether a text uses the fact that it was asked to use.

What a fact and a text share speaks for it the more, the rarer it is in the examples of the recipe and of the
built-in one, which say what one says to anybody. Other words for the same thing are not seen. Pure."""

import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject
from tianji_core.i18n import N_, _
from tianji_core.recipe import DEFAULT_RECIPE, Recipe, built_in_recipe

ENOUGH = 1.0
"""Evidence from which a text counts as using a fact."""
RARE, UNCOMMON, COMMON = 3, 7, 15
"""Occurrences of a character in the examples up to which it is rare, is uncommon, and from which it is
common."""
_UNIT = re.compile(r"[a-z]+|[0-9]+|[\u3400-\u9fff]")
_GRAMMAR = frozenset("他她它您你我咱们的地得了着过是有在和与就也都很还把被给又再个只些这那")
_NUMBERS = frozenset("一二两三四五六七八九十百千万半几")


class _Usual(NamedTuple):
    """What examples have: how often each character, and which pairs."""

    counts: Counter[str]
    pairs: frozenset[tuple[str, str]]


def _units(text: str) -> list[str]:
    """Returns characters of Chinese, Latin words and numbers; '' stands between two stretches."""
    units: list[str] = []
    end = 0
    for match in _UNIT.finditer(text.lower()):
        if match.start() > end:
            units.append("")
        units.append(match.group())
        end = match.end()
    return units


def _pairs(units: list[str]) -> set[tuple[str, str]]:
    return {(one, other) for one, other in itertools.pairwise(units) if one and other}


def _example_texts(recipe: Recipe) -> Iterator[str]:
    for style in recipe.styles:
        yield from style.examples
    for option in (option for axis in recipe.axes for option in axis.options):
        for limited in (option, *option.by_style):
            yield from limited.examples
    yield from (scene.wish for scene in recipe.scenes)


@lru_cache(maxsize=4)
def _usual(recipe: Recipe) -> _Usual:
    counts: Counter[str] = Counter()
    pairs: set[tuple[str, str]] = set()
    for text in {*_example_texts(recipe), *_example_texts(built_in_recipe(DEFAULT_RECIPE))}:
        units = _units(text)
        counts.update(filter(None, units))
        pairs |= _pairs(units)
    return _Usual(counts, frozenset(pairs))


def evidence(fact: str, text: str, recipe: Recipe, besides: str = "") -> float:
    """Returns how much speaks for ``text`` using ``fact``, 0 for nothing; a text that does not use it hardly
    reaches :data:`ENOUGH`. What ``besides``, receiver and occasion, has is no evidence. What cannot
    be told, a fact of nothing but grammar, counts as used."""
    usual = _usual(recipe)
    said, heard = _units(fact), _units(text)
    wanted = set(filter(None, said)) - _GRAMMAR - set(_units(besides))
    if not wanted - _NUMBERS:
        return ENOUGH
    score = 0.0
    for unit in (wanted & set(heard)) - _NUMBERS:
        number = usual.counts[unit]
        score += 1.0 if number <= RARE else 0.5 if number <= UNCOMMON else 0.0
    for pair in _pairs(said) & _pairs(heard):
        if wanted.issuperset(pair):
            known = pair in usual.pairs or all(usual.counts[unit] >= COMMON for unit in pair)
            score += 0.4 if known else 1.0
    return score


def _uses(text: str, subject: Subject, context: Context) -> bool:
    scene = context.recipe.scene(subject.scene)
    besides = subject.name + subject.scene + (scene.wish if scene is not None else "")
    return evidence(subject.fact, text, context.recipe, besides) >= ENOUGH


def _fact_unused(text: str, subject: Subject, context: Context) -> Found | None:
    if not subject.fact or _uses(text, subject, context):
        return None
    return Found(_("看不出写了“{fact}”", fact=subject.fact))


TOLD_RULES = (
    Rule(
        "fact_unused",
        N_("没用上细节"),
        N_(
            "请求里要求写进去的细节，在正文里看不出来；换了说法的认不出，要人来看。训练输入里也写着它时，留着会教模型不理会这句话。"
        ),
        _fact_unused,
        bad=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。", fact="她刚考下驾照"),),
        good=(
            Example("妹妹，生日快乐！驾照到手，往后副驾驶归我坐。", fact="她刚考下驾照"),
            Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),
        ),
    ),
)
