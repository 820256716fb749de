"""Changes of many samples at once, prepared before they are made: find and replace, inputs, system prompt."""

from random import Random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.errors import InputError
from tianji_core.gate import standard_characters
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, TextPattern, asking, drawn_input, telling
from tianji_core.review.prepared_edit import BulkEdit, Looked, Progress, looked, prepared
from tianji_core.review.renaming import RenameEntries, rename_as_saved
from tianji_core.store import recipes, steps
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.store.steps import SampleRevision, Step
from tianji_core.workspace import Workspace

ANSWERS: Literal["answers"] = "answers"
INPUTS: Literal["inputs"] = "inputs"
"""Where find and replace looks: in every answer, or in every input of a conversation."""
LARGE = 5_000
"""Samples from which a person should not have to wait for a bulk edit with the page open."""


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


BulkRequest = Annotated[ReplaceText | DrawInputs | SetSystem | RenameEntries, Field(discriminator="kind")]
"""What a bulk edit does."""


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
    if isinstance(request, RenameEntries):
        return rename_as_saved(workspace, sample_filter.recipe, request, progress, most)
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
        edit.note,
        progress,
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

    def look(sample: Sample) -> Looked:
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
        return looked(sample, revision, places)

    title = _("把“{text}”换成“{by}”", text=_short(pattern.text), by=_short(replacement))
    return prepared(workspace, sample_filter, steps.REPLACE, title, look, progress, most)


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

    def look(sample: Sample) -> Looked:
        asked = _input_of(recipe, sample, seed)
        if asked is None:
            return Looked(None, possible=False)
        if sample.history:
            history = ((asked, sample.history[0][1]), *sample.history[1:])
            revision = SampleRevision(sample.version, history=history)
        else:
            revision = SampleRevision(sample.version, input=asked)
        return looked(sample, revision)

    title = _("按配方的模板重写输入")
    return prepared(workspace, sample_filter, steps.INPUTS, title, look, progress, most)


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

    def look(sample: Sample) -> Looked:
        return looked(sample, SampleRevision(sample.version, system=system))

    return prepared(workspace, sample_filter, steps.SYSTEM, _("换系统提示"), look, progress, most)


def recipe_system(workspace: Workspace, recipe_key: str) -> str:
    """Returns the system prompt of a recipe."""
    return recipes.current(workspace.engine, recipe_key).recipe.prompts.system


def _short(text: str) -> str:
    return text if len(text) <= 20 else text[:19] + "…"
