"""Agreement of two judges on the same items: the share of equal verdicts, and Cohen's kappa."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tianji_core.store.second_verdicts import SecondVerdict


@dataclass(frozen=True)
class Agreement:
    """How far two judges agree. ``agreed`` of the ``judged`` items got the same verdict; ``kappa`` is the
    value of :func:`cohen_kappa`. The names of the judges are '' where they are not told apart."""

    judged: int
    agreed: int
    kappa: float | None
    first_who: str = ""
    who: str = ""

    @property
    def share(self) -> float:
        """Share of equal verdicts in 0..1; 0 where nothing was judged twice."""
        return self.agreed / self.judged if self.judged else 0.0


def cohen_kappa(table: Mapping[tuple[str, str], int]) -> float | None:
    """Returns Cohen's kappa of a table (first verdict, second verdict) → number of items: 1 is full
    agreement, 0 what chance alone would bring. None where it is undefined: the table is empty, or both judges
    always gave the same one verdict.

    Source: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement
    20 (1960).
    """
    total = sum(table.values())
    if not total:
        return None
    first: Counter[str] = Counter()
    second: Counter[str] = Counter()
    for (one, other), number in table.items():
        first[one] += number
        second[other] += number
    observed = sum(number for (one, other), number in table.items() if one == other) / total
    expected = sum(first[label] * second[label] for label in first) / total**2
    return None if expected == 1 else (observed - expected) / (1 - expected)


def agreement(verdicts: Iterable[tuple[str, str]], first_who: str = "", who: str = "") -> Agreement:
    """Returns the agreement on pairs (verdict of the first judge, verdict of the second judge)."""
    table = Counter(verdicts)
    agreed = sum(number for (first, second), number in table.items() if first == second)
    return Agreement(table.total(), agreed, cohen_kappa(table), first_who, who)


def reviewer_agreement(verdicts: Iterable[SecondVerdict]) -> list[Agreement]:
    """Returns the agreement of all reviewers together, then that of each pair of reviewers, the pair with the
    most samples first."""
    everyone: list[tuple[str, str]] = []
    by_pair: defaultdict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for verdict in verdicts:
        states = (verdict.first_state, verdict.state)
        everyone.append(states)
        by_pair[verdict.first_who, verdict.who].append(states)
    pairs = [agreement(states, first_who, who) for (first_who, who), states in by_pair.items()]
    return [agreement(everyone), *sorted(pairs, key=lambda pair: -pair.judged)]
