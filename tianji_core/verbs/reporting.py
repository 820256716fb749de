"""The verb ``report-problem``."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import size_text
from tianji_core.problems import prepare_report, write_report
from tianji_core.verbs.common import JsonOption, OverwriteOption, WorkspaceOption, opened, show, words
from tianji_core.verbs.tables import show_table


def report_problem(
    jobs: Annotated[
        str, typer.Option(help="Numbers of jobs whose logs go in; default: the newest failed one.")
    ] = "",
    texts: Annotated[
        bool, typer.Option("--texts", help="Leave in what people and models wrote in the logs.")
    ] = False,
    look: Annotated[
        bool, typer.Option("--list", help="Only list what would be in it, and write nothing.")
    ] = False,
    view: Annotated[str, typer.Option(help="Print this file of it, and write nothing.")] = "",
    output: Annotated[
        Path | None,
        typer.Option(help="The zip to write; default: into the workspace's exports.", show_default=False),
    ] = None,
    overwrite: OverwriteOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make a zip for whoever helps with a problem: versions, settings, counts, recent jobs, traces and logs;
    never a key, and no texts unless asked for. What is in it is listed first."""
    space = opened(workspace)
    report = prepare_report(space, _numbers(jobs), texts)
    if view:
        wanted = next((file for file in report.files if file.name == view), None)
        if wanted is None:
            known = _("、").join(file.name for file in report.files)
            raise InputError(_("报告里没有“{name}”；有的是：{known}", name=view, known=known))
        show({"name": wanted.name, "content": wanted.content}, as_json, wanted.content)
        return
    facts = [
        {"name": file.name, "bytes": len(file.content.encode()), "about": file.about} for file in report.files
    ]
    target = output or space.exports / f"problem-{time.strftime('%Y%m%d-%H%M%S')}.zip"
    if not as_json:
        rows = [(file.name, size_text(len(file.content.encode())), file.about) for file in report.files]
        show_table(facts, False, (_("文件"), _("大小"), _("里面是什么")), rows)
    if look:
        show({"files": facts}, as_json)
        return
    asks = sys.stdin.isatty() and sys.stdout.isatty() and not (yes or as_json)
    if asks and not typer.confirm(_("写成 {file}？", file=target), default=True):
        return
    write_report(space, report, target, overwrite)
    show({"file": target, "files": facts}, as_json, _("写好了：{file}；发出去之前可以打开看看", file=target))


def _numbers(text: str) -> list[int] | None:
    """The numbers of --jobs; None where there is none.

    Raises:
        InputError: one is no number.
    """
    if wrong := [word for word in words(text) if not (word.isascii() and word.isdecimal())]:
        raise InputError(_("--jobs 要写任务的编号，例如 3,5，现在是“{text}”", text=wrong[0]))
    return [int(word) for word in words(text)] or None
