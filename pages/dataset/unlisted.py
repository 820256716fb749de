"""The accepted samples that the map of cells cannot show."""

from collections import Counter
from collections.abc import Sequence

import streamlit as st

from pages.shared.text import plain
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.samples import CellCount

_NAMED = 5
"""Entries that are named; the others are only counted."""


def unlisted(cells: Sequence[CellCount], recipe: Recipe) -> Counter[str]:
    """Returns the accepted samples of each name or scene that the recipe's lists do not have, or have
    switched off: those from before a renaming, and those of imported data."""
    names = {name.text for name in recipe.names if name.enabled}
    scenes = {scene.text for scene in recipe.scenes if scene.enabled}
    counts: Counter[str] = Counter()
    for cell in cells:
        if cell.name and cell.name not in names:
            counts[cell.name] += cell.accepted
        elif cell.scene and cell.scene not in scenes:
            counts[cell.scene] += cell.accepted
    return +counts


def unlisted_note(cells: Sequence[CellCount], recipe: Recipe) -> None:
    """Draws how many accepted samples are not in the map because the lists do not have their name or scene;
    nothing where all are in it."""
    counts = unlisted(cells, recipe)
    if not counts:
        return
    named = _("、").join(f"{plain(text)} {number:,}" for text, number in counts.most_common(_NAMED))
    more = _("等") if len(counts) > _NAMED else ""
    st.caption(
        _(
            "⚠️ 另有 {n} 条不在图上，但也会冻结：它们的格子不在列表里，或停用了（{entries}{more}）",
            n=f"{counts.total():,}",
            entries=named,
            more=more,
        )
    )
    st.page_link("pages/lists/page.py", label=_("去列表改回来或加上"), icon="📋")
