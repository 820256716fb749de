"""建议: what a teacher proposes for a recipe (new entries, ratings of cells). Nothing is taken over without a person."""

from tianji_core.advice.job import rating_job, start_rating
from tianji_core.advice.ratings import (
    Difference,
    Opinion,
    RatingResult,
    differences,
    forget_rating,
    load_rating,
    rate_cells,
    with_opinions,
)
from tianji_core.advice.suggestions import Suggestion, Wanted, suggest, with_suggestions

__all__ = [
    "Difference",
    "Opinion",
    "RatingResult",
    "Suggestion",
    "Wanted",
    "differences",
    "forget_rating",
    "load_rating",
    "rate_cells",
    "rating_job",
    "start_rating",
    "suggest",
    "with_opinions",
    "with_suggestions",
]
