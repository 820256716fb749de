"""Waiting for room on the disk: answers are paid for, so they are kept in memory until they can be stored."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from tianji_core.errors import DiskFullError

T = TypeVar("T")

LOOK = 2.0
"""Seconds between two attempts while the disk is full."""


async def with_room(action: Callable[[], T], stop: asyncio.Event, on_full: Callable[[bool], None]) -> T:
    """Returns what ``action`` returns; it is called in a thread, and again while the disk is full.
    ``on_full`` is called with True when the waiting begins and with False when there is room again.

    Raises:
        DiskFullError: ``stop`` is set and there is still no room.
    """
    waiting = False
    while True:
        last = stop.is_set()
        try:
            result = await asyncio.to_thread(action)
        except DiskFullError:
            if last:
                raise
            if not waiting:
                waiting = True
                on_full(True)
            try:
                async with asyncio.timeout(LOOK):
                    await stop.wait()
            except TimeoutError:
                continue
        else:
            if waiting:
                on_full(False)
            return result
