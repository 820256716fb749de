"""Results on their way into the database: written in small batches by one task, so that waiting for the disk never
holds up a request, and no result waits longer than a moment."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

R = TypeVar("R")

FLUSH_SECONDS = 0.05
"""The longest a result waits for company before its transaction begins."""
MAX_BATCH = 500


class Outbox(Generic[R]):
    """Put results in with :meth:`put`; :meth:`run` hands them to ``store``, in a thread, until :meth:`close`.
    ``on_stored`` is called with each batch once it is stored."""

    def __init__(self, store: Callable[[list[R]], None], on_stored: Callable[[list[R]], None]) -> None:
        self._store = store
        self._on_stored = on_stored
        self._queue: asyncio.Queue[R | None] = asyncio.Queue(maxsize=4 * MAX_BATCH)

    async def put(self, item: R) -> None:
        """Hand over a result; waits only when the disk is far behind."""
        await self._queue.put(item)

    async def close(self) -> None:
        """No more results will come: :meth:`run` returns once everything is stored."""
        await self._queue.put(None)

    async def run(self) -> None:
        """Store what comes, each batch in one transaction, until closed."""
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
                await asyncio.to_thread(self._store, results)
                self._on_stored(results)
