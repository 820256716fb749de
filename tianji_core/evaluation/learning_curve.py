"""学习曲线: the pass rate to expect from a number of samples, by what earlier trainings have reached.

The share of answers that fail falls with the number of samples like a power law (Hestness et al., 2017;
Kaplan et al., 2020): ``failing = a * samples ** -b``. All pairs (a, b) on a grid are weighed by how likely
they make what was measured; the interval holds 95 % of that weight, and the spread between trainings beside
it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

EXPONENTS = np.linspace(0.0, 2.0, 41)
"""Values of b: 0 is no gain at all, and nothing steeper than 2 was ever reported."""
RATES = np.linspace(0.004, 0.999, 80)
"""Shares failing at the middle of the measured numbers of samples."""
SPREAD = 200.0
"""How much equal trainings are taken to differ beside the questions asked, as the count of a beta
distribution: a standard deviation of about 3 points at 80 %."""
FURTHEST = 8.0
"""Times the largest measured number of samples up to which the curve is believed."""


@dataclass(frozen=True)
class CurvePoint:
    """A training on ``samples`` samples, after which ``passed`` of ``count`` held-out answers pass."""

    samples: int
    passed: int
    count: int


@dataclass(frozen=True)
class Expected:
    """The pass rate (0-1) to expect after training on ``samples`` samples: with 95 % confidence from ``low``
    to ``high``."""

    samples: int
    share: float
    low: float
    high: float


class LearningCurve:
    """The curve through two or more points with different numbers of samples.

    Raises:
        ValueError: fewer than two different numbers of samples.
    """

    def __init__(self, points: Sequence[CurvePoint]) -> None:
        sizes = {point.samples for point in points}
        if len(sizes) < 2:
            raise ValueError("a curve needs two different numbers of samples")
        self.points = tuple(sorted(points, key=lambda point: point.samples))
        self._middle = float(np.exp(np.mean(np.log([point.samples for point in self.points]))))
        logs = np.zeros((len(RATES), len(EXPONENTS)))
        for point in self.points:
            failing = self._failing(point.samples)
            logs += _beta_binomial(point, failing)
        weights = np.exp(logs - logs.max())
        self._weights = weights / weights.sum()

    @property
    def furthest(self) -> int:
        """The largest number of samples for which the curve says something."""
        return round(self.points[-1].samples * FURTHEST)

    def expected(self, samples: int) -> Expected | None:
        """Returns what to expect from so many samples; None beyond :attr:`furthest`, or from fewer than an
        eighth of the smallest measured number."""
        if not self.points[0].samples / FURTHEST <= samples <= self.furthest:
            return None
        passing = 1.0 - self._failing(samples)
        share = float((self._weights * passing).sum())
        low, high = self._interval(passing)
        return Expected(samples, share, low, high)

    def _failing(self, samples: int) -> Numbers:
        """The failing share (rates, exponents) that each pair foretells."""
        ratio = samples / self._middle
        failing: Numbers = np.clip(RATES[:, None] * ratio ** -EXPONENTS[None, :], 1e-4, 0.9999)
        return failing

    def _interval(self, passing: Numbers) -> tuple[float, float]:
        """The bounds that hold 95 % of a new training's rate: the spread of the curve and that between
        trainings, each quantile of a beta distribution approximated by a normal one."""
        quantiles = np.array([-1.96, -1.15, -0.67, -0.32, 0.0, 0.32, 0.67, 1.15, 1.96])
        spread = np.sqrt(passing * (1 - passing) / (SPREAD + 1))
        values = np.clip(passing[..., None] + quantiles * spread[..., None], 0.0, 1.0).ravel()
        weights = np.repeat(self._weights.ravel() / len(quantiles), len(quantiles))
        order = np.argsort(values)
        reached = np.cumsum(weights[order])
        low, high = (float(values[order][np.searchsorted(reached, part)]) for part in (0.025, 0.975))
        return low, high


def _beta_binomial(point: CurvePoint, failing: Numbers) -> Numbers:
    """The log-likelihood of a point, but for a constant, where rates scatter about ``failing``."""
    wrong = point.count - point.passed
    alpha, beta = failing * SPREAD, (1 - failing) * SPREAD
    return _log_beta(wrong + alpha, point.passed + beta) - _log_beta(alpha, beta)


def _log_beta(a: Numbers, b: Numbers) -> Numbers:
    """The logarithm of the beta function."""
    pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
    logs = [math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y) for x, y in pairs]
    return np.array(logs).reshape(a.shape)
