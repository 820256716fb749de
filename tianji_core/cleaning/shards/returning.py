"""What was found, mended and decided in shards comes back to the samples that they were made from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tianji_core.cleaning.alone import doubt_of
from tianji_core.cleaning.comparing import forget_outdated, must_compare, rules_basis
from tianji_core.cleaning.pipeline import current_context, save_findings
from tianji_core.cleaning.shards.layout import (
    CLEANED,
    SAMPLES,
    Row,
    check_mark,
    findings_of,
    read_manifest,
    rows_in,
    same_rules,
    sample_of,
)
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.store import findings, steps
from tianji_core.store.findings import Finding, Unchecked
from tianji_core.store.steps import SampleRevision
from tianji_core.workspace import Workspace

_CHUNK = 1000


@dataclass
class Returned:
    """What came back, in rows: ``edited`` got another text, ``decided`` another state, of ``checked`` the
    findings were stored; ``same`` had come back before, or brought nothing; ``changed`` were changed here
    meanwhile and are left as they are; ``unknown`` are no samples of this workspace."""

    files: int = 0
    rows: int = 0
    edited: int = 0
    decided: int = 0
    checked: int = 0
    same: int = 0
    changed: int = 0
    unknown: int = 0


class _Checked(NamedTuple):
    """What was found in a sample, in its version after the row came back, and with which answers."""

    version: int
    output: str
    history: tuple[tuple[str, str], ...]
    found: list[Finding]

    def holds_of(self, here: Unchecked) -> bool:
        """Returns whether a sample is the one that was checked, and needs it."""
        same = (here.version, here.output, here.history) == (self.version, self.output, self.history)
        return same and here.checked < here.version


def take_back(
    workspace: Workspace,
    folder: Path,
    files: Sequence[Path] = (),
    who: str = "",
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> Returned:
    """Brings the rows of ``files`` (default: the checked shards of ``folder``), Parquet or JSON lines, back
    to their samples by number, where a sample is as it left. Each file is one step that can be undone. A row
    that came back before changes nothing. ``progress`` is called with (files, all files).

    Raises:
        ImportFileError: it is no folder of shards, a file cannot be read, or other rules checked it.
        RecipeError: this workspace has no such recipe.
    """
    manifest = read_manifest(folder)
    files = list(files) or sorted((folder / CLEANED).glob("*.parquet"))
    if not files:
        raise ImportFileError(
            _(
                "{folder} 里没有检查过的分片；先运行 python -m tianji_core clean --shard {shard} ，或者那里的 clean_shards.py",
                folder=folder / CLEANED,
                shard=next(iter(sorted((folder / SAMPLES).glob("*.parquet"))), folder / SAMPLES),
            )
        )
    forget_outdated(workspace, manifest.recipe)
    current = rules_basis(workspace, manifest.recipe) == manifest.basis
    returned = Returned()
    for number, file in enumerate(files):
        progress(number, len(files))
        _take_file(workspace, manifest.recipe, file, who or workspace.settings().reviewer, current, returned)
    progress(len(files), len(files))
    return returned


def _take_file(
    workspace: Workspace, recipe: str, file: Path, who: str, current: bool, returned: Returned
) -> None:
    """Brings one file back; ``current`` tells that recipe and rules are those that checked it."""
    revisions: dict[int, SampleRevision] = {}
    found: dict[int, _Checked] = {}
    try:
        with file.open("rb") as opened:
            for rows in rows_in(opened, file.name):
                _compare(workspace, recipe, rows, revisions, found, returned)
    except OSError as error:
        raise ImportFileError(
            _("读不了 {file}（{detail}）", file=file, detail=error.strerror or error)
        ) from error
    returned.files += 1
    if revisions:
        title = _("从分片 {file} 取回 {n} 条", file=file.name, n=len(revisions))
        steps.revise(workspace.engine, recipe, revisions, steps.FIX, title, who)
    if found and current:
        must_compare(workspace, recipe)
        context = current_context(workspace, recipe)
        numbers = sorted(found)
        for start in range(0, len(numbers), _CHUNK):
            part = findings.shown(workspace.engine, recipe, numbers[start : start + _CHUNK])
            batch = [each.sample for each in part.values() if found[each.sample.id].holds_of(each.sample)]
            own = {sample.id: found[sample.id].found for sample in batch}
            doubts = {each.id: doubt_of(each, context) for each in batch if not own[each.id]}
            save_findings(workspace, recipe, batch, own, doubts)
            returned.checked += len(batch)


def _compare(
    workspace: Workspace,
    recipe: str,
    rows: list[Row],
    revisions: dict[int, SampleRevision],
    found: dict[int, _Checked],
    returned: Returned,
) -> None:
    """Adds to ``revisions`` what a batch of rows changes, and to ``found`` what was found in its samples."""
    brought = [(row, sample_of(row)) for row in rows]
    there = findings.shown(workspace.engine, recipe, [sample.id for _row, sample in brought])
    for row, sample in brought:
        returned.rows += 1
        here = there.get(sample.id)
        if row["rules"] and not same_rules(row["rules"]):
            raise ImportFileError(
                _("分片是用另一个版本的规则检查的；请在那里装和这里一样的版本，重新检查一遍")
            )
        if here is None:
            returned.unknown += 1
        elif here.digest == row["digest"] and here.sample.version == sample.version:
            changes = _revision(here.sample, here.state, sample, row["state"])
            if changes is not None:
                revisions[sample.id] = changes
                returned.edited += changes.output is not None or changes.history is not None
                returned.decided += changes.state is not None
            seen = here.sample._replace(output=sample.output, history=sample.history)
            fits = row["rules"] == check_mark(seen)
            checked = fits and (changes is not None or here.sample.checked < sample.version)
            if checked:
                version = sample.version + (changes is not None)
                items = findings_of(row["findings"], len(sample.history))
                found[sample.id] = _Checked(version, sample.output, sample.history, items)
            returned.same += changes is None and not checked
        elif (here.sample.output, here.sample.history, here.state) == (
            sample.output,
            sample.history,
            row["state"],
        ):
            returned.same += 1
        else:
            returned.changed += 1


def _revision(here: Unchecked, state: str, brought: Unchecked, wanted: str) -> SampleRevision | None:
    """Returns what a row changes in its sample, None for nothing."""
    output = brought.output if brought.output != here.output else None
    history = brought.history if brought.history != here.history else None
    decided = wanted if wanted != state else None
    if output is None and history is None and decided is None:
        return None
    return SampleRevision(brought.version, output, decided, history=history)
