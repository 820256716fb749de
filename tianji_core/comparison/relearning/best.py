"""Choosing the best of several answers to each question. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from tianji_core.comparison.relearning.taste import Taste
from tianji_core.evaluation import Case, Checker


@dataclass(frozen=True)
class Best:
    """The best answer to one question, and how many different answers to it passed the checks."""

    case: Case
    text: str
    passing: int


def best_answers(
    cases: Sequence[Case], answers: Sequence[Sequence[str]], checker: Checker, taste: Taste | None
) -> list[Best]:
    """Returns for each question the answer to learn from, none where no answer passes every check or all
    that do are copied from the training data; ``answers`` are those of each question. ``taste`` ranks
    what passes; without one the first is taken."""
    found = []
    for case, given in zip(cases, answers, strict=True):
        passing = []
        for text in dict.fromkeys(text.strip() for text in given):
            verdict = checker.check(case, text)
            if verdict.passed and not verdict.copied:
                passing.append(text)
        if passing:
            best = max(passing, key=taste.score) if taste is not None else passing[0]
            found.append(Best(case, best, len(passing)))
    return found
