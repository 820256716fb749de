"""Samples that follow a renamed name, scene or style of the lists, as one step that goes with the edit of the
recipe: undoing that edit undoes the step."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from tianji_core.errors import ConflictError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.renaming import CellEntries, cell_of, renamed_request, with_name
from tianji_core.review.prepared_edit import (
    BulkEdit,
    Looked,
    Progress,
    SampleChange,
    changed_texts,
    looked,
    prepared,
)
from tianji_core.store import recipes, steps
from tianji_core.store.samples import Sample, SampleFilter
from tianji_core.store.steps import SampleRevision
from tianji_core.workspace import Workspace

RenamedList = Literal["names", "scenes", "styles"]
_NAMED = 3


class RenameEntries(BaseModel):
    """Entries of a list that the edit saved as ``revision`` of the recipe renamed: old → new."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["rename"] = "rename"
    listing: RenamedList
    renamed: Mapping[str, str]
    revision: int


@dataclass
class Followed:
    """What a rename does to samples: ``inputs`` are asked for the new name, ``answers`` say it; in
    ``left`` answers the old one stands where it may mean something else."""

    inputs: int = 0
    answers: int = 0
    left: int = 0


class Renaming(NamedTuple):
    """A prepared rename of samples, and what it does to their texts."""

    edit: BulkEdit
    followed: Followed


def pairs_of(renamed: Mapping[str, str]) -> str:
    """Returns the first few of the renamed entries, for people."""
    pairs = [_("“{old}”→“{new}”", old=old, new=new) for old, new in renamed.items()]
    return _("、").join(pairs[:_NAMED]) + ("…" if len(pairs) > _NAMED else "")


def samples_of(recipe: str, listing: RenamedList, renamed: Mapping[str, str]) -> SampleFilter:
    """Returns the filter of the samples that a rename is about."""
    everything = SampleFilter(recipe)
    old = tuple(renamed)
    if listing == "names":
        return replace(everything, names=old)
    return replace(everything, scenes=old) if listing == "scenes" else replace(everything, styles=old)


def rename_samples(
    workspace: Workspace,
    before: Recipe,
    after: Recipe,
    listing: RenamedList,
    renamed: Mapping[str, str],
    note: str = "",
    progress: Progress | None = None,
    most: int | None = None,
) -> Renaming:
    """Prepares that the samples of ``renamed`` (old → new) follow, the first ``most`` of them (None: all).
    Their inputs keep their wording; in answers a name is replaced where nothing else can be meant. Scenes and
    styles are words of the language: answers keep them."""
    field = listing.removesuffix("s")
    names, word = [name.text for name in before.names], before.words.style
    templates = (*before.input_templates, *before.resting_templates)
    followed = Followed()

    def look(sample: Sample) -> Looked:
        old = getattr(sample, field)
        new = renamed[old]
        cells = _cells(before, after, sample, field, new)

        def asked(text: str) -> str:
            return text if cells is None else renamed_request(text, *cells, templates, names, word)

        left = 0

        def answer(text: str) -> str:
            nonlocal left
            if listing != "names":
                return text
            text, _changed, kept = with_name(text, old, new, names)
            left += kept
            return text

        history = tuple((asked(question), answer(told)) for question, told in sample.history)
        revision = SampleRevision(
            sample.version,
            answer(sample.output),
            history=history,
            input=asked(sample.input),
            name=new if listing == "names" else None,
            scene=new if listing == "scenes" else None,
            style=new if listing == "styles" else None,
        )
        found = looked(sample, revision)
        if not found.possible:
            return found
        first = history[0][0] if history else revision.input
        followed.inputs += first != (sample.history[0][0] if history else sample.input)
        followed.answers += revision.output != sample.output
        followed.left += bool(left)
        return Looked(SampleChange(sample, revision, tuple(changed_texts(sample, revision))), 1)

    title = _("样本跟着改名 {pairs}", pairs=pairs_of(renamed))
    chosen = samples_of(before.key, listing, renamed)
    edit = prepared(workspace, chosen, steps.RENAME, title, look, progress, most)
    return Renaming(replace(edit, note=note), followed)


def rename_as_saved(
    workspace: Workspace,
    recipe: str,
    request: RenameEntries,
    progress: Progress | None = None,
    most: int | None = None,
) -> BulkEdit:
    """Prepares :func:`rename_samples` for an edit that is saved.

    Raises:
        RecipeError: the recipe has no such revision. ConflictError: the edit was taken back meanwhile.
    """
    present = {
        entry.text for entry in getattr(recipes.current(workspace.engine, recipe).recipe, request.listing)
    }
    if not recipes.stands(workspace.engine, recipe, request.revision) or not present.issuperset(
        request.renamed.values()
    ):
        raise ConflictError(_("列表里的改名已经撤销了，样本没有跟着改"))
    before = recipes.at(workspace.engine, recipe, request.revision - 1).recipe
    after = recipes.at(workspace.engine, recipe, request.revision).recipe
    note = edit_note(request.revision)
    return rename_samples(
        workspace, before, after, request.listing, request.renamed, note, progress, most
    ).edit


def edit_note(revision: int) -> str:
    """Returns the note of the step that goes with the edit saved as a revision of the recipe."""
    return _("列表第 {revision} 版", revision=revision)


def _cells(
    before: Recipe, after: Recipe, sample: Sample, field: str, new: str
) -> tuple[CellEntries, CellEntries] | None:
    """The entries of a sample before and after; None where a recipe lacks one."""
    texts = {"name": sample.name, "scene": sample.scene, "style": sample.style}
    old = cell_of(before, **texts)
    changed = cell_of(after, **{**texts, field: new})
    return (old, changed) if old is not None and changed is not None else None
