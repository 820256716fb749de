"""Whether a training is clearly worse than others, by the validation losses so far."""

from collections.abc import Sequence

from tianji_core.training import Validation

MARGIN = 0.1
"""Share by which a loss must exceed the best one at the same step: ten times what counts as noise of one
curve (:data:`~tianji_core.training.overfitting.RISE`)."""
IN_A_ROW = 2
"""Validations in a row that must be so much worse."""

Curve = Sequence[Validation]


def loss_at(curve: Curve, step: int) -> float | None:
    """Returns the loss of a curve after ``step`` iterations, on the line between its neighbours; None
    outside of its range."""
    known = [(point.iteration, point.loss) for point in curve if point.loss is not None]
    for (start, first), (end, second) in zip(known, known[1:] or known, strict=False):
        if start <= step <= end:
            share = (step - start) / (end - start) if end > start else 0.0
            return first + share * (second - first)
    return None


def hopeless(curve: Curve, others: Sequence[Curve]) -> tuple[int, float, float] | None:
    """Returns (step, its loss, the best loss of the others at that step) where the newest validations of
    ``curve`` are all clearly worse than the best of ``others``; None otherwise. A loss that is not finite is
    worse than any."""
    newest = [point for point in curve if point.iteration > 0][-IN_A_ROW:]
    if len(newest) < IN_A_ROW:
        return None
    told = None
    for point in newest:
        known = [loss for other in others if (loss := loss_at(other, point.iteration)) is not None]
        if not known:
            return None
        own = float("inf") if point.loss is None else point.loss
        if own <= min(known) * (1 + MARGIN):
            return None
        told = (point.iteration, own, min(known))
    return told
