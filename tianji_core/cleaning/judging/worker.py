"""The child process of a judging job: ``python -m tianji_core.cleaning.judging.worker FILTER TEACHER CONCURRENCY
--workspace DIR``, both first arguments as JSON; a teacher never holds a key."""

import argparse
import asyncio
import json
import sys
from typing import Any

from tianji_core.cleaning.judging.scoring import judge_samples
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child, run_until_stopped
from tianji_core.store import judgements
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def _filter(text: str) -> SampleFilter:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(text).items()
    }
    return SampleFilter(**fields)


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    selection: SampleFilter = arguments.filter
    reporter.begin(judgements.waiting_count(workspace.engine, selection), _("条"))

    async def judge(stop: asyncio.Event) -> int:
        result = await judge_samples(
            workspace, selection, arguments.teacher, arguments.concurrency, reporter, stop
        )
        print(_("评了 {judged} 条，失败 {failed} 条，还剩 {waiting} 条", **vars(result)), flush=True)
        return result.waiting

    return run_until_stopped(judge)


def main(argv: list[str]) -> int:
    """Judges the samples of a filter; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.cleaning.judging.worker", description="judge samples"
    )
    parser.add_argument("filter", type=_filter)
    parser.add_argument("teacher", type=TeacherChoice.model_validate_json)
    parser.add_argument("concurrency", type=int)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
