"""The child process of a generation job: ``python -m tianji_core.generation.worker RUN --workspace DIR``."""

import argparse
import asyncio
import signal
import sys

from tianji_core.errors import StudioError
from tianji_core.generation.engine import run_generation
from tianji_core.i18n import _, set_language
from tianji_core.jobs import Reporter
from tianji_core.store import runs as rows
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace, open_workspace

STOPPED = 128 + signal.SIGTERM


async def _work(workspace: Workspace, run_id: int, reporter: Reporter) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    state = await run_generation(workspace, run_id, reporter, stop)
    counts = state.counts
    print(_("写好 {done} 条，失败 {failed} 条，还剩 {pending} 条", **vars(counts)), flush=True)
    return STOPPED if stop.is_set() and counts.pending else 0


def main(argv: list[str]) -> int:
    """Work off a run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.generation.worker", description="work off a run"
    )
    parser.add_argument("run", type=int)
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    reporter = None
    try:
        workspace = open_workspace(arguments.workspace)
        keep_small(workspace.engine)
        set_language(workspace.settings().language)
        run = rows.get(workspace.engine, arguments.run)
        counts = rows.counts(workspace.engine, [run.id])[run.id]
        reporter = Reporter(total=run.total, unit=_("条"), done=counts.done + counts.failed)
        print(
            _(
                "{title}：共 {total} 条，还要写 {pending} 条",
                title=run.title,
                total=run.total,
                pending=counts.pending,
            ),
            flush=True,
        )
        return asyncio.run(_work(workspace, run.id, reporter))
    except StudioError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        if reporter is not None:
            reporter.fail(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
