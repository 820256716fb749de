"""The worker of a job that follows up samples."""

import asyncio

from tianji_core import dispatch
from tianji_core.generation.following.asking import follow_up
from tianji_core.generation.following.job import FollowingArguments
from tianji_core.generation.following.planning import planned_follow_ups
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.workspace import Workspace


@worker_of(FollowingArguments)
def follow(workspace: Workspace, arguments: FollowingArguments, reporter: Reporter) -> int:
    """Sends the requests that are still to be sent; returns the exit code.

    Raises:
        UnfinishedError: some of them got no usable answer.
    """
    reporter.begin(len(planned_follow_ups(workspace, arguments.recipe, arguments.plan)), _("条"))

    async def ask(stop: asyncio.Event) -> int:
        result = await follow_up(
            workspace,
            arguments.recipe,
            arguments.plan,
            arguments.teacher,
            arguments.concurrency,
            reporter,
            stop,
            options=arguments.options,
        )
        print(
            _(
                "追问了 {stored} 条，没改到位的 {unmet} 条，失败 {failed} 条，还剩 {waiting} 条",
                **vars(result),
            ),
            flush=True,
        )
        if result.failed and not stop.is_set():
            raise dispatch.unfinished(result.stored, result.failed, result.reason)
        return result.waiting

    return run_until_stopped(ask)
