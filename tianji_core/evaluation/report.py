"""Summarises verdicts: pass rates per style, with confidence intervals."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tianji_core.cleaning.tone import tone
from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Verdict
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Words


@dataclass(frozen=True)
class PassRates:
    """The share (0-1) of ``count`` answers that passed each check; ``low`` and ``high`` bound ``passed`` with
    95 % confidence. ``tone`` is the mean score of the assistant's tone, 0-1,
    None for texts that are no blessings."""

    title: str
    count: int
    passed: float
    low: float
    high: float
    person: float
    pronoun: float
    occasion: float
    style: float
    length: float
    copied: float
    tone: float | None


@dataclass(frozen=True)
class Judged:
    """One answer with its question and verdict."""

    case: Case
    answer: str
    verdict: Verdict


_TO_WHOM = 4
"""Where the table has the receiver, and behind it the pronoun."""


@dataclass(frozen=True)
class Report:
    """The result of one evaluation; ``styles`` are in the order of their first answers, ``options`` those of
    the recipe's axes in the order of the recipe, ``words`` its words; without ``receivers`` its texts are
    written to nobody."""

    overall: PassRates
    styles: tuple[PassRates, ...]
    judged: tuple[Judged, ...]
    options: tuple[PassRates, ...] = ()
    words: Words = field(default_factory=Words)
    receivers: bool = True

    def table(self) -> str:
        """Returns the rates as a table for a terminal."""
        words = self.words.shown()
        head = (
            words.style,
            _("条数"),
            _("通过率"),
            _("95% 区间"),
            words.name,
            _("您/你"),
            words.scene,
            _("文风"),
            _("字数"),
            _("照抄"),
            _("助手腔"),
        )
        lines: list[tuple[str, ...]] = [head]
        for rates in (*self.styles, *self.options, self.overall):
            checks = (rates.person, rates.pronoun, rates.occasion, rates.style, rates.length, rates.copied)
            lines.append(
                (
                    rates.title,
                    str(rates.count),
                    f"{rates.passed:.1%}",
                    f"{rates.low:.1%}-{rates.high:.1%}",
                    *(f"{share:.1%}" for share in checks),
                    "-" if rates.tone is None else f"{rates.tone:.2f}",
                )
            )
        if not self.receivers:
            lines = [line[:_TO_WHOM] + line[_TO_WHOM + 2 :] for line in lines]
        if all(rates.tone is None for rates in (*self.styles, self.overall)):
            lines = [line[:-1] for line in lines]
        widths = [max(_columns(line[i]) for line in lines) for i in range(len(lines[0]))]
        return "\n".join(
            "  ".join(
                cell + " " * (width - _columns(cell)) for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )


def _columns(text: str) -> int:
    """The width of ``text`` in a terminal; Chinese characters take two columns."""
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Returns the Wilson score interval of a rate, 95 % for the default ``z``; (0, 1) without
    observations."""
    if count == 0:
        return 0.0, 1.0
    rate = right / count
    centre = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def summarise(judged: Sequence[Judged], recipe: Recipe | None = None) -> Report:
    """Returns the pass rates per style, per option of the axes of ``recipe``, and overall."""
    by_style: dict[str, list[Judged]] = {}
    for answer in judged:
        by_style.setdefault(answer.case.style.text, []).append(answer)
    return Report(
        overall=_rates(_("合计"), judged, recipe),
        styles=tuple(_rates(style, answers, recipe) for style, answers in by_style.items()),
        judged=tuple(judged),
        options=tuple(_option_rates(judged, recipe)) if recipe is not None else (),
        words=recipe.words if recipe is not None else Words(),
        receivers=recipe is None or recipe.receivers,
    )


def _option_rates(judged: Sequence[Judged], recipe: Recipe) -> Iterator[PassRates]:
    for axis in recipe.axes:
        for option in axis.options:
            answers = [one for one in judged if (axis.id, option.id) in one.case.options]
            if answers:
                yield _rates(f"{axis.title} {option.title}", answers, recipe)


def _rates(title: str, judged: Sequence[Judged], recipe: Recipe | None) -> PassRates:
    verdicts = [answer.verdict for answer in judged]
    count = len(verdicts)

    def rate(field: str) -> float:
        return sum(getattr(v, field) for v in verdicts) / count if count else 0.0

    heard = sum(tone(answer.answer).score for answer in judged)
    low, high = wilson(sum(v.passed for v in verdicts), count)
    return PassRates(
        title=title,
        count=count,
        passed=rate("passed"),
        low=low,
        high=high,
        person=rate("person"),
        pronoun=rate("pronoun"),
        occasion=rate("occasion"),
        style=rate("style"),
        length=rate("length"),
        copied=rate("copied"),
        tone=None if recipe is not None and not recipe.blessings else heard / max(1, count),
    )
