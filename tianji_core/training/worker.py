"""``python -m tianji_core.training.worker RUN --workspace DIR``: the child of a 'train' job."""

import argparse
import sys

from tianji_core import jobs
from tianji_core.jobs import Reporter
from tianji_core.store import training as rows
from tianji_core.training.launch import run_training
from tianji_core.workspace import Workspace


def main(argv: list[str]) -> int:
    """Train one stored run; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.training.worker", description="train one stored run"
    )
    parser.add_argument("run", type=int)
    return jobs.run_child(parser, argv, _train)


def _train(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    run_training(workspace, rows.get(workspace.engine, arguments.run), reporter)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
