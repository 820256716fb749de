"""Writes results to the database in small batches from one task, so that no request waits for the disk."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from tianji_core.dispatch.disk import with_room

R = TypeVar("R")

FLUSH_SECONDS = 0.05
"""Seconds that a result waits for others before its transaction begins."""
MAX_BATCH = 500


class Outbox(Generic[R]):
    """Takes results with :meth:`put`; :meth:`run` passes them in batches to ``store``, in a thread, until
    :meth:`close`. ``store`` returns what it stored, and ``on_stored`` is called with that. While the disk is
    full the batch waits, until ``stop`` is set; see :func:`with_room`."""

    def __init__(
        self,
        store: Callable[[list[R]], list[R]],
        on_stored: Callable[[list[R]], None],
        stop: asyncio.Event,
        on_full: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._on_stored = on_stored
        self._stop = stop
        self._on_full = on_full
        self._queue: asyncio.Queue[R | None] = asyncio.Queue(maxsize=4 * MAX_BATCH)

    async def put(self, item: R) -> None:
        """Adds a result; waits only while thousands are not stored yet."""
        await self._queue.put(item)

    async def close(self) -> None:
        """Announces the last result: :meth:`run` returns once everything is stored."""
        await self._queue.put(None)

    async def run(self) -> None:
        """Stores the results until closed, each batch in one call of ``store``."""
        open_ = True
        while open_:
            batch = [await self._queue.get()]
            if batch[0] is not None:
                await asyncio.sleep(FLUSH_SECONDS)
            while not self._queue.empty() and len(batch) < MAX_BATCH:
                batch.append(self._queue.get_nowait())
            open_ = None not in batch
            results = [item for item in batch if item is not None]
            if results:
                stored = await with_room(partial(self._store, results), self._stop, self._on_full)
                self._on_stored(stored)
