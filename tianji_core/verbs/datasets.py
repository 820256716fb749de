"""Verbs about datasets: import, freeze, datasets, export."""

from pathlib import Path
from typing import Annotated

import typer

from tianji_core import dataset
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store.samples import ACCEPTED, PENDING, SampleFilter
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
    words,
)
from tianji_core.verbs.reviewing import StylesOption


def import_samples(
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files.")],
    accepted: Annotated[bool, typer.Option("--accepted", help="Take them as reviewed already.")] = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Import raw, merged, Alpaca, ShareGPT or messages files; known items are not added again."""
    space = opened(workspace)
    reports = dataset.import_path(
        space, chosen_recipe(space, recipe), path, ACCEPTED if accepted else PENDING
    )
    lines = []
    for report in reports:
        lines.append(
            _(
                "{file}：新增 {added}，已有 {known}，有问题 {bad}",
                file=report.file,
                added=report.added,
                known=report.known,
                bad=len(report.bad),
            )
        )
        lines += [
            _("  第 {index} 项：{reason}", index=index + 1, reason=reason) for index, reason in report.bad
        ]
    show(reports, as_json, "\n".join(lines))
    if not any(report.added or report.known for report in reports):
        raise ImportFileError(_("{path} 里没有一条可以导入的对话，什么也没有导入", path=path))


def freeze(
    name: Annotated[str, typer.Option(help="Name of the version.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    styles: StylesOption = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make the accepted samples an immutable dataset version."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    wanted = SampleFilter(key, states=(ACCEPTED,), styles=words(styles))
    version = dataset.freeze(space, key, name, wanted, note)
    path = dataset.training_file(space, version)
    facts = {"name": version.name, "count": version.count, "sha256": version.sha256, "path": path}
    show(facts, as_json, _("数据集 {name}：{count} 条，{path}\nsha256 {sha256}", **facts))


def export(
    name: Annotated[str, typer.Argument(help="Dataset version.")],
    form: Annotated[str, typer.Option(help="merged, alpaca, sharegpt or messages.")] = dataset.MERGED,
    output: Annotated[
        Path | None,
        typer.Option(help="File to write; default: into the workspace's exports.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a dataset version in another form."""
    space = opened(workspace)
    path = dataset.export(space, datasets.by_name(space.engine, name), form, output)
    show({"path": path}, as_json, str(path))


def list_datasets(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List dataset versions."""
    space = opened(workspace)
    found = datasets.listed(space.engine)
    lines = [f"{v.name}  {v.count}  {v.sha256[:12]}  {v.folder}" for v in found]
    show(found, as_json, "\n".join(lines) or _("还没有数据集版本"))
