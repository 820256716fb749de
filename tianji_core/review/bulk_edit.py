"""Changes of many samples at once, prepared before they are made: find and replace, inputs, system prompt."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import InputError
from tianji_core.gate import standard_characters
from tianji_core.gate.limits import TEXT_CHARACTERS
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, TextPattern, asking, drawn_input, telling
from tianji_core.store import recipes, samples, steps
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.store.steps import SampleRevision, Step
from tianji_core.workspace import Workspace

EXAMPLES = 10
"""Samples that a bulk edit shows before and after."""
ANSWERS: Literal["answers"] = "answers"
INPUTS: Literal["inputs"] = "inputs"
"""Where find and replace looks: in every answer, or in every input of a conversation."""
LARGE = 5_000
"""Samples from which a person should not have to wait for a bulk edit with the page open."""
Progress = Callable[[int, int], None]
"""Called with the samples read, or written, so far, and in total."""


class ReplaceText(BaseModel):
    """Find and replace: ``find`` is a text or (``regular``) a regular expression, ``where`` it is looked
    for."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["replace"] = "replace"
    find: str
    by: str
    regular: bool = False
    where: Literal["answers", "inputs"] = ANSWERS


class DrawInputs(BaseModel):
    """New first inputs from the input templates of the recipe, drawn by ``seed``."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["inputs"] = "inputs"
    seed: int = 0


class SetSystem(BaseModel):
    """One ``system`` prompt for all samples."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["system"] = "system"
    system: str


BulkRequest = Annotated[ReplaceText | DrawInputs | SetSystem, Field(discriminator="kind")]
"""What a bulk edit does."""


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
    become empty or too long, or the sample's cell is not in the recipe."""

    recipe: str
    action: str
    title: str
    matching: int
    places: int
    left_out: int
    revisions: dict[int, SampleRevision]
    examples: tuple[SampleChange, ...]


class _Looked(NamedTuple):
    """What was found in one sample: its change, in how many ``places``, and whether it can be made."""

    change: SampleChange | None
    places: int = 0
    possible: bool = True


def prepare_edit(
    workspace: Workspace,
    sample_filter: SampleFilter,
    request: BulkRequest,
    progress: Progress | None = None,
    most: int | None = None,
) -> BulkEdit:
    """Prepares what is asked for, for the first ``most`` matching samples (None: all of them).

    Raises:
        InputError: as for :func:`find_and_replace` and :func:`set_system`.
    """
    if isinstance(request, ReplaceText):
        pattern = TextPattern(request.find, request.regular)
        return find_and_replace(workspace, sample_filter, pattern, request.by, request.where, progress, most)
    if isinstance(request, DrawInputs):
        return rebuild_inputs(workspace, sample_filter, request.seed, progress, most)
    return set_system(workspace, sample_filter, request.system, progress, most)


def make_edit(
    workspace: Workspace, edit: BulkEdit, who: str = "", progress: Progress | None = None
) -> Step | None:
    """Makes a prepared change as one step that can be undone; None if it changes nothing. It is made in one
    transaction: a process that ends before the end has changed nothing.

    Raises:
        ConflictError: a sample has changed since the edit was prepared; nothing was done.
    """
    reviewer = who or workspace.settings().reviewer
    return steps.revise(
        workspace.engine,
        edit.recipe,
        edit.revisions,
        edit.action,
        edit.title,
        reviewer,
        progress=progress,
    )


