"""The child process of a rating: ``python -m tianji_core.advice.worker RECIPE --teacher JSON --workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core.advice.ratings import rate_cells
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    reporter.begin(0, _("批"))
    recipe = recipes.current(workspace.engine, arguments.recipe).recipe
    result = asyncio.run(rate_cells(workspace, recipe, arguments.teacher, progress=reporter.update))
    print(
        _("打了 {n} 个格子的分，{faults} 处没有用上", n=len(result.opinions), faults=len(result.faults)),
        flush=True,
    )
    return 0


def main(argv: list[str]) -> int:
    """Rate all cells; returns the exit code. What has come is kept even when it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.advice.worker", description="rate cells")
    parser.add_argument("recipe")
    parser.add_argument("--teacher", required=True, type=TeacherChoice.model_validate_json)
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
