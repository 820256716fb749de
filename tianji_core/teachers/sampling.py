"""Sampling parameters of a run: fixed values, or ranges from which each task draws its own."""

import random
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tianji_core.i18n import _
from tianji_core.teachers.base import Sampling

Temperature = Annotated[float, Field(ge=0, le=2)]
Share = Annotated[float, Field(gt=0, le=1)]
Tokens = Annotated[int, Field(ge=1, le=1_000_000)]


class SamplingPlan(BaseModel):
    """Each parameter is one value, a (lowest, highest) range, or None for the server's default. ``seed`` is
    sent as it is; with ``seed_per_task`` each task sends a seed of its own, so that a server that honours it
    repeats a run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: Temperature | tuple[Temperature, Temperature] | None = None
    top_p: Share | tuple[Share, Share] | None = None
    max_tokens: Tokens | tuple[Tokens, Tokens] | None = None
    seed: int | None = Field(default=None, ge=-(2**63), lt=2**63)
    seed_per_task: bool = False

    @model_validator(mode="after")
    def _low_before_high(self) -> Self:
        for name in ("temperature", "top_p", "max_tokens"):
            value = getattr(self, name)
            if isinstance(value, tuple) and value[0] > value[1]:
                raise ValueError(
                    _(
                        "{name} 的范围应当从小到大，现在是 {low} 到 {high}",
                        name=name,
                        low=value[0],
                        high=value[1],
                    )
                )
        return self

    @classmethod
    def fixed(cls, sampling: Sampling) -> "SamplingPlan":
        """Returns the plan that gives every task the same values."""
        return cls(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            max_tokens=sampling.max_tokens,
            seed=sampling.seed,
        )

    def draw(self, source: random.Random) -> Sampling:
        """Returns the parameters of one task, rounded to three digits; the same source gives the same
        values."""
        tokens = self.max_tokens
        return Sampling(
            temperature=_drawn(self.temperature, source),
            top_p=_drawn(self.top_p, source),
            max_tokens=source.randint(*tokens) if isinstance(tokens, tuple) else tokens,
            seed=source.randrange(2**31) if self.seed_per_task else self.seed,
        )


USUAL_TOKENS = 512
USUAL = SamplingPlan(temperature=0.9, top_p=0.95, max_tokens=USUAL_TOKENS)
"""What a run asks for where nobody says otherwise: the same on pages and by verbs, so that each knows the
answers that the other has got."""


def _drawn(value: float | tuple[float, float] | None, source: random.Random) -> float | None:
    return round(source.uniform(*value), 3) if isinstance(value, tuple) else value
