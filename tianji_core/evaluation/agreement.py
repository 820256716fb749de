"""Agreement of two judges of the same answers."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tianji_core.review import cohen_kappa


@dataclass(frozen=True)
class Agreement:
    """``count`` things that both judged; the ``share`` (0-1) that they judged alike; ``kappa`` as
    :func:`~tianji_core.review.cohen_kappa`."""

    count: int
    share: float
    kappa: float | None


def agreement(labels: Iterable[tuple[str, str]]) -> Agreement:
    """Agreement on pairs (what the first judge said, what the second said)."""
    table = Counter(labels)
    count = table.total()
    alike = sum(number for (first, second), number in table.items() if first == second)
    return Agreement(count, alike / count if count else 0.0, cohen_kappa(table))
