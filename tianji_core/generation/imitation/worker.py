"""The worker of an imitation job."""

import asyncio

from tianji_core.generation.imitation.job import ImitationSubject
from tianji_core.generation.imitation.talking import run_imitation
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.store import imitation as rows
from tianji_core.store.footprint import keep_small
from tianji_core.workspace import Workspace


@worker_of(ImitationSubject)
def write_alike(workspace: Workspace, subject: ImitationSubject, reporter: Reporter) -> int:
    """Writes what an imitation run lacks; returns the exit code."""
    keep_small(workspace.engine)
    run = rows.get(workspace.engine, subject.imitation_run_id)
    counts = rows.counts(workspace.engine, [run.id])[run.id]
    reporter.begin(counts.total, _("条"), counts.done + counts.left + counts.failed)

    async def write(stop: asyncio.Event) -> int:
        counts = (await run_imitation(workspace, run.id, reporter, stop)).counts
        print(
            _(
                "照着写了 {done} 条，太像的 {left} 条留给人看；失败 {failed} 条，还剩 {pending} 条",
                done=counts.done,
                left=counts.left,
                failed=counts.failed,
                pending=counts.pending,
            ),
            flush=True,
        )
        return counts.pending

    return run_until_stopped(write)
