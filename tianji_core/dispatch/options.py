"""The options of a run beside its plan and its teachers."""

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.recipe import EXAMPLES, MOST_EXAMPLES

MOST_COST, MOST_TOKENS, MOST_MINUTES = 1_000_000_000.0, 1_000_000_000_000, 1_000_000.0
"""The highest limits that a run can have; a higher one is a mistake."""


class RunOptions(BaseModel):
    """``budget_cost`` in the teachers' currency and ``budget_tokens`` (both directions together) are for
    the whole run; ``minutes`` counts from each start. A run that reaches one of them stops by itself and
    can be continued; None means no limit. With ``ban_openings`` the prompt names the openings that the
    teacher has used too often, with ``ban_phrases`` the phrases too. ``examples`` is the number of
    few-shot examples in each request. With ``batch`` the requests go as files to the provider's interface
    for batches. With ``reuse`` a request that was answered before takes that answer. With
    ``cheap_hours`` the teachers are asked in their off-peak hours only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    budget_cost: float | None = Field(default=None, gt=0, le=MOST_COST)
    budget_tokens: int | None = Field(default=None, gt=0, le=MOST_TOKENS)
    minutes: float | None = Field(default=None, gt=0, le=MOST_MINUTES)
    ban_openings: bool = True
    ban_phrases: bool = False
    batch: bool = False
    reuse: bool = False
    cheap_hours: bool = False
    examples: int = Field(default=EXAMPLES, ge=0, le=MOST_EXAMPLES)
