"""The choice of a teacher as it is stored with a run; it never holds a key."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianji_core.addresses import addresses_problem

HIGHEST_PRICE = 1_000_000.0
"""Per million tokens, in any currency."""


class TeacherChoice(BaseModel):
    """``base_url`` '' means the provider's own address; several addresses of the same model, separated by
    commas, share the requests. ``model`` '' its first model. ``timeout`` is in
    seconds for one request; ``requests_per_minute`` and ``tokens_per_minute`` (both directions together) None
    means no limit. Prices per million tokens in the provider's currency, None for those of the catalogue.
    ``mistakes`` is the share (0-1) of texts in which the offline composer plants a deliberate mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    provider: str = "offline"
    model: str = ""
    base_url: str = ""
    timeout: float = Field(default=60.0, gt=0, le=3600)
    requests_per_minute: int | None = Field(default=None, ge=1, le=1_000_000)
    tokens_per_minute: int | None = Field(default=None, ge=1, le=1_000_000_000)
    input_price: float | None = Field(default=None, ge=0, le=HIGHEST_PRICE)
    output_price: float | None = Field(default=None, ge=0, le=HIGHEST_PRICE)
    mistakes: float = Field(default=0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _address_without_secrets(self) -> Self:
        if self.base_url and (problem := addresses_problem(self.base_url)):
            raise ValueError(problem)
        return self


class WeightedTeacher(BaseModel):
    """One of several teachers of a run; it gets ``weight`` / (sum of all weights) of the tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    choice: TeacherChoice
    weight: float = Field(default=1.0, gt=0, le=1_000_000)
