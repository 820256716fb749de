"""Requests several answers to one question at the same time from any server. Each answer is a request of
its own, because not every server supports ``n``, and the studio's server processes an equal prompt only
once."""

import contextlib
import queue
import threading
from collections.abc import Generator, Sequence
from dataclasses import replace

from tianji_core.errors import ServerError, StudioError
from tianji_core.gate import clean_sentence
from tianji_core.serving.client import ChatChunk, ChatSampling, Message, chat_stream

MOST = 8
"""Most candidates at a time."""

GLANCE = 0.2
"""Seconds between two checks of ``stop`` while no text arrives."""


def candidates(
    url: str,
    model: str,
    messages: Sequence[Message],
    sampling: ChatSampling,
    key: str | None = None,
    count: int = 1,
    stop: threading.Event | None = None,
) -> Generator[tuple[int, ChatChunk], None, None]:
    """Yields (index of the answer, chunk) as chunks arrive. With a seed, each answer uses the next seed.
    Closing the iterator disconnects all requests; ``stop`` ends it while no text arrives.

    Raises:
        InputError: ``url`` is not an address (at once).
        ServerError: as for :func:`~tianji_core.serving.client.chat_stream`, with the first failure (while
            iterating).
    """
    wishes = [
        sampling if sampling.seed is None else replace(sampling, seed=sampling.seed + at)
        for at in range(count)
    ]
    return _together([chat_stream(url, model, messages, wish, key) for wish in wishes], stop)


def _together(
    streams: list[Generator[ChatChunk, None, None]], stop: threading.Event | None
) -> Generator[tuple[int, ChatChunk], None, None]:
    came: queue.SimpleQueue[tuple[int, ChatChunk | StudioError | None]] = queue.SimpleQueue()
    closing = threading.Event()

    def read(at: int, stream: Generator[ChatChunk, None, None]) -> None:
        try:
            with contextlib.closing(stream):
                for piece in stream:
                    came.put((at, piece))
                    if closing.is_set():
                        return
        except StudioError as error:
            came.put((at, error))
        except Exception as error:  # the consumer needs an end marker, whatever a server sends
            came.put((at, ServerError(clean_sentence(f"{type(error).__name__}: {error}"))))
        finally:
            came.put((at, None))

    for at, stream in enumerate(streams):
        threading.Thread(target=read, args=(at, stream), name=f"candidate-{at}", daemon=True).start()
    open_ones = len(streams)
    try:
        while open_ones and not (stop is not None and stop.is_set()):
            try:
                at, said = came.get(timeout=GLANCE)
            except queue.Empty:
                continue
            if said is None:
                open_ones -= 1
            elif isinstance(said, StudioError):
                raise said
            else:
                yield at, said
    finally:
        closing.set()
