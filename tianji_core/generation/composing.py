"""Runs tasks with the offline composer. It never waits for a network, so a pool of workers would only cost
time."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from tianji_core.errors import ComposerError, PlanError
from tianji_core.generation.writing import written
from tianji_core.recipe import Recipe, Task, brief
from tianji_core.store.runs import Failure, Written
from tianji_core.teachers.composer import Composer

BATCH = 250
"""Texts per transaction: about 50 ms of work."""


async def compose_tasks(
    recipe: Recipe, seed: int, composer: Composer, tasks: Iterator[Task], stop: asyncio.Event
) -> AsyncIterator[tuple[list[Written], list[Failure]]]:
    """Yields batches of texts and failures until no task is left or ``stop`` is set."""
    exhausted = False
    while not exhausted and not stop.is_set():
        texts: list[Written] = []
        failures: list[Failure] = []
        for task in tasks:
            try:
                asked = brief(recipe, task, seed)
                texts.append(written(recipe, asked, composer.compose(asked)))
            except (ComposerError, PlanError) as error:
                failures.append(Failure(task, error.kind, str(error)))
            if len(texts) + len(failures) >= BATCH:
                break
        else:
            exhausted = True
        if texts or failures:
            yield texts, failures
        await asyncio.sleep(0)  # lets the event loop handle the stop signal
