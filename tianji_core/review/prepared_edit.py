"""A change of many samples that is prepared and shown before it is made: what every kind of it shares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tianji_core.gate.limits import TEXT_CHARACTERS
from tianji_core.i18n import _
from tianji_core.store import samples
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.store.steps import SampleRevision
from tianji_core.workspace import Workspace

EXAMPLES = 10
"""Samples that a bulk edit shows before and after."""
Progress = Callable[[int, int], None]
"""Called with the samples read, or written, so far, and in total."""


@dataclass(frozen=True)
class SampleChange:
    """What one sample would become. ``texts`` are the texts that change, as (turn, before, after): the turn
    counts from 1, 0 is the last one."""

    sample: Sample
    revision: SampleRevision
    texts: tuple[tuple[int, str, str], ...]


@dataclass(frozen=True)
class BulkEdit:
    """A prepared change of the samples of a recipe: ``matching`` were read, ``revisions`` (sample id → new
    values) would change, in ``places`` places. ``left_out`` counts those that cannot be changed: a text would
    become empty or too long, or the sample's cell is not in the recipe. ``note`` goes with the step."""

    recipe: str
    action: str
    title: str
    matching: int
    places: int
    left_out: int
    revisions: dict[int, SampleRevision]
    examples: tuple[SampleChange, ...]
    note: str = ""


class Looked(NamedTuple):
    """What was found in one sample: its change, in how many ``places``, and whether it can be made."""

    change: SampleChange | None
    places: int = 0
    possible: bool = True


def prepared(
    workspace: Workspace,
    sample_filter: SampleFilter,
    action: str,
    title: str,
    look: Callable[[Sample], Looked],
    progress: Progress | None,
    most: int | None,
) -> BulkEdit:
    """Reads every matching sample, or the first ``most``, and collects its change, with the number of places
    it is in."""
    total = samples.count(workspace.engine, sample_filter)
    total = total if most is None else min(total, most)
    places = left_out = done = 0
    revisions: dict[int, SampleRevision] = {}
    examples: list[SampleChange] = []
    for batch in samples.each(workspace.engine, sample_filter):
        batch = batch if most is None else batch[: most - done]
        for sample in batch:
            found = look(sample)
            left_out += not found.possible
            if found.change is None or not found.possible:
                continue
            places += found.places
            revisions[sample.id] = found.change.revision
            if len(examples) < EXAMPLES:
                examples.append(found.change)
        done += len(batch)
        if progress is not None:
            progress(done, max(done, total))
        if done == most:
            break
    return BulkEdit(
        recipe=sample_filter.recipe,
        action=action,
        title=_("{title}：{n} 条", title=title, n=len(revisions)),
        matching=done,
        places=places,
        left_out=left_out,
        revisions=revisions,
        examples=tuple(examples),
    )


def looked(sample: Sample, revision: SampleRevision, places: int = 1) -> Looked:
    """Returns a revision with the texts that it changes, if it changes any."""
    texts = tuple(changed_texts(sample, revision))
    if not texts:
        return Looked(None)
    possible = all(after.strip() and len(after) <= TEXT_CHARACTERS for _turn, _before, after in texts)
    return Looked(SampleChange(sample, revision, texts), places, possible)


def changed_texts(sample: Sample, revision: SampleRevision) -> Iterator[tuple[int, str, str]]:
    """Yields the texts that a revision changes, as (turn, before, after); turn 0 is the last one."""
    turns = zip(sample.history, revision.history or sample.history, strict=True)
    for number, (old, new) in enumerate(turns, 1):
        yield from ((number, a, b) for a, b in zip(old, new, strict=True) if a != b)
    for before, after in (
        (sample.system, revision.system),
        (sample.input, revision.input),
        (sample.output, revision.output),
    ):
        if after is not None and after != before:
            yield 0, before, after
