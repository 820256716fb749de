"""The budget of a run: money and tokens. What a request is expected to use is reserved before it is sent, so
that concurrent requests do not exceed the budget together."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tianji_core.dispatch.options import RunOptions
from tianji_core.i18n import _
from tianji_core.teachers import Answer, ModelEntry

TOKENS_PER_CHARACTER = 0.75
"""Current Chinese tokenizers need 0.6-0.8 tokens per character; a little more is the safer guess."""
MESSAGE_TOKENS = 8
"""Role marks around one message."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one request or of many."""

    prompt: int = 0
    completion: int = 0

    @property
    def total(self) -> int:
        """Both directions together."""
        return self.prompt + self.completion

    @classmethod
    def of(cls, *answers: Answer) -> "Usage":
        """Returns what these answers used; a server that does not count tokens counts as 0."""
        return cls(
            sum(answer.prompt_tokens or 0 for answer in answers),
            sum(answer.completion_tokens or 0 for answer in answers),
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(self.prompt + other.prompt, self.completion + other.completion)

    def cost(self, price: ModelEntry) -> float | None:
        """Returns the cost in the price's currency, None where a price is unknown."""
        return price.cost(self.prompt, self.completion)


def expected_usage(prompt: str, completion_tokens: int) -> Usage:
    """Returns the tokens that a request is likely to use, from the characters of its prompt."""
    return Usage(round(len(prompt) * TOKENS_PER_CHARACTER) + MESSAGE_TOKENS, completion_tokens)


@dataclass
class Budget:
    """What a run may spend and has spent. ``spent`` holds (usage, price) of earlier starts of the run. Tokens
    whose price is unknown count as free of charge."""

    options: RunOptions
    spent: Sequence[tuple[Usage, ModelEntry]] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        self.tokens = sum(usage.total for usage, _price in self.spent)
        self.cost = sum(_known_cost(usage, price) for usage, price in self.spent)
        self._began = time.monotonic()
        self._before = self.tokens, self.cost
        self._elsewhere = 0, 0.0
        self._in_flight_elsewhere = 0
        self._reserved_tokens = 0
        self._reserved_cost = 0.0

    @property
    def limited(self) -> bool:
        """Whether money or tokens are limited at all."""
        return self.options.budget_cost is not None or self.options.budget_tokens is not None

    @property
    def seconds_left(self) -> float | None:
        """The seconds until the time is used up, counted from the start; None without a limit."""
        minutes = self.options.minutes
        return None if minutes is None else max(0.0, self._began + minutes * 60 - time.monotonic())

    @property
    def taken(self) -> tuple[int, float]:
        """The tokens and the money that this process has used or reserved."""
        tokens, cost = self._before
        return self.tokens - tokens + self._reserved_tokens, self.cost - cost + self._reserved_cost

    def count_elsewhere(self, tokens: int, cost: float, in_flight: int = 0) -> None:
        """Counts what other processes have taken from the same budget since this one started, and how many
        requests they have in flight now."""
        self._elsewhere = tokens, cost
        self._in_flight_elsewhere = in_flight

    def refusal(self, expected: Usage, price: ModelEntry) -> str:
        """Returns why a request of this size may not be sent now, or ''."""
        tokens, cost = self.options.budget_tokens, self.options.budget_cost
        used, paid = self.tokens + self._elsewhere[0], self.cost + self._elsewhere[1]
        if tokens is not None and used + self._reserved_tokens + expected.total > tokens:
            return _(
                "已用 {spent:,} tokens，到了预算 {budget:,}；加大预算后可以继续", spent=used, budget=tokens
            )
        if cost is not None and paid + self._reserved_cost + _known_cost(expected, price) > cost:
            return _("已花 {spent:.4f}，到了预算 {budget:g}；加大预算后可以继续", spent=paid, budget=cost)
        return ""

    @property
    def waiting_helps(self) -> bool:
        """Whether requests in flight, here or elsewhere, may turn out smaller than what is reserved for
        them."""
        return self._reserved_tokens > 0 or self._in_flight_elsewhere > 0

    def reserve(self, expected: Usage, price: ModelEntry) -> None:
        """Reserves what a request is expected to use."""
        self._reserved_tokens += expected.total
        self._reserved_cost += _known_cost(expected, price)

    def settle(
        self, expected: Usage, used: Usage, price: ModelEntry, reserved: ModelEntry | None = None
    ) -> None:
        """Replaces the reservation of a finished request by what it used, at ``price``. ``reserved`` is the
        price at which it was reserved, where that was another one."""
        self._reserved_tokens -= expected.total
        self._reserved_cost -= _known_cost(expected, reserved or price)
        self.tokens += used.total
        self.cost += _known_cost(used, price)


def _known_cost(usage: Usage, price: ModelEntry) -> float:
    return (
        usage.prompt * (price.input_price or 0) + usage.completion * (price.output_price or 0)
    ) / 1_000_000
