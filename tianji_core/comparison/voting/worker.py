"""The worker of a voting job."""

import asyncio

from tianji_core import dispatch
from tianji_core.comparison.board import load_board
from tianji_core.comparison.voting.job import VotingArguments
from tianji_core.comparison.voting.pairs import judge_name, open_pairs, vote_board
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_until_stopped, worker_of
from tianji_core.workspace import Workspace


@worker_of(VotingArguments)
def vote(workspace: Workspace, arguments: VotingArguments, reporter: Reporter) -> int:
    """Lets a teacher judge the pairs of a board without a verdict; returns the exit code.

    Raises:
        UnfinishedError: some of them got no usable verdict.
    """
    board = load_board(workspace, arguments.board)
    reporter.begin(len(open_pairs(workspace, board, judge_name(workspace, arguments.teacher))), _("对"))

    async def judge(stop: asyncio.Event) -> int:
        result = await vote_board(workspace, board, arguments.teacher, arguments.concurrency, reporter, stop)
        print(_("评了 {judged} 对，失败 {failed} 对，还剩 {waiting} 对", **vars(result)), flush=True)
        if result.failed and not stop.is_set():
            raise dispatch.unfinished(result.judged, result.failed, result.reason)
        return result.waiting

    return run_until_stopped(judge)
