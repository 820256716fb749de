"""One teacher at several addresses, such as vLLM servers with the same model on several cards or machines.
Each request goes to the address with the fewest open ones; an address that fails is left out for a while."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tianji_core.errors import (
    TeacherError,
    TeacherRateLimitError,
    TeacherTimeoutError,
    TeacherUnreachableError,
)
from tianji_core.i18n import _
from tianji_core.recipe import Brief
from tianji_core.teachers.base import Answer, ChatTeacher, Sampling

T = TypeVar("T")

FIRST_REST, LONGEST_REST = 2.0, 60.0
"""Seconds for which an address is left out after its first failure in a row, and at most."""
FAULTS = (TeacherUnreachableError, TeacherTimeoutError, TeacherRateLimitError)
"""Errors of an address, where another one may answer the same request."""


class _Address:
    """One address with its health."""

    def __init__(self, url: str, teacher: ChatTeacher) -> None:
        self.url = url
        self.teacher = teacher
        self.open = 0
        self.failures = 0
        self.rests_until = 0.0

    def failed(self, error: TeacherError) -> None:
        """Leaves the address out for a while, twice as long after each further failure."""
        rest = min(LONGEST_REST, FIRST_REST * 2**self.failures)
        if isinstance(error, TeacherRateLimitError) and error.retry_after is not None:
            rest = min(LONGEST_REST, error.retry_after)
        if not self.failures:
            print(_("接口地址 {url} 出错，先用别的：{reason}", url=self.url, reason=error), flush=True)
        self.failures += 1
        self.rests_until = time.monotonic() + rest

    def answered(self) -> None:
        """Uses the address as before."""
        if self.failures:
            print(_("接口地址 {url} 又能用了", url=self.url), flush=True)
        self.failures = 0
        self.rests_until = 0.0


class SeveralAddresses:
    """A teacher made of the same model at several addresses. ``teachers`` holds the teacher of each."""

    def __init__(self, urls: Sequence[str], teachers: Sequence[ChatTeacher]) -> None:
        self.name = teachers[0].name
        self._addresses = [_Address(*pair) for pair in zip(urls, teachers, strict=True)]

    async def answer(self, brief: Brief, sampling: Sampling) -> Answer:
        """Returns one completion of the brief's prompt, from whichever address answers.

        Raises:
            TeacherError: one of its kinds; that of the last address where none answers.
        """
        return await self._somewhere(lambda teacher: teacher.answer(brief, sampling))

    async def complete(
        self, prompt: str, sampling: Sampling, system: str = "", history: Sequence[tuple[str, str]] = ()
    ) -> Answer:
        """Returns one completion of ``prompt`` after the turns in ``history``; errors as :meth:`answer`."""
        return await self._somewhere(lambda teacher: teacher.complete(prompt, sampling, system, history))

    async def _somewhere(self, ask: Callable[[ChatTeacher], Awaitable[T]]) -> T:
        left = list(self._addresses)
        while True:
            awake = [each for each in left if each.rests_until <= time.monotonic()]
            # Where all rest, the one that wakes first is asked: nothing is lost by trying.
            chosen = min(awake, key=lambda each: each.open) if awake else min(left, key=_wakes_at)
            left.remove(chosen)
            chosen.open += 1
            try:
                result = await ask(chosen.teacher)
            except FAULTS as error:
                chosen.failed(error)
                if not left:
                    raise
            else:
                chosen.answered()
                return result
            finally:
                chosen.open -= 1

    async def check(self) -> list[str]:
        """Checks every address; returns the models that all of those in order list.

        Raises:
            TeacherError: an address is not in order; says which.
        """
        results = await asyncio.gather(
            *(each.teacher.check() for each in self._addresses), return_exceptions=True
        )
        listed: list[str] | None = None
        for each, result in zip(self._addresses, results, strict=True):
            if isinstance(result, TeacherError):
                raise type(result)(_("{url}：{reason}", url=each.url, reason=result))
            if isinstance(result, BaseException):
                raise result
            listed = result if listed is None else [model for model in listed if model in result]
        return listed or []

    async def aclose(self) -> None:
        """Closes the connections to every address."""
        for each in self._addresses:
            await each.teacher.aclose()


def _wakes_at(address: _Address) -> float:
    return address.rests_until
