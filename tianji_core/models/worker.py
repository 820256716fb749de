"""``python -m tianji_core.models.worker convert|merge|convert-and-merge|download WHAT --workspace DIR``: the child of the
jobs of the models room."""

import argparse
import sys
from pathlib import Path

from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child
from tianji_core.models.catalogue import artefact
from tianji_core.models.download import download
from tianji_core.models.making import convert
from tianji_core.models.merged import DTYPES, SHARD_GB, convert_and_merge, merge
from tianji_core.store import training as rows
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    reporter.begin(0, _("字节") if arguments.action == "download" else _("步"))
    if arguments.action == "download":
        made = download(
            workspace,
            arguments.what,
            arguments.name,
            reporter=reporter,
            trust_remote_code=arguments.trust_remote_code,
        )
    elif arguments.action == "merge":
        adapter = artefact(workspace, arguments.what)
        made = merge(
            workspace,
            adapter,
            arguments.name,
            arguments.base,
            arguments.device,
            reporter,
            arguments.shard,
            arguments.dtype,
        )
    else:
        run = rows.get(workspace.engine, int(arguments.what))
        if arguments.action == "convert":
            made = convert(workspace, run, arguments.iteration, arguments.name, reporter)
        else:
            given = (arguments.device, reporter, arguments.shard, arguments.dtype)
            made = convert_and_merge(workspace, run, arguments.iteration, *given)[1]
    print(made.name)
    return 0


def main(argv: list[str]) -> int:
    """Make one model; its name is the last line of the output. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.models.worker", description="make or fetch one model"
    )
    parser.add_argument("action", choices=("convert", "merge", "convert-and-merge", "download"))
    parser.add_argument(
        "what", help="number of a training, name of an adapter, or a model's name on ModelScope"
    )
    parser.add_argument("--name", default="")
    parser.add_argument("--iteration", type=int)
    parser.add_argument("--base", type=Path)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda", "auto"))
    parser.add_argument("--shard", type=float, default=SHARD_GB)
    parser.add_argument("--dtype", default="auto", choices=DTYPES)
    parser.add_argument("--trust-remote-code", action="store_true")
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
