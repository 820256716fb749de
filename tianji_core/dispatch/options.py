"""What a person may want of a run beside its plan and its teachers."""

from pydantic import BaseModel, ConfigDict, Field


class RunOptions(BaseModel):
    """``budget_cost`` in the teachers' currency and ``budget_tokens`` (both directions together) are for the whole run;
    ``minutes`` counts from each start. A run that reaches one of them stops by itself and can go on later; None means
    no limit. ``ban_openings`` tells the teacher, from time to time, which openings it has used too often."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget_cost: float | None = Field(default=None, gt=0)
    budget_tokens: int | None = Field(default=None, gt=0)
    minutes: float | None = Field(default=None, gt=0)
    ban_openings: bool = True
