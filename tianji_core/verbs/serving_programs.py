"""Adds and removes the programs with which 'serve --program' serves."""

import typer

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.installing.machine import gigabytes
from tianji_core.models.launch import start_merge
from tianji_core.serving.fitting import CHOICES, merged_before, to_merge, unfit, without_heads
from tianji_core.serving.program_environments import (
    environment_of,
    missing_size,
    own_program,
    remove_program,
    start_install,
)
from tianji_core.serving.programs import program_named
from tianji_core.verbs.common import follow, show
from tianji_core.workspace import Workspace


def add_program(workspace: Workspace, name: str, as_json: bool) -> None:
    """Installs a program into an environment of its own and follows the job; says so where all is there.

    Raises:
        InputError: there is no such program. JobError: it is being installed, or that failed.
        DiskFullError, InstallError: no room on the disk or in memory.
    """
    program = program_named(name)
    facts = {"title": program.title, "version": program.version, "licence": program.licence}
    size = missing_size(name)
    job = start_install(workspace, name)
    if job is not None:
        if not as_json:
            show({}, False, _("{title} {version}（{licence}）要 {size} 磁盘", **facts, size=gigabytes(size)))
        follow(workspace, job, quiet=as_json)
    found = own_program(name)
    show(
        {"program": name, **facts, "path": found, "installed": job is not None, "bytes": size},
        as_json,
        _("{title} {version} 装好了：{path}", **facts, path=found)
        if job is not None
        else _("{title} {version} 已经在了，什么也不用装：{path}", **facts, path=found),
    )


def drop_program(workspace: Workspace, name: str, as_json: bool) -> None:
    """Removes a program's own environment.

    Raises:
        InputError: there is no such program, or the studio did not make what is there.
        JobError: it is being installed, or it runs.
    """
    title, folder = program_named(name).title, environment_of(name).prefix
    removed = remove_program(workspace, name)
    show(
        {"program": name, "removed": removed, "path": folder},
        as_json,
        _("删掉了 {title} 的环境 {folder}", title=title, folder=folder)
        if removed
        else _("工坊没有装过 {title}，没有什么可删", title=title),
    )


def fitted(workspace: Workspace, names: list[str], head: str, as_json: bool) -> list[str]:
    """Returns the names of models that other programs can load, by the choice ``head``: adapters that change
    the head are merged or stripped, and a line says so; '' leaves the names as they are.

    Raises:
        InputError: no such choice, or several models to merge. JobError: the merge failed.
        ModelError: as for :func:`~tianji_core.serving.fitting.unfit`.
    """
    if head not in ("", *CHOICES):
        known = _("、").join(CHOICES)
        raise InputError(_("--head 是 {known} 之一，写的是 {value}", known=known, value=head))
    unfitting = unfit(workspace, names) if head else {}
    if not unfitting:
        return names
    parts = _("、").join(sorted({part for each in unfitting.values() for part in each}))
    if head == "strip":
        made = without_heads(workspace, names)
        said = _("去掉了对 {parts} 的改动，回答会略有不同：{made}", parts=parts, made=_("、").join(made))
    else:
        adapter = to_merge(workspace, names)
        if (before := merged_before(workspace, adapter)) is None:
            follow(workspace, start_merge(workspace, adapter), quiet=as_json)
            before = merged_before(workspace, adapter)
        made = [before.name] if before is not None else names
        said = _("连同对 {parts} 的改动合并成了一个模型：{made}", parts=parts, made=_("、").join(made))
    typer.echo(said, err=True)
    return made
