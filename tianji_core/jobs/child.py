"""What every job's child does around its work."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence

from tianji_core.errors import StudioError
from tianji_core.i18n import set_language
from tianji_core.jobs.control import settle
from tianji_core.jobs.progress import Reporter
from tianji_core.workspace import Workspace, open_workspace

STOPPED = 128 + signal.SIGTERM
"""Exit code of a child that was told to stop before it was done."""


def run_child(
    parser: argparse.ArgumentParser,
    argv: Sequence[str],
    work: Callable[[Workspace, argparse.Namespace, Reporter], int],
) -> int:
    """Open the workspace of ``--workspace``, speak the person's language and work. Returns the exit code; an error of
    the studio becomes one line on standard error and the job's note."""
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    reporter = Reporter()
    workspace: Workspace | None = None
    try:
        workspace = open_workspace(arguments.workspace)
        set_language(workspace.settings().language)
        code = work(workspace, arguments, reporter)
    except StudioError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        reporter.fail(str(error))
        if workspace is not None:
            settle(workspace, error.exit_code, str(error))
        return error.exit_code
    settle(workspace, code)
    return code


def run_until_stopped(work: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    """Run ``work`` until it ends; TERM and INT set the event it is given. ``work`` returns what is left undone.
    Returns the exit code."""

    async def guarded() -> int:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        left = await work(stop)
        return STOPPED if stop.is_set() and left else 0

    return asyncio.run(guarded())
