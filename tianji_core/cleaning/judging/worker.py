"""The child process of a judging job: ``python -m tianji_core.cleaning.judging.worker FILTER TEACHER CONCURRENCY
--workspace DIR``, both first arguments as JSON; a teacher never holds a key."""

import argparse
import asyncio
import json
import signal
import sys
from typing import Any

from tianji_core.cleaning.judging.engine import judge_samples
from tianji_core.errors import StudioError
from tianji_core.i18n import _, set_language
from tianji_core.jobs import Reporter
from tianji_core.store import judgements
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace, open_workspace

STOPPED = 128 + signal.SIGTERM


def _filter(text: str) -> SampleFilter:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in json.loads(text).items()
    }
    return SampleFilter(**fields)


async def _work(
    workspace: Workspace, wanted: SampleFilter, choice: TeacherChoice, concurrency: int, reporter: Reporter
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    result = await judge_samples(workspace, wanted, choice, concurrency, reporter, stop)
    print(_("评了 {judged} 条，失败 {failed} 条，还剩 {waiting} 条", **vars(result)), flush=True)
    return STOPPED if stop.is_set() and result.waiting else 0


def main(argv: list[str]) -> int:
    """Judge; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.cleaning.judging.worker", description="judge samples"
    )
    parser.add_argument("filter", type=_filter)
    parser.add_argument("teacher", type=TeacherChoice.model_validate_json)
    parser.add_argument("concurrency", type=int)
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    reporter = None
    try:
        workspace = open_workspace(arguments.workspace)
        set_language(workspace.settings().language)
        total = judgements.waiting_count(workspace.engine, arguments.filter)
        reporter = Reporter(total=total, unit=_("条"))
        return asyncio.run(
            _work(workspace, arguments.filter, arguments.teacher, arguments.concurrency, reporter)
        )
    except StudioError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        if reporter is not None:
            reporter.fail(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
