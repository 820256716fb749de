"""One dispatch from its first request to its last stored result."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from tianji_core.dispatch.budget import Budget
from tianji_core.dispatch.dispatcher import Dispatcher, Retry
from tianji_core.dispatch.lanes import Answered, Failed, Lane
from tianji_core.dispatch.options import RunOptions
from tianji_core.dispatch.outbox import Outbox
from tianji_core.dispatch.pulse import Pulse
from tianji_core.errors import StorageError

T = TypeVar("T")
R = TypeVar("R")

Batch = Callable[[list[R], list[Failed[T]]], None]
"""Takes the results of one batch and the items that got none."""

PULSE_SECONDS = 1.0

_Ended = Answered[T, R] | Failed[T]


async def run(
    lanes: Sequence[Lane[T, R]],
    store: Batch[R, T],
    *,
    concurrency: int,
    items: int,
    on_stored: Batch[R, T] | None = None,
    budget: Budget | None = None,
    retry: Retry | None = None,
    stop: asyncio.Event | None = None,
    on_pulse: Callable[[Pulse], int | None] | None = None,
    allowed: int | None = None,
    on_full: Callable[[bool], None] = lambda _full: None,
    on_closed: Callable[[datetime | None], None] = lambda _opens: None,
) -> None:
    """Send every item of the lanes, at most ``concurrency`` requests at once over all of them, and store what
    comes back before returning.

    ``items`` is the most that a lane may hold; fewer workers are started where it is small. ``store`` is
    called in a thread with one batch at a time, ``on_stored`` in the event loop once the batch is stored. A
    batch that raises StorageError is stored row by row; the result that does not fit becomes a failure.
    Setting ``stop`` ends the run early; items that were not sent stay as they are. ``on_pulse`` is called in
    a thread once a second and once at the end; it may return how many requests may be in flight from then on,
    where that is fewer than ``concurrency``. ``allowed`` is that number at the start.

    While the disk is full nothing is sent, and what was answered is kept until there is room. ``on_full`` is
    called with True when that begins and with False when it ends; ``store`` may get a batch several times.
    ``on_closed`` is told the hour that all that is left waits for, and None once it goes on.

    Raises:
        DiskFullError: ``stop`` was set while the disk was full.
        TeacherError: going on makes no sense (wrong key, unknown model, nobody answers).
        RunLimitError: the budget or the time is used up. What was answered until then is stored.
    """

    def store_batch(batch: list[_Ended[T, R]]) -> list[_Ended[T, R]]:
        return _stored(batch, store)

    def report_batch(batch: list[_Ended[T, R]]) -> None:
        if on_stored is not None:
            on_stored(*_sorted(batch))

    def pause(full: bool) -> None:
        dispatcher.hold(full)
        on_full(full)

    stop = stop or asyncio.Event()
    outbox: Outbox[_Ended[T, R]] = Outbox(store_batch, report_batch, stop, pause)
    budget = budget or Budget(RunOptions())
    dispatcher = Dispatcher(lanes, outbox.put, concurrency, stop, retry or Retry(), budget, on_closed)
    if allowed is not None:
        dispatcher.allow(allowed)
    async with _pulsing(dispatcher, on_pulse):
        await _until_stored(dispatcher, outbox, items)


def _stored(batch: list[_Ended[T, R]], store: Batch[R, T]) -> list[_Ended[T, R]]:
    """Stores a batch; returns it with failures in place of results that do not fit.

    Raises:
        StorageError: not even a failure can be stored.
    """
    try:
        store(*_sorted(batch))
    except StorageError as error:
        if len(batch) > 1:
            return [stored for ended in batch for stored in _stored([ended], store)]
        if isinstance(batch[0], Failed):
            raise
        return _stored([batch[0].failed(error.kind, str(error))], store)
    return batch


def _sorted(batch: list[_Ended[T, R]]) -> tuple[list[R], list[Failed[T]]]:
    results = [ended.result for ended in batch if not isinstance(ended, Failed)]
    return results, [ended for ended in batch if isinstance(ended, Failed)]


async def _until_stored(dispatcher: Dispatcher[T, R], outbox: Outbox[_Ended[T, R]], items: int) -> None:
    """Dispatch and store side by side; the first error of either ends both."""
    storing = asyncio.create_task(outbox.run())
    sending = asyncio.create_task(dispatcher.work(items))
    await asyncio.wait({storing, sending}, return_when=asyncio.FIRST_COMPLETED)
    if storing.done():  # storing failed, so further answers would be lost
        sending.cancel()
        await asyncio.wait({sending})
    else:
        await outbox.close()
    await storing
    await sending


@contextlib.asynccontextmanager
async def _pulsing(
    dispatcher: Dispatcher[T, R], on_pulse: Callable[[Pulse], int | None] | None
) -> AsyncIterator[None]:
    """Report the pulse every second of the block, and once more at its end."""
    if on_pulse is None:
        yield
        return

    async def beat() -> None:
        while True:
            if (allowed := await asyncio.to_thread(on_pulse, dispatcher.pulse())) is not None:
                dispatcher.allow(allowed)
            await asyncio.sleep(PULSE_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await beating
        on_pulse(dispatcher.pulse())
