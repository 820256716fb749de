"""曲线: the points that a training logged, and what they tell about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One logged point. ``loss`` is None where it was not finite; ``seconds`` per iteration; ``memory`` in
    MiB of GPU memory, None on a CPU; ``gradient`` is the norm before clipping, None where it was not logged.
    Where pairs are learnt, ``margin`` is by how much more the chosen answers are rewarded, ``accuracy`` the
    share of pairs in which they are, ``chosen_loss`` the loss on them and ``kl`` how far the model has gone
    from its reference, in nats per answer, or ``kl_per_token`` where an older studio logged it per token;
    None elsewhere, and these two without a reference, too."""

    iteration: int
    loss: float | None
    learning_rate: float
    seconds: float
    memory: float | None
    gradient: float | None = None
    margin: float | None = None
    accuracy: float | None = None
    chosen_loss: float | None = None
    kl: float | None = None
    kl_per_token: float | None = None


@dataclass(frozen=True)
class Passing:
    """The share of answers to held-out questions that passed the checks after ``iteration`` iterations, 0 to
    1. ``kept`` is the iteration whose weights the training ended with where the share had fallen, None where
    it went on."""

    iteration: int
    rate: float
    kept: int | None = None


@dataclass(frozen=True)
class Validation:
    """The loss on held-out samples after ``iteration`` iterations; None where it was not finite."""

    iteration: int
    loss: float | None


WINDOW = 10
"""Least number of iterations over which the trainer averages what it logs."""
FAR, EARLY = 2.0, 6
"""Factor over the first loss from which newer losses count as diverged, and the points needed to tell."""


def finite(value: object) -> float | None:
    """A number, or None where it is missing, NaN or infinite."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def diverged(points: Sequence[Point]) -> float | None:
    """The first loss, where the newest three are all far above it; None otherwise."""
    known = [point.loss for point in points if point.loss is not None]
    if len(known) < EARLY or min(known[-3:]) < known[0] * FAR:
        return None
    return known[0]


def stalled(points: Sequence[Point]) -> int | None:
    """The iteration from which the gradient is exactly zero to the end, None where it is not. That happens
    where weights grew beyond all bounds: nothing is learnt any more. Logged values are means over ten
    iterations or more, so one point is enough."""
    still = 0
    while still < len(points) and points[-1 - still].gradient == 0:
        still += 1
    return points[-still].iteration if still and points[-1].iteration >= WINDOW else None


def smoothed(values: list[float | None], weight: float = 0.9) -> list[float | None]:
    """The exponential moving average of a curve, bias-corrected at its beginning (Kingma and Ba, 2015); gaps
    stay gaps. ``weight`` is that of the past."""
    result: list[float | None] = []
    mean, seen = 0.0, 0
    for value in values:
        if value is None:
            result.append(None)
            continue
        seen += 1
        mean = weight * mean + (1 - weight) * value
        result.append(mean / (1 - weight**seen))
    return result