def find_and_replace(
    workspace: Workspace,
    sample_filter: SampleFilter,
    pattern: TextPattern,
    replacement: str,
    where: str = ANSWERS,
    progress: Progress | None = None,
    most: int | None = None,
) -> BulkEdit:
    """Prepares replacing every match of a pattern in the matching samples.

    Raises:
        InputError: the pattern is empty or cannot be read, or takes too long on a text (SlowPatternError).
    """
    replacement = standard_characters(replacement)
    try:
        pattern.check(replacement)
    except ValueError as error:
        raise InputError(str(error)) from error

    def look(sample: Sample) -> _Looked:
        places = 0

        def new(text: str) -> str:
            nonlocal places
            after, number = pattern.replaced(text, replacement)
            places += number if after != text else 0
            return after

        if where == ANSWERS:
            history = tuple((asked, new(answered)) for asked, answered in sample.history)
            output = new(sample.output)
            changed = output if output != sample.output else None
            revision = SampleRevision(sample.version, changed, history=history)
        else:
            history = tuple((new(asked), answered) for asked, answered in sample.history)
            asked = new(sample.input)
            changed = asked if asked != sample.input else None
            revision = SampleRevision(sample.version, history=history, input=changed)
        return _looked(sample, revision, places)

    title = _("把“{text}”换成“{by}”", text=_short(pattern.text), by=_short(replacement))
    return _prepared(workspace, sample_filter, steps.REPLACE, title, look, progress, most)


def rebuild_inputs(
    workspace: Workspace,
    sample_filter: SampleFilter,
    seed: int = 0,
    progress: Progress | None = None,
    most: int | None = None,
) -> BulkEdit:
    """Prepares new first inputs for the matching samples, drawn from the input templates of the recipe;
    ``seed`` determines the wording of each sample."""
    recipe = recipes.current(workspace.engine, sample_filter.recipe).recipe

    def look(sample: Sample) -> _Looked:
        asked = _input_of(recipe, sample, seed)
        if asked is None:
            return _Looked(None, possible=False)
        if sample.history:
            history = ((asked, sample.history[0][1]), *sample.history[1:])
            revision = SampleRevision(sample.version, history=history)
        else:
            revision = SampleRevision(sample.version, input=asked)
        return _looked(sample, revision)

    title = _("按配方的模板重写输入")
    return _prepared(workspace, sample_filter, steps.INPUTS, title, look, progress, most)


def _input_of(recipe: Recipe, sample: Sample, seed: int) -> str | None:
    name, scene, style = recipe.name(sample.name), recipe.scene(sample.scene), recipe.style(sample.style)
    if name is None or scene is None or style is None:
        return None
    source = Random(f"inputs|{seed}|{sample.id}")
    wording = Random(f"words|{seed}|{sample.id}")
    told = telling(recipe, asking(recipe, style, sample.options, wording), sample.fact)
    return drawn_input(recipe, name, scene, told, source)


def set_system(
    workspace: Workspace,
    sample_filter: SampleFilter,
    system: str,
    progress: Progress | None = None,
    most: int | None = None,
) -> BulkEdit:
    """Prepares giving all matching samples one system prompt.

    Raises:
        InputError: it is empty.
    """
    system = standard_characters(system).strip()
    if not system:
        raise InputError(_("系统提示不能为空"))

    def look(sample: Sample) -> _Looked:
        return _looked(sample, SampleRevision(sample.version, system=system))

    return _prepared(workspace, sample_filter, steps.SYSTEM, _("换系统提示"), look, progress, most)


def recipe_system(workspace: Workspace, recipe_key: str) -> str:
    """Returns the system prompt of a recipe."""
    return recipes.current(workspace.engine, recipe_key).recipe.prompts.system


def _prepared(
    workspace: Workspace,
    sample_filter: SampleFilter,
    action: str,
    title: str,
    look: Callable[[Sample], _Looked],
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


def _looked(sample: Sample, revision: SampleRevision, places: int = 1) -> _Looked:
    """Returns a revision with the texts that it changes, if it changes any."""
    texts = tuple(_texts(sample, revision))
    if not texts:
        return _Looked(None)
    possible = all(after.strip() and len(after) <= TEXT_CHARACTERS for _turn, _before, after in texts)
    return _Looked(SampleChange(sample, revision, texts), places, possible)


def _texts(sample: Sample, revision: SampleRevision) -> Iterator[tuple[int, str, str]]:
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


def _short(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"
