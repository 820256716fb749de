"""How a model server answers many at once: asks any OpenAI-compatible address with the official client.

A level is so many threads, each of which asks again as soon as it has its answer, as people or programs do
that wait for an answer. Percentiles are those of the nearest rank (NIST Engineering Statistics Handbook,
7.2.6.2).
"""

import itertools
import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from tianji_core.errors import InputError, StudioError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.serving.client import ChatSampling, Message, chat_stream

MOST_AT_ONCE, MOST_REQUESTS = 512, 100_000


@dataclass(frozen=True)
class TimedAnswer:
    """One answer: seconds to its first text and to its end, and its tokens; ``error`` where it failed ('' for
    none). Tokens are those that the server reports, else the pieces it came in."""

    first: float
    whole: float
    tokens: int
    error: str = ""


@dataclass(frozen=True)
class LoadLevel:
    """What was measured with ``concurrency`` requests open at a time. Times are in seconds; ``seconds`` is
    how long the level took, ``tokens_per_second`` counts the tokens of all answers in that time. The
    percentiles are of the answers that succeeded, 0 where none did."""

    concurrency: int
    requests: int
    errors: int
    first_error: str
    seconds: float
    first_p50: float
    first_p95: float
    whole_p50: float
    whole_p95: float
    tokens: int
    tokens_per_second: float
    requests_per_second: float


def load_level(
    url: str,
    model: str,
    questions: Sequence[Sequence[Message]],
    concurrency: int,
    requests: int,
    max_tokens: int = 128,
    key: str | None = None,
    each: Callable[[int, int], None] | None = None,
) -> LoadLevel:
    """Asks ``requests`` times, ``concurrency`` at a time, the questions in turn; calls ``each`` with
    (answered, all). What fails is counted, nothing is asked twice.

    Raises:
        InputError: a number is out of its bounds, or ``url`` is not an address.
    """
    if not 1 <= concurrency <= MOST_AT_ONCE or not 1 <= requests <= MOST_REQUESTS or not questions:
        raise InputError(
            _("同时的请求数要在 1 到 {most} 之间，总数不超过 {all}", most=MOST_AT_ONCE, all=MOST_REQUESTS)
        )
    sampling = ChatSampling(temperature=0.7, max_tokens=max_tokens)
    numbers, lock = itertools.count(), threading.Lock()
    done: list[TimedAnswer] = []
    stopping = threading.Event()

    def work() -> None:
        while not stopping.is_set():
            with lock:
                number = next(numbers)
            if number >= requests:
                return
            measured = _ask(url, model, questions[number % len(questions)], sampling, key)
            with lock:
                done.append(measured)
                if each is not None:
                    each(len(done), requests)

    threads = [threading.Thread(target=work, daemon=True) for _number in range(min(concurrency, requests))]
    begun = time.perf_counter()
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stopping.set()
    return _level(concurrency, done, time.perf_counter() - begun)


def nearest_rank(values: Sequence[float], percent: float) -> float:
    """Returns the smallest value that at least ``percent`` of the values do not exceed; 0 where there are
    none."""
    ordered = sorted(values)
    return ordered[max(1, math.ceil(percent / 100 * len(ordered))) - 1] if ordered else 0.0


def _ask(
    url: str, model: str, messages: Sequence[Message], sampling: ChatSampling, key: str | None
) -> TimedAnswer:
    begun = time.perf_counter()
    first, pieces, tokens = 0.0, 0, 0
    try:
        with closing(chat_stream(url, model, messages, sampling, key)) as stream:
            for chunk in stream:
                if chunk.text:
                    first = first or time.perf_counter() - begun
                    pieces += 1
                tokens = chunk.completion_tokens or tokens
    except StudioError as error:
        return TimedAnswer(0.0, 0.0, 0, clean_sentence(error))
    if not pieces:
        return TimedAnswer(0.0, 0.0, 0, _("回答是空的"))
    return TimedAnswer(first, time.perf_counter() - begun, tokens or pieces)


def _level(concurrency: int, done: Sequence[TimedAnswer], seconds: float) -> LoadLevel:
    good = [one for one in done if not one.error]
    tokens = sum(one.tokens for one in good)
    return LoadLevel(
        concurrency=concurrency,
        requests=len(done),
        errors=len(done) - len(good),
        first_error=next((one.error for one in done if one.error), ""),
        seconds=round(seconds, 3),
        first_p50=round(nearest_rank([one.first for one in good], 50), 4),
        first_p95=round(nearest_rank([one.first for one in good], 95), 4),
        whole_p50=round(nearest_rank([one.whole for one in good], 50), 4),
        whole_p95=round(nearest_rank([one.whole for one in good], 95), 4),
        tokens=tokens,
        tokens_per_second=round(tokens / seconds, 1),
        requests_per_second=round(len(good) / seconds, 2),
    )
