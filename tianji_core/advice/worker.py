"""The child process of a question to a teacher: ``python -m tianji_core.advice.worker rate|suggest RECIPE --teacher JSON
[--question JSON] --workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core.advice.ratings import rate_cells
from tianji_core.advice.suggestions import Question, suggest
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    recipe = recipes.current(workspace.engine, arguments.recipe).recipe
    if arguments.action == "suggest":
        reporter.update(0, message=_("正在等造数模型回答…"))
        proposed = asyncio.run(suggest(workspace, recipe, arguments.question, arguments.teacher))
        print(_("提了 {n} 个建议", n=len(proposed)), flush=True)
        return 0
    reporter.begin(0, _("批"))
    result = asyncio.run(rate_cells(workspace, recipe, arguments.teacher, progress=reporter.update))
    print(
        _("打了 {n} 个格子的分，{faults} 处没有用上", n=len(result.opinions), faults=len(result.faults)),
        flush=True,
    )
    return 0


def main(argv: list[str]) -> int:
    """Ask; returns the exit code. What has come is kept even when it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.advice.worker", description="ask a teacher")
    parser.add_argument("action", choices=("rate", "suggest"))
    parser.add_argument("recipe")
    parser.add_argument("--teacher", required=True, type=TeacherChoice.model_validate_json)
    parser.add_argument("--question", type=Question.model_validate_json)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
