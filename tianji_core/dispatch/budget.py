"""What a run may spend: money, tokens, time. Money and tokens are set aside before a request is sent, so that requests
under way together do not overshoot together."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tianji_core.dispatch.options import RunOptions
from tianji_core.i18n import _
from tianji_core.teachers import ModelEntry


@dataclass(frozen=True)
class Usage:
    """Tokens of one request or of many."""

    prompt: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Both directions together."""
        return self.prompt + self.completion

    def cost(self, price: ModelEntry) -> float:
        """In the price's currency; 0 where the price is unknown."""
        return (
            self.prompt * (price.input_price or 0) + self.completion * (price.output_price or 0)
        ) / 1_000_000


@dataclass
class Purse:
    """``spent`` is (usage, price) of what earlier starts of the run have used."""

    options: RunOptions
    spent: Sequence[tuple[Usage, ModelEntry]] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        self.tokens = sum(usage.total for usage, _price in self.spent)
        self.cost = sum(usage.cost(price) for usage, price in self.spent)
        self._aside_tokens = 0
        self._aside_cost = 0.0

    @property
    def limited(self) -> bool:
        """Whether there is a budget at all."""
        return self.options.budget_cost is not None or self.options.budget_tokens is not None

    def refusal(self, expected: Usage, price: ModelEntry) -> str:
        """Why a request of this size may not be sent now, or ''."""
        tokens, cost = self.options.budget_tokens, self.options.budget_cost
        if tokens is not None and self.tokens + self._aside_tokens + expected.total > tokens:
            return _(
                "已用 {spent:,} tokens，到了预算 {budget:,}；加大预算后可以继续",
                spent=self.tokens,
                budget=tokens,
            )
        if cost is not None and self.cost + self._aside_cost + expected.cost(price) > cost:
            return _(
                "已花 {spent:.4f}，到了预算 {budget:g}；加大预算后可以继续", spent=self.cost, budget=cost
            )
        return ""

    @property
    def waiting_helps(self) -> bool:
        """Whether requests under way may turn out smaller than expected."""
        return self._aside_tokens > 0

    def set_aside(self, expected: Usage, price: ModelEntry) -> None:
        """Keep what a request is expected to use."""
        self._aside_tokens += expected.total
        self._aside_cost += expected.cost(price)

    def settle(self, expected: Usage, used: Usage, price: ModelEntry) -> None:
        """A request is over: what it did use takes the place of what was set aside."""
        self._aside_tokens -= expected.total
        self._aside_cost -= expected.cost(price)
        self.tokens += used.total
        self.cost += used.cost(price)
