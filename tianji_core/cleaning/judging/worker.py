"""The worker of a judging job."""

import asyncio

from tianji_core import dispatch
from tianji_core.cleaning.judging.job import JudgingArguments
from tianji_core.cleaning.judging.scoring import judge_samples
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.store import judgements
from tianji_core.workspace import Workspace


@worker_of(JudgingArguments)
def judge(workspace: Workspace, arguments: JudgingArguments, reporter: Reporter) -> int:
    """Lets a teacher score the samples without a score; returns the exit code.

    Raises:
        UnfinishedError: some of them got no usable verdict.
    """
    reporter.begin(judgements.waiting_count(workspace.engine, arguments.filter), _("条"))

    async def score(stop: asyncio.Event) -> int:
        result = await judge_samples(
            workspace, arguments.filter, arguments.judge, arguments.concurrency, reporter, stop
        )
        print(_("评了 {judged} 条，失败 {failed} 条，还剩 {waiting} 条", **vars(result)), flush=True)
        if result.failed and not stop.is_set():
            raise dispatch.unfinished(result.judged, result.failed, result.reason)
        return result.waiting

    return run_until_stopped(score)
