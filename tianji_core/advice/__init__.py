"""建议: has a teacher propose new entries for a recipe and rate its cells. A person decides what is taken
over."""

from tianji_core.advice.job import rating_job, start_rating, start_suggesting, suggesting_job
from tianji_core.advice.ratings import (
    Difference,
    Opinion,
    RatingResult,
    differences,
    forget_rating,
    load_rating,
    missing_cells,
    rate_cells,
    with_opinions,
)
from tianji_core.advice.suggestions import (
    ListKind,
    Question,
    Suggestion,
    forget_suggestions,
    load_suggestions,
    suggest,
    with_suggestions,
)

__all__ = [
    "Difference",
    "ListKind",
    "Opinion",
    "Question",
    "RatingResult",
    "Suggestion",
    "differences",
    "forget_rating",
    "forget_suggestions",
    "load_rating",
    "load_suggestions",
    "missing_cells",
    "rate_cells",
    "rating_job",
    "start_rating",
    "start_suggesting",
    "suggest",
    "suggesting_job",
    "with_opinions",
    "with_suggestions",
]
