"""How far two judges of the same things agree."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Agreement:
    """``count`` things that both judged; ``share`` (0-1) of them judged alike; ``kappa`` is 1 for full agreement, 0 for
    what chance alone gives, None where it is not defined (nothing in common, or both always say the same one thing)."""

    count: int
    share: float
    kappa: float | None


def agreement(labels: Iterable[tuple[str, str]]) -> Agreement:
    """Agreement on pairs (what the first judge said, what the second said).

    Kappa as in J. Cohen, A coefficient of agreement for nominal scales, 1960: (p_o - p_e) / (1 - p_e).
    """
    pairs = list(labels)
    if not pairs:
        return Agreement(0, 0.0, None)
    count = len(pairs)
    share = sum(first == second for first, second in pairs) / count
    first, second = Counter(pair[0] for pair in pairs), Counter(pair[1] for pair in pairs)
    chance = sum(first[label] * second[label] for label in first) / count**2
    return Agreement(count, share, (share - chance) / (1 - chance) if chance < 1 else None)
