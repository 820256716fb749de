"""The worker of a knowledge job."""

import asyncio

from tianji_core.generation.knowledge.extracting import run_knowledge
from tianji_core.generation.knowledge.job import KnowledgeSubject
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.store import knowledge as knowledge_store
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace


@worker_of(KnowledgeSubject)
def ask_about_documents(workspace: Workspace, subject: KnowledgeSubject, reporter: Reporter) -> int:
    """Asks about the pending chunks of a knowledge run; returns the exit code."""
    keep_small(workspace.engine)
    run = knowledge_store.get(workspace.engine, subject.knowledge_run_id)
    counts = knowledge_store.counts(workspace.engine, run.id)
    reporter.begin(run.total, _("块"), counts.done + counts.failed)

    async def ask(stop: asyncio.Event) -> int:
        counts = (await run_knowledge(workspace, run.id, reporter, stop)).counts
        print(
            _(
                "得到 {pairs} 条问答，重复的 {repeated} 条没有要，没有用上 {unused} 项；失败 {failed} 块，还剩 {pending} 块",
                pairs=counts.pairs,
                repeated=counts.repeated,
                unused=counts.unused,
                failed=counts.failed,
                pending=counts.pending,
            ),
            flush=True,
        )
        return counts.pending

    return run_until_stopped(ask)
