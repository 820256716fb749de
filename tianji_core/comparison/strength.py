"""The Bradley-Terry model, fitted by Newton's method: strengths with intervals from paired comparisons.

The model (R. A. Bradley and M. E. Terry, Rank analysis of incomplete block designs, 1952): i is preferred to
j with probability 1 / (1 + exp(b_j - b_i)). A tie counts as half a win for each.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

PRIOR = 0.5
"""Tied games of each player against one of average strength, added to the real ones. Without them a player
that never lost would be infinitely strong."""
_STEPS = 100
_SMALL = 1e-9


class Game(NamedTuple):
    """``times`` games of ``left`` against ``right``: ``score`` is 1 where ``left`` won, 0.5 for a tie, 0
    where it lost."""

    left: str
    right: str
    score: float = 1.0
    times: float = 1.0


@dataclass(frozen=True)
class Strengths:
    """The fitted model.

    ``values`` are natural log-odds with mean 0, ``covariance`` (players, players) is theirs. ``games`` counts
    the real games. ``groups`` is the number of sets of players that no game connects; strengths of different
    groups cannot be compared."""

    players: tuple[str, ...]
    values: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    games: float
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

    def games_needed(self, one: int, other: int, certainty: float = 0.95) -> int | None:
        """Returns about how many more games like those so far it takes until :meth:`certainty` reaches
        ``certainty``.

        0 where it is reached already, None where the two are equally strong. The error shrinks with the
        square root of the number of games."""
        difference = abs(self.values[one] - self.values[other])
        if difference < _SMALL:
            return None
        ratio = NormalDist().inv_cdf(certainty) * self.difference_error(one, other) / difference
        return max(0, math.ceil(self.games * (ratio**2 - 1)))


def strengths(games: Sequence[Game], prior: float = PRIOR) -> Strengths:
    """Fits the model. Games of a player against itself are ignored.

    With ``prior`` 0 every player needs a win and a loss, and games must connect all players, or the values
    diverge.
    """
    counted = [game for game in games if game.left != game.right and game.times > 0]
    players = sorted({name for game in games for name in (game.left, game.right)})
    index = {name: at for at, name in enumerate(players)}
    size = len(players)
    if not size:
        return Strengths((), (), (), 0, 0)
    left = np.array([index[game.left] for game in counted], dtype=int)
    right = np.array([index[game.right] for game in counted], dtype=int)
    score = np.array([game.score for game in counted], dtype=float)
    count = np.array([game.times for game in counted], dtype=float)
    values = np.zeros(size)
    for _step in range(_STEPS):
        gradient, information = _slope(values, left, right, score, count, prior)
        change = np.linalg.pinv(information) @ gradient
        values = values + np.clip(change, -2.0, 2.0)
        if np.abs(change).max(initial=0.0) < _SMALL:
            break
    _gradient, information = _slope(values, left, right, score, count, prior)
    centring = np.eye(size) - 1 / size
    covariance = centring @ np.linalg.pinv(information) @ centring
    values = values - values.mean()
    return Strengths(
        tuple(players),
        tuple(float(value) for value in values),
        tuple(tuple(float(value) for value in row) for row in covariance),
        float(count.sum()),
        _groups(size, left, right),
    )


def _slope(
    values: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    score: np.ndarray,
    count: np.ndarray,
    prior: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient (players,) and information matrix (players, players) of the log-likelihood."""
    size = len(values)
    chance = 1 / (1 + np.exp(values[right] - values[left]))
    weight = count * chance * (1 - chance)
    surplus = count * (score - chance)
    gradient = np.bincount(left, surplus, size) - np.bincount(right, surplus, size)
    information = np.zeros((size, size))
    np.add.at(information, (left, left), weight)
    np.add.at(information, (right, right), weight)
    np.add.at(information, (left, right), -weight)
    np.add.at(information, (right, left), -weight)
    own = 1 / (1 + np.exp(-values))
    gradient += prior * (0.5 - own)
    information += np.diag(prior * own * (1 - own))
    return gradient, information


def _groups(size: int, left: np.ndarray, right: np.ndarray) -> int:
    """The number of connected components."""
    root = list(range(size))

    def find(at: int) -> int:
        while root[at] != at:
            at = root[at]
        return at

    for one, other in zip(left.tolist(), right.tolist(), strict=True):
        root[find(one)] = find(other)
    return len({find(at) for at in range(size)})
