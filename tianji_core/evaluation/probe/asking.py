"""The probe's questions as requests, and answers to them as a point."""

from collections.abc import Sequence
from pathlib import Path

from tianji_core.evaluation.evaluate import ModelRequest, folder_texts
from tianji_core.evaluation.probe.memory import ProbeAnswer, ProbePoint
from tianji_core.evaluation.probe.questions import ProbeSet


def probe_requests(probe: ProbeSet) -> list[ModelRequest]:
    """Returns the questions as a model is asked them: each by itself, without a system prompt."""
    return [ModelRequest(system="", request=one.ask, max_tokens=one.tokens) for one in probe.questions]


def probed(probe: ProbeSet, iteration: int, answers: Sequence[str]) -> ProbePoint:
    """Returns the answers, in the order of the questions, with the verdicts of their checks."""
    return ProbePoint(
        iteration=iteration,
        digest=probe.digest,
        answers=tuple(
            ProbeAnswer(ask=one.ask, answer=answer, right=one.right(answer, probe.blessings))
            for one, answer in zip(probe.questions, answers, strict=True)
        ),
    )


def probe_folder(
    probe: ProbeSet, model: Path, adapter: Path | None, code_allowed: bool, iteration: int = 0
) -> ProbePoint:
    """Returns a model folder's greedy answers; raises as
    :func:`~tianji_core.evaluation.evaluate.folder_texts`."""
    (answers,) = folder_texts(model, adapter, probe_requests(probe), [0.0], code_allowed=code_allowed)
    return probed(probe, iteration, answers)
