"""Lists whose entries are put into another order by dragging them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import streamlit as st
from pydantic import BaseModel, ValidationError

from pages.shared.frame import report_errors
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.editing import changed
from tianji_core.recipe.tables import Listing

T = TypeVar("T")
Save = Callable[[Recipe, str], None]
_FIELDS = {
    Listing.NAMES: "names",
    Listing.SCENES: "scenes",
    Listing.CLAUSES: "clauses",
    Listing.TEMPLATES: "input_templates",
}


class _Moved(BaseModel):
    """An entry that was dragged: its place before and after, from 0."""

    start: int
    to: int


def dragged(key: str, texts: Sequence[str] = (), selector: str = "") -> tuple[int, int] | None:
    """Draws the entries ``texts`` so that they can be dragged, or lets the elements of the page that the CSS
    ``selector`` names be dragged; returns the place of the entry that has just been, before and after."""
    component = st.components.v2.component(
        "studio_dragging",
        html="<ol class='dragging'></ol>",
        js=Path(__file__).with_name("dragging.js").read_text(encoding="utf-8"),
        isolate_styles=False,
    )
    result = component(
        key=key,
        data={"name": key, "texts": list(texts), "selector": selector},
        on_moved_change=lambda: None,
        height="content" if texts else 0,
    )
    try:
        moved = _Moved.model_validate(result.moved)
    except ValidationError:  # nothing was dragged
        return None
    return moved.start, moved.to


def reordered(entries: Sequence[T], start: int, to: int) -> list[T]:
    """Returns the entries with the one at ``start`` at the place ``to``; as they are where there is no such
    place."""
    order = list(entries)
    if 0 <= start < len(order) and 0 <= to < len(order):
        order.insert(to, order.pop(start))
    return order


def drag_box(recipe: Recipe, listing: Listing, title: str, save: Save) -> None:
    """Draws the entries of a list that can be dragged; the new order is saved at once."""
    field = _FIELDS[listing]
    entries: Sequence[Any] = getattr(recipe, field)
    with st.expander(_("拖动换顺序"), icon="↕️"):
        st.caption(_("拖到别处就保存，可以撤销；用键盘：选中一个，按 Alt 和方向键。"))
        texts = [getattr(entry, "text", entry) or _("（什么都不加）") for entry in entries]
        moved = dragged(f"drag_{listing.value}", texts)
    if moved is not None:
        with report_errors():
            new = changed(recipe, **{field: reordered(entries, *moved)})
            if new != recipe:
                save(new, _("{title}换了顺序", title=title))
