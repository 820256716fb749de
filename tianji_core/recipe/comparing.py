"""What two revisions of a recipe have differently, for people."""

from tianji_core.i18n import _
from tianji_core.recipe.model import Recipe

SHOWN = 6
"""Entries that a sentence names."""


def changed_entries(before: Recipe, after: Recipe) -> list[str]:
    """Returns a sentence for each list of ``after`` with the entries that came, went, or became others."""
    words = after.words.shown()
    said = []
    for title, old_rows, new_rows in (
        (words.name, before.names, after.names),
        (words.scene, before.scenes, after.scenes),
        (words.style, before.styles, after.styles),
    ):
        old, new = ({row.text: row for row in rows} for rows in (old_rows, new_rows))
        came = [text for text in new if text not in old]
        went = [text for text in old if text not in new]
        others = [text for text in new if text in old and new[text] != old[text]]
        told = [_("新增 {names}", names=_named(came))] if came else []
        told += [_("删去 {names}", names=_named(went))] if went else []
        told += [_("改了 {names}", names=_named(others))] if others else []
        if told:
            said.append(_("{title}：{value}", title=title, value=_("；").join(told)))
    return said


def _named(texts: list[str]) -> str:
    shown = _("、").join(texts[:SHOWN])
    return shown if len(texts) <= SHOWN else _("{shown} 等 {n} 项", shown=shown, n=len(texts))
