"""Examples of a style from documents, by no teacher: the second use of the verb knowledge."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core.cleaning.likely_examples import FoundExamples, examples_in, style_of
from tianji_core.errors import InputError
from tianji_core.generation.knowledge import Document
from tianji_core.i18n import _
from tianji_core.recipe.example_banks import add_bank
from tianji_core.store import recipes
from tianji_core.verbs.common import show
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace


@dataclass(frozen=True)
class ExampleOptions:
    """The second use of documents: a person's own messages become examples of a style, by no teacher."""

    examples: Annotated[
        str | None,
        typer.Option(
            help="List what of the documents could be examples of this style; ask nobody.", show_default=False
        ),
    ] = None
    add: Annotated[bool, typer.Option("--add", help="Add those marked + to the examples of the style.")] = (
        False
    )

    def wanted(self, resume: int | None) -> bool:
        """Returns whether that is what the documents are for.

        Raises:
            InputError: no style is named, or a run is to go on as well.
        """
        if self.examples is None:
            if self.add:
                raise InputError(_("加到哪种写法要写：--examples 写法"))
        elif resume is not None:
            raise InputError(_("--examples 不问造数模型，不能和 --resume 一起用"))
        return self.examples is not None


def show_examples(
    space: Workspace, key: str, use: ExampleOptions, read: Callable[[], Sequence[Document]], as_json: bool
) -> None:
    """Prints which texts may be examples of a style, and adds the sure ones where that is asked for. The
    documents are read once the style is known to be there.

    Raises:
        InputError: no file is named. RecipeError: no such style, or nothing to add.
    """
    stored = recipes.current(space.engine, key)
    style = style_of(stored.recipe, use.examples or "").text
    documents = read()
    if not documents:
        raise InputError(_("先选至少一个文件"))
    found = examples_in(stored.recipe, style, documents)
    if use.add:
        what = _("从资料给“{style}”加示例 {n} 条", style=style, n=len(found.sure))
        new = add_bank(stored.recipe, [each.row for each in found.sure])
        recipes.save(space.engine, new, stored.revision, what)
        show(_told(found, added=True), as_json, _("已保存：{what}", what=what))
        return
    rows = [("+" if each.sure else "?", each.by, each.row.text, each.row.message) for each in found.likely]
    heads = (_("要"), _("谁写的"), _("内容"), _("说明"))
    nothing = _(
        "没有找到可以当示例的话：{known} 条重复或已经有了，{unlike} 条不像写给人的话，或长短差得远",
        **_left_out(found),
    )
    show_table(_told(found, added=False), as_json, heads, rows, nothing)


def _told(found: FoundExamples, added: bool) -> dict[str, object]:
    """The texts with the counts of those left out; ``added``: the sure ones have been added."""
    texts = [
        {"text": each.row.text, "by": each.by, "sure": each.sure, "note": each.row.message}
        for each in found.likely
    ]
    return {"examples": texts, "added": len(found.sure) if added else 0, **_left_out(found)}


def _left_out(found: FoundExamples) -> dict[str, int]:
    return {"known": found.known, "unlike": found.unlike, "more": found.more}
