"""From single verdicts to a table: rates per style, and an interval that says how sure they are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.evaluation.cases import Case
from tianji_core.evaluation.checks import Verdict
from tianji_core.i18n import _


@dataclass(frozen=True)
class Row:
    """Rates (0-1) over ``count`` answers; ``low`` and ``high`` bound ``passed`` with 95 % confidence."""

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


@dataclass(frozen=True)
class Judged:
    """One answer with its question and verdict."""

    case: Case
    answer: str
    verdict: Verdict


@dataclass(frozen=True)
class Report:
    """The outcome of one evaluation; ``styles`` has one row per style in order of first appearance."""

    overall: Row
    styles: tuple[Row, ...]
    judged: tuple[Judged, ...]

    def table(self) -> str:
        """The rows as text for a terminal."""
        head = (
            _("风格"),
            _("条数"),
            _("通过率"),
            _("95% 区间"),
            _("称谓"),
            _("您/你"),
            _("场景"),
            _("文风"),
            _("字数"),
            _("照抄"),
        )
        lines: list[tuple[str, ...]] = [head]
        for row in (*self.styles, self.overall):
            parts = (row.person, row.pronoun, row.occasion, row.style, row.length, row.copied)
            lines.append(
                (
                    row.title,
                    str(row.count),
                    f"{row.passed:.1%}",
                    f"{row.low:.1%}-{row.high:.1%}",
                    *(f"{p:.1%}" for p in parts),
                )
            )
        widths = [max(_columns(line[i]) for line in lines) for i in range(len(head))]
        return "\n".join(
            "  ".join(
                cell + " " * (width - _columns(cell)) for cell, width in zip(line, widths, strict=True)
            ).rstrip()
            for line in lines
        )


def _columns(text: str) -> int:
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)


def wilson(right: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """The Wilson score interval of a rate: 95 % for the default ``z``. No observation gives (0, 1)."""
    if count == 0:
        return 0.0, 1.0
    rate = right / count
    centre = rate + z * z / (2 * count)
    spread = z * math.sqrt(rate * (1 - rate) / count + z * z / (4 * count * count))
    scale = 1 + z * z / count
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def summarise(judged: Sequence[Judged]) -> Report:
    """Rows per style and overall."""
    by_style: dict[str, list[Verdict]] = {}
    for one in judged:
        by_style.setdefault(one.case.style.text, []).append(one.verdict)
    return Report(
        overall=_row(_("合计"), [one.verdict for one in judged]),
        styles=tuple(_row(style, verdicts) for style, verdicts in by_style.items()),
        judged=tuple(judged),
    )


def _row(title: str, verdicts: Sequence[Verdict]) -> Row:
    count = len(verdicts)

    def rate(field: str) -> float:
        return sum(getattr(v, field) for v in verdicts) / count if count else 0.0

    low, high = wilson(sum(v.passed for v in verdicts), count)
    return Row(
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
    )
