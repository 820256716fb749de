"""The folder of shards: what lies where, and what a row of a shard holds."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core import i18n
from tianji_core.cleaning.rule import program_digest
from tianji_core.cleaning.rules import BY_ID
from tianji_core.errors import ImportFileError
from tianji_core.gate import first_line
from tianji_core.i18n import _
from tianji_core.store.findings import Finding, Shown, Unchecked

if TYPE_CHECKING:
    import pyarrow

MANIFEST, RECIPE, SAMPLES, CLEANED = "manifest.json", "recipe.json", "samples", "cleaned"
"""Files and folders of a folder of shards; ``cleaned`` holds the checked shards under the names of those in
``samples``."""
NUMBERS = ("id", "version")
TEXTS = (
    "digest",
    "state",
    "source",
    "name",
    "scene",
    "style",
    "options",
    "fact",
    "history",
    "input",
    "output",
    "original",
    "finish_reason",
    "findings",
    "rules",
)
"""The columns of a shard, texts all but the first two. ``digest`` is that of the sample as it left;
``options``, ``history`` and ``findings`` are JSON; ``rules`` is the digest of the rules that checked the row
and of what they saw of it (:func:`check_mark`), '' before."""
_BATCH = 1000
_LONGEST_DETAIL = 10_000
Row = dict[str, Any]


class ShardManifest(BaseModel):
    """What a folder of shards was made from; ``basis`` is the digest of recipe and rules at that time."""

    model_config = ConfigDict(extra="ignore")

    recipe: str
    basis: str
    count: int


def rules_digest() -> str:
    """Returns a digest of the rules of this program and of their words."""
    return program_digest()[:16]


def check_mark(sample: Unchecked) -> str:
    """Returns what the column ``rules`` holds of a sample that this program has checked: its rules, and all
    that they see of the sample."""
    seen = sample._replace(checked=0, text_digest="", options=tuple(sorted(sample.options)))
    return f"{rules_digest()}-{hashlib.sha256(as_json(seen).encode()).hexdigest()[:16]}"


def same_rules(mark: str) -> bool:
    """Returns whether the rules of this program made a mark of :func:`check_mark`."""
    return mark.partition("-")[0] == rules_digest()


def read_manifest(folder: Path) -> ShardManifest:
    """Returns the manifest of a folder of shards.

    Raises:
        ImportFileError: there is none that can be read.
    """
    try:
        return ShardManifest.model_validate_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError) as error:
        raise ImportFileError(
            _(
                "{folder} 不是拆出来的样本：读不懂里面的 {file}（{detail}）",
                folder=folder,
                file=MANIFEST,
                detail=first_line(error),
            )
        ) from error


def row_of(shown: Shown) -> Row:
    """Returns a sample as a row that no rule has checked."""
    sample = shown.sample
    values = {
        **sample._asdict(),
        "digest": shown.digest,
        "state": shown.state,
        "options": as_json(dict(sample.options)),
        "history": as_json(sample.history),
        "findings": "[]",
        "rules": "",
    }
    return {name: values[name] for name in (*NUMBERS, *TEXTS)}


def sample_of(row: Mapping[str, Any]) -> Unchecked:
    """Returns what the rules check of a row.

    Raises:
        ImportFileError: a column is missing or holds something else.
    """
    try:
        texts = {name: row[name] for name in TEXTS}
        if not all(isinstance(text, str) for text in texts.values()):
            raise TypeError("not a text")
        options, turns = json.loads(row["options"]), json.loads(row["history"])
        return Unchecked(
            id=_number(row["id"]),
            version=_number(row["version"]),
            checked=0,
            text_digest="",
            options=tuple((str(axis), str(option)) for axis, option in sorted(options.items())),
            history=_turns(turns),
            **{
                name: texts[name]
                for name in Unchecked._fields
                if name in texts and name not in ("options", "history")
            },
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise ImportFileError(
            _(
                "一行里缺列或者内容不对（{detail}）：要有 {columns} 这些列",
                detail=first_line(error) or type(error).__name__,
                columns="、".join((*NUMBERS, *TEXTS)),
            )
        ) from error


def _number(value: object) -> int:
    """Returns a whole number, which some programs write as one with a point."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**63:
        raise ValueError(f"not a number: {value!r}"[:60])
    if value != int(value):
        raise ValueError(f"not a whole number: {value}")
    return int(value)


def _turns(value: object) -> tuple[tuple[str, str], ...]:
    turns: list[Any] = value if isinstance(value, list) else [value]
    if not all(isinstance(turn, list) and [type(text) for text in turn] == [str, str] for turn in turns):
        raise TypeError("history: not a list of [input, output]")
    return tuple((asked, said) for asked, said in turns)


def findings_text(found: list[Finding]) -> str:
    """Returns findings as the JSON of the column ``findings``."""
    return as_json([[each.rule, i18n.stored(each.detail), each.fixed, each.turn] for each in found])


def findings_of(text: str, turns: int) -> list[Finding]:
    """Returns the findings in the column ``findings`` of a sample with so many earlier turns.

    Raises:
        ImportFileError: it holds something else, or what no rule of this program says.
    """
    try:
        return [_finding(turns, *parts) for parts in json.loads(text)]
    except (TypeError, ValueError, RecursionError) as error:
        raise ImportFileError(_("列 findings 读不懂（{detail}）", detail=first_line(error))) from error


def _finding(turns: int, rule: object, detail: object, fixed: object, turn: object) -> Finding:
    if not isinstance(rule, str) or rule not in BY_ID:
        raise ValueError(f"no such rule: {rule!r}"[:80])
    if not isinstance(detail, str) or not isinstance(fixed, str | None) or not isinstance(turn, int):
        raise TypeError("not [rule, detail, fixed, turn]")
    if not 0 <= turn <= turns:
        raise ValueError(f"no such turn: {turn}"[:80])
    return Finding(rule, i18n.brought(detail, _LONGEST_DETAIL), fixed, int(turn))


def as_json(value: object) -> str:
    """Returns compact JSON with Chinese as it is."""
    return json.dumps(value, ensure_ascii=False)


def table(rows: list[Row]) -> "pyarrow.Table":
    """Returns rows as a table with the columns of a shard."""
    import pyarrow

    kinds = [(name, pyarrow.int64()) for name in NUMBERS] + [(name, pyarrow.string()) for name in TEXTS]
    return pyarrow.Table.from_pylist(rows, schema=pyarrow.schema(kinds))


def rows_in(file: BinaryIO, name: str) -> Iterator[list[Row]]:
    """Yields the rows of a Parquet or JSON-lines file in batches.

    Raises:
        ImportFileError: it is neither.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        if name.endswith(".parquet"):
            for batch in parquet.ParquetFile(file).iter_batches(_BATCH):
                yield batch.to_pylist()
            return
        rows: list[Row] = []
        for line in file:
            rows.append(json.loads(line))
            if len(rows) == _BATCH:
                yield rows
                rows = []
        if rows:
            yield rows
    except (pyarrow.ArrowException, OSError, ValueError, RecursionError) as error:
        raise ImportFileError(
            _("{file} 读不懂，不是完好的 Parquet 或 JSONL：{detail}", file=name, detail=first_line(error))
        ) from error
