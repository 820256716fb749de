"""The verb ``shards``: samples out to other machines and back."""

from pathlib import Path
from typing import Annotated

import typer

from tianji_core.cleaning.shards import ROWS, take_back, write_shards
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.store.samples import STATES
from tianji_core.verbs.common import (
    JsonOption,
    OverwriteOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
    words,
)
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.sample_options import MatchingOptions


def shards(
    folder: Annotated[Path, typer.Argument(help="The folder of the shards.")],
    back: Annotated[
        bool,
        typer.Option("--back", help="Bring what was checked there back to the samples, instead of writing."),
    ] = False,
    file: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --back: only these files, Parquet or JSONL; default: the folder's cleaned shards.",
            show_default=False,
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="Samples of one shard.")] = ROWS,
    states: Annotated[str, typer.Option(help="Only these states, separated by commas.")] = "",
    matching: MatchingOptions = MatchingOptions(),
    overwrite: OverwriteOption = False,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Write samples into Parquet shards that other machines check by the same rules (a driver for Ray and a
    recipe of Data-Juicer lie beside them), or bring the result back to the same samples."""
    space = opened(workspace)
    folder = folder.expanduser().absolute()
    if file and not back:
        raise InputError(_("--file 要和 --back 一起用"))
    if back:
        with progress_line(_("取回"), quiet=as_json) as progress:
            came = take_back(space, folder, file or (), progress=progress)
        text = _(
            "{files} 个分片 {rows} 条：改了文字 {edited}，改了状态 {decided}，存下检查结果 {checked}，没有变化 {same}；这里后来改过、没有动的 {changed}，不是这个工作区的 {unknown}",
            **vars(came),
        )
        show(came, as_json, text)
        return
    if wrong := set(words(states)) - set(STATES):
        raise InputError(
            _("没有状态“{state}”，有的是：{known}", state="、".join(sorted(wrong)), known="、".join(STATES))
        )
    chosen = matching.sample_filter(space, chosen_recipe(space, recipe), words(states))
    with progress_line(_("写分片"), quiet=as_json) as progress:
        written = write_shards(space, chosen, folder, rows, overwrite, progress)
    text = _(
        "{n} 条写进了 {folder}；把它放到别的机器（或留在这里），运行里面的 clean_shards.py 或 data_juicer.yaml，再用 shards {folder} --back 取回",
        n=f"{written:,}",
        folder=folder,
    )
    show({"folder": folder, "samples": written}, as_json, text)
