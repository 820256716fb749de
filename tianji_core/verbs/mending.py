"""What ``doctor --fix`` mends: the environment, and what processes that died left in the workspace. Touches
nothing that the studio did not make."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import typer

from tianji_core import jobs, models
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.installing import state
from tianji_core.installing.install import install, swept
from tianji_core.models.download import downloading, partials
from tianji_core.ownership import discard_draft, is_own
from tianji_core.project import CHECKOUT, install_command
from tianji_core.store import jobs as job_store
from tianji_core.workspace import Workspace

OLD = 3600.0
"""Seconds after which a file that was to be moved into place belongs to no living process."""


def part_here() -> str:
    """Returns the part of the studio that this environment was set up for."""
    here = state.installed()
    if CHECKOUT and here.get("pytest") is not None:
        return "test"
    return "whole" if any(here.get(name) is not None for name in state.TRAINING) else "light"


def environment_line() -> str:
    """Returns in one sentence what of this environment differs from the lock."""
    part = part_here()
    names = [pin.name for pin in state.missing(part, any_version=not CHECKOUT)]
    if names:
        shown = _("、").join(names[:5]) + (_(" 等") if len(names) > 5 else "")
        return _("软件包和锁定的不一样：{names}；用 python -m tianji_core doctor --fix 补齐", names=shown)
    if part == "light":
        size = models.size_text(state.size_of(state.missing("whole", any_version=True)))
        command = install_command([*state.TRAINING])
        return _("轻便版，软件包齐全；训练部分没有装（{size}）：{command}", size=size, command=command)
    return _("软件包齐全，和锁定的一样")


def mend(workspace: Workspace) -> None:
    """Mends what can be mended and prints what was done, on standard error.

    Raises:
        InstallError: the packages cannot be installed.
    """
    done = False
    for sentence in itertools.chain(mended_workspace(workspace), mended_environment()):
        done = True
        typer.echo(sentence, err=True)
    if not done:
        typer.echo(_("没有要修的"), err=True)


def mended_environment() -> Iterator[str]:
    """Installs what differs from the lock and removes what a broken-off installation left; yields what was
    done."""
    if swept():
        yield _("清掉了没装完的下载")
    part = part_here()
    names = [pin.name for pin in state.missing(part, any_version=not CHECKOUT)]
    if names:
        say = lambda sentence: typer.echo(sentence, err=True)  # noqa: E731
        install(part, lambda _done, _total, _title: None, say, any_version=not CHECKOUT)
        yield _("装好了 {n} 个包：{names}", n=len(names), names=_("、").join(names[:10]))


def mended_workspace(workspace: Workspace) -> Iterator[str]:
    """Ends jobs whose processes died, removes their drafts, and continues broken-off downloads; yields what
    was done."""
    before = job_store.listed(workspace.engine, None, True, 1000)
    alive = {job.id for job in jobs.listed(workspace, active=True, limit=1000)}
    if lost := [job.id for job in before if job.id not in alive]:
        yield _("{n} 个任务的进程早就没有了，已经记下", n=len(lost))
    if drafts := list(_old_drafts(workspace.home)):
        for draft in drafts:
            discard_draft(draft)
        yield _("删掉了 {n} 个没写完的临时文件", n=len(drafts))
    running = downloading(workspace)
    for partial in partials(workspace):
        if partial.model_id in running:
            continue
        try:
            job = models.start_download(workspace, partial.model_id)
        except StudioError as error:
            yield _("{id} 没有下完，也接不上：{why}", id=partial.model_id, why=str(error))
        else:
            yield _("接着下载 {id}（任务 {job}）", id=partial.model_id, job=job.id)


def _old_drafts(home: Path) -> Iterator[Path]:
    """Yields the drafts of the studio that nobody has written to for long."""
    for path in home.rglob(".*.part"):
        if is_own(path) and path.is_file() and time.time() - path.lstat().st_mtime > OLD:
            yield path
