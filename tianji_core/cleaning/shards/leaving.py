"""Samples leave the workspace in shards, with what checks them elsewhere beside them."""

from collections.abc import Callable
from pathlib import Path

from tianji_core import ownership
from tianji_core.cleaning.comparing import rules_basis
from tianji_core.cleaning.shards.layout import (
    MANIFEST,
    RECIPE,
    SAMPLES,
    Row,
    ShardManifest,
    row_of,
    table,
)
from tianji_core.files import write_text
from tianji_core.outputs import write_output_folder
from tianji_core.project import CONFIGS
from tianji_core.store import findings, recipes, samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

ROWS = 50_000
"""Samples of one shard."""
BESIDE = CONFIGS / "shards"
"""A Data-Juicer recipe, the operator that it calls, and a driver for Ray or the cores of one machine."""


def write_shards(
    workspace: Workspace,
    sample_filter: SampleFilter,
    folder: Path,
    rows: int = ROWS,
    overwrite: bool = False,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> int:
    """Writes the matching samples into Parquet files of at most ``rows`` rows in ``folder``/samples, and
    beside them the recipe and the programs of :data:`BESIDE`; returns how many samples. ``progress`` is
    called with (written, all). ``overwrite`` replaces a folder of shards that nobody has changed.

    Raises:
        InputError: something is at ``folder`` already.
    """
    total, written = samples.count(workspace.engine, sample_filter), 0

    def write(draft: Path) -> None:
        nonlocal written
        from pyarrow import parquet

        (draft / SAMPLES).mkdir()
        waiting: list[Row] = []
        number = 0

        def store() -> None:
            nonlocal number, waiting
            parquet.write_table(table(waiting), draft / SAMPLES / f"{number:05}.parquet", compression="zstd")
            number, waiting = number + 1, []

        for batch in findings.each_shown(workspace.engine, sample_filter):
            for shown in batch:
                waiting.append(row_of(shown))
                if len(waiting) == rows:
                    store()
            written += len(batch)
            progress(written, total)
        if waiting or not number:
            store()
        _write_beside(workspace, sample_filter.recipe, draft, written)

    write_output_folder(workspace, folder, write, overwrite)
    return written


def _write_beside(workspace: Workspace, key: str, draft: Path, count: int) -> None:
    recipe = recipes.current(workspace.engine, key).recipe
    manifest = ShardManifest(recipe=key, basis=rules_basis(workspace, key), count=count)
    write_text(draft / RECIPE, recipe.model_dump_json(indent=1), mode=0o644)
    write_text(draft / MANIFEST, manifest.model_dump_json(indent=1), mode=0o644)
    for file in sorted(BESIDE.iterdir()):
        if file.is_file():
            ownership.copy(file, draft / file.name)
