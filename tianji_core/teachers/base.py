"""What every teacher (造数模型) is to the rest of the studio."""

from dataclasses import dataclass
from typing import Protocol

from tianji_core.recipe import Brief


@dataclass(frozen=True)
class Sampling:
    """Request parameters, sent where the API reads them; None leaves the server's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a teacher gave back. Tokens are None where the server does not count them; latency in seconds;
    ``reasoning`` is thinking text that was split off; ``finish_reason`` as the API names it; ``planted`` names
    the deliberate mistakes of the offline composer."""

    text: str
    model: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    latency: float = 0.0
    request_id: str = ""
    finish_reason: str = "stop"
    reasoning: str = ""
    planted: tuple[str, ...] = ()


class Teacher(Protocol):
    """Anything that answers a brief. ``name`` is shown and stored with each sample."""

    name: str

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """Write one text.

        Raises:
            TeacherError: one of its kinds, when there is no usable answer.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...
