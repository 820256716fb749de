"""The interface of every teacher (造数模型)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from tianji_core.recipe import Brief


@dataclass(frozen=True)
class Sampling:
    """Request parameters, sent as fields of the request; None leaves the server's default."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Answer:
    """The answer of a teacher. Tokens are None where the server does not count them; latency in seconds;
    ``reasoning`` is thinking that was split off the text; ``finish_reason`` as the API names it; ``planted``
    names the deliberate mistakes of the offline composer."""

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
        """Writes one text.

        Raises:
            TeacherError: one of its kinds, when there is no usable answer.
        """
        ...

    async def aclose(self) -> None:
        """Closes the connections."""
        ...


@runtime_checkable
class BatchTeacher(Teacher, Protocol):
    """A teacher whose requests can be sent in files (:mod:`tianji_core.teachers.batches`)."""

    def batch_body(self, brief: Brief, sampling: Sampling) -> dict[str, Any]:
        """Returns the body of a request for the brief."""
        ...

    def batch_answer(self, body: bytes, request_id: str) -> Answer:
        """Returns the answer in the body of a response.

        Raises:
            TeacherError: one of its kinds, when there is no usable answer.
        """
        ...


@runtime_checkable
class ChatTeacher(Teacher, Protocol):
    """A teacher that answers any prompt, not only the briefs of a plan."""

    async def complete(
        self, prompt: str, sampling: Sampling, system: str = "", history: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Answers one prompt, with a system message where ``system`` is not '', after the earlier turns of
        the talk in ``history``, as (asked, answered).

        Raises:
            TeacherError: one of its kinds, when there is no usable answer.
        """
        ...

    async def check(self) -> list[str]:
        """Checks key and address, and the model where one is named; returns the models that the server lists.

        Raises:
            TeacherError: what is wrong.
        """
        ...
