"""口味: which of two answers the voters would choose, learnt from their votes.

A Bradley-Terry model whose strengths are a sum over the characters and pairs of characters of a text, with a
ridge penalty. It needs no model and no graphics card, and it holds for answers that nobody has seen."""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from tianji_core.evaluation.report import wilson
from tianji_core.store.votes import BETTER, Vote

LEAST = 30
"""Clicks below which nothing is learnt from them: an accuracy measured on fewer means nothing."""
MOST = 1500
"""Pairs that are used, the newest ones; the fit takes their number cubed."""
PENALTY = 2.0
_FOLDS = 5
_STEPS = 12
_CHANCE = 0.5


class _Pair(NamedTuple):
    """One answer was chosen over another; the pairs of one click share a ``weight`` of 1."""

    prompt: str
    chosen: frozenset[str]
    rejected: frozenset[str]
    weight: float


@dataclass(frozen=True)
class Taste:
    """What the votes prefer: a weight for each character and pair of characters."""

    weights: dict[str, float]

    def score(self, text: str) -> float:
        """Returns how much the voters would like a text, in log-odds against another answer to the same
        question."""
        return sum(self.weights.get(part, 0.0) for part in _parts(text))


@dataclass(frozen=True)
class Readiness:
    """Whether the votes say enough. ``clicks`` are ballots with a best answer; ``accuracy`` is the share
    of them that a taste learnt from votes on other questions foretells, None with too few; ``needed`` is
    about how many more clicks it takes, None where the votes show no common taste."""

    clicks: int
    accuracy: float | None
    needed: int | None

    @property
    def enough(self) -> bool:
        """Whether the votes can choose among answers."""
        return self.needed == 0


def learnt_taste(votes: Sequence[Vote]) -> Taste:
    """Returns the taste that speaks from votes, an empty one where they are too few."""
    pairs = _pairs(votes)
    return Taste(_fit(pairs) if _clicks(pairs) >= LEAST else {})


def readiness_of(votes: Sequence[Vote]) -> Readiness:
    """Returns how far the taste of these votes can be trusted. The accuracy is measured on questions that a
    taste was not learnt from, which takes five fits."""
    pairs = _pairs(votes)
    clicks = _clicks(pairs)
    if clicks < LEAST:
        return Readiness(clicks, None, LEAST - clicks)
    right = 0.0
    for fold in range(_FOLDS):
        held = [pair for pair in pairs if _fold(pair.prompt) == fold]
        taste = _fit([pair for pair in pairs if _fold(pair.prompt) != fold])
        for pair in held:
            margin = _sum(taste, pair.chosen) - _sum(taste, pair.rejected)
            right += pair.weight * (1.0 if margin > 0 else _CHANCE if margin == 0 else 0.0)
    accuracy = right / sum(pair.weight for pair in pairs)
    return Readiness(clicks, accuracy, _needed(accuracy, clicks))


def _clicks(pairs: Sequence[_Pair]) -> int:
    return round(sum(pair.weight for pair in pairs))


def _needed(accuracy: float, clicks: int) -> int | None:
    """The clicks until an accuracy of this size is certainly above chance."""
    if wilson(round(accuracy * clicks), clicks)[0] > _CHANCE:
        return 0
    if accuracy <= _CHANCE + 0.02:
        return None
    whole = 3.84 * accuracy * (1 - accuracy) / (accuracy - _CHANCE) ** 2
    return max(1, math.ceil(whole - clicks))


def _pairs(votes: Sequence[Vote]) -> list[_Pair]:
    decided = [vote for vote in votes if vote.outcome == BETTER and vote.style == vote.loser_style]
    unlike = {(v.chosen, v.rejected): v for v in decided}
    agreed = [v for v in unlike.values() if (v.rejected, v.chosen) not in unlike][-MOST:]
    clicks: dict[tuple[str, str], int] = {}
    for vote in agreed:
        clicks[vote.prompt, vote.chosen] = clicks.get((vote.prompt, vote.chosen), 0) + 1
    return [
        _Pair(v.prompt, _parts(v.chosen), _parts(v.rejected), 1 / clicks[v.prompt, v.chosen]) for v in agreed
    ]


def _parts(text: str) -> frozenset[str]:
    text = "".join(text.split())
    return frozenset(text) | frozenset(text[at : at + 2] for at in range(len(text) - 1))


def _fold(prompt: str) -> int:
    return zlib.crc32(prompt.encode()) % _FOLDS


def _sum(weights: dict[str, float], parts: frozenset[str]) -> float:
    return sum(weights.get(part, 0.0) for part in parts)


def _fit(pairs: Sequence[_Pair]) -> dict[str, float]:
    """The weights, by Newton's method in the space of the pairs, which are fewer than the parts."""
    if not pairs:
        return {}
    names = sorted({part for pair in pairs for part in pair.chosen ^ pair.rejected})
    index = {name: at for at, name in enumerate(names)}
    rows = np.zeros((len(pairs), len(names)), dtype=np.float32)
    for at, pair in enumerate(pairs):
        rows[at, [index[part] for part in pair.chosen - pair.rejected]] = 1.0
        rows[at, [index[part] for part in pair.rejected - pair.chosen]] = -1.0
    weight = np.array([pair.weight for pair in pairs])
    kernel = (rows @ rows.T).astype(np.float64)
    margins: np.ndarray = np.zeros(len(pairs))
    dual = np.zeros(len(pairs))
    for _step in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(margins, -30, 30)))
        curve = np.maximum(weight * chance * (1 - chance), 1e-6)
        target = curve * margins + weight * (1 - chance)
        dual = np.linalg.solve(curve[:, None] * kernel + PENALTY * np.eye(len(pairs)), target)
        margins = kernel @ dual
    return dict(zip(names, (rows.T @ dual).tolist(), strict=True))
