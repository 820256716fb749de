"""What a rename in a list does to the samples of the old name, shown before it is saved."""

from collections.abc import Sequence

import streamlit as st

from pages.shared.difference import changes_html
from pages.shared.kept import TYPED, kept
from pages.shared.text import plain
from pages.shared.usable import switch
from tianji_core import review
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.editing import ListRow, renamed_entries
from tianji_core.review import LARGE, RenamedList, RenameEntries, Renaming
from tianji_core.store import samples
from tianji_core.workspace import Workspace

_SHOWN = 3
_SEEN = "_rename_seen"
"""Key of the session state: the rename that was prepared last, and what it would do."""


def follow_switch(
    workspace: Workspace,
    recipe: Recipe,
    edited: Recipe,
    rows: Sequence[ListRow],
    listing: RenamedList,
    revision: int,
) -> tuple[RenameEntries | None, str]:
    """Draws, where the edit renames entries that have samples, whether these follow, and what that changes;
    returns the rename that they are to follow, and what saving does to them in a few words."""
    renamed = renamed_entries(recipe, edited, listing, rows)
    if not renamed:
        return None, ""
    number = samples.count(workspace.engine, review.samples_of(recipe.key, listing, renamed))
    if not number:
        return None, ""
    with st.container(border=True, gap="small"):
        follows = st.toggle(
            _("{n} 条样本跟着改名：{pairs}", n=f"{number:,}", pairs=plain(review.pairs_of(renamed))),
            True,
            **kept(TYPED, "samples_follow", switch, True),
        )
        if not follows:
            st.caption(
                _("这些样本仍写着旧名字，冻结时照样算，但不算在新名字里；两个都要，就不改名，另加一行。")
            )
            return None, _("还没保存；{n} 条样本留着旧名字", n=f"{number:,}")
        called = recipe.words.shown().name if listing == "names" else ""
        _show(_prepared(workspace, recipe, edited, listing, renamed, number), called, number)
    request = RenameEntries(listing=listing, renamed=renamed, revision=revision + 1)
    return request, _("还没保存；{n} 条样本会跟着改名，改完的样子在表格下面", n=f"{number:,}")


def _prepared(
    workspace: Workspace,
    recipe: Recipe,
    edited: Recipe,
    listing: RenamedList,
    renamed: dict[str, str],
    number: int,
) -> Renaming:
    asked = (recipe.key, listing, tuple(renamed.items()), number, edited)
    seen = st.session_state.get(_SEEN)
    if seen is None or seen[0] != asked:
        made = review.rename_samples(workspace, recipe, edited, listing, renamed, most=LARGE)
        seen = st.session_state[_SEEN] = (asked, made)
    prepared: Renaming = seen[1]
    return prepared


def _show(renaming: Renaming, called: str, number: int) -> None:
    """Draws what a rename does to samples; ``called`` is the recipe's word for a name, '' where no names are
    renamed."""
    edit, followed = renaming
    lines = [_("{n} 条的问法跟着换，句式不变", n=f"{followed.inputs:,}")]
    if called:
        word = plain(called)
        lines.append(_("{n} 条正文里的{name}换成新的", n=f"{followed.answers:,}", name=word))
        if followed.left:
            lines.append(_("{n} 条正文里有拿不准是不是{name}的，不动", n=f"{followed.left:,}", name=word))
    else:
        lines.append(_("正文一字不动"))
    if edit.left_out:
        lines.append(_("{n} 条改不了：会变得太长", n=f"{edit.left_out:,}"))
    if edit.matching < number:
        lines.append(_("看了前 {n} 条", n=f"{edit.matching:,}"))
    st.caption(_("；").join(lines) + _("。保存时一步改完，撤销这次保存就都改回来。"))
    with st.expander(_("改完是什么样"), icon="👀"):
        for example in edit.examples[:_SHOWN]:
            st.caption(plain(f"#{example.sample.id}"))
            changes_html(example.texts)
