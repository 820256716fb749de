"""Verbs for datasets: import, freeze, verify, difference, datasets, export."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import cleaning, dataset, jobs
from tianji_core.dataset.hub_bounds import Hub, HubBounds
from tianji_core.errors import ImportFileError, InputError
from tianji_core.i18n import _
from tianji_core.store import datasets
from tianji_core.store.samples import ACCEPTED, PENDING
from tianji_core.verbs.common import (
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    follow,
    opened,
    show,
)
from tianji_core.verbs.hub_options import HubOptions
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.sample_options import CleanOption, DoubtfulOption, MatchingOptions
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace

FORMS = f"One of {', '.join(dataset.EXPORT_SUFFIXES)}."
NAME_ON_HUB = re.compile(r"[\w.\-]+/[\w.\-]+")


def import_samples(
    source: Annotated[
        str,
        typer.Argument(
            help="A file, a folder of files, or with --hub or --modelscope a dataset's name: owner/name."
        ),
    ],
    fetching: HubOptions = HubOptions(),
    accepted: Annotated[bool, typer.Option("--accepted", help="Take them as reviewed already.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show what would be imported, and import nothing.")
    ] = False,
    encoding: Annotated[
        str, typer.Option(help="utf-8, gb18030, big5 or utf-16; default: recognised for each file.")
    ] = "",
    version: Annotated[
        str,
        typer.Option(
            "--as-version",
            help="Keep the conversations as they are, as a dataset version of this name for 'train --mix'.",
        ),
    ] = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Import JSON, JSONL, CSV, Excel or Parquet in raw, merged, Alpaca, ShareGPT or messages form, or pairs
    of questions and answers; known items are not added again."""
    where, bounds = fetching.place(), fetching.bounds()
    if where is not None and encoding:
        raise InputError(_("--encoding 只能用于这台机器上的文件，不能和 --hub、--modelscope 一起用"))
    if fetching.rows is not None and not version:
        raise InputError(_("--rows 要和 --as-version 一起用：进审核的样本全部导入"))
    space = opened(workspace)
    key, state = chosen_recipe(space, recipe), ACCEPTED if accepted else PENDING
    if where is not None:
        _import_from_hub(space, key, source, (*where, bounds), state, version, preview, as_json)
        return
    path = Path(source).expanduser()
    if not path.exists() and NAME_ON_HUB.fullmatch(source):
        raise ImportFileError(
            _("没有 {path} 这个文件或文件夹；如果是网上的数据集，请加上 --modelscope 或 --hub", path=source)
        )
    if preview:
        _show_preview(space, key, path, encoding, as_json)
        return
    if version:
        sources = dataset.sources_of(path, encoding=encoding)
        with progress_line(_("导入"), quiet=as_json) as progress:
            made = dataset.freeze_conversations(space, key, version, sources, progress, bounds.rows)
        _show_conversations(made, as_json)
        return
    with progress_line(_("导入"), quiet=as_json) as progress:
        reports = dataset.import_path(space, key, path, state, progress, encoding=encoding)
    show(reports, as_json, "\n".join(line for report in reports for line in dataset.report_lines(report)))
    if not any(report.added or report.known for report in reports):
        raise ImportFileError(_("{path} 里没有一条可以导入的对话，什么也没有导入", path=path))


def _import_from_hub(
    space: Workspace,
    key: str,
    name: str,
    place: tuple[Hub, str, str, HubBounds],
    state: str,
    version: str,
    preview: bool,
    as_json: bool,
) -> None:
    """Imports a dataset by its name, or shows what that would do; ``place`` is the hub, the address, the
    revision and the bounds."""
    hub, endpoint, revision, bounds = place
    if preview:
        job = dataset.start_hub_fetch(space, key, name, endpoint, revision, hub, bounds)
        folder = dataset.fetched_folder(space, follow(space, job, quiet=as_json))
        if folder is None:
            raise ImportFileError(_("下载好的文件不在了，请重新下载"))
        _show_preview(space, key, folder, "", as_json, dataset.check_dataset_id(name))
        return
    job = dataset.start_hub_import(space, key, name, state, endpoint, revision, version, hub, bounds)
    ended = follow(space, job, quiet=as_json)
    if version:
        _show_conversations(datasets.by_name(space.engine, version.strip()), as_json)
        return
    text = jobs.log_tail(space, ended.id)
    show(dataset.imports_of(space, ended), as_json, text.strip())


