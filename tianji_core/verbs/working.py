"""The verb ``worker``: a further process for the runs in a shared database."""

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import generation
from tianji_core.errors import InputError
from tianji_core.generation import MAX_CONCURRENCY
from tianji_core.i18n import _
from tianji_core.jobs import run_until_stopped
from tianji_core.verbs.common import LARGEST, WorkspaceOption, opened
from tianji_core.workspace import Workspace

BundleOption = Annotated[
    Path | None,
    typer.Option(
        help="Train the training in this bundle here instead, made by 'train --bundle'.",
        show_default=False,
    ),
]
TrustPresetOption = Annotated[
    bool,
    typer.Option(
        "--trust-preset",
        help="With --bundle: run its preset, which is code, though none here is the same.",
    ),
]


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
    bundle: BundleOption = None,
    base: Annotated[
        str, typer.Option(help="With --bundle: base model here, or the folder that holds the models.")
    ] = "",
    trust_preset: TrustPresetOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Take tasks of runs from the PostgreSQL in TIANJI_DATABASE_URL and write them, on any machine; or train
    the training of a bundle.

    The run's concurrency is shared among its workers. Keys of teachers come from this machine's environment.
    """
    space = opened(workspace)
    if bundle is not None:
        from tianji_core.verbs.bundled_training import train_here

        train_here(space, bundle, base, trust_preset)
        return
    if run is not None and stop is not None:
        raise InputError(_("--run 和 --stop 只能用一个"))
    if stop is not None:
        generation.pause_run(space, stop)
        typer.echo(_("批次 {id} 停下了；继续：python -m tianji_core generate --resume {id}", id=stop))
        return
    if run is not None:
        generation.check_usable_here(space, run)

    _help(space, run, concurrency)


def _help(space: Workspace, run: int | None, concurrency: int) -> None:
    """Works on one run, or on all that are being written, until Ctrl-C or TERM.

    Raises:
        KeyboardInterrupt: Ctrl-C. InputError: the database is SQLite. typer.Exit: TERM, with tasks left.
    """
    interrupted = False

    async def work(asked: asyncio.Event) -> int:
        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            asked.set()

        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, interrupt)
        if run is None:
            typer.echo(_("等着正在写的批次，有了就帮着写；按 Ctrl-C 结束"))
        else:
            typer.echo(_("来帮批次 {id}", id=run))
        if run is None:
            await generation.help_with_all(space, asked, concurrency)
            return 0
        left = await generation.help_with_run(space, run, asked, concurrency)
        typer.echo(_("批次 {id} 还有 {n} 个任务没写", id=run, n=left))
        return left

    code = run_until_stopped(work)
    if interrupted:
        raise KeyboardInterrupt
    if code:
        raise typer.Exit(code)
