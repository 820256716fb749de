"""The verb ``worker``: a further process for the runs in a shared database."""

import asyncio
from typing import Annotated

import typer

from tianji_core import generation
from tianji_core.errors import InputError
from tianji_core.generation import MAX_CONCURRENCY
from tianji_core.i18n import _
from tianji_core.jobs import run_until_stopped
from tianji_core.verbs.common import LARGEST, WorkspaceOption, opened


def worker(
    run: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=LARGEST,
            help="Work on this run only, until nothing is left; default: on every run being written.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(min=1, max=MAX_CONCURRENCY, help="Most requests at once from this process."),
    ] = MAX_CONCURRENCY,
    stop: Annotated[
        int | None,
        typer.Option(
            min=1, max=LARGEST, help="Stop this run in all its workers instead.", show_default=False
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Take tasks of runs from the PostgreSQL in TIANJI_DATABASE_URL and write them, on any machine.

    The run's concurrency is shared among its workers. Keys of teachers come from this machine's environment.
    """
    space = opened(workspace)
    if run is not None and stop is not None:
        raise InputError(_("--run 和 --stop 只能用一个"))
    if stop is not None:
        generation.pause_run(space, stop)
        typer.echo(_("批次 {id} 停下了；继续：python -m tianji_core generate --resume {id}", id=stop))
        return
    if run is not None:
        generation.check_usable_here(space, run)

    async def work(asked: asyncio.Event) -> int:
        if run is None:
            await generation.help_with_all(space, asked, concurrency)
            return 0
        left = await generation.help_with_run(space, run, asked, concurrency)
        typer.echo(_("批次 {id} 还有 {n} 个任务没写", id=run, n=left))
        return left

    if code := run_until_stopped(work):
        raise typer.Exit(code)