def _show_conversations(version: dataset.DatasetVersion, as_json: bool) -> None:
    facts = {"name": version.name, "count": version.count, "sha256": version.sha256}
    text = _("数据集 {name}：{n} 条对话", name=version.name, n=version.count)
    show({**facts, **version.manifest["imported"]}, as_json, text)


def _show_preview(
    space: Workspace, key: str, path: Path, encoding: str, as_json: bool, called: str = ""
) -> None:
    """Prints what an import of a path would do; ``called`` precedes the names of the files.

    Raises:
        ImportFileError: there is nothing to import in it.
    """
    previews = dataset.preview_path(space, key, path, encoding=encoding, called=called)
    lines = [line for each in previews for line in dataset.preview_lines(each)]
    show(previews, as_json, "\n".join(lines))
    if not any(each.good for each in previews):
        raise ImportFileError(_("{path} 里没有一条可以导入的对话", path=path))


_VARIANTS_SHOWN = 10
"""Changed samples that a preview prints."""


@dataclass(frozen=True)
class VaryOptions:
    """Samples whose receiver or occasion is replaced by one that no list holds."""

    vary_names: Annotated[
        float, typer.Option("--vary-names", help="Share (0 to 1) of samples that get another receiver.")
    ] = 0.0
    vary_occasions: Annotated[
        float, typer.Option("--vary-occasions", help="Share (0 to 1) of samples that get another occasion.")
    ] = 0.0
    vary_preview: Annotated[
        bool, typer.Option("--vary-preview", help="Only print what would change; freezes nothing.")
    ] = False


