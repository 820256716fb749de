"""The child process of a generation job: ``python -m tianji_core.generation.worker RUN --workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core.generation.generating import run_generation
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child, run_until_stopped
from tianji_core.store import runs as run_store
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    keep_small(workspace.engine)
    run = run_store.get(workspace.engine, arguments.run)
    counts = run_store.counts(workspace.engine, [run.id])[run.id]
    reporter.begin(run.total, _("条"), counts.done + counts.failed)
    print(
        _(
            "{title}：共 {total} 条，还要写 {pending} 条",
            title=run.title,
            total=run.total,
            pending=counts.pending,
        ),
        flush=True,
    )

    async def write(stop: asyncio.Event) -> int:
        counts = (await run_generation(workspace, run.id, reporter, stop)).counts
        print(_("写好 {done} 条，失败 {failed} 条，还剩 {pending} 条", **vars(counts)), flush=True)
        return counts.pending

    return run_until_stopped(write)


def main(argv: list[str]) -> int:
    """Runs the pending tasks of a run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.generation.worker",
        description="run the pending tasks of a generation run",
    )
    parser.add_argument("run", type=int)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
