"""The child process of a voting job: ``python -m tianji_core.comparison.voting.worker BOARD TEACHER CONCURRENCY --workspace
DIR``, the teacher as JSON, never with a key."""

import argparse
import asyncio
import sys

from tianji_core.comparison.board import load_board
from tianji_core.comparison.voting.pairs import judge_name, open_pairs, vote_board
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child, run_until_stopped
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    board = load_board(workspace, arguments.board)
    reporter.begin(len(open_pairs(workspace, board, judge_name(workspace, arguments.teacher))), _("对"))

    async def judge(stop: asyncio.Event) -> int:
        result = await vote_board(workspace, board, arguments.teacher, arguments.concurrency, reporter, stop)
        print(_("评了 {judged} 对，失败 {failed} 对，还剩 {waiting} 对", **vars(result)), flush=True)
        return result.waiting

    return run_until_stopped(judge)


def main(argv: list[str]) -> int:
    """Vote; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.comparison.voting.worker",
        description="let a teacher vote on a comparison",
    )
    parser.add_argument("board")
    parser.add_argument("teacher", type=TeacherChoice.model_validate_json)
    parser.add_argument("concurrency", type=int)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
