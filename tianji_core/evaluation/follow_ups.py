"""Asks a model for something after its answers (a shorter or longer text, another style, one without a word)
and counts how often the next answer does it."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tianji_core.evaluation.report import Judged, wilson
from tianji_core.generation.following import usual_words
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Style
from tianji_core.recipe.following import FOLLOW_UP_TITLES, FollowUp, FollowUpKind, drawn_follow_up, possible


@dataclass(frozen=True)
class FollowedUp:
    """One conversation of two turns. ``fault`` says what the second answer fails to do, '' for nothing."""

    judged: Judged
    follow_up: FollowUp
    answer: str
    fault: str


@dataclass(frozen=True)
class FollowUpRate:
    """The share (0-1) of ``count`` answers that do what was asked; ``low`` and ``high`` bound it with 95 %
    confidence."""

    kind: FollowUpKind
    count: int
    passed: float
    low: float
    high: float


class AskedNext(NamedTuple):
    """An answer, what is asked for after it, and the style of the next answer."""

    judged: Judged
    follow_up: FollowUp
    style: Style


AskNext = Callable[[Sequence[AskedNext]], Sequence[str]]
"""Takes what is asked for next, and returns the answers in their order."""


def followed_up(recipe: Recipe, judged: Sequence[Judged], ask: AskNext, seed: int = 0) -> list[FollowedUp]:
    """Asks for something after each answer, drawn by ``seed``, and checks what comes back."""
    asked: list[AskedNext] = []
    for number, one in enumerate(judged):
        case = one.case
        cell = (case.name.text, case.scene.text, case.style.text)
        if one.answer and (
            choices := possible(recipe, cell, one.answer, tuple(FollowUpKind), usual_words(recipe))
        ):
            source = random.Random(f"evaluate|{seed}|{number}")
            follow_up = drawn_follow_up(choices, source, recipe.words.style)
            target = recipe.style(follow_up.target) if follow_up.kind is FollowUpKind.STYLE else None
            asked.append(AskedNext(one, follow_up, target or case.style))
    results = []
    for (one, follow_up, style), answer in zip(asked, ask(asked), strict=True):
        fault = follow_up.fault(one.answer, answer)
        restyled = follow_up.kind is FollowUpKind.STYLE
        if not fault and restyled and not style.min_chars <= len(answer) <= style.max_chars:
            fault = _(
                "要 {low} 到 {high} 字，现在 {new} 字",
                low=style.min_chars,
                high=style.max_chars,
                new=len(answer),
            )
        results.append(FollowedUp(one, follow_up, answer, fault))
    return results


def follow_up_rates(results: Sequence[FollowedUp]) -> list[FollowUpRate]:
    """Returns the rates of the kinds that were asked for."""
    rates = []
    for kind in FollowUpKind:
        of_kind = [result for result in results if result.follow_up.kind is kind]
        if of_kind:
            passed = sum(not result.fault for result in of_kind)
            low, high = wilson(passed, len(of_kind))
            rates.append(FollowUpRate(kind, len(of_kind), passed / len(of_kind), low, high))
    return rates


def follow_up_table(rates: Sequence[FollowUpRate]) -> str:
    """Returns the rates as lines for a terminal."""
    return "\n".join(
        _(
            "追问“{kind}”：{n} 条，照做 {share}（{low}–{high}）",
            kind=_(FOLLOW_UP_TITLES[rate.kind]),
            n=rate.count,
            share=f"{rate.passed:.1%}",
            low=f"{rate.low:.1%}",
            high=f"{rate.high:.1%}",
        )
        for rate in rates
    )
