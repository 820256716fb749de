"""再练一次: a model learns from its own best answers.

It answers questions that it was trained on several times; checks, and the taste that speaks from the votes,
keep the best answer to each; one more pass on these and some of the earlier data makes a new model, which
answers the same held-out questions as the one before. Importing this package does not load torch."""

from tianji_core.comparison.relearning.job import (
    KIND,
    learnable_models,
    needed_text,
    readiness,
    relearning_job,
    start_relearning,
)
from tianji_core.comparison.relearning.results import (
    Measured,
    RelearningPlan,
    RelearningResult,
    newest_result,
    result_lines,
)
from tianji_core.comparison.relearning.taste import Readiness, Taste, learnt_taste, readiness_of

__all__ = [
    "KIND",
    "Measured",
    "Readiness",
    "RelearningPlan",
    "RelearningResult",
    "Taste",
    "learnable_models",
    "learnt_taste",
    "needed_text",
    "newest_result",
    "readiness",
    "readiness_of",
    "relearning_job",
    "result_lines",
    "start_relearning",
]