def freeze(
    name: Annotated[str, typer.Option(help="Name of the version.")],
    note: Annotated[str, typer.Option(help="What it is for.")] = "",
    matching: MatchingOptions = MatchingOptions(),
    clean_only: CleanOption = False,
    doubtful: DoubtfulOption = False,
    per_cell: Annotated[int, typer.Option(help="At most so many of each name and scene; 0: no limit.")] = 0,
    per_style: Annotated[int, typer.Option(help="At most so many of each style; 0: no limit.")] = 0,
    validation: Annotated[
        float, typer.Option(help="Share (0 to 0.5) held back for validation, in whole cells.")
    ] = 0.0,
    shuffle: Annotated[bool, typer.Option("--shuffle", help="Mix the order.")] = False,
    seed: Annotated[int, typer.Option(help="Whatever is drawn is drawn by it.")] = 0,
    parent: Annotated[str, typer.Option(help="Version it goes on from; default: the newest.")] = "",
    vary: VaryOptions = VaryOptions(),
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Make the accepted samples an immutable dataset version, balanced and split as asked."""
    space = opened(workspace)
    key = chosen_recipe(space, recipe)
    accepted = matching.sample_filter(space, key, (ACCEPTED,), clean_only, doubtful=doubtful)
    if clean_only:
        with progress_line(_("检查"), quiet=as_json) as progress:
            cleaning.check_new(space, key, progress=progress)
    balance = dataset.Balance(
        per_cell=per_cell or None,
        per_style=per_style or None,
        shuffle=shuffle,
        validation=validation,
        seed=seed,
    )
    variation = dataset.Variation(vary.vary_names, vary.vary_occasions, seed)
    if vary.vary_preview:
        _show_variants(*dataset.previewed(space, key, accepted, balance, variation), as_json)
        return
    with progress_line(_("冻结"), quiet=as_json) as progress:
        version = dataset.freeze(space, key, name, accepted, note, balance, parent, variation, progress)
    path = dataset.training_file(space, version)
    held = version.manifest.get("validation", {}).get("count", 0)
    facts = {"name": version.name, "count": version.count, "sha256": version.sha256, "path": path}
    text = _("数据集 {name}：{count} 条，{path}\nsha256 {sha256}", **facts)
    if held:
        text += "\n" + _("验证集 {n} 条", n=held)
    varied = version.manifest.get("varied")
    if varied:
        text += "\n" + _("换了人 {names} 条，换了事 {occasions} 条", **varied)
    facts |= {"validation": held, "left_out": version.manifest["left_out"], "varied": varied}
    show(facts, as_json, text)


def _show_variants(variants: Sequence[dataset.Variant], count: int, as_json: bool) -> None:
    """Prints which samples would change, and the first of them: what goes in [-…-], what comes in {+…+}."""
    signs = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}"}
    lines = [_("{n} 条里会变换 {changed} 条，没有冻结", n=count, changed=len(variants))]
    for one in variants[:_VARIANTS_SHOWN]:
        for before, after in ((one.before.input, one.after.input), (one.before.output, one.after.output)):
            parts = cleaning.compare(before, after)
            lines.append("  " + "".join(signs[part.kind].format(part.text) for part in parts))
    plain = [
        {"name": v.name, "scene": v.scene, "input": v.after.input, "output": v.after.output} for v in variants
    ]
    show({"count": count, "variants": plain}, as_json, "\n".join(lines))


def verify(
    name: Annotated[str, typer.Argument(help="Dataset version.")],
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Check that the files of a dataset version are what was frozen."""
    space = opened(workspace)
    version = datasets.by_name(space.engine, name)
    dataset.verify(space, version)
    facts = {"name": version.name, "sha256": version.sha256}
    show(facts, as_json, _("“{name}”和冻结时一模一样", name=name))


def difference(
    older: Annotated[str, typer.Argument(help="Older dataset version.")],
    newer: Annotated[str, typer.Argument(help="Newer dataset version.")],
    limit: Annotated[int, typer.Option(help="Print so many of each kind of change.")] = 5,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what a dataset version has that another one has not."""
    space = opened(workspace)
    before, after = (datasets.by_name(space.engine, name) for name in (older, newer))
    changes = dataset.difference(space, before, after)
    lines = [
        _(
            "一样 {same}，新增 {added}，去掉 {removed}，改了回答 {changed}",
            same=changes.same,
            added=len(changes.added),
            removed=len(changes.removed),
            changed=len(changes.changed),
        )
    ]
    unknown = _("写法不明")
    lines += [f"  {style or unknown} {change:+d}" for style, change in changes.styles.items() if change]
    for sign, turns in (("~", changes.changed), ("+", changes.added), ("-", changes.removed)):
        for turn in turns[: max(0, limit)]:
            texts = " → ".join(" ".join(text.split()) for text in (turn.before, turn.after) if text)
            lines.append(f"{sign} {' '.join(turn.asked.split())}  {texts}")
    show(changes, as_json, "\n".join(lines))


def export(
    name: Annotated[str, typer.Argument(help="Dataset version.")],
    form: Annotated[str, typer.Option(help=FORMS)] = dataset.MERGED,
    output: Annotated[
        Path | None,
        typer.Option(
            help="File (for huggingface: folder) to write; default: into the workspace's exports.",
            show_default=False,
        ),
    ] = None,
    split: Annotated[str, typer.Option(help="train or validation.")] = "train",
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write a dataset version in another form."""
    space = opened(workspace)
    path = dataset.export(space, datasets.by_name(space.engine, name), form, output, split, overwrite)
    show({"path": path}, as_json, str(path))


def list_datasets(as_json: JsonOption = False, workspace: WorkspaceOption = None) -> None:
    """List dataset versions."""
    space = opened(workspace)
    versions = datasets.listed(space.engine)
    heads = (_("名字"), _("条数"), "sha256", _("文件夹"), _("谁"))
    rows = [(v.name, v.count, v.sha256[:12], v.folder, v.who) for v in versions]
    show_table(versions, as_json, heads, rows, _("还没有数据集版本"))
