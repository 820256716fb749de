"""The child process of an import: ``python -m tianji_core.dataset.worker hub|path WHAT --recipe KEY --workspace DIR``.
Ended at any moment it leaves no half file behind in the database."""

import argparse
import shutil
import sys
from pathlib import Path

from tianji_core.dataset.hub import fetch, folder_of
from tianji_core.dataset.importing import import_path, report_lines
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, run_child
from tianji_core.workspace import Workspace


def _work(workspace: Workspace, arguments: argparse.Namespace, reporter: Reporter) -> int:
    reporter.begin(0, _("字节"))
    if arguments.what == "hub":
        reporter.update(0, message=_("正在下载"))
        path = fetch(workspace, arguments.source, arguments.revision, arguments.endpoint, reporter.update)
        called = arguments.source
    else:
        path, called = Path(arguments.source), ""
    reporter.begin(0, _("字节"))
    reporter.update(0, message=_("正在导入"))
    reports = import_path(workspace, arguments.recipe, path, arguments.state, reporter.update, called)
    for report in reports:
        print("\n".join(report_lines(report)), flush=True)
    if arguments.what == "hub":
        shutil.rmtree(folder_of(workspace, arguments.source), ignore_errors=True)
    if not any(report.added or report.known for report in reports):
        raise ImportFileError(_("{path} 里没有一条可以导入的对话，什么也没有导入", path=arguments.source))
    return 0


def main(argv: list[str]) -> int:
    """Import; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.dataset.worker", description="import a dataset by name, or files"
    )
    parser.add_argument("what", choices=("hub", "path"))
    parser.add_argument("source")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--state", default="pending")
    parser.add_argument("--endpoint", default="")
    parser.add_argument("--revision", default="main")
    return run_child(parser, argv, _work)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
