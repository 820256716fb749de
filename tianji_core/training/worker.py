"""``python -m tianji_core.training.worker RUN --workspace DIR [--resume]``: the child of a 'train' job."""

import argparse
import sys

from tianji_core.errors import StudioError
from tianji_core.i18n import set_language
from tianji_core.jobs import Reporter
from tianji_core.store import training as rows
from tianji_core.training.launch import run_training
from tianji_core.workspace import open_workspace


def main(argv: list[str]) -> int:
    """Train one stored run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.training.worker", description="train one stored run"
    )
    parser.add_argument("run", type=int)
    parser.add_argument("--workspace", required=True)
    parser.add_argument("--resume", action="store_true")
    arguments = parser.parse_args(argv)
    try:
        workspace = open_workspace(arguments.workspace)
        set_language(workspace.settings().language)
        run_training(workspace, rows.get(workspace.engine, arguments.run), arguments.resume)
    except StudioError as error:
        print(str(error), file=sys.stderr)
        Reporter().fail(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
