"""One shard is checked by the rules, without a workspace: on any machine that has this program."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tianji_core.cleaning.alone import own_findings
from tianji_core.cleaning.rule import Context, context_of
from tianji_core.cleaning.shards.layout import (
    CLEANED,
    RECIPE,
    Row,
    as_json,
    check_mark,
    findings_text,
    read_manifest,
    rows_in,
    rules_digest,
    sample_of,
    table,
)
from tianji_core.cleaning.turns import clean_turns
from tianji_core.errors import ImportFileError
from tianji_core.files import write_bytes
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.recipe.loading import validate_recipe

_CHECKED = b"tianji_checked"
"""The key of a checked shard's metadata that tells how it was checked."""


def rules_for(folder: Path) -> Context:
    """Returns the context of the rules for the recipe in a folder of shards.

    Raises:
        ImportFileError: it is no folder of shards. RecipeError: its recipe is not valid.
    """
    read_manifest(folder)
    try:
        value = json.loads((folder / RECIPE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ImportFileError(
            _("读不懂 {file}（{detail}）", file=folder / RECIPE, detail=first_line(error))
        ) from error
    return context_of(validate_recipe(value, str(folder / RECIPE)))


def check_row(row: Mapping[str, Any], context: Context, fix: bool = False) -> Row:
    """Returns a row with what the rules find in it, after the safe fixes where ``fix`` is set.

    Raises:
        ImportFileError: a column is missing or holds something else.
    """
    return check_rows((row,), context, fix)[0]


def check_rows(rows: Sequence[Mapping[str, Any]], context: Context, fix: bool = False) -> list[Row]:
    """Returns rows as :func:`check_row` does, and raises what it raises."""
    samples = list(map(sample_of, rows))
    if fix:
        for number, sample in enumerate(samples):
            output, history = clean_turns(sample, context)
            samples[number] = sample._replace(output=output, history=history)
    return [
        {
            **row,
            "output": sample.output,
            "history": as_json(sample.history),
            "findings": findings_text(found),
            "rules": check_mark(sample),
        }
        for row, sample, found in zip(rows, samples, own_findings(samples, context), strict=True)
    ]


def _state(fix: bool) -> bytes:
    return f"{rules_digest()} {'fixed' if fix else 'checked'}".encode()


def is_checked(file: Path, fix: bool = False) -> bool:
    """Returns whether a shard was checked, in the same way, by the rules of this program."""
    import pyarrow
    from pyarrow import parquet

    try:
        stored = parquet.read_schema(file.parent.parent / CLEANED / file.name).metadata or {}
    except (OSError, pyarrow.ArrowException):
        return False
    return stored.get(_CHECKED) == _state(fix)


def check_shard(file: Path, context: Context, fix: bool = False) -> tuple[Path, int, int]:
    """Checks the rows of a shard, and writes them with the findings into the folder ``cleaned`` beside that
    of the shard; returns that file, how many rows there are, and how many have a finding.

    Raises:
        ImportFileError: it is no shard.
    """
    from pyarrow import parquet

    rows: list[Row] = []
    try:
        with file.open("rb") as opened:
            for batch in rows_in(opened, file.name):
                rows += check_rows(batch, context, fix)
    except OSError as error:
        raise ImportFileError(
            _("读不了 {file}（{detail}）", file=file, detail=error.strerror or error)
        ) from error
    buffer = io.BytesIO()
    checked = table(rows).replace_schema_metadata({_CHECKED: _state(fix)})
    parquet.write_table(checked, buffer, compression="zstd")
    target = file.parent.parent / CLEANED / file.name
    target.parent.mkdir(exist_ok=True)
    write_bytes(target, buffer.getvalue(), mode=0o644)
    return target, len(rows), sum(row["findings"] != "[]" for row in rows)
