"""What a training has changed: pass rates and answers of the same questions, before and after it."""

from pydantic import BaseModel, ConfigDict


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class BeforeAfter(_Frozen):
    """One request, answered by the base and by the trained model."""

    style: str
    request: str
    before: str
    after: str


class PassRate(_Frozen):
    """Shares (0-1) of answers that pass every check, on held-out cells, for one style ('' is all styles).

    ``low`` and ``high`` bound ``after`` with 95 % confidence; ``count`` answers each."""

    style: str
    count: int
    before: float
    after: float
    low: float
    high: float
