"""Strengths with intervals from ballots: Luce's choice model, fitted by Newton's method.

The model (R. D. Luce, Individual choice behavior, 1959): of the answers on a ballot, t is chosen with
probability exp(u_t) / Σ exp(u_s), where u is the strength of the answer's author, or the mean of its authors'
strengths. A ballot of two answers is a game of the Bradley-Terry model (R. A. Bradley and M. E. Terry, Rank
analysis of incomplete block designs, 1952). A ballot counts once, however many answers it shows. A tie is a
choice divided equally among the answers.
"""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

PRIOR = 0.5
"""Tied games of each player against one of average strength, added to the ballots. Without them a player
that never lost would be infinitely strong."""
_STEPS = 100
_SMALL = 1e-9


class Click(NamedTuple):
    """One ballot, ``times`` times: the authors of each answer, and the index of the chosen answer, None for a
    tie."""

    answers: tuple[tuple[str, ...], ...]
    chosen: int | None = 0
    times: float = 1.0

    @property
    def players(self) -> set[str]:
        """Everybody who wrote one of the answers."""
        return {name for authors in self.answers for name in authors}

    @property
    def tells(self) -> bool:
        """Whether it compares anybody: false where all answers have the same authors."""
        return len({frozenset(authors) for authors in self.answers}) > 1


@dataclass(frozen=True)
class Strengths:
    """The fitted model.

    ``values`` are natural log-odds with mean 0, ``covariance`` (players, players) is theirs. ``ballots``
    counts those that compare players. ``groups`` is the number of sets of players that no ballot connects;
    strengths of different groups cannot be compared."""

    players: tuple[str, ...]
    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    ballots: float
    groups: int

    def error(self, at: int) -> float:
        """Returns the standard error of one strength."""
        return math.sqrt(max(0.0, self.covariance[at][at]))

    def interval(self, at: int, level: float = 0.95) -> tuple[float, float]:
        """Returns the interval that contains a strength with probability ``level``."""
        width = NormalDist().inv_cdf((1 + level) / 2) * self.error(at)
        return self.values[at] - width, self.values[at] + width

    def difference_error(self, one: int, other: int) -> float:
        """Returns the standard error of the difference of two strengths."""
        c = self.covariance
        return math.sqrt(max(0.0, c[one][one] + c[other][other] - 2 * c[one][other]))

    def certainty(self, one: int, other: int) -> float:
        """Returns the probability (0-1) that ``one`` is stronger than ``other``."""
        error = self.difference_error(one, other)
        return NormalDist().cdf((self.values[one] - self.values[other]) / error) if error > 0 else 0.5

    def ballots_needed(self, one: int, other: int, certainty: float = 0.95) -> int | None:
        """Returns about how many more ballots like those so far it takes until :meth:`certainty` reaches
        ``certainty``.

        0 where it is reached already, None where the two are equally strong. The error shrinks with the
        square root of the number of ballots."""
        difference = abs(self.values[one] - self.values[other])
        if difference < _SMALL:
            return None
        ratio = NormalDist().inv_cdf(certainty) * self.difference_error(one, other) / difference
        return max(0, math.ceil(self.ballots * (ratio**2 - 1)))


def strengths(choices: Sequence[Click], prior: float = PRIOR) -> Strengths:
    """Fits the model. Ballots whose answers all have the same authors are ignored.

    With ``prior`` 0 every player needs a win and a loss, and ballots must connect all players, or the values
    diverge.
    """
    players = sorted({name for choice in choices for name in choice.players})
    index = {name: at for at, name in enumerate(players)}
    size = len(players)
    if not size:
        return Strengths((), (), (), 0, 0)
    counts: defaultdict[tuple[tuple[tuple[str, ...], ...], int | None], float] = defaultdict(float)
    for choice in choices:
        if choice.tells:
            counts[choice.answers, choice.chosen] += choice.times
    terms = [_Term(index, answers, chosen, times) for (answers, chosen), times in counts.items() if times > 0]
    values = np.zeros(size)
    for _step in range(_STEPS):
        gradient, information = _slope(values, terms, prior)
        change = np.linalg.pinv(information) @ gradient
        values = values + np.clip(change, -2.0, 2.0)
        if np.abs(change).max(initial=0.0) < _SMALL:
            break
    _gradient, information = _slope(values, terms, prior)
    centring = np.eye(size) - 1 / size
    covariance = centring @ np.linalg.pinv(information) @ centring
    values = values - values.mean()
    return Strengths(
        tuple(players),
        tuple(float(value) for value in values),
        tuple(tuple(float(value) for value in row) for row in covariance),
        float(sum(term.times for term in terms)),
        _groups(size, terms),
    )


class _Term:
    """Equal ballots as arrays: ``shares`` (answers, players) are the authors' shares of each answer, ``said``
    (answers,) the share of the choice that it got."""

    def __init__(
        self, index: dict[str, int], answers: Sequence[Sequence[str]], chosen: int | None, times: float
    ) -> None:
        self.times = times
        self.columns = sorted({index[name] for authors in answers for name in authors})
        place = {column: at for at, column in enumerate(self.columns)}
        self.shares = np.zeros((len(answers), len(self.columns)))
        for row, authors in enumerate(answers):
            for name in authors:
                self.shares[row, place[index[name]]] += 1 / len(authors)
        self.said = np.full(len(answers), 1 / len(answers))
        if chosen is not None:
            self.said = np.zeros(len(answers))
            self.said[chosen] = 1.0


def _slope(values: np.ndarray, terms: Sequence[_Term], prior: float) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (players,) and information matrix (players, players) of the log-likelihood."""
    own = 1 / (1 + np.exp(-values))
    gradient = prior * (0.5 - own)
    information = np.diag(prior * own * (1 - own))
    for term in terms:
        utility = term.shares @ values[term.columns]
        chance = np.exp(utility - utility.max())
        chance /= chance.sum()
        mean = chance @ term.shares
        gradient[term.columns] += term.times * ((term.said - chance) @ term.shares)
        spread = term.shares.T @ (chance[:, None] * term.shares) - np.outer(mean, mean)
        information[np.ix_(term.columns, term.columns)] += term.times * spread
    return gradient, information


def _groups(size: int, terms: Sequence[_Term]) -> int:
    """The number of connected components."""
    root = list(range(size))

    def find(at: int) -> int:
        while root[at] != at:
            at = root[at]
        return at

    for term in terms:
        for other in term.columns[1:]:
            root[find(term.columns[0])] = find(other)
    return len({find(at) for at in range(size)})
