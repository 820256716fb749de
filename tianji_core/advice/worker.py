"""The child process of a rating: ``python -m tianji_core.advice.worker RECIPE --teacher JSON --workspace DIR``."""

import argparse
import asyncio
import sys

from tianji_core.advice.ratings import rate_cells
from tianji_core.errors import StudioError
from tianji_core.i18n import _, set_language
from tianji_core.jobs import Reporter
from tianji_core.store import recipes
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import open_workspace


def main(argv: list[str]) -> int:
    """Rate all cells; returns the exit code. What has come is kept even when it is stopped."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.advice.worker", description="rate cells")
    parser.add_argument("recipe")
    parser.add_argument("--teacher", required=True, help="a teacher choice as JSON, without its key")
    parser.add_argument("--workspace", required=True)
    arguments = parser.parse_args(argv)
    reporter = Reporter(unit=_("批"))
    try:
        workspace = open_workspace(arguments.workspace)
        set_language(workspace.settings().language)
        recipe = recipes.current(workspace.engine, arguments.recipe).recipe
        choice = TeacherChoice.model_validate_json(arguments.teacher)
        result = asyncio.run(rate_cells(workspace, recipe, choice, progress=reporter.update))
        print(
            _("打了 {n} 个格子的分，{faults} 处没有用上", n=len(result.opinions), faults=len(result.faults)),
            flush=True,
        )
        return 0
    except StudioError as error:
        print(" ".join(str(error).split()), file=sys.stderr)
        reporter.fail(str(error))
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
