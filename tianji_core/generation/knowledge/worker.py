"""The child process of a knowledge run: ``python -m tianji_core.generation.knowledge.worker RUN --workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core.generation.knowledge.extracting import run_knowledge
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child, run_until_stopped
from tianji_core.store import knowledge as knowledge_store
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    keep_small(workspace.engine)
    run = knowledge_store.get(workspace.engine, arguments.run)
    counts = knowledge_store.counts(workspace.engine, run.id)
    reporter.begin(run.total, _("块"), counts.done + counts.failed)

    async def ask(stop: asyncio.Event) -> int:
        counts = (await run_knowledge(workspace, run.id, reporter, stop)).counts
        print(
            _(
                "得到 {pairs} 条问答，重复的 {repeated} 条没有要；失败 {failed} 块，还剩 {pending} 块",
                pairs=counts.pairs,
                repeated=counts.repeated,
                failed=counts.failed,
                pending=counts.pending,
            ),
            flush=True,
        )
        return counts.pending

    return run_until_stopped(ask)


def main(argv: list[str]) -> int:
    """Asks about the pending chunks of a run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.generation.knowledge.worker",
        description="ask about the pending chunks of a knowledge run",
    )
    parser.add_argument("run", type=int)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
