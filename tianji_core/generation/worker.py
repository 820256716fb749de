"""The worker of a generation job."""

import asyncio

from tianji_core.generation.generating import run_generation
from tianji_core.generation.job import GenerationSubject
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.store import runs as run_store
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace


@worker_of(GenerationSubject)
def generate(workspace: Workspace, subject: GenerationSubject, reporter: Reporter) -> int:
    """Sends the pending tasks of a run; returns the exit code."""
    keep_small(workspace.engine)
    run = run_store.get(workspace.engine, subject.run_id)
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
