"""How far two people who judged the same samples agree."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tianji_core.store.second_verdicts import SecondVerdict


def cohen_kappa(table: Mapping[tuple[str, str], int]) -> float | None:
    """Cohen's kappa of (first verdict, second verdict) → number of samples: 1 is full agreement, 0 no more than chance
    would bring. None where it has no meaning: nothing was judged twice, or both gave one and the same verdict always.

    Source: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20 (1960).
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


@dataclass(frozen=True)
class Agreement:
    """What two people said about the samples that both judged. ``agreed`` of ``judged`` samples got the same verdict;
    names are '' where all pairs are taken together."""

    first_who: str
    who: str
    judged: int
    agreed: int
    kappa: float | None


def agreement(verdicts: Iterable[SecondVerdict]) -> list[Agreement]:
    """All verdicts together first, then each pair of people, those with the most samples first."""
    pairs: dict[tuple[str, str], Counter[tuple[str, str]]] = {("", ""): Counter()}
    for verdict in verdicts:
        said = (verdict.first_state, verdict.state)
        pairs[("", "")][said] += 1
        pairs.setdefault((verdict.first_who, verdict.who), Counter())[said] += 1
    found = [
        Agreement(
            first_who=first_who,
            who=who,
            judged=table.total(),
            agreed=sum(number for (one, other), number in table.items() if one == other),
            kappa=cohen_kappa(table),
        )
        for (first_who, who), table in pairs.items()
    ]
    return found[:1] + sorted(found[1:], key=lambda each: -each.judged)
