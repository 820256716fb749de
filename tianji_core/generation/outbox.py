"""Answers on their way into the database: written in small batches by one task, so that waiting for the disk never
holds up a request, and no answer waits longer than a moment."""

import asyncio
from collections.abc import Callable

from tianji_core.store import runs as rows
from tianji_core.store.database import Engine
from tianji_core.store.runs import Failure, Run, Written

FLUSH_SECONDS = 0.05
"""The longest an answer waits for company before its transaction begins."""
MAX_BATCH = 500


class Outbox:
    """Put results in with :meth:`put`; :meth:`run` stores them until :meth:`close`."""

    def __init__(self, engine: Engine, run: Run, on_stored: Callable[[int, int], None]) -> None:
        self._engine = engine
        self._run = run
        self._on_stored = on_stored
        self._queue: asyncio.Queue[Written | Failure | None] = asyncio.Queue(maxsize=4 * MAX_BATCH)

    async def put(self, item: Written | Failure) -> None:
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
            written = [item for item in batch if isinstance(item, Written)]
            failures = [item for item in batch if isinstance(item, Failure)]
            if written or failures:
                await asyncio.to_thread(rows.store, self._engine, self._run, written, failures)
                self._on_stored(len(written), len(failures))
